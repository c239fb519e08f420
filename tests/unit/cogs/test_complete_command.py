"""`/complete` as Discord sees it: its options, its first answer, its job, its refusals."""

import io
from typing import Any

import discord
import pytest
from structlog.testing import capture_logs

from bot.core.buttons import stop_row
from bot.core.jobs import JobState
from bot.core.sampling import MAX_SEED
from bot.logs import configure_logging
from tests.factories import make_job
from tests.unit.cogs.front import (
    APPLICATION,
    ASKER,
    CHANNEL,
    DEFER_THINKING,
    DRAWN_SEED,
    GUILD,
    MESSAGE_ANSWER,
    NOW_S,
    Front,
)


def registered(front: Front) -> dict[str, Any]:
    """The command as it is registered with Discord."""
    command = front.bot.tree.get_command("complete")
    assert isinstance(command, discord.app_commands.Command)
    return command.to_dict(front.bot.tree)


async def test_options_and_their_bounds(front: Front):
    """Nothing must be given; Discord itself refuses what is out of bounds."""
    bounds = {
        option["name"]: (
            option["required"],
            option.get("min_value", option.get("min_length")),
            option.get("max_value", option.get("max_length")),
        )
        for option in registered(front)["options"]
    }

    assert {
        "prompt": (False, 1, 6000),
        "length": (False, 1, 500),
        "preset": (False, None, None),
        "temperature": (False, 0.0, 2.0),
        "top_k": (False, 0, 1000),
        "top_p": (False, 0.0, 1.0),
        "seed": (False, 0, 2**53 - 1),
        "candidates": (False, 1, 4),
        "model": (False, 1, 100),
        "file": (False, None, None),
    } == bounds


async def test_preset_reaches_the_job_and_options_override_it(front: Front):
    """One option changes one thing; the rest stays the preset's."""
    await front.command(preset="story", temperature=0.5)

    [job] = await front.jobs_put()
    assert (0.5, 0, 0.95) == (
        job.sampling.temperature,
        job.sampling.top_k,
        job.sampling.top_p,
    )


async def test_command_works_everywhere(front: Front):
    """In servers, direct messages and group messages; installed by a server or by a user."""
    payload = registered(front)

    assert [0, 1, 2] == payload["contexts"]
    assert [0, 1] == payload["integration_types"]


async def test_prompt_alone_takes_the_defaults(front: Front):
    """A first try needs no knowledge: 120 tokens, the model's way of drawing, a fresh seed."""
    await front.command(prompt="Once upon a time")

    [job] = await front.jobs_put()
    assert ("Once upon a time", 120) == (job.prompt, job.max_new_tokens)
    sampling = job.sampling
    assert (0.9, 40, 1.0, DRAWN_SEED) == (
        sampling.temperature,
        sampling.top_k,
        sampling.top_p,
        sampling.seed,
    )


@pytest.mark.parametrize(
    ("length", "temperature", "top_k", "top_p", "seed"),
    [(1, 0.0, 0, 0.0, 0), (500, 2.0, 1000, 1.0, MAX_SEED), (33, 0.7, 5, 0.25, 1234)],
    ids=["least", "most", "between"],
)
async def test_options_reach_the_job_exactly(
    front: Front, length: int, temperature: float, top_k: int, top_p: float, seed: int
):
    """Both ends of every option's bounds are taken as they are; zero is not "not given"."""
    await front.command(length=length, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)

    [job] = await front.jobs_put()
    sampling = job.sampling
    assert (length, temperature, top_k, top_p, seed) == (
        job.max_new_tokens,
        sampling.temperature,
        sampling.top_k,
        sampling.top_p,
        sampling.seed,
    )


async def test_job_knows_its_asker_and_its_reply(front: Front):
    """A worker can write the reply, and Stop can tell whose it is, from the job alone."""
    await front.command(interaction_id=77)

    [job] = await front.jobs_put()
    assert ("77", ASKER, f"g{GUILD}") == (job.id, job.user_id, job.tenant)
    assert (APPLICATION, "token-77", CHANNEL, GUILD) == (
        job.reply.application_id,
        job.reply.interaction_token,
        job.reply.channel_id,
        job.reply.guild_id,
    )


async def test_direct_message_is_charged_to_its_user(front: Front):
    """Without a server there is no share of a server to take from."""
    await front.command(guild_id=None)

    [job] = await front.jobs_put()
    assert (f"u{ASKER}", None, CHANNEL) == (job.tenant, job.reply.guild_id, job.reply.channel_id)


async def test_prompt_is_cleaned(front: Front):
    """What can't be shown or stored goes before the job is made."""
    await front.command(prompt="nul \x00 and half \ud83d of a pair \r\n ")

    [job] = await front.jobs_put()
    assert "nul  and half \ufffd of a pair" == job.prompt


async def test_deferred_before_anything_is_enqueued(front: Front):
    """Discord waits three seconds for a first answer; the queue must not stand before it."""
    await front.set_free_slots(1)

    calls = await front.command()

    assert [("POST callback", 0)] == [(call.route, call.queued) for call in calls]
    assert DEFER_THINKING == calls[0].kind
    assert not calls[0].is_private
    assert JobState.QUEUED is await front.queue.state("1")


@pytest.mark.parametrize(
    ("slots", "ahead", "notice"),
    [
        (0, 0, "No worker is running right now. Your text is number 1 in line"),
        (1, 1, "All hands are writing. Your text is number 2 in line."),
        (2, 3, "All hands are writing. Your text is number 4 in line."),
    ],
    ids=["no-worker", "one-ahead", "three-ahead"],
)
async def test_wait_is_told_with_a_stop_button(front: Front, slots: int, ahead: int, notice: str):
    """Told once the job stands in line, in its own reply, and pings nobody."""
    if slots:
        await front.set_free_slots(slots)
    for number in range(ahead):
        await front.queue.put(make_job(str(50 + number), deadline_at_s=NOW_S + 600))

    [defer] = await front.command()
    [told] = await front.notices(at_least=1)

    assert DEFER_THINKING == defer.kind
    assert ("PATCH @original", ahead + 1) == (told.route, told.queued)
    assert "/token-1/" in told.path
    assert told.message["content"].startswith(notice)
    assert told.pings_nobody
    [row] = told.message["components"]
    [button], [expected] = row["components"], stop_row("1")[0]["components"]
    button["emoji"] = {"name": button["emoji"]["name"]}
    assert expected | {"disabled": False} == button


async def test_nothing_is_told_where_a_worker_takes_it_at_once(front: Front):
    """The text comes right away; a notice would only flash up, or overwrite it."""
    await front.command()
    await front.jobs_put()

    assert [] == await front.notices()


async def test_reply_that_was_deleted_is_told_nothing_more(front: Front):
    """Discord knows it no more: one try, and no other."""
    front.wire.refused["PATCH @original"] = (404, 10008)
    await front.command()

    with capture_logs() as logs:
        calls = await front.notices(at_least=1)

    assert ["PATCH @original"] == [call.route for call in calls]
    assert [] == logs


async def test_notice_that_fails_is_tried_again(front: Front):
    """Discord may be away for a moment."""
    front.wire.broken.add("PATCH @original")
    await front.command()
    with capture_logs():
        await front.notices()
    front.wire.broken.clear()

    [told] = await front.notices(at_least=1)

    assert told.message["content"].startswith("No worker is running right now")


@pytest.mark.parametrize("prompt", [" ", "\n\t \u200b", "\x00"])
async def test_empty_prompt_is_refused_to_the_asker_alone(front: Front, prompt: str):
    """A sentence in place of a public "thinking…", and nothing is enqueued."""
    [answer] = await front.command(prompt=prompt)

    assert MESSAGE_ANSWER == answer.kind
    assert answer.is_private
    assert answer.pings_nobody
    assert answer.message["content"].startswith("There is nothing to go on with")
    assert answer.error_id
    assert [] == await front.jobs_put()


async def test_full_queue_is_told_to_the_asker_alone():
    """The public "thinking…" is taken back; the jobs that wait are left alone."""
    async with Front(max_queued=1).running() as front:
        await front.command(interaction_id=1)

        *_, taken_back, answer = await front.command(interaction_id=2)

        assert ["DELETE @original", "POST followup"] == [taken_back.route, answer.route]
        assert answer.is_private
        assert answer.pings_nobody
        assert answer.message["content"].startswith("Too many texts are waiting already")
        assert answer.error_id
        assert ["1"] == [job.id for job in await front.jobs_put()]


async def test_queue_that_is_down_is_told_to_the_asker_alone(front: Front):
    """The asker sees why, not a "thinking…" for ever."""
    front.gate.is_down = True

    defer, *_, taken_back, answer = await front.command()

    assert [DEFER_THINKING, "DELETE @original"] == [defer.kind, taken_back.route]
    assert answer.is_private
    assert answer.message["content"].startswith("The queue can't be reached.")
    assert answer.error_id


async def test_nothing_is_enqueued_whose_interaction_is_gone(front: Front):
    """Where Discord knows it no more, no worker writes for nobody."""
    front.wire.refused["POST callback"] = (404, 10062)

    with capture_logs():
        await front.command()

    assert [] == await front.jobs_put()


async def test_command_delivered_twice_is_one_job(front: Front):
    """The gateway may repeat itself after a reconnection."""
    await front.command(interaction_id=1)
    await front.command(interaction_id=1)

    assert ["1"] == [job.id for job in await front.jobs_put()]


async def test_chosen_model_writes(front: Front):
    """One that nobody serves is a sentence that names those that are; nothing is enqueued."""
    defer, *_, answer = await front.command(model="huge")
    assert DEFER_THINKING == defer.kind
    assert answer.is_private
    assert answer.message["content"].startswith(
        "No worker serves the model huge right now; choose one of small."
    )
    assert [] == await front.jobs_put()

    await front.command(interaction_id=2, model="small")
    assert ["2"] == [job.id for job in await front.jobs_put()]


@pytest.mark.parametrize("place", ["guild", "brought along", "direct message"])
async def test_share_is_the_servers_where_it_added_the_bot(front: Front, place: str):
    """A user who brings the bot along has one share in all places, not one in each."""
    payload = {"authorizing_integration_owners": {"1": str(ASKER)}}
    if place == "guild":
        payload["authorizing_integration_owners"]["0"] = str(GUILD)
    guild_id = None if place == "direct message" else GUILD

    await front.command(guild_id=guild_id, payload=payload)

    [job] = await front.jobs_put()
    assert (f"g{GUILD}" if place == "guild" else f"u{ASKER}") == job.tenant


@pytest.mark.usefixtures("own_logging")
async def test_log_has_the_job_and_not_the_prompt(front: Front):
    """Each line names job and server; neither text nor token is in it, at any level."""
    stream = io.StringIO()
    configure_logging("json", "debug", stream)

    await front.command(interaction_id=77, prompt="swordfish")

    log = stream.getvalue()
    assert '"event": "job put"' in log
    assert '"job_id": "77"' in log
    assert f'"guild_id": {GUILD}' in log
    assert "swordfish" not in log
    assert "token-77" not in log
