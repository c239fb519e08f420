"""The Stop button: for whom, when, and what is seen of it. Each click is on a message that an
earlier process wrote: nothing of it is in memory."""

import pytest
import structlog
from structlog.testing import capture_logs

from bot.core.jobs import JobState
from bot.jobqueue.api import StopReason
from tests.factories import make_job
from tests.unit.cogs.front import (
    DEFER_UPDATE,
    GUILD,
    MANAGE_MESSAGES,
    STRANGER,
    Front,
)

OTHER_PERMISSIONS = 0x7FFF_FFFF & ~MANAGE_MESSAGES


async def told_to_stop(front: Front) -> list[StopReason]:
    """What the worker hears of job 1 at its next heartbeat."""
    return [stop.reason for stop in (await front.queue.renew("w", 1, [("1", 1)])).stops]


async def test_asker_stops_a_text_that_waits(front: Front):
    """It is gone from the queue, and the message says so without its button."""
    await front.queue.put(make_job("1"))

    defer, edit = await front.click(shown="Your text is number 1 in line.")

    assert DEFER_UPDATE == defer.kind
    assert "PATCH @original" == edit.route
    assert "Stopped before it began." == edit.message["content"]
    assert [] == edit.message["components"]
    assert edit.pings_nobody
    assert JobState.STOPPED is await front.queue.state("1")
    assert [] == await front.jobs_put()


async def test_text_that_lost_its_worker_keeps_what_exists(front: Front):
    """It waits for another worker; stopped there, what had been written is not thrown away."""
    await front.queue.put(make_job("1"))

    *_, edit = await front.click(shown="**Once upon a time** there was▌")

    assert edit.message["content"].startswith("**Once upon a time** there was\n-# ")
    assert "stopped by request" in edit.message["content"]
    assert [] == edit.message["components"]


async def test_answered_before_the_queue_is_asked(front: Front):
    """Discord waits three seconds for a first answer; the queue must not stand before it."""
    await front.queue.put(make_job("1"))

    defer, _ = await front.click()

    assert ("POST callback", 1) == (defer.route, defer.queued)


async def test_asker_stops_a_text_that_grows(front: Front):
    """The click changes nothing on the message; the worker hears of it and shows what it has."""
    await front.queue.put(make_job("1"))
    await front.jobs_put()
    assert [] == await told_to_stop(front)

    [answer] = await front.click()

    assert DEFER_UPDATE == answer.kind
    assert [StopReason.CANCELLED] == await told_to_stop(front)


async def test_second_click_on_a_text_that_grows_is_harmless(front: Front):
    """An impatient asker gets no error."""
    await front.queue.put(make_job("1"))
    await front.jobs_put()

    answers = [*await front.click(), *await front.click()]

    assert [DEFER_UPDATE, DEFER_UPDATE] == [answer.kind for answer in answers]
    assert [StopReason.CANCELLED] == await told_to_stop(front)


@pytest.mark.parametrize("is_running", [False, True], ids=["waiting", "growing"])
@pytest.mark.parametrize("guild_id", [GUILD, None], ids=["server", "group-message"])
async def test_others_are_refused(front: Front, guild_id: int | None, is_running: bool):
    """They alone are told so, and the text goes on, whatever else they may do in the server."""
    await front.queue.put(make_job("1"))
    if is_running:
        await front.jobs_put()

    defer, answer = await front.click(
        user_id=STRANGER, guild_id=guild_id, permissions=OTHER_PERMISSIONS
    )

    assert [DEFER_UPDATE, "POST followup"] == [defer.kind, answer.route]
    assert answer.is_private
    assert answer.pings_nobody
    assert answer.message["content"].startswith("Only the one who asked for this text")
    if is_running:
        assert [] == await told_to_stop(front)
    else:
        assert JobState.QUEUED is await front.queue.state("1")


async def test_moderator_stops_somebody_elses_text(front: Front):
    """Who may delete messages may stop one from growing."""
    await front.queue.put(make_job("1"))

    *_, edit = await front.click(user_id=STRANGER, permissions=MANAGE_MESSAGES)

    assert "PATCH @original" == edit.route
    assert JobState.STOPPED is await front.queue.state("1")


async def test_asker_stops_in_direct_messages(front: Front):
    """There are no permissions there to look at."""
    await front.queue.put(make_job("1", tenant="u100"))

    *_, edit = await front.click(guild_id=None)

    assert "PATCH @original" == edit.route


@pytest.mark.parametrize("state", [JobState.DONE, JobState.STOPPED, None], ids=str)
async def test_click_on_a_text_that_is_over(front: Front, state: JobState | None):
    """The one who clicked is told; what stands there stays as it is."""
    if state is not None:
        await front.queue.put(make_job("1"))
        await front.jobs_put()
        await front.queue.finish("w", "1", 1, state, 5)

    defer, answer = await front.click()

    assert [DEFER_UPDATE, "POST followup"] == [defer.kind, answer.route]
    assert answer.is_private
    assert answer.message["content"].startswith("There is nothing left to stop here.\n-# Error ")


async def test_only_the_clicked_text_is_stopped(front: Front):
    """The button's id says which."""
    await front.queue.put(make_job("1"))
    await front.queue.put(make_job("2"))

    await front.click("2")

    assert ["1"] == [job.id for job in await front.jobs_put()]


async def test_queue_that_is_down_is_told_to_the_one_who_clicked(front: Front):
    """A sentence with an id, and a log line with the same id, the job and the server."""
    await front.queue.put(make_job("1"))
    front.gate.is_down = True

    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        *_, answer = await front.click()

    assert ["POST callback", "POST followup"] == [call.route for call in front.wire.calls]
    assert answer.is_private
    assert answer.message["content"].startswith("The queue can't be reached.")
    [line] = logs
    assert (answer.error_id, "1", GUILD) == (line["error_id"], line["job_id"], line["guild_id"])
    assert JobState.QUEUED is await front.queue.state("1")


@pytest.mark.parametrize("job_id", ["", "abc", "1:2", "123456789012345678901"])
async def test_ids_of_other_buttons_are_none_of_its_business(front: Front, job_id: str):
    """Only a number of Discord's length makes a Stop button."""
    assert [] == await front.click(job_id)
