"""`/story`: what people type and click, and what Discord gets of it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import discord
import pytest

from bot.stories.buttons import StoryAction, StoryForm, story_form_id, story_start_id
from bot.stories.show import STATUS_MARK
from bot.stories.story import Mode, Status
from tests.story_stand_ins import task_of
from tests.unit.cogs.front import ASKER, CHANNEL, GUILD, MANAGE_MESSAGES, STRANGER
from tests.unit.cogs.output_front import text_file
from tests.unit.cogs.story_front import (
    POSTED,
    THREAD,
    Seen,
    StoryFront,
    answer_id,
    thread_data,
)

DEFER_THINKING, DEFER_UPDATE, MODAL = 5, 6, 9


@pytest.fixture
async def table() -> AsyncIterator[StoryFront]:
    """A bot with stories; none is played."""
    async with StoryFront().running() as front:
        yield front


async def begin(table: StoryFront, mode: str = "adventure", **options: Any) -> Seen:
    """A story in this very channel."""
    return await table.story("start", mode=mode, opening="It rains.", here=True, **options)


def commands(payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield payload
    for one in payload.get("options", []):
        yield from commands(one)


async def test_the_command_is_within_what_discord_takes(table: StoryFront) -> None:
    command = table.bot.tree.get_command("story")
    assert command is not None
    payload = command.to_dict(table.bot.tree)
    assert len(payload["options"]) <= 25
    total = 0
    for one in commands(payload):
        assert len(one["description"]) <= 100
        assert len(one.get("options", [])) <= 25
        total += len(one["name"]) + len(one["description"])
        for choice in one.get("choices", []):
            total += len(choice["name"]) + len(str(choice["value"]))
    assert total <= 4_500  # a translation may take nearly twice as much


async def test_a_story_begins_in_a_thread_with_an_invitation_above(table: StoryFront) -> None:
    seen = await table.story("start", mode="adventure", title="The Rain", opening="It rains.")
    assert seen.first.kind == DEFER_THINKING
    threads, posted = seen.in_channel("POST")
    assert threads.path.endswith(f"/channels/{CHANNEL}/threads")
    assert threads.body["name"] == "The Rain"
    assert posted.path.endswith(f"/channels/{THREAD}/messages")
    assert posted.body["content"].startswith("It rains.")
    assert posted.pings_nobody
    assert table.kept.channel_id == THREAD
    assert table.kept.message_id == POSTED
    assert f"<#{THREAD}>" in seen.answer["content"]
    (row,) = seen.answer["components"]
    assert [one["label"] for one in row["components"]] == ["Join"]


async def test_without_the_permission_it_is_said_what_helps(table: StoryFront) -> None:
    table.wire.forbidden = True
    seen = await table.story("start", mode="free")
    (told,) = seen.told
    assert "here: True" in told
    assert table.store.stories == {}


async def test_a_story_can_begin_here(table: StoryFront) -> None:
    seen = await begin(table)
    assert table.kept.channel_id == CHANNEL
    assert table.kept.message_id == answer_id(table.last_id)
    assert seen.answer["content"].startswith("It rains.")
    assert seen.answer["allowed_mentions"] == {"parse": []}
    assert seen.in_channel("POST") == []


async def test_in_a_thread_and_in_direct_messages_it_begins_here(table: StoryFront) -> None:
    table.channel = thread_data()
    seen = await table.story("start", mode="free")
    assert table.kept.channel_id == THREAD
    assert seen.in_channel("POST") == []


async def test_a_scenario_brings_all_that_belongs_to_it(table: StoryFront) -> None:
    offered = await table.offered_for("start", "scenario", "ow")
    assert offered == {"owl": "The owl: A night in the wood"}
    await table.story("start", mode="adventure", scenario="owl", here=True)
    kept = table.kept
    assert (kept.title, kept.memory, kept.note) == ("The owl", "You are an owl.", "Quiet.")
    assert await table.texts() == ["It was dark."]


async def test_a_scenario_of_ones_own_comes_from_a_form(table: StoryFront) -> None:
    seen = await table.story("start", mode="relay", own=True, here=True, title="Mine")
    assert seen.first.kind == MODAL
    form = seen.first.body["data"]
    assert form["custom_id"] == story_start_id(Mode.RELAY, is_here=True)
    await table.send(
        form["custom_id"],
        title="Mine",
        opening="A hill.",
        memory="It is winter.",
        note="Slow.",
        lore="hill, mound: Something sleeps in it.",
    )
    assert table.kept.mode is Mode.RELAY
    assert table.kept.lore[0].keys == ("hill", "mound")
    assert await table.texts() == ["A hill."]


async def test_a_form_with_lore_that_is_none_is_refused(table: StoryFront) -> None:
    seen = await table.send(story_start_id(Mode.FREE, is_here=True), lore="no colon")
    assert "lore entry" in seen.told[0]
    assert table.store.stories == {}


async def test_words_are_saved_the_model_is_asked_and_the_message_before_fades(
    table: StoryFront,
) -> None:
    await begin(table)
    before = table.kept.message_id
    seen = await table.story("do", text="open the door")
    assert seen.first.kind == DEFER_THINKING
    assert table.kept.message_id == answer_id(table.last_id)
    (faded,) = seen.in_channel("PATCH")
    assert faded.path.endswith(f"/channels/{CHANNEL}/messages/{before}")
    assert faded.body["content"] == "It rains."
    assert faded.body["components"] == []
    assert await table.texts() == ["It rains.", "open the door"]
    (job,) = await table.jobs_put()
    assert task_of(job).lead == "open the door"


async def test_where_it_is_not_ones_turn_only_oneself_is_told(table: StoryFront) -> None:
    await begin(table, "relay")
    seen = await table.story("tell", text="Me first.", user_id=STRANGER)
    assert any("ada's turn; join" in one for one in seen.told)
    assert any(one.method == "DELETE" for one in seen.calls)
    assert await table.texts() == ["It rains."]


async def test_words_without_an_answer_of_the_model_are_the_new_message(
    table: StoryFront,
) -> None:
    await begin(table, "free")
    seen = await table.story("tell", text="It *pours*.")
    assert seen.answer["content"].startswith("**ada ▸ It \\*pours\\*.**")
    assert STATUS_MARK in seen.answer["content"]
    assert seen.answer["components"]


async def test_where_no_story_is_played_it_is_said_how_to_begin(table: StoryFront) -> None:
    for path, options in (("say", {"text": "x"}), ("undo", {}), ("map", {}), ("alter", {})):
        seen = await table.story(path, **options)
        assert any("/story start" in one for one in seen.told)


async def test_a_button_opens_a_form_whose_words_make_the_move(table: StoryFront) -> None:
    await begin(table)
    seen = await table.button(StoryAction.SAY)
    assert seen.first.kind == MODAL
    form_id = seen.first.body["data"]["custom_id"]
    await table.send(form_id, text="Hello?")
    assert await table.texts() == ["It rains.", "Hello?"]
    (job,) = await table.jobs_put()
    assert task_of(job).lead == "“Hello?”"


async def test_a_retry_by_its_button_writes_into_the_message(table: StoryFront) -> None:
    await begin(table)
    await table.story("do", text="wait")
    await table.written("Nothing comes.")
    message_id = table.kept.message_id
    seen = await table.button(StoryAction.RETRY)
    assert seen.first.kind == DEFER_UPDATE
    assert table.kept.message_id == message_id
    assert seen.in_channel("PATCH") == []
    (job,) = await table.jobs_put()
    assert task_of(job).lead == "wait"


async def test_undo_by_its_button_changes_the_message_in_place(table: StoryFront) -> None:
    await begin(table, "free")
    await table.story("tell", text="More.")
    seen = await table.button(StoryAction.UNDO)
    assert seen.first.kind == DEFER_UPDATE
    assert seen.answer["content"].startswith("It rains.")
    assert table.kept.head == 1


async def test_a_click_on_an_old_message_does_nothing(table: StoryFront) -> None:
    await begin(table, "free")
    old = table.kept
    await table.story("tell", text="More.")
    seen = await table.button(StoryAction.UNDO, story=old)
    assert any("gone on" in one for one in seen.told)
    assert table.kept.head == 2


async def test_join_works_from_an_invitation_and_shows_in_the_living_message(
    table: StoryFront,
) -> None:
    await begin(table)
    seen = await table.button(StoryAction.JOIN, user_id=STRANGER, message_id=4711)
    assert table.kept.player(STRANGER) is not None
    (edited,) = seen.in_channel("PATCH")
    assert edited.path.endswith(f"/messages/{table.kept.message_id}")
    assert "You play along now." in seen.told


async def test_votes_show_at_once_in_the_message(table: StoryFront) -> None:
    await begin(table, "branches")
    await table.story("continue")
    await table.written("Up.", "Down.", "Left.")
    story = table.kept
    seen = await table.button(StoryAction.VOTE, 3)
    assert "B ▰▰▰▰▰▰▰▰▰▰ 1" in seen.answer["content"]
    assert seen.told == []
    told = (await table.story("vote", option="C", user_id=STRANGER)).answer["content"]
    assert told == "Your vote is for C."
    assert table.kept.vote is not None
    assert dict(table.kept.vote.ballots) == {ASKER: 3, STRANGER: 4}
    none = await table.story("vote", option="D")
    assert "no such option" in none.told[0]
    assert story.vote is not None


async def test_alter_opens_with_the_words_that_stand_there(table: StoryFront) -> None:
    await begin(table, "free")
    await table.story("tell", text="More.")
    seen = await table.story("alter", passage=1)
    form = seen.first.body["data"]
    assert seen.first.kind == MODAL
    assert form["custom_id"] == story_form_id(StoryForm.ALTER, table.kept.id, 1)
    assert form["components"][0]["component"]["value"] == "It rains."
    await table.send(form["custom_id"], text="It snows.")
    assert await table.texts() == ["It rains.", "More.", "It snows."]
    unknown = await table.story("alter", passage=99)
    assert "no such passage" in unknown.told[0]


async def test_memory_note_and_lore_are_kept(table: StoryFront) -> None:
    await begin(table)
    form = (await table.story("remember")).first.body["data"]
    seen = await table.send(form["custom_id"], text="It is night.")
    assert table.kept.memory == "It is night."
    assert seen.first.is_private
    note = (await table.story("note")).first.body["data"]
    bad = await table.send(note["custom_id"], text="Dark.", depth="few")
    assert "number" in bad.told[0]
    await table.story("lore add", words="owl, bird", text="It sees in the dark.")
    assert table.kept.lore[0].keys == ("owl", "bird")
    assert await table.offered_for("lore remove", "word", "ow") == {"owl": "owl"}
    listed = (await table.story("lore list")).answer["content"]
    assert listed == "**owl, bird** It sees in the dark."


async def test_settings_are_shown_and_changed(table: StoryFront) -> None:
    await begin(table)
    await table.story("settings", length=60, title="Rain")
    assert (table.kept.length, table.kept.title) == (60, "Rain")
    shown = (await table.story("settings")).answer["content"]
    assert "60 tokens" in shown
    refused = await table.story("settings", preset="openai")
    assert "age-restricted" in refused.told[0]


async def test_a_map_comes_with_a_description_for_those_who_do_not_see_it(
    table: StoryFront,
) -> None:
    await begin(table, title="Rain")
    seen = await table.story("map")
    assert seen.first.is_private
    assert seen.answer["attachments"][0]["description"] == "Rain: 1"
    assert table.wire.posted[-1] == ("story-map.png", b"\x89PNG")
    public = await table.story("recap", public=True)
    assert not public.first.is_private
    assert public.answer["content"] == "It rains."


async def test_a_story_is_exported_listed_and_taken_in_again(table: StoryFront) -> None:
    await begin(table, title="Rain")
    await table.story("export", format="json")
    name, data = table.wire.posted[-1]
    assert name == "rain.json"
    listed = (await table.story("list")).answer["content"]
    assert "**Rain** · adventure · being played · 1 passage" in listed
    assert await table.offered_for("load", "story", "ra") == {table.kept.id: "Rain"}
    await table.story("table delete", story="Rain")
    assert table.store.stories == {}
    file = text_file(data, table, filename="rain.json")
    await table.story("start", mode="free", here=True, files={"file": file})
    assert await table.texts() == ["It rains."]
    assert table.kept.mode is Mode.ADVENTURE


async def test_a_loaded_story_is_shown_in_the_answer(table: StoryFront) -> None:
    await begin(table, title="Rain")
    await table.story("end")
    seen = await table.story("load", story="rain")
    assert seen.answer["content"].startswith("It rains.")
    assert table.kept.message_id == answer_id(table.last_id)
    unknown = await table.story("load", story="nothing")
    assert "no such story" in unknown.told[0]


async def test_what_was_written_where_one_cannot_read_is_not_to_be_had(
    table: StoryFront,
) -> None:
    table.channel = thread_data()  # which the process that is asked does not know
    await table.story("start", mode="free", title="Secret", opening="Psst.")
    table.channel = None
    for path in ("load", "export"):
        seen = await table.story(path, story="Secret", user_id=STRANGER)
        assert any("no such story" in one for one in seen.told)
    listed = await table.story("list", user_id=STRANGER)
    assert "Secret" not in listed.answer["content"]
    table.permissions = MANAGE_MESSAGES
    listed = await table.story("list", user_id=STRANGER)
    assert "Secret" in listed.answer["content"]


async def test_the_table_is_told_in_words(table: StoryFront) -> None:
    await begin(table, "relay")
    await table.story("table join", user_id=STRANGER)
    seen = await table.story("table status")
    assert seen.answer["content"].startswith("1\\. ada ← writes now\n2\\. ada")
    assert any("Moderators" in one for one in seen.told)


async def test_pausing_locking_and_kicking(table: StoryFront) -> None:
    await begin(table, "free")
    await table.story("table pause")
    assert table.kept.status is Status.PAUSED
    await table.button(StoryAction.RESUME)
    assert table.kept.status is Status.ACTIVE
    refused = await table.story("table lock")
    assert "Only a moderator" in refused.told[0]
    table.permissions = MANAGE_MESSAGES
    seen = await table.story("table lock")
    assert table.kept.status is Status.LOCKED
    (edited,) = seen.in_channel("PATCH")
    assert "🔒" in edited.body["content"]


async def test_an_invitation_is_posted_above_the_thread(table: StoryFront) -> None:
    table.channel = thread_data()
    await table.story("start", mode="free", title="Rain")
    seen = await table.story("invite")
    (posted,) = seen.in_channel("POST")
    assert posted.path.endswith(f"/channels/{CHANNEL}/messages")
    assert f"<#{THREAD}>" in posted.body["content"]
    assert posted.pings_nobody


async def test_a_turn_stopped_in_line_shows_the_story_again(table: StoryFront) -> None:
    await begin(table)
    await table.story("do", text="wait")
    seen = await table.click(str(table.kept.pending.job_id if table.kept.pending else 0))
    assert seen[-1].message["content"].startswith("**wait**")
    assert seen[-1].message["components"]
    assert table.kept.pending is None


async def test_the_newest_turn_can_be_posted_anew(table: StoryFront) -> None:
    await begin(table, "free")
    before = table.kept.message_id
    seen = await table.story("table show", user_id=STRANGER)
    assert seen.answer["content"].startswith("It rains.")
    assert table.kept.message_id == answer_id(table.last_id) != before


async def test_nothing_that_is_said_pings_anybody(table: StoryFront) -> None:
    calls = (await begin(table, "free", title="@everyone")).calls
    calls += (await table.story("tell", text="<@1> @here")).calls
    calls += (await table.button(StoryAction.JOIN, user_id=STRANGER)).calls
    calls += (await table.story("list")).calls
    for call in calls:
        if call.message.get("content"):
            assert call.pings_nobody
            assert "<@1>" not in call.message["content"].replace("\\<", "")


async def test_words_in_a_form_that_comes_too_late_are_given_back(table: StoryFront) -> None:
    await begin(table)
    form = (await table.button(StoryAction.DO)).first.body["data"]["custom_id"]
    await table.story("do", text="be quick", user_id=STRANGER)
    seen = await table.send(form, text="be slow and @careful")
    refusal, words = seen.told[-2:]
    assert "The model is writing;" in refusal
    assert words.endswith("be slow and @careful")
    assert await table.texts() == ["It rains.", "be quick"]


async def test_buttons_outlive_a_restart(table: StoryFront) -> None:
    await begin(table, "free")
    async with StoryFront().running() as other:
        other.store._kept = table.store._kept
        other._next_id = 9_000
        seen = await other.button(StoryAction.PAUSE)
        assert "⏸️" in seen.answer["content"]
        await other.button(StoryAction.RESUME)
        form = (await other.button(StoryAction.TELL)).first.body["data"]["custom_id"]
    async with StoryFront().running() as third:
        third.store._kept = table.store._kept
        third._next_id = 9_500
        await third.send(form, text="After the restart.")
        assert (await third.texts())[-1] == "After the restart."


async def test_a_deleted_thread_pauses_its_story(table: StoryFront) -> None:
    table.channel = thread_data()
    await table.story("start", mode="free", opening="It rains.")
    cog: Any = table.bot.get_cog("Story")
    event = {"id": str(THREAD), "guild_id": str(GUILD), "parent_id": "1", "type": 11}
    await cog.on_raw_thread_delete(discord.RawThreadDeleteEvent(cast(Any, event)))
    assert table.kept.status is Status.PAUSED
    table.channel = None
    seen = await table.story("load", story=table.kept.title)
    assert seen.answer["content"].startswith("It rains.")
    assert (table.kept.status, table.kept.channel_id) == (Status.ACTIVE, CHANNEL)


async def test_when_the_store_is_down_an_event_is_let_be(table: StoryFront) -> None:
    table.store.is_down = True
    cog: Any = table.bot.get_cog("Story")
    event = {"id": str(THREAD), "guild_id": str(GUILD), "parent_id": "1", "type": 11}
    await cog.on_raw_thread_delete(discord.RawThreadDeleteEvent(cast(Any, event)))
    seen = await table.story("say", text="x")
    assert any("can't be reached" in one for one in seen.told)


async def test_a_banned_player_leaves_the_order_and_the_message_says_so(
    table: StoryFront,
) -> None:
    await begin(table, "relay")
    await table.button(StoryAction.JOIN, user_id=STRANGER)
    cog: Any = table.bot.get_cog("Story")
    before = len(table.wire.calls)
    guild, user = discord.Object(GUILD), discord.Object(ASKER)
    await cog.on_member_ban(guild, user)
    assert [one.user_id for one in table.kept.players] == [STRANGER]
    (edited,) = table.wire.calls[before:]
    assert edited.path.endswith(f"/messages/{table.kept.message_id}")


async def test_in_direct_messages_a_story_is_ones_own(table: StoryFront) -> None:
    await table.story("start", mode="adventure", opening="Alone.", guild_id=None)
    assert (table.kept.guild_id, table.kept.channel_id) == (None, CHANNEL)
    seen = await table.story("do", text="hum", guild_id=None)
    assert await table.texts() == ["Alone.", "hum"]
    assert seen.first.kind == DEFER_THINKING
    listed = await table.story("list", guild_id=None)
    assert "Alone" in listed.answer["content"]
