"""The catalogues: up to date, whole, and such that neither a reply nor Discord breaks."""

import ast
import asyncio
import io
import re
from collections.abc import Iterable, Iterator
from string import Formatter
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from bot.discord_io.client import COGS
from bot.discord_io.translator import CatalogueTranslator, is_fit
from bot.language import CHOICE, LANGUAGES
from tools.messages import (
    LOCALES,
    TEMPLATE,
    bot_with_commands,
    command_messages,
    extracted,
    files,
    plural_forms,
    template,
    translations_of,
    updated,
)

TRANSLATED = sorted(path.stem for path in LOCALES.glob("*.po"))
MAX_COMMAND = 8000  # characters of a command's names, descriptions and values


def catalogue_of(language: str) -> Catalog:
    data = (LOCALES / f"{language}.po").read_bytes()
    return read_po(io.BytesIO(data), locale=language.replace("-", "_"), abort_invalid=True)


def placeholders(text: str) -> set[str]:
    """Names in braces; anything else in braces counts as itself, so that it is noticed."""
    return {
        name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
        for _, name, spec, conversion in Formatter().parse(text)
        if name is not None
    }


def messages_of(catalog: Catalog) -> Iterable[Message]:
    return (message for message in catalog if message.id)


def forms(message: Message) -> tuple[str, ...]:
    return tuple(message.id) if isinstance(message.id, list | tuple) else (str(message.id),)


def test_catalogues_are_up_to_date():
    """`make messages` would change nothing; it has found every message of the program."""
    for path, text in files([]).items():
        assert path.read_text(encoding="utf-8") == text, f"run make messages ({path.name})"


def test_every_call_has_a_literal_or_something_marked():
    """A message that is put together can't be found, and so not be translated."""
    call = re.compile(
        r"\b(?:tr|mark|tr_n|mark_n)\(\s*(?:f[\"']|[\"'][^\"']*[\"']\s*(?:\+|%|\.format))"
    )
    root = LOCALES.parents[1]
    for folder in ("bot", "cogs"):
        for path in (root / folder).rglob("*.py"):
            assert not call.search(path.read_text(encoding="utf-8")), path


def test_every_call_is_found():
    """Babel does not look into the braces of f-strings, nor at a call in the middle of another."""
    found = {form for message in messages_of(template()) for form in forms(message)}
    called: set[str] = set()
    for folder in ("bot", "cogs"):
        for path in (LOCALES.parents[1] / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    called |= literals(node, node.func.id)

    assert "Stopped before it began." in called
    assert set() == called - found


def literals(call: ast.Call, name: str) -> set[str]:
    """The messages that a call names."""
    count = {"tr": 1, "mark": 1, "tr_n": 2, "mark_n": 2}.get(name, 0)
    args = (one.value for one in call.args[:count] if isinstance(one, ast.Constant))
    return {value for value in args if isinstance(value, str)}


def test_english_messages_have_plain_placeholders():
    """Names only: no numbers, attributes or formats, which a translator could not know."""
    for message in messages_of(template()):
        for form in forms(message):
            assert all(name.isidentifier() for name in placeholders(form)), form


def test_messages_with_a_plural_name_the_number_in_it():
    """The English singular may do without it."""
    for message in messages_of(template()):
        if message.pluralizable:
            assert "n" in placeholders(forms(message)[1])
            assert placeholders(forms(message)[0]) | {"n"} == placeholders(forms(message)[1])


def test_commands_named_in_messages_exist():
    """`slash` names them by literals."""
    bot = bot_with_commands()

    async def load() -> None:
        for name in COGS:
            await bot.load_extension(name)

    asyncio.run(load())
    known = {command.qualified_name for command in bot.tree.walk_commands()}
    named = {message for _, _, message, _, _ in extracted({"slash": (1,)})}

    assert named
    assert named <= known


def test_commands_are_among_the_messages():
    """Names, options, descriptions and choices."""
    found = asyncio.run(command_messages())

    assert ("complete", "command name") in found
    assert ("temperature", "option name") in found
    assert ("Goes on with your text", None) in found
    assert ("each member", CHOICE) in found


def test_a_new_catalogue_has_all_messages_and_keeps_what_is_translated():
    """Old messages go, new ones come in, nothing is guessed."""
    messages = Catalog()
    messages.add("Stays.", locations=[("a.py", 1)])
    messages.add("Comes.", locations=[("a.py", 2)])
    messages.add(("{n} day", "{n} days"), locations=[("a.py", 3)])
    old = updated("", "de", messages).replace(
        'msgid "Stays."\nmsgstr ""', 'msgid "Stays."\nmsgstr "Bleibt."'
    )
    old += '\n#: a.py\nmsgid "Came"\nmsgstr "Kam"\n'

    new = updated(old, "de", messages)

    assert new == updated(new, "de", messages)
    assert 'msgid "Stays."\nmsgstr "Bleibt."' in new
    assert 'msgid "Comes."\nmsgstr ""' in new
    assert 'msgstr[1] ""' in new
    assert "Kam" not in new
    assert "fuzzy" not in new
    assert 'msgstr[0] ""' in updated("", "ja", messages)
    assert "msgstr[1]" not in updated("", "ja", messages)


def test_only_languages_that_are_spoken_have_catalogues():
    """And English has none: it stands in the program."""
    assert set(TRANSLATED) <= set(LANGUAGES) - {"en"}
    assert TEMPLATE.exists()


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_translated(language: str):
    """In all the forms that the language has; no doubtful one, no left-over."""
    text = (LOCALES / f"{language}.po").read_text(encoding="utf-8")
    catalog = catalogue_of(language)

    assert f'"Plural-Forms: {plural_forms(language)}\\n"' in text
    assert not catalog.obsolete
    for message in messages_of(catalog):
        translated = translations_of(message)
        assert all(one.strip() for one in translated), message.id
        assert not message.fuzzy, message.id
        if message.pluralizable:
            assert len(translated) == catalog.num_plurals, message.id


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_have_the_placeholders_of_their_messages(language: str):
    """In every form; only a form for one number alone may leave the number out."""
    for message in messages_of(catalogue_of(language)):
        wanted = placeholders(forms(message)[-1])
        translated = translations_of(message)
        for index, one in enumerate(translated):
            found = placeholders(one)
            is_for_one = index == 0 and len(translated) > 1 and language not in {"fr", "pt-BR"}
            assert found == wanted or (is_for_one and found | {"n"} == wanted), one


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_keep_marks_and_line_breaks(language: str):
    """Bold, code and small print stay what they are."""
    for message in messages_of(catalogue_of(language)):
        for form in translations_of(message):
            for mark in ("**", "`", "\n", "-#"):
                assert form.count(mark) == forms(message)[-1].count(mark), form


@pytest.mark.parametrize("language", TRANSLATED)
def test_discord_takes_the_translations_of_commands(language: str):
    """Names, lengths, and no two of the same name side by side."""
    catalog = catalogue_of(language)
    for message, context in asyncio.run(command_messages()):
        found = catalog.get(message, context)
        assert found is not None
        assert is_fit(str(found.string), context), found.string


@pytest.fixture(scope="module", name="payload")
def _payload() -> list[dict[str, Any]]:
    async def made() -> list[dict[str, Any]]:
        bot = bot_with_commands()
        for name in COGS:
            await bot.load_extension(name)
        translator = CatalogueTranslator()
        return [
            await command.get_translated_payload(bot.tree, translator)
            for command in bot.tree.get_commands()
        ]

    return asyncio.run(made())


def test_names_side_by_side_differ_in_every_language(payload: list[dict[str, Any]]):
    """Discord refuses two options, or two choices, of one name."""
    for siblings in all_siblings(payload):
        for locale in {"", *(key for one in siblings for key in localized(one, "name"))}:
            names = [localized(one, "name").get(locale, one["name"]) for one in siblings]
            assert len(set(names)) == len(names), names


def test_commands_are_small_enough_in_every_language(payload: list[dict[str, Any]]):
    """Of each text Discord counts the longest translation."""
    for command in payload:
        assert size(command) <= MAX_COMMAND, command["name"]


def localized(one: dict[str, Any], key: str) -> dict[str, str]:
    return one.get(f"{key}_localizations") or {}


def all_siblings(items: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    yield items
    for item in items:
        for key in ("options", "choices"):
            if children := item.get(key):
                yield from all_siblings(children)


def size(item: dict[str, Any]) -> int:
    own = sum(
        max(map(len, [item.get(key, ""), *localized(item, key).values()]))
        for key in ("name", "description")
    )
    children = [*(item.get("options") or []), *(item.get("choices") or [])]
    return own + len(str(item.get("value", ""))) + sum(map(size, children))
