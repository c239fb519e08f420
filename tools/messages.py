"""Finds all that is to be translated and brings the catalogues up to date: `make messages`.

Writes `bot/locales/bardling.pot`, what there is, and each `bot/locales/<language>.po`: new
messages come in untranslated, changed ones are new, old ones go. Nothing is guessed. The same
program gives the same files: no dates, no line numbers. Languages named as arguments are begun
where they have no catalogue yet.
"""

import asyncio
import io
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import discord
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po, write_po
from discord import app_commands

from bot.discord_io.client import COGS, BardlingBot
from bot.discord_io.translator import context_of
from bot.language import ENGLISH, LANGUAGE_NAMES
from bot.services import Services

ROOT = Path(__file__).parents[1]
LOCALES = ROOT / "bot" / "locales"
TEMPLATE = LOCALES / "bardling.pot"
KEYWORDS: dict[str, Any] = {
    "tr": (1,),
    "mark": (1,),
    "tr_n": (1, 2),
    "mark_n": (1, 2),
    "tr_in": ((1, "c"), 2),
}
_LINE_WIDTH = 100


class _Recorder(app_commands.Translator):
    """Takes down what discord.py wants translated."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[tuple[str, str | None], None] = {}

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> None:
        """Called by discord.py for each text of each command."""
        self.asked[string.message, context_of(context)] = None


def bot_with_commands() -> BardlingBot:
    """A bot that can be asked for its commands, and for nothing else."""
    nothing: Any = None
    return BardlingBot(Services(**{one.name: nothing for one in fields(Services)}), None)


async def command_messages() -> list[tuple[str, str | None]]:
    """Texts of commands and their contexts; those without any letter, and names of languages,
    are the same everywhere."""
    bot, recorder = bot_with_commands(), _Recorder()
    for name in COGS:
        await bot.load_extension(name)
    for command in bot.tree.get_commands():
        await command.get_translated_payload(bot.tree, recorder)
    return [
        (message, context)
        for message, context in recorder.asked
        if any(map(str.isalpha, message)) and message not in LANGUAGE_NAMES.values()
    ]


def extracted(keywords: dict[str, Any]) -> Iterator[tuple[str, int, Any, list[str], str | None]]:
    """Calls with literals in the program: file, line, message, comments, context."""
    for folder in ("bot", "cogs"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            found = extract_from_file(
                "python", path, keywords=keywords, comment_tags=("Translators:",)
            )
            for line, message, comments, context in found:
                yield path.relative_to(ROOT).as_posix(), line, message, comments, context


def template() -> Catalog:
    """All messages of this program."""
    catalog = Catalog()
    for file, line, message, comments, context in extracted(KEYWORDS):
        catalog.add(message, locations=[(file, line)], auto_comments=comments, context=context)
    for number, (message, context) in enumerate(asyncio.run(command_messages())):
        catalog.add(message, locations=[("commands", number)], context=context)
    return catalog


def as_text(catalog: Catalog, language: str | None) -> str:
    """A catalogue as its file has it.

    Args:
        catalog: what is in it.
        language: of the translations; None for the template.
    """
    head = ['msgid ""', 'msgstr ""']
    if language is not None:
        head += [f'"Language: {language}\\n"', f'"Plural-Forms: {plural_forms(language)}\\n"']
    head += ['"Content-Type: text/plain; charset=UTF-8\\n"', '"Content-Transfer-Encoding: 8bit\\n"']
    body = io.BytesIO()
    write_po(
        body,
        catalog,
        width=_LINE_WIDTH,
        omit_header=True,
        sort_by_file=True,
        ignore_obsolete=True,
        include_lineno=False,
    )
    return "\n".join(head) + "\n\n" + body.getvalue().decode().strip() + "\n"


def plural_forms(language: str) -> str:
    """How many forms a language has and when each is used, for the head of its catalogue."""
    return str(get_plural(language.replace("-", "_"))).rstrip(";") + ";"


def updated(text: str, language: str, messages: Catalog) -> str:
    """A catalogue's file with the messages of today and the translations that it has.

    Args:
        text: the file as it is; empty for a new one.
        language: its own.
        messages: the template.
    """
    locale = language.replace("-", "_")
    catalog = read_po(io.BytesIO(text.encode()), locale=locale, abort_invalid=True)
    catalog.update(messages, no_fuzzy_matching=True)
    return as_text(catalog, language)


def translations_of(message: Message) -> tuple[str, ...]:
    """All forms of a message's translation; empty ones where there is none."""
    string = cast("str | tuple[str, ...] | list[str]", message.string)
    return (string,) if isinstance(string, str) else tuple(string)


def files(languages: list[str]) -> dict[Path, str]:
    """What each file should have in it; `languages` are begun where they have none."""
    messages = template()
    found = {TEMPLATE: as_text(messages, None)}
    for language in LANGUAGE_NAMES:
        path = LOCALES / f"{language}.po"
        if language == ENGLISH or not (path.exists() or language in languages):
            continue
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        found[path] = updated(text, language, messages)
    return found


def main() -> None:
    """Writes the files."""
    for path, text in files(sys.argv[1:]).items():
        path.write_text(text, encoding="utf-8")
        catalog = read_po(io.BytesIO(text.encode()), abort_invalid=True)
        done = sum(1 for one in catalog if one.id and all(translations_of(one)))
        print(f"{path.relative_to(ROOT)}: {len(catalog)} messages, {done} translated")


if __name__ == "__main__":
    main()
