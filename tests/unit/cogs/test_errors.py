"""Errors in slash commands: each becomes one private sentence with an id that the log has."""

import pytest
from structlog.testing import capture_logs

from bot.errors import PromptError
from tests.unit.cogs.front import DEFER_THINKING, MESSAGE_ANSWER, Front

OURS = "Something went wrong on my side; please try again."


async def test_refusal_is_told_in_its_own_words(front: Front):
    """discord.py wraps what a command raises; the asker must not see the wrapping."""
    front.fault = PromptError("Write a few words.")

    with capture_logs() as logs:
        [answer] = await front.command()

    assert f"Write a few words.\n-# Error {answer.error_id}" == answer.message["content"]
    assert answer.is_private
    [line] = logs
    assert ("warning", answer.error_id, "PromptError") == (
        line["log_level"],
        line["error_id"],
        line["reason"],
    )
    assert "exc_info" not in line


async def test_mistake_of_ours_is_a_sentence_without_details(front: Front):
    """Names and values of our program are for the log, with the traceback and the id."""
    front.fault = KeyError("inner_name")

    with capture_logs() as logs:
        [answer] = await front.command()

    assert MESSAGE_ANSWER == answer.kind
    assert answer.is_private
    assert f"{OURS}\n-# Error {answer.error_id}" == answer.message["content"]
    [line] = logs
    assert ("error", answer.error_id, front.fault) == (
        line["log_level"],
        line["error_id"],
        line["exc_info"],
    )


async def test_mistake_after_the_defer_takes_the_thinking_back(front: Front):
    """Nobody else is left with a "thinking…" that never ends."""
    front.gate.fault = KeyError("inner_name")

    with capture_logs() as logs:
        defer, *_, taken_back, answer = await front.command()

    assert DEFER_THINKING == defer.kind
    assert ["DELETE @original", "POST followup"] == [taken_back.route, answer.route]
    assert answer.message["content"].startswith(OURS)
    assert answer.is_private
    assert answer.error_id == logs[-1]["error_id"]


async def test_command_that_this_program_does_not_know(front: Front):
    """One that an older version registered, typed before Discord hears of its end."""
    with capture_logs() as logs:
        [answer] = await front.command(name="story")

    assert answer.is_private
    assert answer.message["content"].startswith(OURS)
    assert answer.error_id == logs[-1]["error_id"]


async def test_option_out_of_bounds_is_refused(front: Front):
    """Discord holds to the bounds it knows; those of an older version may be other ones."""
    with capture_logs():
        [answer] = await front.command(temperature=9.5)

    assert answer.is_private
    assert answer.error_id
    assert [] == await front.jobs_put()


async def test_every_error_has_an_id_of_its_own(front: Front):
    """The host finds the one that somebody shows."""
    front.fault = KeyError("inner_name")

    with capture_logs():
        answers = [call for n in range(3) for call in await front.command(interaction_id=n)]

    assert 3 == len({answer.error_id for answer in answers})


@pytest.mark.parametrize("status", [400, 404])
async def test_error_that_cannot_be_told_is_logged(front: Front, status: int):
    """The interaction is over: no exception escapes, and both lines have the same id."""
    front.fault = KeyError("inner_name")
    front.wire.refused["POST callback"] = (status, 10062)

    with capture_logs() as logs:
        await front.command()

    assert ["interaction failed", "error not delivered"] == [line["event"] for line in logs]
    assert 1 == len({line["error_id"] for line in logs})
