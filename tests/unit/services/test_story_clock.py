"""Turns pass and votes close by themselves, once, whatever fails on the way."""

import asyncio
import random
from dataclasses import replace

from bot.services.story_clock import StoryClock
from bot.stories.moves import Ballot, Continue, Join, Write
from bot.stories.passages import Kind
from bot.stories.story import Mode
from tests.story_stand_ins import ChannelEdits
from tests.story_table import BEN, CHANNEL, STORY, Table


def make_clock(table: Table, channels: ChannelEdits | None) -> StoryClock:
    """Without the usual waits."""
    return StoryClock(table.stories, channels, every_s=0.001, apart_s=0.0, rng=random.Random(1))


async def relay(table: Table) -> None:
    """A relay whose turn passes at 1,100."""
    await table.begin(Mode.RELAY)
    await table.stories.move(STORY, Join(), table.hand(BEN))
    story, revision = table.store.stories[STORY]
    table.store.put(replace(story, turn_until_s=1_100.0), revision)


async def test_a_turn_passes_when_its_time_is_over_and_not_before() -> None:
    table, channels = Table(), ChannelEdits()
    await relay(table)
    clock = make_clock(table, channels)
    assert await clock.look() == 0
    table.now_s = 1_100.0
    assert await clock.look() == 1
    assert table.story.turn == 1
    ((channel_id, message_id, message),) = channels.edits
    assert (channel_id, message_id) == (CHANNEL, 900)
    assert f"<t:{int(1_100 + table.story.turn_s)}:R>" in message.content
    assert await clock.look() == 0


async def test_two_clocks_pass_a_turn_once() -> None:
    table = Table()
    await relay(table)
    table.now_s = 1_100.0
    first, second = make_clock(table, ChannelEdits()), make_clock(table, ChannelEdits())

    async def other() -> None:
        await second.look()

    table.store.between = other
    await first.look()
    assert table.story.turn == 1


async def test_who_acts_in_the_last_second_is_not_passed_over() -> None:
    table = Table()
    await relay(table)
    table.now_s = 1_100.0

    async def write() -> None:
        await table.stories.move(STORY, Write(Kind.TELL, "Now."), table.hand(message_id=901))
        story, revision = table.store.stories[STORY]
        table.store.put(replace(story, turn_until_s=1_700.0), revision)

    table.store.between = write
    await make_clock(table, ChannelEdits()).look()
    assert len(await table.stories.all_passages(STORY)) == 2
    assert table.story.turn == 1  # by the words, not by the clock as well


async def test_a_vote_closes_and_the_winner_is_shown() -> None:
    table, channels = Table(), ChannelEdits()
    await table.begin(Mode.BRANCHES)
    await table.stories.move(STORY, Continue(), table.hand(message_id=901))
    await table.answer("Up.", "Down.", "Left.")
    await table.stories.move(STORY, Ballot(2), table.hand(BEN))
    table.now_s += table.story.vote_s
    await make_clock(table, channels).look()
    assert table.story.vote is None
    ((_, message_id, message),) = channels.edits
    assert message_id == 901
    assert message.content.startswith("Up.")


async def test_a_message_that_cannot_be_edited_stops_nothing() -> None:
    table, channels = Table(), ChannelEdits(fault=RuntimeError("the thread is gone"))
    await relay(table)
    table.now_s = 1_100.0
    assert await make_clock(table, channels).look() == 1
    assert table.story.turn == 1
    table.now_s += table.story.turn_s
    assert await make_clock(table, None).look() == 1
    assert table.story.turn == 0  # of two players, the first again


async def test_the_clock_goes_on_when_the_store_comes_back() -> None:
    table, channels = Table(), ChannelEdits()
    await relay(table)
    table.now_s = 1_100.0
    clock = make_clock(table, channels)
    table.store.is_down = True
    running = asyncio.create_task(clock.run())
    await asyncio.sleep(0.01)
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    table.store.is_down = False
    running = asyncio.create_task(make_clock(table, channels).run())
    async with asyncio.timeout(5):
        while not channels.edits:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert table.story.turn == 1


async def test_a_story_that_was_deleted_meanwhile_is_passed_over() -> None:
    table, channels = Table(), ChannelEdits()
    await relay(table)
    table.now_s = 1_100.0

    async def delete() -> None:
        await table.store.delete(STORY)

    table.store.between = delete
    assert await make_clock(table, channels).look() == 1
    assert channels.edits == []
