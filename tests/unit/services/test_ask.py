"""Asking for a text: what holds for it, and that a refusal leaves nothing behind."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.core.asker import Asker
from bot.core.jobs import Job, JobKind, JobState
from bot.core.limit_buckets import Unit
from bot.core.limits import HostLimits, applied
from bot.core.presets import PRESETS
from bot.core.server_settings import deny
from bot.core.usage import Outcome
from bot.errors import (
    LimitReachedError,
    ModelNotServedError,
    NotHereError,
    OptionError,
    PromptError,
    QueueDownError,
    QueueFullError,
    RequestError,
)
from bot.jobqueue.limits import QueueLimits
from bot.services.texts import StopResult
from bot.state.settings_api import BlockKind
from tests.factories import make_job
from tests.memory_services import MODEL
from tests.unit.services.asking import (
    ADMIN,
    ASKER,
    CHANNEL,
    COST,
    GUILD,
    MEMBER,
    OTHER_MODEL,
    START_S,
    TOKENS,
    Desk,
    make_request,
)

Arrange = Callable[[Desk], Awaitable[object]]


@pytest.fixture
async def desk() -> Desk:
    """Members have 1,000 tokens an hour; nothing of it is used."""
    desk = Desk(queue_limits=QueueLimits(max_queued=3, max_queued_per_user=2))
    await desk.limit(1_000)
    return desk


# Taken


async def test_taken_text_is_charged_and_noted(desk: Desk):
    """In the queue of its model, with the estimate as its cost."""
    assert MODEL == await desk.ask()

    [job] = await desk.jobs()
    assert ("1", MEMBER, f"g{GUILD}", COST, ()) == (
        job.id,
        job.user_id,
        job.tenant,
        job.cost,
        job.notes,
    )
    assert f"{1_000 - COST} of 1,000 tokens left" in (await desk.mine())[0]
    [request] = await desk.noted()
    assert (Outcome.ACCEPTED, COST, CHANNEL, MEMBER) == (
        request.outcome,
        request.tokens,
        request.channel_id,
        request.user_id,
    )


async def test_asking_twice_changes_nothing(desk: Desk):
    """The same interaction: one job, one charge, one note."""
    await desk.ask()
    before = await desk.mine(), await desk.noted(), await desk.jobs()

    assert MODEL == await desk.ask()

    assert before == (await desk.mine(), await desk.noted(), await desk.jobs())


async def test_asking_again_after_the_end_changes_nothing(desk: Desk):
    """Its charge was settled; it is not charged for another time."""
    await desk.ask()
    await desk.services.texts.stop("1", user_id=MEMBER, is_moderator=False)
    before = await desk.mine()

    await desk.ask()

    assert [] == await desk.jobs()
    assert before == await desk.mine()


async def test_notes_at_three_quarters_go_with_the_job(desk: Desk):
    """The worker shows them under the text."""
    await desk.ask(1, max_new_tokens=500)
    await desk.ask(2, max_new_tokens=300)

    first, second = await desk.jobs()
    assert () == first.notes
    [note] = second.notes
    assert note.startswith("You have used 81% of your 1,000 tokens per hour")


async def test_limit_holds_to_its_last_token(desk: Desk):
    """Exactly what is left may be used, and not one more."""
    await desk.ask(1, max_new_tokens=500)
    left = 1_000 - 505

    with pytest.raises(LimitReachedError, match=f"{left} are left"):
        await desk.ask(2, max_new_tokens=left - 4)
    await desk.ask(3, max_new_tokens=left - 5)

    assert ["1", "3"] == [job.id for job in await desk.jobs()]


# What the server decided


async def test_servers_model_and_preset_are_used(desk: Desk):
    """By those who name none."""
    await desk.services.servers.change(GUILD, ADMIN, model=OTHER_MODEL, preset="story")

    assert OTHER_MODEL == await desk.ask(1)
    assert MODEL == await desk.ask(2, model=MODEL, preset="paper", temperature=0.1)

    theirs, own = sorted(await desk.jobs(), key=lambda job: job.id)
    assert PRESETS["story"].fields["temperature"] == theirs.sampling.temperature
    assert 0.1 == own.sampling.temperature
    [placed] = [record.job.id for record in desk.queues[OTHER_MODEL]._records.values()]
    assert "1" == placed


async def test_option_overrides_the_servers_preset(desk: Desk):
    """And leaves the rest of it as it is."""
    await desk.services.servers.change(GUILD, ADMIN, preset="story")

    await desk.ask(temperature=0.1)

    [job] = await desk.jobs()
    assert 0.1 == job.sampling.temperature
    assert PRESETS["story"].fields["top_p"] == job.sampling.top_p


async def test_server_decides_nothing_elsewhere(desk: Desk):
    """In direct messages it is the host's choice."""
    await desk.services.servers.change(GUILD, ADMIN, model=OTHER_MODEL, paused=True)

    assert MODEL == await desk.ask(asker=Asker(user_id=MEMBER, guild_id=None, channel_id=3))


# A job of another kind


async def test_job_that_somebody_else_made_goes_the_same_way(desk: Desk):
    """Charged, noted and put as it is, for the model that it is about."""
    job = make_job("9", kind=JobKind.REPLAY, origin="C0DE", user_id=MEMBER, tenant=ASKER.tenant)
    job = replace(job, created_at_s=START_S, deadline_at_s=START_S + 800, cost=COST)

    assert OTHER_MODEL == await desk.services.texts.submit(job, ASKER, OTHER_MODEL)

    assert [job] == await desk.jobs()
    assert f"{1_000 - COST} of 1,000 tokens left" in (await desk.mine())[0]
    assert [Outcome.ACCEPTED] == await desk.outcomes()


async def test_job_that_names_no_model_gets_the_servers(desk: Desk):
    """As a text would."""
    await desk.services.servers.change(GUILD, ADMIN, model=OTHER_MODEL)
    job = make_job("9", deadline_at_s=START_S + 800)

    assert OTHER_MODEL == await desk.services.texts.submit(job, ASKER, None)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"paused": True}, NotHereError),
        ({"filter_words": ("upon",)}, PromptError),
    ],
)
async def test_server_decides_over_every_kind_of_job(
    desk: Desk, changes: dict[str, Any], error: type[RequestError]
):
    """And a refusal is noted, and leaves nothing else."""
    await desk.services.servers.change(GUILD, ADMIN, **changes)

    with pytest.raises(error):
        await desk.services.texts.submit(make_job("9"), ASKER, None)

    assert [] == await desk.jobs()
    assert [Outcome.REFUSED_OTHER] == await desk.outcomes()


# Refused


async def _block_user(desk: Desk) -> None:
    await desk.services.servers.block(BlockKind.USER, MEMBER, "spam", str(ADMIN))


async def _block_server(desk: Desk) -> None:
    await desk.services.servers.block(BlockKind.SERVER, GUILD, "spam", str(ADMIN))


async def _pause_server(desk: Desk) -> None:
    await desk.services.servers.change(GUILD, ADMIN, paused=True, pause_message="Back at noon.")


async def _deny_channel(desk: Desk) -> None:
    await desk.services.servers.edit(GUILD, ADMIN, lambda settings: deny(settings, CHANNEL))


async def _filter_words(desk: Desk) -> None:
    await desk.services.servers.change(GUILD, ADMIN, filter_words=("upon",))


async def _choose_what_nobody_serves(desk: Desk) -> None:
    await desk.services.servers.change(GUILD, ADMIN, model="gone")


async def _limit_requests(desk: Desk) -> None:
    await desk.limit(1, unit=Unit.REQUESTS)
    buckets = applied(ASKER, await desk.services.limits.rules(GUILD), HostLimits())
    await desk.stores.limits.charge("before", buckets, COST)


async def _fill_queue(desk: Desk) -> None:
    for n in range(3):
        await desk.queues[MODEL].put(_other(f"o{n}", tenant=f"g{90 + n}"))


async def _fill_user(desk: Desk) -> None:
    for n in range(2):
        await desk.queues[MODEL].put(_other(f"o{n}", user_id=MEMBER, tenant=f"g{GUILD}"))


async def _pause_host(desk: Desk) -> None:
    await desk.services.host.pause("New models are coming.")


async def _break_queue(desk: Desk) -> None:
    desk.gates[MODEL].is_down = True


def _other(job_id: str, **changes: Any) -> Job:
    return make_job(job_id, deadline_at_s=START_S + 800, **changes)


@pytest.mark.parametrize(
    ("arrange", "error", "says", "outcome"),
    [
        (_block_user, NotHereError, "does not serve you: spam", Outcome.REFUSED_OTHER),
        (_block_server, NotHereError, "does not serve this server", Outcome.REFUSED_OTHER),
        (_pause_server, NotHereError, "Back at noon", Outcome.REFUSED_OTHER),
        (_deny_channel, NotHereError, "in this channel", Outcome.REFUSED_OTHER),
        (_filter_words, PromptError, "in other words", Outcome.REFUSED_OTHER),
        (
            _choose_what_nobody_serves,
            ModelNotServedError,
            "No worker serves the model gone right now; choose one of large, small",
            Outcome.REFUSED_OTHER,
        ),
        (_limit_requests, LimitReachedError, "Used up", Outcome.REFUSED_LIMIT),
        (_fill_queue, QueueFullError, "Too many texts are waiting", Outcome.REFUSED_QUEUE),
        (_fill_user, QueueFullError, "as one member may have", Outcome.REFUSED_QUEUE),
        (
            _pause_host,
            QueueFullError,
            "I am paused by my host: New models are coming.",
            Outcome.REFUSED_QUEUE,
        ),
        (_break_queue, QueueDownError, "can't be reached", Outcome.REFUSED_QUEUE),
    ],
)
async def test_refusal_leaves_nothing_but_a_note(
    desk: Desk, arrange: Arrange, error: type[RequestError], says: str, outcome: Outcome
):
    """No charge and no job; the statistics tell why admins' members were sent away."""
    await arrange(desk)
    before = await desk.mine(), await desk.jobs()

    with capture_logs(), pytest.raises(error, match=says):
        await desk.ask()

    assert before == (await desk.mine(), await desk.jobs())
    assert [outcome] == await desk.outcomes()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"prompt": "  "}, PromptError),
        ({"max_new_tokens": 501}, OptionError),
        ({"preset": "boring"}, OptionError),
        ({"model": "gone"}, ModelNotServedError),
    ],
)
async def test_wrong_request_leaves_nothing_but_a_note(
    desk: Desk, changes: dict[str, Any], error: type[RequestError]
):
    """Whatever the command let through."""
    before = await desk.mine()

    with pytest.raises(error):
        await desk.ask(**changes)

    assert (before, []) == (await desk.mine(), await desk.jobs())
    assert [Outcome.REFUSED_OTHER] == await desk.outcomes()


async def test_text_that_would_start_too_late_is_refused(desk: Desk):
    """Discord closes its reply before; the member keeps the tokens."""
    queue = desk.queues[MODEL]
    await queue.renew("w", 1, [])
    await queue.put(_other("first", cost=10))
    [claim] = await queue.claim("w", 1, 0)
    desk.now_s += 100  # ten seconds a token
    await queue.finish("w", "first", claim.attempt, JobState.DONE, 10)
    await queue.renew("w", 1, [])
    await queue.put(_other("long", cost=200))
    await queue.claim("w", 1, 0)
    before = await desk.mine()

    with pytest.raises(QueueFullError, match="The line is too long: your text would start in"):
        await desk.ask()

    assert (before, []) == (await desk.mine(), await desk.jobs())
    assert [Outcome.REFUSED_QUEUE] == await desk.outcomes()


async def test_where_nobody_serves_the_default_model_waits():
    """A restart of the only worker refuses nobody."""
    desk = Desk(served=())

    assert MODEL == await desk.ask()
    with pytest.raises(ModelNotServedError, match="please try again later"):
        await desk.ask(2, model=OTHER_MODEL)


async def test_failing_statistics_refuse_nobody(desk: Desk):
    """A text is as good without them."""

    async def fail(_event: object) -> bool:
        raise QueueDownError("Redis can't be reached.")

    desk.stores.usage.asked = fail  # pyright: ignore[reportAttributeAccessIssue]

    with capture_logs():
        await desk.ask()

    assert 1 == len(await desk.jobs())


# Stopped


async def test_text_stopped_in_line_costs_nothing(desk: Desk):
    """Neither tokens nor a request: nobody wrote a word."""
    await desk.limit(5, unit=Unit.REQUESTS)
    before = await desk.mine()
    await desk.ask()

    stopped = await desk.services.texts.stop("1", user_id=MEMBER, is_moderator=False)

    assert StopResult.BEFORE_START is stopped
    assert before == await desk.mine()


async def test_text_is_found_in_whatever_line_it_waits(desk: Desk):
    """The button knows only the job."""
    await desk.ask(1, model=OTHER_MODEL)

    stopped = await desk.services.texts.stop("1", user_id=MEMBER, is_moderator=False)

    assert StopResult.BEFORE_START is stopped
    assert [] == await desk.jobs()


async def test_text_is_stopped_though_its_charge_is_not_settled(desk: Desk):
    """The one who stopped it is told what is so."""

    async def fail(_job_id: str) -> bool:
        raise QueueDownError("Redis can't be reached.")

    await desk.ask()
    desk.stores.limits.refund = fail  # pyright: ignore[reportAttributeAccessIssue]

    with capture_logs() as logs:
        stopped = await desk.services.texts.stop("1", user_id=MEMBER, is_moderator=False)

    assert StopResult.BEFORE_START is stopped
    assert ["stopped job not settled"] == [entry["event"] for entry in logs]


def test_estimate_of_the_cost_is_prompt_and_text(desk: Desk):
    """A byte is about a quarter of a token."""
    job = desk.services.texts.prepare(make_request())

    assert (TOKENS, COST) == (job.max_new_tokens, job.cost)
