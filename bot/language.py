"""The language that people are answered in: one sentence in English here, its translation there.

Everything that people read goes through `tr` or `tr_n`, in all rooms. Which language is meant is
known from the context: the bot process sets it for each interaction, a worker for each job, and
tasks inherit it. Translations lie in `locales/<language>.po` and are kept up to date by
`make messages`; what is not translated is said in English.
"""

import gettext
import io
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from babel import Locale
from babel.dates import format_skeleton
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

ENGLISH = "en"
LANGUAGE_NAMES = {  # by code, each as its own speakers call it
    "en": "English",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "pt-BR": "Português (Brasil)",
    "ja": "日本語",
    "ko": "한국어",
    "zh-CN": "简体中文",
    "zh-TW": "繁體中文",
}
LANGUAGES = tuple(LANGUAGE_NAMES)
# Contexts of the catalogues (see `tr_in`) for what Discord shows of a command.
COMMAND_NAME, OPTION_NAME, CHOICE = "command name", "option name", "choice"

_spoken: ContextVar[str] = ContextVar("language", default=ENGLISH)


def language_of(discord_locale: str | None) -> str:
    """The language for one of Discord's locales, such as "de", "es-419" or "en-GB".

    See https://discord.com/developers/docs/reference#locales
    """
    if discord_locale is None:
        return ENGLISH
    if discord_locale in LANGUAGES:
        return discord_locale
    without_region = discord_locale.partition("-")[0]
    return without_region if without_region in LANGUAGES else ENGLISH


def public_language(own: str, fixed: str | None) -> str:
    """The language of an answer that everybody sees.

    Args:
        own: of the one who asks.
        fixed: what the server's admins chose, or None: each member's own.
    """
    return own if fixed is None else fixed


def spoken() -> str:
    """The language of what is being written now, of `LANGUAGES`."""
    return _spoken.get()


def speak(language: str) -> None:
    """Sets the language for the rest of this task, and for those that it starts."""
    _spoken.set(language if language in LANGUAGES else ENGLISH)


@contextmanager
def speaking(language: str) -> Generator[None]:
    """Sets the language for a while; one that is unknown (of a newer program) is English."""
    token = _spoken.set(language if language in LANGUAGES else ENGLISH)
    try:
        yield
    finally:
        _spoken.reset(token)


def mark(message: str) -> str:
    """Marks a constant for translation; it is translated where it is used, by `tr`."""
    return message


def mark_n(singular: str, plural: str) -> tuple[str, str]:
    """As `mark`, for a pair that goes to `tr_n`."""
    return singular, plural


def tr(message: str, /, **values: object) -> str:
    """A sentence in the language that is spoken.

    Args:
        message: the whole sentence in English, with `{name}` for each value. A literal, so that
            it is found for translation, or something that was marked by `mark`.
        values: what stands in it. Numbers as `number` gives them, unless they are names.
    """
    translated = _catalogue(_spoken.get()).gettext(message) if message else ""
    return _filled(translated, message, values)


def tr_in(context: str, message: str, /, **values: object) -> str:
    """As `tr`, for words that are translated in different ways in different places.

    Args:
        context: says what place it is; for translators.
        message: as for `tr`.
        values: as for `tr`.
    """
    translated = _catalogue(_spoken.get()).pgettext(context, message)
    return _filled(translated, message, values)


def tr_n(singular: str, plural: str, n: int, /, **values: object) -> str:
    """As `tr`, for a sentence that differs with a number.

    Args:
        singular: for 1 in English; languages differ in what forms they have, and for what.
        plural: for other numbers in English.
        n: the number; `{n}` in the sentences, as `number` gives it.
        values: what else stands in it.
    """
    english = singular if n == 1 else plural
    translated = _catalogue(_spoken.get()).ngettext(singular, plural, n)
    return _filled(translated or english, english, {"n": number(n)} | values)


def translation(language: str, message: str, context: str | None = None) -> str | None:
    """What a catalogue has for a message, whatever is spoken now; None where it has nothing."""
    catalogue = _catalogue(language)
    found = catalogue.pgettext(context, message) if context else catalogue.gettext(message)
    return None if found == message else found


def slash(command: str) -> str:
    """A slash command as people see it in their list: "/limits mine", its names translated.

    Args:
        command: its names, without the slash; a literal, so that a test knows that it exists.
    """
    return "/" + " ".join(tr_in(COMMAND_NAME, name) for name in command.split())


def option(name: str) -> str:
    """An option of a command as people see it there: its name, translated.

    Args:
        name: as the program has it.
    """
    return tr_in(OPTION_NAME, name)


def number(value: float, decimals: int | None = None) -> str:
    """A number as people write it: "1,234.5" in English.

    Args:
        value: rounded half to even.
        decimals: how many it has, zeros included; None: as many as it needs, at most three.
    """
    pattern = None if decimals is None else "#,##0" + "." * bool(decimals) + "0" * decimals
    return format_decimal(value, pattern, locale=_locale(_spoken.get()))


def percent(share: float) -> str:
    """A share as whole percents: 0.05 is "5%" in English."""
    return format_percent(share, locale=_locale(_spoken.get()))


def short_date(day: date) -> str:
    """A day without its year: "Nov 25" in English."""
    return format_skeleton("MMMd", day, locale=_locale(_spoken.get()))


def listed(items: Iterable[str]) -> str:
    """Items one after the other: "a, b, c" in English."""
    return tr_in("between the items of a list", ", ").join(items)


def read_catalogue(po_file: bytes, language: str) -> gettext.NullTranslations:
    """A catalogue, ready for use.

    Args:
        po_file: the content of a `.po` file.
        language: its language, of `LANGUAGES`.

    Raises:
        PoFileError: it is damaged.
    """
    compiled = io.BytesIO()
    po = read_po(io.BytesIO(po_file), locale=_locale(language), abort_invalid=True)
    write_mo(compiled, po)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    """Read when it is first needed. What a catalogue lacks, it gives back in English."""
    file = _catalogues().joinpath(f"{language}.po")
    if not file.is_file():
        return gettext.NullTranslations()
    return read_catalogue(file.read_bytes(), language)


def _catalogues() -> Traversable:
    return resources.files("bot").joinpath("locales")


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language, sep="-")


def _filled(translated: str, english: str, values: dict[str, object]) -> str:
    """With its values; in English where the translation asks for some that there aren't."""
    if not values:
        return translated
    try:
        return translated.format(**values)
    except (KeyError, IndexError, ValueError, AttributeError):
        return english.format(**values)
