"""Commands in all languages: what Discord is told, and what it would refuse."""

import asyncio
from copy import deepcopy
from pathlib import Path
from typing import Any

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.discord_io.client import COGS
from bot.discord_io.command_sync import same_commands
from bot.discord_io.translator import CatalogueTranslator, is_fit
from bot.language import CHOICE, COMMAND_NAME, OPTION_NAME
from tests.catalogues import only_catalogues, po
from tools.messages import bot_with_commands

SPANISH = po(
    {
        ("command name", "complete"): "completar",
        ("command name", "limits"): "Límites del servidor",  # Discord takes no such name
        ("option name", "length"): "longitud",
        "Goes on with your text": "Continúa tu texto",
        "The text to go on with": "x" * 101,  # nor so long a text
        ("choice", "hour"): "hora",
    }
)


async def payload() -> list[dict[str, Any]]:
    """What is registered."""
    bot = bot_with_commands()
    for name in COGS:
        await bot.load_extension(name)
    translator = CatalogueTranslator()
    return [
        await command.get_translated_payload(bot.tree, translator)
        for command in bot.tree.get_commands()
    ]


@pytest.fixture(name="spanish")
def _spanish(tmp_path: Path):
    with only_catalogues(tmp_path, es=SPANISH):
        yield asyncio.run(payload())


def found(items: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(item for item in items if item["name"] == name)


def test_names_descriptions_and_choices_are_translated(spanish: list[dict[str, Any]]):
    """For each of Discord's locales of the language, and for no other."""
    complete = found(spanish, "complete")
    per = found(found(found(spanish, "limits")["options"], "set")["options"], "per")

    both = {"es-ES": "completar", "es-419": "completar"}
    assert complete["name_localizations"] == both
    assert set(complete["description_localizations"].values()) == {"Continúa tu texto"}
    assert found(complete["options"], "length")["name_localizations"]["es-ES"] == "longitud"
    assert found(per["choices"], "hour")["name_localizations"]["es-419"] == "hora"
    assert found(per["choices"], "hour")["value"] == "hour"


def test_what_discord_would_refuse_stays_in_english(spanish: list[dict[str, Any]]):
    """One such text would cost all commands."""
    prompt = found(found(spanish, "complete")["options"], "prompt")

    assert not found(spanish, "limits")["name_localizations"]
    assert not prompt.get("description_localizations")


def test_a_translation_that_came_changed_or_went_is_registered(spanish: list[dict[str, Any]]):
    """As Discord tells translations: all of them, null where there are none."""
    assert same_commands(spanish, deepcopy(spanish))
    for change in ({}, None, {"es-ES": "otro"}, {"es-ES": "completar", "de": "weiter"}):
        registered = deepcopy(spanish)
        found(registered, "complete")["name_localizations"] = change
        assert not same_commands(spanish, registered)
    registered = deepcopy(spanish)
    found(registered, "limits")["name_localizations"] = None
    assert same_commands(spanish, registered)


@given(st.text(max_size=40))
def test_no_name_that_discord_refuses_is_fit(text: str):
    """Compared with discord.py's own rule for names."""
    pattern = discord.app_commands.commands.VALID_SLASH_COMMAND_NAME
    taken = pattern.match(text) is not None and text == text.lower()
    for context in (COMMAND_NAME, OPTION_NAME):
        assert taken or not is_fit(text, context)


def test_bounds_of_texts():
    """In characters, in every language."""
    assert is_fit("続ける", COMMAND_NAME)
    assert is_fit("a" * 100, CHOICE)
    assert not is_fit("a" * 101, CHOICE)
    assert not is_fit(" ", CHOICE)
    assert not is_fit("a b", COMMAND_NAME)
    assert is_fit("A b", "menu name")
    assert not is_fit("a" * 33, "menu name")
