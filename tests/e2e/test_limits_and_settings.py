"""What admins decide, as members meet it: limits and a server's settings, in real processes."""

import re
from typing import Any

import pytest

from bot.local.handles import Interaction, Member, TextChannel
from bot.local.states import ActionRefusedError
from tests.e2e.stack import Stack

EPHEMERAL = 1 << 6
ANSWER_S = 20.0
MOMENT = re.compile(r"<t:\d+:\w>")  # Discord shows it in each reader's own time


async def told(stack: Stack, interaction: Interaction) -> str:
    """What an interaction tells the one who made it, and nobody else."""

    def found() -> dict[str, Any] | None:
        messages = [*interaction.followups, *([interaction.reply] if interaction.reply else [])]
        return next((m for m in messages if m["flags"] & EPHEMERAL and m["content"]), None)

    message = await stack.wait_for(found, ANSWER_S, "an answer")
    assert message is not None
    return message["content"]


async def command(stack: Stack, member: Member, name: str, **options: object) -> str:
    """A member types a command in #general; what they are told."""
    return await told(stack, await stack.local.slash(member, stack.local.general, name, options))


async def ask(stack: Stack, member: Member, channel: TextChannel | None = None) -> Interaction:
    """A member asks for a short text."""
    return await stack.complete("Once upon a time", member=member, channel=channel, length=5)


async def restart_bot_and_redis(stack: Stack) -> None:
    """As a host does who upgrades; what was decided must be there afterwards."""
    (bot,) = stack.running("run")
    assert 0 == await bot.terminate()
    stack.redis.kill()
    stack.redis.start()
    await stack.start_bot()


async def test_member_runs_into_a_limit_and_reads_all_about_it(stack: Stack):
    """Who set what, what is left, which limit it was, when more is back; also after a restart."""
    await stack.start_bot()
    await stack.start_worker()
    local = stack.local
    rule = {"scope": "member", "unit": "requests", "amount": 1, "per": "hour"}

    assert "manage this server" in await command(stack, local.ben, "limits set", **rule)
    changed = await command(stack, local.ada, "limits set", **rule)
    assert "each member" in changed
    assert "1 request per hour" in changed

    assert "▰ 1 of 1 request left" in await command(stack, local.ben, "limits mine")
    assert "seed" in (await stack.final(await ask(stack, local.ben)))["content"]
    refusal = await told(stack, await ask(stack, local.ben))
    assert "1 request per hour" in refusal
    assert "Used up" in refusal
    assert MOMENT.search(refusal)
    mine = await command(stack, local.ben, "limits mine")
    assert "0 of 1 request left" in mine
    assert MOMENT.search(mine)
    # Each member has their own.
    assert "seed" in (await stack.final(await ask(stack, local.ada)))["content"]

    await restart_bot_and_redis(stack)
    assert "1 request per hour" in await command(stack, local.ben, "limits show")
    assert "1 request per hour" in await told(stack, await ask(stack, local.ben))


async def test_settings_of_a_server_hold_for_its_members(stack: Stack):
    """A denied channel and a pause, before and after a restart, until an admin ends them."""
    await stack.start_bot()
    await stack.start_worker()
    local = stack.local

    with pytest.raises(ActionRefusedError):  # Discord does not even show it to them
        await command(stack, local.ben, "server pause", on=True)
    await command(stack, local.ada, "server channels", action="deny", channel=local.stories.id)
    refusal = await told(stack, await ask(stack, local.ben, local.stories))
    assert "channel" in refusal
    assert "seed" in (await stack.final(await ask(stack, local.ben)))["content"]
    await command(stack, local.ada, "server pause", on=True, message="We are at the feast.")
    assert "We are at the feast." in await told(stack, await ask(stack, local.ben))

    await restart_bot_and_redis(stack)
    assert "We are at the feast." in await told(stack, await ask(stack, local.ben))
    await command(stack, local.ada, "server pause", on=False)
    assert refusal.partition("\n-# Error")[0] in await told(
        stack, await ask(stack, local.ben, local.stories)
    )
    assert "seed" in (await stack.final(await ask(stack, local.ben)))["content"]
