"""How members play stories and scored games at the local Discord, and what they see then."""

from bot.core.replies import UNFINISHED_MARK
from bot.local.handles import Interaction, Member, TextChannel
from bot.local.states import JsonObject
from tests.e2e.clicking import ANSWER_S, EPHEMERAL, TEXT_S
from tests.e2e.stack import Stack


def ids(message: JsonObject, prefix: str) -> list[str]:
    """The ids of a message's buttons that begin so."""
    found = [one["custom_id"] for row in message["components"] for one in row["components"]]
    return [one for one in found if one.startswith(prefix)]


async def story(
    stack: Stack, member: Member, channel: TextChannel, path: str, **options: object
) -> Interaction:
    """Somebody types "/story <path>"; answered when this returns."""
    return await typed(stack, member, channel, f"story {path}", **options)


async def typed(
    stack: Stack, member: Member, channel: TextChannel, path: str, **options: object
) -> Interaction:
    """Somebody types a command."""
    done = await stack.local.slash(member, channel, path, options)
    await done.first_answer()
    return done


async def living(
    stack: Stack, channel: TextChannel, *words: str, prefix: str = "bardling:story:",
    without: str = "\0",
) -> JsonObject:  # fmt: skip
    """The one message with a story's (or game's) buttons, once it shows all words."""

    def found() -> JsonObject | None:
        messages = stack.local.messages(channel, stack.local.ada)
        shown = [one for one in messages if ids(one, prefix)]
        if not shown or UNFINISHED_MARK in shown[-1]["content"]:
            return None
        content = shown[-1]["content"]
        return shown[-1] if all(word in content for word in words) and without not in content \
            else None  # fmt: skip

    message = await stack.wait_for(found, TEXT_S, f"a living message with {words}")
    assert message is not None
    return message


async def click(stack: Stack, member: Member, message: JsonObject, prefix: str) -> Interaction:
    """Somebody clicks the first button whose id begins so."""
    done = await stack.local.click(member, message, ids(message, prefix)[0])
    await done.first_answer()
    return done


async def told(stack: Stack, interaction: Interaction) -> str:
    """What an interaction tells its maker alone."""

    def found() -> JsonObject | None:
        messages = [*interaction.followups, *([interaction.reply] if interaction.reply else [])]
        return next((m for m in messages if m["flags"] & EPHEMERAL and m["content"]), None)

    message = await stack.wait_for(found, ANSWER_S, "a private answer")
    assert message is not None
    return message["content"]
