"""Moves in stories: saved before anything else, never lost, never made twice."""

import asyncio
from dataclasses import replace

import pytest

from bot.core.jobs import JobKind, JobState
from bot.core.server_settings import FilterAction
from bot.errors import (
    ConflictError,
    NotHereError,
    PromptError,
    QueueDownError,
    QueueFullError,
    StoryError,
)
from bot.services.story_data import KeptStories
from bot.services.story_hands import Seen
from bot.services.story_tools import Plan
from bot.stories.moves import (
    Actor,
    AddLore,
    Ballot,
    Continue,
    End,
    Join,
    Move,
    Near,
    Remember,
    Retry,
    Rewind,
    Settings,
    Skip,
    Step,
    Undo,
    Write,
)
from bot.stories.passages import Kind
from bot.stories.rules import play
from bot.stories.story import ContextUse, LoreEntry, Mode, Pending, Status, Story
from tests.story_stand_ins import task_of
from tests.story_table import ANN, BEN, CHANNEL, GUILD, MODERATOR, STORY, Table

OTHER_CHANNEL = 21


async def test_a_story_begins_with_its_opening_as_the_living_message() -> None:
    table = Table()
    played = await table.begin()
    assert played.message is not None
    assert played.message.content.startswith("You wake up in a cellar.")
    assert played.message.components
    assert table.story.message_id == 900
    assert await table.stories.here(CHANNEL) == STORY


async def test_a_move_is_saved_and_then_the_model_is_asked() -> None:
    table = Table()
    await table.begin()
    played = await table.write()
    assert played.model
    assert played.message is None
    (job,) = await table.jobs()
    assert job.kind is JobKind.STORY
    assert table.story.pending is not None
    assert table.story.pending.job_id == job.id
    assert job.prompt == "You wake up in a cellar.\n\n> You open it.\n\n"
    assert task_of(job).lead == "open it"
    assert job.sampling.temperature == 0.9
    assert job.sampling.end_at_sentence
    assert job.sampling.guard_loops
    assert job.sampling.stop == ("\n>", f"\nP{ANN}:")
    assert job.reply.interaction_token == "t5001"


async def test_the_message_before_loses_its_status_and_keeps_its_words() -> None:
    table = Table()
    await table.begin()
    faded = (await table.write()).faded
    assert faded is not None
    assert (faded.channel_id, faded.message_id) == (CHANNEL, 900)
    assert faded.message.content == "You wake up in a cellar."
    assert faded.message.components == []
    await table.answer()
    next_faded = (await table.write("go on", 902)).faded
    assert next_faded is not None
    assert next_faded.message_id == 901
    assert next_faded.message.content.startswith("**open it**\nA dark stair.")
    assert "🎲" not in next_faded.message.content


async def test_a_move_without_text_changes_the_living_message_in_place() -> None:
    table = Table()
    await table.begin()
    played = await table.stories.move(STORY, Join(), table.hand(BEN))
    assert played.faded is None
    assert played.message is not None
    assert f"P{BEN}" in played.message.content
    assert table.story.message_id == 900


async def test_after_undo_the_message_shows_where_the_story_stands() -> None:
    table = Table()
    await table.begin()
    await table.write()
    await table.answer()
    played = await table.stories.move(STORY, Undo(), table.hand())
    assert played.message is not None
    assert played.message.content.startswith("**open it**")
    assert "dark stair" not in played.message.content


async def test_of_two_at_the_same_moment_both_moves_are_made() -> None:
    table = Table()
    await table.begin(Mode.FREE)

    async def meanwhile() -> None:
        hand = table.hand(BEN, 950)
        await table.stories.move(STORY, Write(Kind.TELL, "Ben's words."), hand)

    table.store.between = meanwhile
    await table.stories.move(STORY, Write(Kind.TELL, "Ann's words."), table.hand(message_id=951))
    texts = [one.text for one in await table.stories.all_passages(STORY)]
    assert texts == ["You wake up in a cellar.", "Ben's words.", "Ann's words."]
    numbers = [one.number for one in await table.stories.all_passages(STORY)]
    assert numbers == [1, 2, 3]


async def test_many_at_the_same_moment_lose_no_passage() -> None:
    table = Table()
    await table.begin(Mode.FREE)

    async def write(text: str) -> None:
        await table.stories.move(STORY, Write(Kind.TELL, text), table.hand(message_id=1))

    await asyncio.gather(*(write(f"Words {place}.") for place in range(30)))
    passages = await table.stories.all_passages(STORY)
    assert {one.text for one in passages[1:]} == {f"Words {place}." for place in range(30)}


async def test_who_is_always_overtaken_is_told_so() -> None:
    table = Table()
    await table.begin(Mode.FREE)

    async def overtake() -> None:
        story, revision = table.store.stories[STORY]
        table.store.put(story, revision + 1)
        table.store.between = overtake

    table.store.between = overtake
    with pytest.raises(ConflictError):
        await table.stories.move(STORY, Join(), table.hand(BEN))
    assert table.story.player(BEN) is None


async def test_the_same_interaction_twice_is_one_move() -> None:
    table = Table()
    await table.begin(Mode.FREE)
    hand = table.hand(message_id=901)
    first = await table.stories.move(STORY, Write(Kind.TELL, "Once."), hand)
    again = await table.stories.move(STORY, Write(Kind.TELL, "Once."), hand)
    assert again.message == first.message
    assert len(await table.stories.all_passages(STORY)) == 2


async def test_where_the_line_is_full_the_words_stay_and_the_model_is_not_waited_for() -> None:
    table = Table(max_queued=0)
    await table.begin()
    played = await table.write()
    assert isinstance(played.refusal, QueueFullError)
    assert table.story.pending is None
    assert played.message is not None
    assert played.message.content.startswith("**open it**")
    assert played.message.components
    assert table.story.message_id == 901


async def test_where_the_line_is_full_a_continue_leaves_everything_as_it_was() -> None:
    table = Table(max_queued=0)
    await table.begin()
    with pytest.raises(QueueFullError):
        await table.stories.move(STORY, Continue(), table.hand(message_id=901))
    assert table.story.pending is None
    assert table.story.message_id == 900
    assert len(await table.stories.all_passages(STORY)) == 1


async def test_while_the_model_writes_others_wait() -> None:
    table = Table()
    await table.begin()
    await table.write()
    with pytest.raises(StoryError):
        await table.write("me too")
    assert len(await table.jobs()) == 1


async def test_a_turn_that_was_stopped_in_line_is_taken_back_by_the_next_move() -> None:
    table = Table()
    await table.begin()
    await table.write()
    (job,) = await table.jobs()
    assert await table.queue.cancel(job.id) is JobState.QUEUED
    await table.write("push it", 902)
    texts = [one.text for one in await table.stories.all_passages(STORY)]
    assert texts == ["You wake up in a cellar.", "open it", "push it"]
    (next_job,) = await table.jobs()
    assert next_job.id != job.id


async def test_a_turn_whose_job_was_never_put_is_taken_back_after_a_while() -> None:
    table = Table()
    await table.begin()
    story, revision = table.store.stories[STORY]
    pending = Pending(job_id="77", parent=1, since_s=table.now_s)
    table.store.put(replace(story, pending=pending), revision)
    table.now_s += 59
    with pytest.raises(StoryError):
        await table.write()
    table.now_s += 2
    assert (await table.write()).model


async def test_the_stop_button_gives_the_story_back_at_once() -> None:
    table = Table()
    await table.begin()
    await table.write()
    (job,) = await table.jobs()
    assert await table.stories.events.stopped(CHANNEL, "other") is None
    played = await table.stories.events.stopped(CHANNEL, job.id)
    assert played is not None
    assert played.message is not None
    assert played.message.components
    assert table.story.pending is None


async def test_a_click_on_an_old_message_is_answered_by_a_sentence() -> None:
    table = Table()
    await table.begin(Mode.FREE)
    await table.stories.move(STORY, Write(Kind.TELL, "On."), table.hand(message_id=901))
    with pytest.raises(StoryError, match="gone on"):
        await table.stories.move(STORY, Undo(), table.hand(), seen=Seen(head=1))
    assert table.story.head == 2
    await table.stories.move(STORY, Undo(), table.hand(), seen=Seen(head=2))
    assert table.story.head == 1


async def test_of_two_who_skip_at_once_one_skips() -> None:
    table = Table()
    await table.begin(Mode.RELAY)
    await table.stories.move(STORY, Join(), table.hand(BEN))
    seen = Seen(head=1, turn=0)
    await table.stories.move(STORY, Skip(), table.hand(MODERATOR), seen=seen)
    with pytest.raises(StoryError, match="gone on"):
        await table.stories.move(STORY, Skip(), table.hand(MODERATOR), seen=seen)
    assert table.story.turn == 1


async def test_a_retry_writes_into_the_same_message_below_the_players_words() -> None:
    table = Table()
    await table.begin()
    await table.write()
    await table.answer()
    played = await table.stories.move(STORY, Retry(), table.hand(message_id=901))
    assert played.faded is None
    (job,) = await table.jobs()
    assert task_of(job).lead == "open it"
    story = await table.answer("A bright stair.")
    assert story.head == 4
    assert {one.text for one in await table.stories.all_passages(STORY)} >= {
        "A dark stair.",
        "A bright stair.",
    }


async def test_options_are_voted_on_and_the_winner_is_shown() -> None:
    table = Table()
    await table.begin(Mode.BRANCHES)
    await table.stories.move(STORY, Continue(), table.hand(message_id=901))
    (job,) = await table.jobs()
    assert job.candidates == 3
    await table.answer("Up.", "Down.", "Left.")
    for user_id in (ANN, BEN):
        played = await table.stories.move(STORY, Ballot(3), table.hand(user_id))
        assert played.message is not None
        assert "**B** · Down." in played.message.content
    played = await table.stories.move(STORY, Ballot(2), table.hand(MODERATOR))
    assert played.message is not None
    assert played.message.content.startswith("Down.")
    assert len(await table.stories.all_passages(STORY)) == 4


async def test_what_needs_an_answer_to_write_to_waits_for_one() -> None:
    table = Table()
    await table.begin(Mode.FREE)
    played = await table.stories.move(STORY, Continue(), table.hand())
    assert not played.model
    assert table.story.pending is None
    assert await table.jobs() == []


async def test_the_filter_is_asked_about_typed_words_only() -> None:
    table = Table()
    await table.begin()
    await table.services.servers.change(
        GUILD, MODERATOR, filter_words=("darn",), filter_action=FilterAction.BOTH
    )
    with pytest.raises(PromptError):
        await table.write("darn it")
    for move in (Remember("darn"), AddLore(LoreEntry(keys=("darn",), text="x"))):
        with pytest.raises(PromptError):
            await table.stories.move(STORY, move, table.hand())
    with pytest.raises(PromptError):
        await table.stories.move(STORY, Settings(title="darn"), table.hand())
    assert len(await table.stories.all_passages(STORY)) == 1
    await table.write()
    await table.answer("Darn, a stair.")
    played = await table.write("up", 903)
    assert played.model  # what the model wrote itself refuses nobody
    assert played.faded is not None
    assert "Darn" not in played.faded.message.content


async def test_another_servers_story_does_not_exist_here() -> None:
    table = Table()
    await table.begin()
    strangers = {"guild_id": 11, "channel_id": OTHER_CHANNEL}
    with pytest.raises(StoryError, match="no such story"):
        await table.stories.move(STORY, Join(), table.hand(BEN, **strangers))
    with pytest.raises(StoryError, match="no such story"):
        await table.stories.shelf.export(STORY, "md", table.hand(BEN, **strangers))
    with pytest.raises(StoryError, match="no such story"):
        await table.stories.delete(STORY, table.hand(MODERATOR, **strangers))


async def test_a_story_of_direct_messages_is_its_owners_alone() -> None:
    table = Table()
    plan = Plan(mode=Mode.FREE, opening="Alone.")
    await table.stories.start(plan, table.hand(guild_id=None, message_id=1))
    with pytest.raises(StoryError, match="no such story"):
        await table.stories.load(STORY, table.hand(BEN, guild_id=None, channel_id=77))
    moved = table.hand(guild_id=None, channel_id=78, message_id=2)
    await table.stories.load(STORY, moved)
    assert table.story.channel_id == 78
    assert [one.story_id for one in await table.stories.summaries(moved)] == [STORY]


async def test_a_move_from_another_channel_is_sent_where_the_story_is() -> None:
    table = Table()
    await table.begin()
    elsewhere = table.hand(channel_id=OTHER_CHANNEL)
    with pytest.raises(StoryError, match=f"<#{CHANNEL}>"):
        await table.stories.move(STORY, Undo(), elsewhere)
    await table.stories.move(STORY, Join(), table.hand(BEN, channel_id=OTHER_CHANNEL))
    assert table.story.player(BEN) is not None


async def test_in_one_channel_one_story_is_played() -> None:
    table = Table()
    await table.begin()
    with pytest.raises(StoryError, match="Another story"):
        await table.begin()
    await table.stories.move(STORY, End(), table.hand())


async def test_a_server_has_so_many_stories_and_no_more() -> None:
    table = Table(most=1)
    await table.begin()
    with pytest.raises(StoryError, match="1 story here"):
        await table.stories.start(Plan(mode=Mode.FREE), table.hand(channel_id=OTHER_CHANNEL))
    await table.stories.delete(STORY, table.hand())
    assert await table.stories.start(Plan(mode=Mode.FREE), table.hand(channel_id=OTHER_CHANNEL))


async def test_a_loaded_story_moves_with_its_message() -> None:
    table = Table()
    await table.begin()
    played = await table.stories.load(
        STORY, table.hand(ANN, channel_id=OTHER_CHANNEL, message_id=990)
    )
    assert table.story.channel_id == OTHER_CHANNEL
    assert table.story.message_id == 990
    assert played.faded is not None
    assert (played.faded.channel_id, played.faded.message_id) == (CHANNEL, 900)


async def test_only_owner_and_moderators_delete() -> None:
    table = Table()
    await table.begin()
    with pytest.raises(StoryError, match="moderator"):
        await table.stories.delete(STORY, table.hand(BEN))
    faded = await table.stories.delete(STORY, table.hand(MODERATOR))
    assert faded is not None
    assert faded.message_id == 900
    with pytest.raises(StoryError, match="No story"):
        await table.stories.here(CHANNEL)


async def test_an_exported_story_comes_back_without_what_nobody_can_vouch_for() -> None:
    table = Table()
    await table.begin()
    await table.write()
    await table.answer()
    exported = await table.stories.shelf.export(STORY, "json", table.hand())
    assert exported.name == "the-cellar.json"
    await table.stories.delete(STORY, table.hand())
    hand = table.hand(BEN, message_id=905)
    plan = Plan(mode=Mode.ADVENTURE, file_text=exported.data.decode())
    played = await table.stories.start(plan, hand)
    assert played.story.head == 3
    assert played.story.owner_id == BEN
    assert [one.user_id for one in played.story.players] == [BEN]
    tree = await table.stories.all_passages(played.story.id)
    assert [one.text for one in tree][1:] == ["open it", "A dark stair."]
    assert [one.author_id for one in tree] == [BEN, BEN, 0]
    assert not any(one.receipt for one in tree)


async def test_a_file_that_is_no_story_begins_none() -> None:
    table = Table()
    with pytest.raises(StoryError, match="no story"):
        await table.stories.start(Plan(mode=Mode.FREE, file_text="{}"), table.hand())
    assert table.store.stories == {}


async def test_pictures_and_recaps_are_filtered_and_described() -> None:
    table = Table()
    await table.begin()
    with pytest.raises(StoryError, match="not written"):
        await table.stories.shelf.context(STORY, table.hand())
    await table.write()
    await table.answer("Darn.")
    story, revision = table.store.stories[STORY]
    table.store.put(replace(story, context=ContextUse(window=1024)), revision)
    await table.services.servers.change(GUILD, MODERATOR, filter_words=("darn",))
    picture = await table.stories.shelf.map(STORY, table.hand())
    assert picture.description == "The Cellar: 3"
    assert (await table.stories.shelf.context(STORY, table.hand())).png
    recap = await table.stories.shelf.recap(STORY, table.hand())
    assert "open it" in recap
    assert "Darn" not in recap
    with pytest.raises(StoryError, match="kind of file"):
        await table.stories.shelf.export(STORY, "exe", table.hand())


async def test_a_named_passage_is_brought_along_from_anywhere_in_the_tree() -> None:
    table = Table()
    await table.begin(Mode.FREE)
    for text in ("One.", "Two."):
        await table.stories.move(STORY, Write(Kind.TELL, text), table.hand(message_id=901))
    await table.stories.move(STORY, Rewind(1), table.hand())
    played = await table.stories.move(STORY, Rewind(3), table.hand())
    assert played.message is not None
    assert "Two." in played.message.content
    with pytest.raises(StoryError):
        await table.stories.move(STORY, Rewind(99), table.hand())


async def test_a_way_of_drawing_for_age_restricted_places_stays_there() -> None:
    table = Table()
    await table.begin()
    story, revision = table.store.stories[STORY]
    table.store.put(replace(story, preset="openai"), revision)
    refused = await table.write()
    assert isinstance(refused.refusal, NotHereError)
    assert table.story.pending is None
    hand = table.hand(message_id=902, is_age_restricted=True)
    assert (await table.stories.move(STORY, Continue(), hand)).model


async def test_a_servers_preset_for_age_restricted_places_is_left_out_elsewhere() -> None:
    table = Table()
    await table.services.servers.change(GUILD, MODERATOR, preset="openai")
    await table.begin()
    await table.write()
    (job,) = await table.jobs()
    assert not job.sampling.openai_semantics


async def test_nothing_can_be_asked_of_a_story_without_words() -> None:
    table = Table()
    await table.begin(opening="")
    with pytest.raises(StoryError, match="no words"):
        await table.stories.move(STORY, Continue(), table.hand(message_id=901))
    assert table.story.pending is None
    assert table.story.message_id == 900


async def test_a_deleted_channels_story_waits_to_be_loaded_elsewhere() -> None:
    table = Table()
    await table.begin()
    await table.stories.events.channel_gone(CHANNEL)
    assert table.story.status is Status.PAUSED
    await table.stories.events.channel_gone(4711)
    hand = table.hand(channel_id=OTHER_CHANNEL, message_id=990)
    await table.stories.load(STORY, hand)
    assert table.story.status is Status.ACTIVE


async def test_a_banned_player_plays_no_more() -> None:
    table = Table()
    await table.begin()
    await table.stories.move(STORY, Join(), table.hand(BEN))
    (played,) = await table.stories.events.member_gone(GUILD, BEN)
    assert played.message is not None
    assert table.story.player(BEN) is None
    assert await table.stories.events.member_gone(GUILD, BEN) == []


async def test_the_newest_turn_can_be_posted_anew() -> None:
    table = Table()
    await table.begin()
    played = await table.stories.shown(STORY, table.hand(BEN, message_id=950))
    assert played.message is not None
    assert played.message.content.startswith("You wake up")
    assert played.faded is not None
    assert played.faded.message_id == 900
    assert table.story.message_id == 950
    await table.write()
    with pytest.raises(StoryError, match="writing"):
        await table.stories.shown(STORY, table.hand(message_id=951))


async def test_when_the_store_is_away_nothing_is_asked_of_the_model() -> None:
    table = Table()
    await table.begin()
    table.store.is_down = True
    with pytest.raises(QueueDownError):
        await table.write()
    table.store.is_down = False
    assert await table.jobs() == []
    assert len(await table.stories.all_passages(STORY)) == 1


async def test_privacy_knows_of_stories() -> None:
    table = Table()
    await table.begin()
    kept = KeptStories(table.store)
    assert (await kept.count_of(ANN)).count == 1
    assert await kept.export_of(ANN) == []  # a server's: others wrote in it, too
    assert await kept.forget_user(ANN) == 1
    assert (await kept.count_of(ANN)).count == 0


async def test_what_the_rules_want_shown_is_shown() -> None:
    def open_about_it(story: Story, move: Move, actor: Actor, near: Near) -> Step:
        step = play(story, move, actor, near)
        return replace(step, shown=(1, 2)) if isinstance(move, Join) else step

    table = Table(play=open_about_it)
    await table.begin(Mode.FREE)
    await table.stories.move(STORY, Write(Kind.TELL, "More."), table.hand(message_id=901))
    played = await table.stories.move(STORY, Join(), table.hand(BEN))
    assert played.message is not None
    assert played.message.content.startswith("You wake up in a cellar.\n**P100 ▸ More.**")


async def test_after_undo_of_a_turn_the_one_before_is_whole() -> None:
    table = Table()
    await table.begin()
    for text in ("open it", "go on"):
        await table.write(text)
        await table.answer(f"So you {text}.")
    for _ in range(2):
        played = await table.stories.move(STORY, Undo(), table.hand())
    assert played.message is not None
    assert played.message.content.startswith("**open it**\nSo you open it.")
