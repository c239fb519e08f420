"""The buttons under a finished text, as Discord sees them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bot.core.buttons import Action, finished_rows, stop_custom_id, waiting_row
from bot.core.jobs import JobState
from bot.errors import QueueDownError
from tests.unit.cogs.front import (
    ASKER,
    DEFER_THINKING,
    DEFER_UPDATE,
    DRAWN_SEED,
    GUILD,
    MANAGE_MESSAGES,
    MESSAGE_ANSWER,
    STRANGER,
    _message,
)
from tests.unit.cogs.output_front import (
    PROMPT,
    ROOT,
    SEED,
    TEXT,
    OutputFront,
    make_output,
    rows,
)

CHANGES = [Action.CONTINUE, Action.RETRY, Action.EDIT, Action.PAGE, Action.KEEP]


@pytest.fixture
async def front() -> AsyncIterator[OutputFront]:
    """A bot with its cogs."""
    async with OutputFront().running() as front:
        yield front


def ids(message: dict[str, Any]) -> list[str]:
    """The ids of a message's buttons."""
    return [one["custom_id"] for row in message["components"] for one in row["components"]]


async def test_continue_is_a_new_reply_that_goes_on_with_the_whole(front: OutputFront):
    """Drawn in the same way, by the same model, with a seed of its own."""
    [output] = await front.save()

    [defer] = await front.press(Action.CONTINUE)

    assert (DEFER_THINKING, False) == (defer.kind, defer.is_private)
    [job] = await front.jobs_put()
    assert (PROMPT + TEXT, "", output.code) == (job.prompt, job.root, job.origin)
    assert replace(output.sampling, seed=DRAWN_SEED) == job.sampling
    assert output.max_new_tokens == job.max_new_tokens


async def test_retry_is_a_new_version_in_the_same_reply(front: OutputFront):
    """The click's token edits the message that was clicked, once the worker comes."""
    [output] = await front.save()

    [defer] = await front.press(Action.RETRY)

    assert DEFER_UPDATE == defer.kind
    [job] = await front.jobs_put()
    assert (PROMPT, ROOT, "token-101") == (job.prompt, job.root, job.reply.interaction_token)
    assert replace(output.sampling, seed=DRAWN_SEED) == job.sampling


async def test_waiting_version_leaves_the_old_text(front: OutputFront):
    """Its place is told on a button; Stop takes both away and nothing else."""
    await front.save(make_output(), make_output(1))
    await front.press(Action.RETRY, message=_message(components=rows(2)))

    [told] = await front.notices(at_least=1)

    assert "content" not in told.message
    assert ids(told.message)[-2:] == [stop_custom_id("101"), "bardling:waiting:101"]
    assert not any(":page:" in one for one in ids(told.message))
    label = told.message["components"][-1]["components"][1]["label"]
    assert label.startswith("No worker is running right now.")
    assert len(label) <= 80

    waiting = _message(components=[*rows(), *waiting_row("101", "Wait.")])
    _, stopped = await front.press_id(stop_custom_id("101"), message=waiting)
    assert stopped.message["content"].startswith(f"**{PROMPT}** there was a fox.")
    assert ids({"components": rows(2)}) == ids(stopped.message)


async def test_two_clicks_at_once_make_one_version(front: OutputFront):
    """Whoever comes second is told so; when the first is over, it may be tried again."""
    await front.save()

    calls = await asyncio.gather(front.press(Action.RETRY), front.press(Action.RETRY))

    told = {id(call): call for part in calls for call in part}.values()
    sentences = [c.message["content"] for c in told if "content" in c.message]
    assert 1 == len(sentences)
    assert "written already" in sentences[0]
    [job] = await front.jobs_put()
    await front.queue.finish("w", job.id, 1, JobState.FAILED, 0)
    assert [DEFER_UPDATE] == [call.kind for call in await front.press(Action.RETRY)]
    assert 1 == len(await front.jobs_put())


async def test_refused_retry_leaves_everything_as_it_was(front: OutputFront):
    """The sentence is private; the next click isn't told that a version is being written."""
    await front.save()
    await front.services.servers.change(GUILD, 5, paused=True)

    defer, sentence = await front.press(Action.RETRY)

    assert DEFER_UPDATE == defer.kind
    assert sentence.is_private
    assert "paused" in sentence.message["content"]
    await front.services.servers.change(GUILD, 5, paused=False)
    assert 1 == len(await front.press(Action.RETRY))


@pytest.mark.parametrize("action", CHANGES)
async def test_others_get_a_sentence(front: OutputFront, action: Action):
    """To themselves; nobody else sees that they clicked."""
    await front.save()

    *defers, sentence = await front.press(action, user_id=STRANGER)

    assert all(DEFER_UPDATE == defer.kind for defer in defers)
    assert sentence.is_private
    assert "Only the one who asked" in sentence.message["content"]
    assert [] == await front.jobs_put()


@pytest.mark.parametrize("action", CHANGES)
async def test_moderators_may_too(front: OutputFront, action: Action):
    """In a server; in direct messages the permission means nothing."""
    await front.save()
    front.permissions = MANAGE_MESSAGES

    calls = await front.press(action, user_id=STRANGER)

    assert not any("Only the one" in call.message.get("content", "") for call in calls)


async def test_asker_of_any_version_may(front: OutputFront):
    """A moderator's version does not take the reply away from its asker."""
    await front.save(make_output())
    await front.save(make_output(1, user_id=STRANGER))

    assert 1 == len(await front.press(Action.RETRY, 1, user_id=ASKER))


@pytest.mark.parametrize("action", [*CHANGES, Action.REPORT])
async def test_text_that_is_not_kept_any_more_is_a_sentence(front: OutputFront, action: Action):
    """However long ago that was."""
    *_, sentence = await front.press(action)

    assert sentence.is_private
    assert (
        "not kept" in sentence.message["content"]
        or "Nothing is kept" in (sentence.message["content"])
    )


async def test_buttons_work_after_a_restart(front: OutputFront):
    """Another process, with nothing but what is stored."""
    await front.save()
    async with OutputFront().running() as later:
        later.stores.outputs._kept = front.stores.outputs._kept  # pyright: ignore

        assert [DEFER_UPDATE] == [call.kind for call in await later.press(Action.RETRY)]
        assert 1 == len(await later.jobs_put())


async def test_pages_are_turned(front: OutputFront):
    """Text, line and buttons are those of the other version; a long one brings a file."""
    await front.save(make_output(text=" One. " * 900))
    await front.save(make_output(1))

    defer, shown = await front.press(Action.PAGE, 1)

    assert DEFER_UPDATE == defer.kind
    assert f"**{PROMPT}** there was a fox." in shown.message["content"]
    assert f"seed {SEED + 1}" in shown.message["content"]
    assert [one["custom_id"] for row in finished_rows(ROOT, 1, 2) for one in row["components"]] == (
        ids(shown.message)
    )
    assert shown.pings_nobody
    assert [] == shown.message["attachments"]

    _, back = await front.press(Action.PAGE, 0)
    assert f"seed {SEED}" in back.message["content"]
    [(name, content)] = front.wire.posted
    assert "rest-of-the-text.txt" == name
    assert content.decode().endswith("One. ")


async def test_further_messages_go_with_the_page(front: OutputFront):
    """Once; and what Discord refuses does not matter."""
    [output, _] = await front.save(make_output()), await front.save(make_output(1))
    await front.stores.outputs.note_messages(output[0].code, [3001, 3002])

    calls = await front.press(Action.PAGE, 1)
    again = await front.press(Action.PAGE, 0)

    assert ["/3001", "/3002"] == [call.path[-5:] for call in calls if call.method == "DELETE"]
    assert [] == [call for call in again if call.method == "DELETE"]


async def test_masked_words_stay_masked(front: OutputFront):
    """On every page."""
    await front.save()
    await front.services.servers.change(GUILD, 5, filter_words=("fox",))

    _, shown = await front.press(Action.PAGE, 0)

    assert "fox" not in shown.message["content"]


async def test_kept_candidate_becomes_the_reply(front: OutputFront):
    """Before, nobody can go on with any; the others are gone afterwards."""
    first = make_output()
    candidates = [
        first,
        replace(first, code="B" * 10, text=" a hen."),
    ]
    await front.save(*candidates)
    _, refused = [None, *await front.press(Action.CONTINUE)]
    assert refused is not None
    assert "keep one" in refused.message["content"]

    _, shown = await front.press(Action.KEEP, 1)

    assert "a hen" in shown.message["content"]
    assert ids({"components": rows()}) == ids(shown.message)
    assert [candidates[1]] == await front.stores.outputs.versions(ROOT)
    assert 2 == len(await front.press(Action.KEEP, 1))  # a second click shows the same


async def test_queue_that_is_down_is_a_sentence(front: OutputFront):
    """Also before a form."""
    await front.save()
    front.gate.fault = QueueDownError("The queue can't be reached right now.")

    defer, sentence = await front.press(Action.RETRY)

    assert (DEFER_UPDATE, True) == (defer.kind, sentence.is_private)
    assert "can't be reached" in sentence.message["content"]


async def test_text_drawn_without_bounds_stays_in_its_place(front: OutputFront):
    """It can be made again in an age-restricted channel only."""
    output = make_output()
    await front.save(replace(output, sampling=replace(output.sampling, openai_semantics=True)))

    [refused] = await front.press(Action.CONTINUE)
    front.nsfw = True
    [defer] = await front.press(Action.CONTINUE)

    assert MESSAGE_ANSWER == refused.kind
    assert "age-restricted" in refused.message["content"]
    assert DEFER_THINKING == defer.kind


async def test_nothing_is_deleted_where_the_bot_is_not(front: OutputFront):
    """A server in which only the asker installed it: the bot would be refused, again and again."""
    await front.save(make_output(guild_id=None), make_output(1, guild_id=None))
    await front.stores.outputs.note_messages(make_output().code, [3003])
    front.owners = {"1": str(ASKER)}

    calls = await front.press(Action.PAGE, 1)

    assert [DEFER_UPDATE, None] == [call.body.get("type") for call in calls]


@pytest.mark.parametrize("action", [Action.CONTINUE, Action.XRAY])
async def test_two_quick_clicks_make_one_reply(front: OutputFront, action: Action):
    """Who clicks again a little later means it; so does somebody else, a moderator say."""
    await front.save()

    await asyncio.gather(front.press(action), front.press(action))
    [sentence] = await front.press(action)

    assert (MESSAGE_ANSWER, True) == (sentence.kind, sentence.is_private)
    assert "a moment ago" in sentence.message["content"]
    assert 1 == len(await front.jobs_put())

    front.permissions = MANAGE_MESSAGES
    await front.press(action, user_id=STRANGER)
    front.wait(3)
    await front.press(action)
    assert 2 == len(await front.jobs_put())


@pytest.mark.parametrize("action", [Action.CONTINUE, Action.XRAY])
async def test_click_that_was_refused_can_be_repeated_at_once(front: OutputFront, action: Action):
    """Nothing came of it."""
    await front.save()
    front.gate.fault = QueueDownError("The queue can't be reached right now.")
    await front.press(action)
    front.gate.fault = None

    [defer] = await front.press(action)

    assert DEFER_THINKING == defer.kind
    assert 1 == len(await front.jobs_put())


async def test_two_clicks_on_a_page_show_it_twice(front: OutputFront):
    """Nothing else changes."""
    await front.save(make_output())
    await front.save(make_output(1, text=" a hen."))

    calls = await asyncio.gather(front.press(Action.PAGE, 1), front.press(Action.PAGE, 1))

    assert all(" a hen." in one[-1].message["content"] for one in calls)
    assert 2 == len(await front.stores.outputs.versions(ROOT))
    assert [] == await front.jobs_put()
