"""The living message: within Discord's bounds, harmless, and readable without color."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.markdown import MAX_MESSAGE, length
from bot.stories.buttons import (
    STORY_FORM_TEMPLATE,
    STORY_START_TEMPLATE,
    STORY_TEMPLATE,
    StoryAction,
    StoryForm,
    invite_rows,
    story_custom_id,
    story_form_id,
    story_rows,
    story_start_id,
)
from bot.stories.moves import Near
from bot.stories.passages import Kind, Passage
from bot.stories.show import (
    STATUS_MARK,
    bar,
    lead_text,
    living,
    standing,
    status_lines,
    without_status,
)
from bot.stories.show_lists import (
    Entry,
    help_text,
    kept_text,
    lore_text,
    order_text,
    stories_text,
)
from bot.stories.story import LoreEntry, Mode, Pending, Player, Status, Story, Vote

NASTY = st.text(max_size=400) | st.sampled_from(
    [
        "@everyone <@1> <#2>",
        "-# 🎲 mine",
        "**bold** ||x||",
        "# big\n- list",
        "> do\n> done",
        "`" * 9,
    ]
)


def make_story(**changes: Any) -> Story:
    """A story of two players."""
    values: dict[str, Any] = {
        "id": "1" * 19, "mode": Mode.ADVENTURE, "guild_id": 10, "channel_id": 20, "owner_id": 1,
        "title": "The Cellar", "language": "en", "created_at_s": 5.0, "changed_at_s": 6.0,
        "players": (Player(user_id=1, name="Ann"), Player(user_id=2, name="Ben")), "head": 3,
        "n_passages": 3,
    }  # fmt: skip
    return Story(**(values | changes))


def passage(number: int, kind: Kind = Kind.MODEL, text: str = "A door.", **more: Any) -> Passage:
    """A passage that follows the one before it."""
    is_model = kind in {Kind.MODEL, Kind.OPTION, Kind.OPENING}
    values: dict[str, Any] = {
        "number": number, "parent": number - 1, "kind": kind, "author_id": 0 if is_model else 1,
        "author": "" if is_model else "Ann", "text": text, "at_s": 5.0, "offset": 0,
        "source": f"s{number}",
    }  # fmt: skip
    return Passage(**(values | more))


def vote_story(n: int = 3, **changes: Any) -> tuple[Story, list[Passage]]:
    """A vote on options of 200 tokens each."""
    options = [passage(4 + place, Kind.OPTION, f"Way {place}. " * 120) for place in range(n)]
    numbers = tuple(one.number for one in options)
    vote = Vote(options=numbers, ballots=((1, 5), (2, 5), (3, 4)), closes_at_s=900.0)
    return make_story(mode=Mode.BRANCHES, vote=vote, **changes), options


def test_players_words_are_bold_and_the_models_words_follow() -> None:
    message = living(make_story(), [passage(2, Kind.DO, "open it"), passage(3)])
    first, second, *_ = message.content.split("\n")
    assert first == "**Ann ▸ open it**"
    assert second == "A door."


def test_a_single_player_is_not_named_in_an_adventure() -> None:
    story = make_story(players=(Player(user_id=1, name="Ann"),))
    assert living(story, [passage(2, Kind.SAY, "hello")]).content.startswith("**“hello”**")


def test_what_the_model_wrote_is_marked_with_its_receipt() -> None:
    content = living(make_story(), [passage(3, receipt="AB-12")]).content
    assert "-# machine-written · receipt AB-12" in content
    assert "machine-written" not in living(make_story(), [passage(3, Kind.TELL)]).content


def test_without_its_status_the_story_remains() -> None:
    shown = [passage(2, Kind.TELL, "One.\n-# 🎲 not a status"), passage(3)]
    whole = living(make_story(), shown)
    faded = living(make_story(), shown, with_status=False)
    assert without_status(whole.content) == faded.content
    assert "not a status" in faded.content
    assert faded.components == []


def test_a_status_that_is_taken_away_twice_is_gone_all_the_same() -> None:
    content = living(make_story(), [passage(3)]).content
    assert without_status(without_status(content)) == without_status(content)


@given(title=NASTY, name=NASTY, text=NASTY, mode=st.sampled_from(list(Mode)))
def test_no_text_can_ping_or_be_taken_for_a_status(
    title: str, name: str, text: str, mode: Mode
) -> None:
    story = make_story(mode=mode, title=title, players=(Player(user_id=1, name=name),))
    shown = [passage(2, Kind.TELL, text, author=name), passage(3, text=text)]
    message = living(story, shown)
    assert length(message.content) <= MAX_MESSAGE
    assert not re.search(r"(?<!\\)<[@#]", message.content)
    n_status = sum(one.startswith(STATUS_MARK) for one in message.content.split("\n"))
    assert n_status == len(status_lines(story))


@given(sizes=st.lists(st.integers(1, 4000), min_size=1, max_size=4))
def test_a_long_turn_fits_and_comes_whole_as_a_file(sizes: list[int]) -> None:
    texts = ["word " * (size // 5) + "end." for size in sizes]
    shown = [passage(place + 1, text=text) for place, text in enumerate(texts)]
    message = living(make_story(), shown)
    assert length(message.content) <= MAX_MESSAGE
    if message.file_text is None:
        assert all(text in message.content for text in texts)
    else:
        assert all(text in message.file_text for text in texts)


def test_of_a_vote_every_option_is_shown_with_letter_bar_and_number() -> None:
    story, options = vote_story()
    message = living(story, options)
    assert length(message.content) <= MAX_MESSAGE
    for letter, start in zip("ABC", ("Way 0", "Way 1", "Way 2"), strict=True):
        assert f"**{letter}** · {start}" in message.content
    lines = [one.removeprefix(STATUS_MARK) for one in message.content.split("\n")]
    assert f"B {bar(2, 3)} 2" in lines
    assert f"C {bar(0, 3)} 0" in lines
    assert any("<t:900:R>" in one for one in lines)
    assert message.file_text is not None


def test_bars_of_different_counts_differ_without_color() -> None:
    assert bar(0, 0) == bar(0, 4) == "▱" * 10
    assert bar(4, 4) == "▰" * 10
    assert bar(1, 4) != bar(2, 4)


def test_a_relay_says_whose_turn_it_is_and_until_when() -> None:
    story = make_story(mode=Mode.RELAY, turn=1, turn_until_s=1234.5)
    (_, line) = status_lines(story)
    assert "**Ben** writes now" in line
    assert "<t:1234:R>" in line
    assert line.endswith("then Ann")
    assert "2\\. Ben ← writes now" in order_text(story)


@pytest.mark.parametrize("status", [Status.PAUSED, Status.LOCKED, Status.ENDED])
def test_a_stopped_story_says_so_and_offers_no_moves(status: Status) -> None:
    story = make_story(status=status)
    assert len(status_lines(story)) == 2
    actions = [_action(one) for row in story_rows(story) for one in row["components"]]
    can_come = [StoryAction.RESUME, StoryAction.JOIN, StoryAction.LEAVE]
    assert actions == (can_come if status is Status.PAUSED else [])


def test_while_the_model_writes_there_are_no_buttons() -> None:
    story = make_story(pending=Pending(job_id="1", parent=3, since_s=5.0))
    assert story_rows(story) == []


def test_an_empty_story_says_that_it_has_no_words() -> None:
    assert "no words yet" in living(make_story(head=0, n_passages=0), []).content


def _action(button: dict[str, Any]) -> str:
    match = re.fullmatch(STORY_TEMPLATE, button["custom_id"])
    assert match
    return match["action"]


@pytest.mark.parametrize("mode", list(Mode))
def test_buttons_are_what_discord_takes(mode: Mode) -> None:
    story, _ = vote_story(4, head=999_999_999, id="9" * 20)
    voting = replace(story, mode=mode)
    for shown in (voting, replace(voting, vote=None)):
        rows = [*story_rows(shown), *invite_rows(shown)]
        assert len(story_rows(shown)) <= 5
        for row in rows:
            assert 1 <= len(row["components"]) <= 5
            for one in row["components"]:
                assert len(one["custom_id"]) <= 100
                assert re.fullmatch(STORY_TEMPLATE, one["custom_id"])
                assert 1 <= len(one["label"]) <= 80
        ids = [one["custom_id"] for row in story_rows(shown) for one in row["components"]]
        assert len(set(ids)) == len(ids)


def test_a_button_knows_where_the_story_stood_and_what_is_chosen() -> None:
    match = re.fullmatch(STORY_TEMPLATE, story_custom_id(StoryAction.VOTE, make_story(), 12))
    assert match
    assert (match["story_id"], match["head"], match["arg"]) == ("1" * 19, "3", "12")
    plain = re.fullmatch(STORY_TEMPLATE, story_custom_id(StoryAction.UNDO, make_story()))
    assert plain
    assert plain["arg"] is None


def test_skip_knows_whose_turn_it_was() -> None:
    story = make_story(mode=Mode.RELAY, turn=7)
    ids = [one["custom_id"] for row in story_rows(story) for one in row["components"]]
    assert story_custom_id(StoryAction.SKIP, story, 7) in ids


def test_forms_have_ids_of_their_own() -> None:
    form = re.fullmatch(STORY_FORM_TEMPLATE, story_form_id(StoryForm.ALTER, "9" * 20, 14))
    assert form
    assert (form["form"], form["arg"]) == ("alter", "14")
    begin = re.fullmatch(STORY_START_TEMPLATE, story_start_id(Mode.RELAY, is_here=True))
    assert begin
    assert (begin["mode"], begin["is_here"]) == ("relay", "1")


def test_the_message_stands_on_the_player_words_that_the_model_answered() -> None:
    do, answer = passage(2, Kind.DO, source="77"), passage(3, source="w77")
    near = Near(passages={2: do, 3: answer})
    assert standing(make_story(), near) == (2, 3)
    free = make_story(mode=Mode.FREE)
    assert standing(free, near) == (2, 3)
    later = Near(passages={2: do, 3: replace(answer, source="w78")})
    assert standing(free, later) == (3,)
    opening = Near(passages={2: passage(2, Kind.OPENING), 3: answer})
    assert standing(make_story(), opening) == (3,)


def test_an_open_vote_is_what_the_message_stands_on() -> None:
    story, options = vote_story()
    assert standing(story, Near(passages={})) == tuple(one.number for one in options)


def test_the_lead_has_what_players_wrote_only() -> None:
    lead = lead_text(make_story(), [passage(1), passage(2, Kind.SAY, "hello")])
    assert lead == "Ann ▸ “hello”"


def test_the_filter_hides_words_everywhere() -> None:
    def mask(text: str) -> str:
        return text.replace("darn", "▇▇▇▇")

    story = make_story(title="darn", lore=(LoreEntry(keys=("darn",), text="darn it"),))
    shown = [passage(2, Kind.TELL, "darn"), passage(3, text="darn")]
    long = living(story, [passage(3, text="darn " * 900)], mask=mask)
    assert "darn" not in living(story, shown, mask=mask).content
    assert "darn" not in long.content
    assert "darn" not in (long.file_text or "darn")
    assert "darn" not in lore_text(story, mask)


@pytest.mark.parametrize("mode", list(Mode))
def test_help_says_who_may_what_within_a_message(mode: Mode) -> None:
    text = help_text(make_story(mode=mode))
    assert length(text) <= MAX_MESSAGE
    assert "Moderators" in text


def test_long_lists_say_how_many_more_there_are() -> None:
    entries = [
        Entry(
            story_id=str(place), title="A long title " * 9, mode="relay", status="active",
            channel_id=2**60, n_passages=3, changed_at_s=5.0,
        )
        for place in range(90)
    ]  # fmt: skip
    text = stories_text(entries, str)
    assert length(text) <= MAX_MESSAGE
    more = re.search(r"and (\d+) more$", text)
    assert more
    assert text.count("**A long") + int(more[1]) == 90


def test_a_list_of_a_newer_program_can_be_shown() -> None:
    entry = Entry(
        story_id="1", title="x", mode="opera", status="asleep", channel_id=1, n_passages=1,
        changed_at_s=5.0,
    )  # fmt: skip
    assert "opera · asleep · 1 passage" in stories_text([entry], str)


@pytest.mark.parametrize("mode", list(Mode))
def test_settings_fit_into_a_message(mode: Mode) -> None:
    story = make_story(mode=mode, memory="@everyone " * 99, note="*" * 300)
    text = kept_text(story, str)
    assert length(text) <= MAX_MESSAGE
    assert "Always remembered" in text
