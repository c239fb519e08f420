"""What cogs share: the way to the services, and the answer that tells an error."""

import discord
import pytest
from discord import InteractionType
from discord.ext import commands
from structlog.testing import capture_logs

from bot.errors import QueueDownError
from cogs._access import answer_error, services_of
from tests.unit.cogs.front import Front

SENTENCE = "The queue can't be reached, @everyone."


async def test_services_are_those_of_the_bot(front: Front):
    """The cogs get what `app` handed to the bot."""
    assert front.bot.services is services_of(front.bot)


async def test_bot_without_services_is_refused():
    """A cog in a foreign bot fails when it is loaded, not when somebody types a command."""
    async with commands.Bot("!", intents=discord.Intents.none()) as bot:
        with pytest.raises(TypeError, match="Bot has no services"):
            services_of(bot)
        with pytest.raises(commands.ExtensionFailed, match="Bot has no services"):
            await bot.load_extension("cogs.complete")


@pytest.mark.parametrize("kind", [InteractionType.application_command, InteractionType.component])
async def test_unanswered_interaction_gets_one_private_answer(front: Front, kind: InteractionType):
    """A command and a click alike."""
    with capture_logs():
        await answer_error(front.interaction(kind), QueueDownError(SENTENCE))

    [answer] = front.wire.calls
    assert "POST callback" == answer.route
    assert answer.is_private
    assert f"{SENTENCE}\n-# Error {answer.error_id}" == answer.message["content"]


@pytest.mark.parametrize(
    ("kind", "routes"),
    [
        (
            InteractionType.application_command,
            ["PATCH @original", "DELETE @original", "POST followup"],
        ),
        (InteractionType.component, ["POST followup"]),
    ],
)
async def test_deferred_interaction_gets_a_private_followup(
    front: Front, kind: InteractionType, routes: list[str]
):
    """A command's "thinking…" goes; the message under a clicked button stays as it is.

    The first follow-up of a reply that still thinks would be its edit, and public: hence the edit.
    """
    interaction = front.interaction(kind)
    await interaction.response.defer()

    with capture_logs():
        await answer_error(interaction, QueueDownError(SENTENCE))

    calls = front.wire.calls[1:]
    assert routes == [call.route for call in calls]
    assert calls[-1].is_private
    assert calls[-1].error_id


@pytest.mark.parametrize("is_deferred", [False, True])
async def test_error_pings_nobody(front: Front, is_deferred: bool):
    """Not even where the sentence holds what somebody typed."""
    interaction = front.interaction(InteractionType.application_command)
    if is_deferred:
        await interaction.response.defer()

    with capture_logs():
        await answer_error(interaction, QueueDownError(SENTENCE))

    assert "@everyone" in front.wire.calls[-1].message["content"]
    assert front.wire.calls[-1].pings_nobody


@pytest.mark.parametrize("error", [ValueError("inner"), TimeoutError(), discord.ClientException()])
async def test_other_errors_give_nothing_away(front: Front, error: Exception):
    """One sentence for all that is our fault; the log gets the error itself."""
    with capture_logs() as logs:
        await answer_error(front.interaction(InteractionType.component), error)

    [answer] = front.wire.calls
    assert (
        f"Something went wrong on my side; please try again.\n-# Error {answer.error_id}"
        == answer.message["content"]
    )
    assert error is logs[0]["exc_info"]


@pytest.mark.parametrize("route", ["PATCH @original", "DELETE @original"])
async def test_asker_is_told_though_the_thinking_is_gone(front: Front, route: str):
    """A moderator deleted the reply meanwhile; the asker still learns what happened."""
    front.wire.refused[route] = (404, 10008)
    interaction = front.interaction(InteractionType.application_command)
    await interaction.response.defer(thinking=True)

    with capture_logs():
        await answer_error(interaction, QueueDownError(SENTENCE))

    assert "POST followup" == front.wire.calls[-1].route
    assert front.wire.calls[-1].is_private


async def test_broken_connection_while_telling_is_a_log_line(front: Front):
    """discord.py passes on what aiohttp raises; it must not escape the last handler there is."""
    front.wire.broken.add("POST callback")

    with capture_logs() as logs:
        await answer_error(
            front.interaction(InteractionType.application_command), QueueDownError(SENTENCE)
        )

    assert "error not delivered" == logs[-1]["event"]


async def test_two_bots_in_one_process_share_nothing():
    """No cog keeps anything in its module: each bot asks its own services."""
    async with Front().running() as first, Front().running() as second:
        first.gate.is_down = True
        with capture_logs():
            *_, refused = await first.command()
            await second.command()

        assert refused.is_private
        assert 1 == len(await second.jobs_put())
