"""Whether commands need registering anew."""

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import discord
import pytest

from bot.discord_io.client import COGS
from bot.discord_io.command_sync import same_commands

CHAT_INPUT, MESSAGE = 1, 3  # Discord's types of commands


@pytest.fixture
async def payload() -> list[dict[str, Any]]:
    """The commands this program registers, as discord.py sends them."""
    from bot.discord_io.client import BardlingBot
    from bot.jobqueue.memory_queue import MemoryQueue
    from tests.memory_services import memory_services

    bot = BardlingBot(
        memory_services(MemoryQueue(clock=lambda: 0.0), lambda: 0.0),
        None,
    )
    for name in COGS:
        await bot.load_extension(name)
    return [command.to_dict(bot.tree) for command in bot.tree.get_commands()]


def as_discord_answers(command: dict[str, Any]) -> dict[str, Any]:
    """Discord adds ids and versions, drops what equals its defaults, and writes numbers of more
    than 32 bits, such as permissions, as text."""
    answer = {key: value for key, value in command.items() if value not in (None, [])}
    answer = {key: value for key, value in answer.items() if value is not False}
    answer["options"] = [_option_as_discord_answers(one) for one in command.get("options", [])]
    if (permissions := command.get("default_member_permissions")) is not None:
        answer["default_member_permissions"] = str(permissions)
    in_messages = 1 in (command.get("contexts") or [1])
    return answer | {
        "id": "1", "application_id": "2", "version": "3", "dm_permission": in_messages,
    }  # fmt: skip


def _option_as_discord_answers(option: dict[str, Any]) -> dict[str, Any]:
    """Subcommands and their groups are options that have options."""
    answer = {key: value for key, value in option.items() if value not in (None, [])}
    answer = {key: value for key, value in answer.items() if value is not False}
    if nested := option.get("options"):
        answer["options"] = [_option_as_discord_answers(one) for one in nested]
    return answer


async def test_a_restart_registers_nothing(payload: list[dict[str, Any]]):
    """What Discord gives back for our own payload counts as the same."""
    assert same_commands(payload, [as_discord_answers(command) for command in payload])


@pytest.mark.parametrize(
    "change",
    [
        lambda commands: commands[0].update(description="Other"),
        lambda commands: commands[0]["options"].pop(),
        lambda commands: commands[0]["options"][1].update(max_value=7),
        lambda commands: commands[0]["options"][0].update(choices=[{"name": "a", "value": "a"}]),
        lambda commands: commands[0]["options"][0].update(autocomplete=True),
        lambda commands: commands[0]["options"].reverse(),
        lambda commands: commands.append({"name": "old", "type": 1, "description": "gone"}),
        lambda commands: commands.clear(),
    ],
)
async def test_any_difference_registers(payload: list[dict[str, Any]], change: Any):
    """A changed text, bound, order or count is noticed."""
    registered = [as_discord_answers(command) for command in deepcopy(payload)]
    change(registered)

    assert not same_commands(payload, registered)


async def test_menus_of_messages_are_five_at_most(payload: list[dict[str, Any]]):
    """Discord's bound for each kind of menu."""
    assert 1 <= sum(command["type"] == MESSAGE for command in payload) <= 5


async def test_every_command_obeys_discords_bounds(payload: list[dict[str, Any]]):
    """Names, descriptions and counts stay inside what Discord accepts."""
    for command in payload:
        if command["type"] == CHAT_INPUT:
            assert re.fullmatch(r"[a-z0-9_]{1,32}", command["name"])
            assert 1 <= len(command["description"]) <= 100
        else:  # a menu has a name only, with blanks and capitals
            assert re.fullmatch(r"[\w -]{1,32}", command["name"])
        assert len(command.get("options", [])) <= 25
        for option in all_options(command):
            assert re.fullmatch(r"[a-z0-9_]{1,32}", option["name"])
            assert 1 <= len(option["description"]) <= 100
            assert len(option.get("options", [])) <= 25
            assert len(option.get("choices", [])) <= 25


def all_options(command: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Options, subcommands, and theirs."""
    for option in command.get("options", []):
        yield option
        yield from all_options(option)


@pytest.mark.parametrize(("before", "after"), [(32, 0), (0, 32), (32, None), (None, 0)])
def test_changed_permissions_register(before: int | None, after: int | None):
    """Nobody, everybody and some are three different things."""
    command = {"name": "server", "type": 1, "description": "For admins", "options": []}
    registered = as_discord_answers(command | {"default_member_permissions": before})

    assert same_commands([command | {"default_member_permissions": before}], [registered])
    assert not same_commands([command | {"default_member_permissions": after}], [registered])


def test_cogs_are_extensions_by_name():
    """Every public module in cogs is loaded; a forgotten one would be a dead command."""
    import pkgutil

    import cogs

    public = {
        f"cogs.{module.name}"
        for module in pkgutil.iter_modules(cogs.__path__)
        if not module.name.startswith("_")
    }
    assert public == set(COGS)


def test_no_privileged_intent_is_asked_for():
    """A host must not have to apply for any; bans are told, for the turns of banned players."""
    from bot.discord_io.client import BardlingBot
    from bot.jobqueue.memory_queue import MemoryQueue
    from tests.memory_services import memory_services

    services = memory_services(MemoryQueue(clock=lambda: 0.0), lambda: 0.0)
    intents = BardlingBot(services, None).intents

    assert discord.Intents(guilds=True, moderation=True) == intents
    privileged = discord.Intents(members=True, presences=True, message_content=True)
    assert discord.Intents.none() == intents & privileged


async def test_a_bound_that_was_taken_back_registers(payload: list[dict[str, Any]]):
    """Our payload has no such key then; Discord keeps the old bound until it is told."""
    registered = [as_discord_answers(command) for command in deepcopy(payload)]
    del payload[0]["options"][0]["max_length"]

    assert not same_commands(payload, registered)
