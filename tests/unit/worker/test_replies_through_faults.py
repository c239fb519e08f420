"""A worker against the local Discord over real sockets while something goes wrong there.

What becomes of a reply in each case is written in docs/faults.md.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from bot.core.buttons import has_stop
from bot.core.jobs import JobKind, JobState, ReplyTarget
from bot.core.late_replies import MOVED
from bot.core.markdown import unescape
from bot.core.replies import UNFINISHED_MARK
from bot.discord_io.channel_rest import ChannelClient
from bot.discord_io.reply_rest import ReplyClient
from bot.local.discord_server import LocalDiscord, open_local_discord
from bot.local.faults import NAMED_FAULTS, Fault, FaultKind, LimitScope
from bot.local.handles import Interaction
from bot.local.rate_limits import RateLimit
from tests.unit.worker.workshop import TapeEngine, Workshop, tale

COMMAND = {"name": "complete", "description": "Goes on", "type": 1, "options": []}
EDITS = "/webhooks/*/messages/@original"
POSTS = "/webhooks/*/*"
SLOWLY = 0.008  # seconds for each token
LENGTH = 100
PROMPT = "**Once upon a time**"


@pytest.fixture
async def local() -> AsyncIterator[LocalDiscord]:
    async with open_local_discord(rate_limit=RateLimit(requests=1000, window_s=1.0)) as local:
        yield local


@pytest.fixture
async def shop(local: LocalDiscord) -> AsyncIterator[Workshop]:
    """A workshop whose worker writes to the local Discord."""
    shop = Workshop()
    async with aiohttp.ClientSession() as session:
        quick: dict[str, Any] = {"timeout_s": 0.5, "backoff_s": 0.02, "rng": random.Random(1)}
        shop.replies = ReplyClient(session, local.api_url, **quick)
        shop.channels = ChannelClient(session, local.api_url, local.token, **quick)
        yield shop


async def asked(local: LocalDiscord, shop: Workshop, job_id: str = "1", **options: Any):
    """A command that is deferred, and the job that answers it."""
    headers = {"Authorization": f"Bot {local.token}"}
    async with aiohttp.ClientSession(headers=headers) as bot:
        url = f"{local.api_url}/applications/{local.application_id}/commands"
        async with bot.put(url, json=[COMMAND]) as answer:
            assert 200 == answer.status
        interaction = await local.slash(local.ada, local.general, "complete")
        url = f"{local.api_url}/interactions/{interaction.id}/{interaction.token}/callback"
        async with bot.post(url, params={"with_response": "1"}, json={"type": 5}) as answer:
            assert 200 == answer.status
    target = ReplyTarget(
        application_id=local.application_id,
        interaction_token=interaction.token,
        channel_id=local.general.id,
        guild_id=local.guild_id,
    )
    await shop.put(job_id, reply=target, user_id=local.ada.id, **({"length": LENGTH} | options))
    return interaction


def text(n: int = LENGTH) -> str:
    """What the worker writes."""
    return tale(7).encode()[:n].decode(errors="ignore")


def story(message: dict[str, Any] | None) -> str:
    """A message's text, without prompt and label."""
    assert message is not None
    return unescape(message["content"].partition(PROMPT)[2].partition("\n-# ")[0])


def edits(local: LocalDiscord) -> list[Any]:
    return local.recorder.matching("PATCH", "@original")


async def growing(local: LocalDiscord, interaction: Interaction) -> None:
    await local.wait_for(
        lambda: UNFINISHED_MARK in (interaction.reply or {}).get("content", ""), 10, "growth"
    )


def posted(local: LocalDiscord) -> list[dict[str, Any]]:
    """What stands in the channel, oldest first."""
    return local.messages(local.general, local.ben)


async def test_storm_of_refusals(local: LocalDiscord, shop: Workshop) -> None:
    """The text arrives whole; each wait that Discord asked for is kept; edits become fewer."""
    storm = Fault(
        kind=FaultKind.STATUS, method="PATCH", path=EDITS, status=429, every=2,
        delay_s=0.1, longest_delay_s=0.6,
    )  # fmt: skip
    local.faults.add(storm, times=None)
    interaction = await asked(local, shop, length=300)
    async with shop.running(TapeEngine(step_s=SLOWLY)):
        assert JobState.DONE == await shop.ended()

    assert text(300) == story(interaction.reply)
    requests = edits(local)
    statuses = [request.status for request in requests]
    assert statuses[:4] == [200, 429, 200, 429]
    assert 200 == statuses[-1]
    growth = [r for r in requests if UNFINISHED_MARK in r.body["content"]]
    gaps = [after.at_s - before.at_s for before, after in pairwise(growth)]
    assert min(gaps) >= 0.1
    assert max(gaps) > 0.19  # doubled after a refusal


async def test_interval_doubles_with_each_refusal(local: LocalDiscord, shop: Workshop) -> None:
    """Also where Discord asks for almost no pause; then it comes back to the usual one."""
    interaction = await asked(local, shop, length=600)
    async with shop.running(TapeEngine(step_s=SLOWLY)):
        await growing(local, interaction)
        refused = Fault(kind=FaultKind.STATUS, path=EDITS, status=429, delay_s=0.01)
        local.faults.add(refused, times=3)
        assert JobState.DONE == await shop.ended()

    requests = edits(local)
    first = next(n for n, request in enumerate(requests) if request.status == 429)
    gaps = [b.at_s - a.at_s for a, b in pairwise(requests[first:])]
    for n, interval_s in enumerate([0.2, 0.4, 0.8]):
        assert gaps[n] >= interval_s
    assert min(gaps[3:]) < 0.8


async def test_one_reply_in_a_storm_slows_no_other(local: LocalDiscord, shop: Workshop) -> None:
    """Each has a pace of its own."""
    stormy = await asked(local, shop, "1", length=300)
    calm = await asked(local, shop, "2", length=300)
    path = f"/webhooks/*/{stormy.token}/messages/@original"
    storm = Fault(kind=FaultKind.STATUS, path=path, status=429, every=2, delay_s=0.5)
    local.faults.add(storm, times=None)
    async with shop.running(TapeEngine(step_s=SLOWLY)):
        for job_id in ("1", "2"):
            assert JobState.DONE == await shop.ended(job_id)

    n_edits = {
        one.token: sum(one.token in request.path for request in edits(local))
        for one in (stormy, calm)
    }
    assert n_edits[calm.token] > 2 * n_edits[stormy.token]
    assert [text(300)] * 2 == [story(one.reply) for one in (stormy, calm)]


@pytest.mark.parametrize("wait_s", [0.8])
async def test_refusal_of_everything_holds_all_replies(
    local: LocalDiscord, shop: Workshop, wait_s: float
) -> None:
    """A global limit is no single reply's: nobody calls until it is over, then all arrive."""
    interactions = [await asked(local, shop, str(n), length=200) for n in range(3)]
    limit = Fault(
        kind=FaultKind.STATUS, path=EDITS, status=429, scope=LimitScope.GLOBAL, delay_s=wait_s
    )
    async with shop.running(TapeEngine(step_s=SLOWLY)):
        await local.wait_for(lambda: len(edits(local)) >= 6, 10)
        local.faults.add(limit)
        await local.wait_for(lambda: any(e.status == 429 for e in edits(local)), 10)
        for n in range(3):
            assert JobState.DONE == await shop.ended(str(n))

    refused = next(request for request in edits(local) if request.status == 429)
    # Requests that were under way already may come in a moment after it.
    after = [r.at_s - refused.at_s for r in edits(local) if r.at_s > refused.at_s + 0.05]
    assert min(after) >= wait_s - 0.01
    assert [text(200)] * 3 == [story(one.reply) for one in interactions]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=FaultKind.STATUS, path=EDITS, status=502, every=2),
        Fault(kind=FaultKind.STATUS, path=EDITS, status=500, every=3),
        Fault(kind=FaultKind.DROP, path=EDITS, every=2),
        Fault(kind=FaultKind.DROP, path=EDITS, every=2, applied=True),
        Fault(kind=FaultKind.SLOW, path=EDITS, delay_s=0.1, longest_delay_s=0.4),
        Fault(kind=FaultKind.NEVER, path=EDITS, every=3),
    ],
    ids=["502", "500", "cut", "cut-after", "slow", "never"],
)
async def test_troubled_edits(local: LocalDiscord, shop: Workshop, fault: Fault) -> None:
    """The reply ends as if nothing had been, and nothing stands beside it."""
    local.faults.add(fault, times=None)
    interaction = await asked(local, shop)
    async with shop.running(TapeEngine(step_s=SLOWLY)):
        assert JobState.DONE == await shop.ended()

    assert text() == story(interaction.reply)
    assert not has_stop((interaction.reply or {})["components"])
    assert 1 == len(posted(local))


async def test_followup_that_surely_failed_is_posted_again(
    local: LocalDiscord, shop: Workshop
) -> None:
    """A 429 has done nothing: three messages and the file, each once."""
    refused = Fault(
        kind=FaultKind.STATUS, method="POST", path=POSTS, status=429, delay_s=0.1, every=2
    )
    interaction = await asked(local, shop, length=9000)
    local.faults.add(refused, times=2)
    async with shop.running(TapeEngine()):
        assert JobState.DONE == await shop.ended()

    assert 2 == len(interaction.followups)
    assert 1 == len(interaction.followups[-1]["attachments"])
    assert 3 == len(posted(local))


@pytest.mark.parametrize("is_done", [True, False], ids=["cut-after", "cut"])
async def test_followup_that_may_have_arrived_is_not_doubled(
    local: LocalDiscord, shop: Workshop, is_done: bool
) -> None:
    """What is left comes as a file at the reply: an edit can be repeated."""
    interaction = await asked(local, shop, length=3500)
    local.faults.add(Fault(kind=FaultKind.DROP, method="POST", path=POSTS, applied=is_done))
    async with shop.running(TapeEngine()):
        assert JobState.DONE == await shop.ended()

    attachment = (interaction.reply or {})["attachments"][0]
    async with aiohttp.ClientSession() as web, web.get(attachment["url"]) as answer:
        rest = (await answer.read()).decode()
    assert text(3500) == story(interaction.reply) + rest
    assert int(is_done) == len(interaction.followups)


async def test_deleted_reply_ends_the_job(local: LocalDiscord, shop: Workshop) -> None:
    """Who deletes it does not want it: its place in the engine is free, nothing is posted."""
    interaction = await asked(local, shop, length=5000)
    engine = TapeEngine(step_s=SLOWLY, sequences=1)
    async with shop.running(engine):
        await growing(local, interaction)
        local.delete_message(local.general, interaction.reply_id or 0)
        assert JobState.FAILED == await shop.ended()
        assert 0 == shop.engine_seats()

    assert [] == posted(local)


async def test_deleted_channel_ends_the_job(local: LocalDiscord, shop: Workshop) -> None:
    """There is nobody left to read it."""
    interaction = await asked(local, shop, length=5000)
    async with shop.running(TapeEngine(step_s=SLOWLY)):
        await growing(local, interaction)
        local.delete_channel(local.general)
        assert JobState.FAILED == await shop.ended()

    assert [] == local.recorder.matching("POST", "/channels/")


@pytest.mark.parametrize("code", [(401, 50027), (404, 10015)], ids=["50027", "10015"])
async def test_dead_token_while_growing(
    local: LocalDiscord, shop: Workshop, code: tuple[int, int]
) -> None:
    """The text is written to its end and posted to the channel, for whom, without a ping."""
    interaction = await asked(local, shop)
    dead = Fault(kind=FaultKind.STATUS, path="/webhooks/*", status=code[0], code=code[1])
    async with shop.running(TapeEngine(step_s=SLOWLY)):
        await growing(local, interaction)
        local.faults.add(dead, times=None)
        assert JobState.DONE == await shop.ended()

    old, lead, new = posted(local)
    assert (MOVED, []) == (old["content"], old["components"])
    assert f"-# For <@{local.ada.id}>" in lead["content"]
    assert text() == story(new)
    assert old["id"] == lead["message_reference"]["message_id"]
    for request in local.recorder.matching("POST", "/channels/"):
        assert {"parse": []} == request.body["allowed_mentions"]
        assert 4 == request.body["flags"]
    assert 1 == sum(edit.status == code[0] for edit in edits(local))  # dead tokens are not tried


async def test_dead_token_before_a_worker_came(local: LocalDiscord, shop: Workshop) -> None:
    """A long text: all parts and the file stand in the channel, in order, each once."""
    await asked(local, shop, length=9000)
    local.advance_clock(15 * 60 + 1)
    async with shop.running(TapeEngine()):
        assert JobState.DONE == await shop.ended()

    lead, *parts = posted(local)[1:]
    assert lead["content"].startswith(f"-# For <@{local.ada.id}>")
    assert 3 == len(parts)
    attachment = parts[-1]["attachments"][0]
    async with aiohttp.ClientSession() as web, web.get(attachment["url"]) as answer:
        rest = (await answer.read()).decode()
    shown = [unescape(part["content"].removeprefix(PROMPT)) for part in parts]
    shown[-1] = shown[-1].partition("\n-# ")[0]
    assert text(9000) == "".join(shown) + rest


async def test_answers_that_get_lost_double_nothing_in_a_channel(
    local: LocalDiscord, shop: Workshop
) -> None:
    """Each late message has a nonce."""
    await asked(local, shop)
    local.advance_clock(15 * 60 + 1)
    lost = Fault(kind=FaultKind.DROP, method="POST", path="/channels/*", applied=True)
    local.faults.add(lost, times=2)
    async with shop.running(TapeEngine()):
        assert JobState.DONE == await shop.ended()

    assert text() == story(posted(local)[-1])
    assert 3 == len(posted(local))  # the old reply, whom the text is for, and the text
    assert 4 == len(local.recorder.matching("POST", "/channels/"))


def deny_view(local: LocalDiscord) -> None:
    local.deny_bot(local.general, "view_channel")


def deny_send(local: LocalDiscord) -> None:
    local.deny_bot(local.general, "send_messages")


@pytest.mark.parametrize("deny", [deny_send, deny_view], ids=["50013", "50001"])
async def test_dead_token_where_the_bot_may_not_write(
    local: LocalDiscord, shop: Workshop, deny: Callable[[LocalDiscord], None]
) -> None:
    """There is no way left: it is logged, the job fails, and nobody tries on."""
    interaction = await asked(local, shop)
    deny(local)
    async with shop.running(TapeEngine(step_s=SLOWLY)):
        await growing(local, interaction)
        local.advance_clock(15 * 60 + 1)
        assert JobState.FAILED == await shop.ended()

    assert 1 == len(local.recorder.matching("POST", "/channels/"))


async def test_revoked_permissions_do_not_matter_while_the_token_lives(
    local: LocalDiscord, shop: Workshop
) -> None:
    """A reply needs the interaction's token alone."""
    interaction = await asked(local, shop)
    deny_send(local)
    async with shop.running(TapeEngine(step_s=SLOWLY)):
        assert JobState.DONE == await shop.ended()

    assert text() == story(interaction.reply)


async def test_dead_token_without_the_bots_token(local: LocalDiscord, shop: Workshop) -> None:
    """A worker that has none can do no more; it calls once."""
    shop.channels = None
    await asked(local, shop)
    local.advance_clock(15 * 60 + 1)
    async with shop.running(TapeEngine(step_s=SLOWLY)):
        assert JobState.FAILED == await shop.ended()

    assert 1 == len(edits(local))


async def test_what_may_be_private_never_goes_to_the_channel(
    local: LocalDiscord, shop: Workshop
) -> None:
    """An X-ray may be for the asker alone."""
    await asked(local, shop, kind=JobKind.XRAY, deadline_at_s=shop.now() - 61)
    async with shop.running(TapeEngine()):
        assert JobState.EXPIRED == await shop.ended()

    assert 1 == len(posted(local))
    assert [] == edits(local)


async def test_farewell_of_a_late_job_goes_to_the_channel(
    local: LocalDiscord, shop: Workshop
) -> None:
    """Nobody wrote it in time: the asker is told there, and no dead token is called."""
    await asked(local, shop, deadline_at_s=shop.now() - 61)
    async with shop.running(TapeEngine()):
        await shop.until(lambda: len(posted(local)) > 2)
        assert JobState.EXPIRED == await shop.ended()

    lead, farewell = posted(local)[1:]
    assert f"<@{local.ada.id}>" in lead["content"]
    assert "waited too long" in farewell["content"]
    assert [] == edits(local)


async def test_stop_is_quick_through_a_storm(local: LocalDiscord, shop: Workshop) -> None:
    """A reply that is edited seldom still hears at once that its text is over."""
    interaction = await asked(local, shop, length=5000)
    storm = Fault(kind=FaultKind.STATUS, path=EDITS, status=429, delay_s=0.05)
    async with shop.running(TapeEngine(step_s=SLOWLY)):
        await growing(local, interaction)
        local.faults.add(storm, times=6)  # the interval is 6.4 s after these
        await local.wait_for(lambda: len(local.faults) == 0, 15)
        began_s = asyncio.get_running_loop().time()
        await shop.memory.cancel("1")
        assert JobState.STOPPED == await shop.ended()
        assert asyncio.get_running_loop().time() - began_s < 4

    assert "stopped by request" in (interaction.reply or {})["content"]


@pytest.mark.parametrize("name", sorted(NAMED_FAULTS.keys() - {"storm", "never", "slow"}))
async def test_each_named_fault_has_an_end(local: LocalDiscord, shop: Workshop, name: str) -> None:
    """Done or failed, but over: no job waits for ever for a Discord that is out of order."""
    interaction = await asked(local, shop)
    local.faults.add_named(name)
    async with shop.running(TapeEngine(step_s=SLOWLY)):
        state = await shop.ended()

    is_lost = name in {"message-deleted", "channel-deleted"}
    assert (JobState.FAILED if is_lost else JobState.DONE) == state
    if not is_lost:
        assert text() in {story(message) for message in posted(local)}
    assert interaction.reply is not None
