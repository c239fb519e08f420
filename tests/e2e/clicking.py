"""How members use what stands under a text, and what they see then."""

import re

from bot.core.buttons import Action, has_stop
from bot.core.replies import UNFINISHED_MARK
from bot.local.handles import Interaction, Member
from bot.local.states import JsonObject
from tests.e2e.stack import Stack

ANSWER_S = 20.0
TEXT_S = 40.0
EPHEMERAL = 1 << 6


def button(message: JsonObject, action: Action) -> str:
    """The id of a message's button."""
    ids = [one["custom_id"] for row in message["components"] for one in row["components"]]
    return next(id_ for id_ in ids if id_.startswith(f"bardling:{action}:"))


def labels(message: JsonObject) -> list[str]:
    """What stands on a message's buttons."""
    return [
        one.get("label") or one["emoji"]["name"]
        for row in message["components"]
        for one in row["components"]
    ]


def seed_of(message: JsonObject) -> str:
    """The seed in the line under a text."""
    match = re.search(r"seed (\d+)", message["content"])
    assert match, message["content"]
    return match[1]


async def press(
    stack: Stack, reply: Interaction, action: Action, member: Member | None = None
) -> Interaction:
    """Somebody clicks a button under a reply; Ada unless told otherwise."""
    message = reply.reply
    assert message is not None
    click = await stack.local.click(member or stack.local.ada, message, button(message, action))
    await click.first_answer()
    return click


async def shows(stack: Stack, reply: Interaction, *words: str) -> JsonObject:
    """The reply as soon as it is finished and shows all words, on it or on its buttons."""

    def found() -> JsonObject | None:
        message = reply.reply
        if message is None or has_stop(message["components"]):
            return None
        if UNFINISHED_MARK in message["content"]:
            return None
        everything = message["content"] + " ".join(labels(message))
        return message if all(word in everything for word in words) else None

    message = await stack.wait_for(found, TEXT_S, f"a reply with {words}")
    assert message is not None
    return message


async def sentence(stack: Stack, interaction: Interaction) -> str:
    """What an interaction tells the one who made it, and nobody else."""

    def found() -> JsonObject | None:
        messages = [*interaction.followups, *([interaction.reply] if interaction.reply else [])]
        return next((m for m in messages if m["flags"] & EPHEMERAL and m["content"]), None)

    message = await stack.wait_for(found, ANSWER_S, "a sentence")
    assert message is not None
    return message["content"]
