"""What the host decides for all servers, in the lines of all models."""

import pytest

from bot.core.asker import Asker
from bot.core.jobs import JobState
from bot.errors import NotHereError, OptionError, QueueFullError
from bot.jobqueue.control import WorkerCard
from bot.jobqueue.limits import QueueLimits
from bot.jobqueue.registry import Announcer
from tests.factories import make_job
from tests.memory_services import MODEL
from tests.unit.services.asking import ADMIN, GUILD, MEMBER, OTHER_GUILD, OTHER_MODEL, Desk

OWNER = 1
ELSEWHERE = Asker(user_id=MEMBER, guild_id=OTHER_GUILD, channel_id=21)


@pytest.fixture
def desk() -> Desk:
    """Two models, no limits; jobs are given up at once."""
    return Desk(queue_limits=QueueLimits(max_attempts=1, max_farewells=0, lease_s=5))


async def _give_up(desk: Desk, job_id: str, *, model: str = MODEL) -> None:
    """A worker dies with a job, and nobody can tell its asker."""
    queue = desk.queues[model]
    await queue.put(make_job(job_id, deadline_at_s=desk.now_s + 800))
    await queue.claim("w", 1, 0)
    desk.now_s += 6
    await queue.reap()
    await queue.claim("w", 1, 0)
    desk.now_s += 6
    await queue.reap()


# Blocks


async def test_blocked_server_is_told_why_and_its_line_is_cleared(desk: Desk):
    """In the lines of all models; other servers' texts stay, and what runs goes on."""
    await desk.ask(1)
    await desk.queues[MODEL].claim("w", 1, 0)
    await desk.ask(2)
    await desk.ask(3, model=OTHER_MODEL)
    await desk.ask(4, ELSEWHERE)

    assert 2 == await desk.services.host.block("server", GUILD, "spam\nin masses", OWNER)

    assert ["4"] == [job.id for job in await desk.jobs()]
    assert JobState.RUNNING is await desk.queues[MODEL].state("1")
    with pytest.raises(NotHereError, match="does not serve this server: spam in masses"):
        await desk.ask(5)
    [block] = await desk.services.host.blocks()
    assert ("server", GUILD, "spam in masses", str(OWNER)) == (
        block.kind,
        block.id,
        block.reason,
        block.by,
    )


async def test_blocked_user_is_shut_out_everywhere(desk: Desk):
    """The rest of the server is not."""
    await desk.services.host.block("user", MEMBER, "spam", OWNER)

    for n, guild_id in enumerate((GUILD, OTHER_GUILD, None)):
        with pytest.raises(NotHereError, match="does not serve you: spam"):
            await desk.ask(n, Asker(user_id=MEMBER, guild_id=guild_id, channel_id=3))
    await desk.ask(9, Asker(user_id=MEMBER + 1, guild_id=GUILD, channel_id=3))


async def test_blocked_users_waiting_texts_are_dropped_wherever_they_wait(desk: Desk):
    """In all lines, servers and direct messages; other members' stay."""
    await desk.ask(1)
    await desk.ask(2, Asker(user_id=MEMBER, guild_id=None, channel_id=3))
    await desk.ask(3, ELSEWHERE, model=OTHER_MODEL)
    await desk.ask(4, Asker(user_id=MEMBER + 1, guild_id=GUILD, channel_id=3))

    assert 3 == await desk.services.host.block("user", MEMBER, "spam", OWNER)

    assert ["4"] == [job.id for job in await desk.jobs()]


async def test_dropped_texts_cost_nothing(desk: Desk):
    """Limits are as if they had never been asked; statistics know that they were stopped."""
    await desk.limit(1000)
    before = await desk.mine()
    await desk.ask(1)
    await desk.ask(2, model=OTHER_MODEL)
    assert before != await desk.mine()

    await desk.services.host.block("server", GUILD, "spam", OWNER)

    assert before == await desk.mine()
    assert [] == await desk.stores.limits.open_charges(0, 0, 10)
    assert [0, 0] == [request.real_tokens for request in await desk.noted()]


async def test_block_ends(desk: Desk):
    """Ending it again does nothing."""
    await desk.services.host.block("user", MEMBER, "spam", OWNER)

    assert await desk.services.host.unblock("user", MEMBER)
    assert not await desk.services.host.unblock("user", MEMBER)

    await desk.ask()
    assert [] == list(await desk.services.host.blocks())


@pytest.mark.parametrize(
    ("kind", "reason", "says"),
    [
        ("channel", "spam", "must be a server or a user"),
        ("user", "", "1 to 200 characters"),
        ("user", " \n ", "1 to 200 characters"),
        ("user", "x" * 201, "1 to 200 characters"),
    ],
)
async def test_block_that_makes_no_sense_is_refused(desk: Desk, kind: str, reason: str, says: str):
    """Nobody is shut out by it."""
    with pytest.raises(OptionError, match=says):
        await desk.services.host.block(kind, MEMBER, reason, OWNER)

    assert [] == list(await desk.services.host.blocks())


# Shares


async def test_weight_holds_in_all_lines(desk: Desk):
    """Of a server, and of a user who brings the bot along; 1 is nothing special."""
    host = desk.services.host
    await host.set_weight("server", GUILD, 2.5)
    await host.set_weight("user", MEMBER, 0.5)

    assert {f"g{GUILD}": 2.5, f"u{MEMBER}": 0.5} == await host.weights()
    for queue in desk.queues.values():
        assert {f"g{GUILD}": 2.5, f"u{MEMBER}": 0.5} == await queue.weights()

    await host.set_weight("server", GUILD, 1)
    await host.set_weight("user", MEMBER, 1)
    assert {} == await host.weights()


@pytest.mark.parametrize("weight", [0, 0.009, 100.1, -1, float("nan"), float("inf")])
async def test_weight_out_of_its_bounds_is_refused(desk: Desk, weight: float):
    """A share of nothing would be a block that nobody is told of."""
    with pytest.raises(OptionError, match=r"from 0\.01 to 100"):
        await desk.services.host.set_weight("server", GUILD, weight)

    assert {} == await desk.services.host.weights()


# Pause


async def test_pause_holds_everywhere_until_it_is_ended(desk: Desk):
    """What waits stays in line."""
    await desk.ask(1)
    await desk.services.host.pause("New models are coming.")

    for n, model in enumerate((MODEL, OTHER_MODEL)):
        with pytest.raises(QueueFullError, match="New models are coming"):
            await desk.ask(10 + n, model=model)
    assert [] == await desk.queues[MODEL].claim("w", 1, 0)

    await desk.services.host.resume()

    await desk.ask(12)
    assert ["1", "12"] == [claim.job.id for claim in await desk.queues[MODEL].claim("w", 2, 0)]


# Models that come later


async def test_what_was_decided_holds_for_models_announced_later():
    """The pause with its message, its end, and the shares."""
    desk = Desk(served=(MODEL,))
    host, queue = desk.services.host, desk.queues[OTHER_MODEL]
    await host.set_weight("server", GUILD, 2.5)
    await host.pause("New models are coming.")

    await Announcer(desk.registry, queue).announce(OTHER_MODEL)

    with pytest.raises(QueueFullError, match="New models are coming"):
        await desk.ask(1, model=OTHER_MODEL)
    assert {f"g{GUILD}": 2.5} == await queue.weights()

    await host.resume()

    await desk.ask(2, model=OTHER_MODEL)
    assert ["2"] == [claim.job.id for claim in await queue.claim("w", 2, 0)]


# Workers


async def test_workers_of_all_models_are_listed_and_can_be_sent_away(desk: Desk):
    """Each by its name, whichever line it serves."""
    await desk.queues[MODEL].renew("a", 2, [], WorkerCard(model="m", version="1.2"))
    await desk.queues[OTHER_MODEL].renew("b", 4, [])

    found = [
        (model, worker.id, worker.slots) for model, worker in await desk.services.host.workers()
    ]
    assert [(MODEL, "a", 2), (OTHER_MODEL, "b", 4)] == found

    assert await desk.services.host.drain("b")
    assert not await desk.services.host.drain("c")
    assert (await desk.queues[OTHER_MODEL].renew("b", 4, [])).drain
    assert not (await desk.queues[MODEL].renew("a", 2, [])).drain


# Loads


async def test_load_of_a_server_is_told_by_model(desk: Desk):
    """Lines in which it has nothing are left out."""
    await desk.ask(1)
    await desk.ask(2)
    await desk.queues[MODEL].claim("w", 1, 0)
    await desk.ask(3, ELSEWHERE, model=OTHER_MODEL)

    [(model, load)] = await desk.services.host.load_of(f"g{GUILD}")

    assert (MODEL, 1, 1, [(MEMBER, 1, 1)]) == (model, load.queued, load.running, load.users)
    assert [] == await desk.services.host.load_of("g999")


# Dead letters


async def test_dead_letters_are_listed_newest_first(desk: Desk):
    """Of all models, at most ten."""
    for n in range(8):
        await _give_up(desk, f"s{n}")
        await _give_up(desk, f"l{n}", model=OTHER_MODEL)

    letters = await desk.services.host.dead_letters()

    assert ["l7", "s7", "l6"] == [letter.letter.job_id for letter in letters[:3]]
    assert [OTHER_MODEL, MODEL] == [letter.model for letter in letters[:2]]
    assert 10 == len(letters)


async def test_dead_letter_is_tried_again_in_its_own_line(desk: Desk):
    """As long as its reply can be edited."""
    await _give_up(desk, "1", model=OTHER_MODEL)

    assert await desk.services.host.retry("1")
    assert not await desk.services.host.retry("1")
    assert not await desk.services.host.retry("unknown")

    assert JobState.QUEUED is await desk.queues[OTHER_MODEL].state("1")
    assert [] == await desk.services.host.dead_letters()


async def test_dead_letter_whose_reply_is_closed_stays(desk: Desk):
    """Nobody would see the text."""
    await _give_up(desk, "1")
    desk.now_s += 900

    assert not await desk.services.host.retry("1")

    assert 1 == len(await desk.services.host.dead_letters())


async def test_dead_letter_is_dropped(desk: Desk):
    """Once."""
    await _give_up(desk, "1", model=OTHER_MODEL)

    assert await desk.services.host.drop("1")
    assert not await desk.services.host.drop("1")

    assert [] == await desk.services.host.dead_letters()


async def test_admins_decide_nothing_about_the_hosts_blocks(desk: Desk):
    """Resetting a server's settings lets nobody in."""
    await desk.services.host.block("server", GUILD, "spam", OWNER)
    await desk.services.servers.reset(GUILD, ADMIN, revision=0)

    with pytest.raises(NotHereError):
        await desk.ask()
