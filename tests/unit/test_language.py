"""What people are told, in their language; and in English where a catalogue fails."""

import asyncio
from datetime import date
from pathlib import Path

import pytest

from bot.language import (
    LANGUAGES,
    language_of,
    listed,
    mark,
    number,
    option,
    percent,
    public_language,
    short_date,
    slash,
    speak,
    speaking,
    spoken,
    tr,
    tr_in,
    tr_n,
    translation,
)
from tests.catalogues import only_catalogues

GERMAN = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "Good morning, {name}."
msgstr "Guten Morgen, {name}."

msgid "Broken {name}."
msgstr "Kaputt {nome}."

msgid "Worse {name}."
msgstr "Schlimmer {name."

msgid "Not yet."
msgstr ""

#, fuzzy
msgid "Perhaps."
msgstr "Vielleicht."

msgid "One token of {of}."
msgid_plural "{n} tokens of {of}."
msgstr[0] "Ein Token von {of}."
msgstr[1] "{n} Token von {of}."

msgid "One day."
msgid_plural "{n} days."
msgstr[0] ""
msgstr[1] ""

msgctxt "command name"
msgid "limits"
msgstr "grenzen"

msgctxt "option name"
msgid "seed"
msgstr "startwert"

msgctxt "a month"
msgid "May"
msgstr "Mai"
"""

JAPANESE = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

msgid "One token of {of}."
msgid_plural "{n} tokens of {of}."
msgstr[0] "{of}のトークン{n}個。"
"""


@pytest.fixture(autouse=True)
def catalogues(tmp_path: Path):
    """Small catalogues in place of the real ones."""
    with only_catalogues(tmp_path, de=GERMAN, ja=JAPANESE):
        yield


def test_english_is_spoken_where_nobody_says_otherwise():
    """Messages stand in the program in English."""
    assert spoken() == "en"
    assert tr("Good morning, {name}.", name="Ada") == "Good morning, Ada."


def test_a_translation_has_its_values():
    """Placeholders are filled in the translation."""
    with speaking("de"):
        assert tr("Good morning, {name}.", name="{Ada}") == "Guten Morgen, {Ada}."
        assert tr(mark("Good morning, {name}."), name="Eve") == "Guten Morgen, Eve."
    assert tr("Good morning, {name}.", name="Ada") == "Good morning, Ada."


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Broken {name}.", "Broken Ada."),
        ("Worse {name}.", "Worse Ada."),
        ("Not yet.", "Not yet."),
        ("Perhaps.", "Perhaps."),
        ("Unknown {name}.", "Unknown Ada."),
        ("", ""),
    ],
)
def test_what_a_catalogue_has_not_is_said_in_english(message: str, said: str):
    """A missing, doubtful or broken translation never breaks an answer."""
    with speaking("de"):
        assert tr(message, name="Ada") == said


@pytest.mark.parametrize(
    ("spoken_language", "n", "said"),
    [
        ("en", 1, "One token of 5."),
        ("en", 1234, "1,234 tokens of 5."),
        ("de", 1, "Ein Token von 5."),
        ("de", 0, "0 Token von 5."),
        ("de", 1234, "1.234 Token von 5."),
        ("ja", 1, "5のトークン1個。"),
        ("ja", 1234, "5のトークン1,234個。"),
        ("ko", 1, "One token of 5."),
    ],
)
def test_plurals_follow_the_language(spoken_language: str, n: int, said: str):
    """Each language has its own forms; the number is written as it writes numbers."""
    with speaking(spoken_language):
        assert tr_n("One token of {of}.", "{n} tokens of {of}.", n, of=5) == said


def test_an_empty_plural_is_said_in_english():
    """Not as nothing at all."""
    with speaking("de"):
        assert tr_n("One day.", "{n} days.", 1) == "One day."
        assert tr_n("One day.", "{n} days.", 3) == "3 days."


def test_a_word_may_differ_by_its_place():
    """The same word in another context is another word."""
    with speaking("de"):
        assert tr_in("a month", "May") == "Mai"
        assert tr_in("a name", "May") == "May"
        assert tr("May") == "May"
        assert slash("limits mine") == "/grenzen mine"
    assert slash("limits mine") == "/limits mine"


def test_a_translation_can_be_asked_for_by_itself():
    """Commands are registered in all languages at once."""
    assert translation("de", "limits", "command name") == "grenzen"
    assert translation("de", "limits") is None
    assert translation("de", "Not yet.") is None
    assert translation("en", "Good morning, {name}.") is None
    assert translation("de", "Good morning, {name}.") == "Guten Morgen, {name}."


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("de", "de"), ("fr", "fr"), ("es-ES", "es"), ("es-419", "es"), ("pt-BR", "pt-BR"),
        ("ja", "ja"), ("ko", "ko"), ("zh-CN", "zh-CN"), ("zh-TW", "zh-TW"), ("en-US", "en"),
        ("en-GB", "en"), ("sv-SE", "en"), ("tlh", "en"), ("", "en"), (None, "en"),
    ],
)  # fmt: skip
def test_each_of_discords_locales_has_a_language(locale: str | None, expected: str):
    """English where we have no better."""
    assert language_of(locale) == expected


def test_a_server_may_fix_the_public_language():
    """Else it is the asker's own."""
    assert public_language("de", None) == "de"
    assert public_language("de", "fr") == "fr"


async def test_tasks_inherit_the_language_and_keep_it_to_themselves():
    """Two answers at once are written in two languages."""

    async def answer(own: str) -> list[str]:
        speak(own)
        first = spoken()
        await asyncio.sleep(0)
        return [first, await asyncio.create_task(told()), await asyncio.to_thread(spoken)]

    async def told() -> str:
        return spoken()

    answers = await asyncio.gather(answer("de"), answer("ja"))

    assert answers == [["de"] * 3, ["ja"] * 3]
    assert spoken() == "en"


def test_an_unknown_language_is_english():
    """A job of a newer program may name one."""
    with speaking("tlh"):
        assert spoken() == "en"
        assert number(1234.5) == "1,234.5"


@pytest.mark.parametrize("code", LANGUAGES)
def test_numbers_and_dates_are_known_in_all_languages(code: str):
    """None of them is missing in the library."""
    with speaking(code):
        assert number(7) == "7"
        assert "5" in percent(0.05)
        assert "25" in short_date(date(2024, 11, 25))
        assert listed(["a", "b"]).startswith("a")


def test_numbers_and_dates_are_written_as_the_language_does():
    """Separators and order differ."""
    assert (number(12345.25), percent(0.05), short_date(date(2024, 11, 25))) == (
        "12,345.25", "5%", "Nov 25",
    )  # fmt: skip
    with speaking("de"):
        assert (number(12345.25), percent(0.05), short_date(date(2024, 11, 25))) == (
            "12.345,25", "5\xa0%", "25. Nov.",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "decimals", "english", "german"),
    [(1234.5, 0, "1,234", "1.234"), (1234.5, 2, "1,234.50", "1.234,50"), (0, 1, "0.0", "0,0")],
)
def test_numbers_may_have_as_many_decimals_as_are_wanted(
    value: float, decimals: int, english: str, german: str
):
    """Zeros included."""
    assert english == number(value, decimals)
    with speaking("de"):
        assert german == number(value, decimals)


def test_options_are_called_what_people_see():
    """As commands are."""
    assert option("seed") == "seed"
    with speaking("de"):
        assert option("seed") == "startwert"
