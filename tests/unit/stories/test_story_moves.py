"""Moves of all modes: what the tree looks like afterwards, and who may make them."""

import pytest

from bot.errors import OptionError, PromptError, StoryError
from bot.stories.moves import (
    AddLore,
    Alter,
    Continue,
    End,
    Join,
    Kick,
    Leave,
    Load,
    Lock,
    Move,
    Note,
    Pause,
    Redo,
    Remember,
    RemoveLore,
    Resume,
    Retry,
    Rewind,
    Settings,
    Skip,
    Undo,
    Wanted,
    Write,
    Written,
)  # fmt: skip
from bot.stories.passages import Kind
from bot.stories.story import MAX_PLAYERS, LoreEntry, Mode, Status
from tests.unit.stories.story_table import ANNA, BEN, CLEO, MOD, Table

TELL = Write(Kind.TELL, "The fox ran.")


def test_adventure_asks_the_model_after_each_players_move():
    """And its words hang on the player's."""
    table = Table.of(Mode.ADVENTURE)
    step = table.move(Write(Kind.DO, "open the door"), source="77")
    assert step.wanted == Wanted(parent=2)
    assert table.story.pending is not None
    assert table.story.pending.job_id == "77"

    step = table.writes(" It creaks.")
    assert table.texts() == ["Once upon a time.", "open the door", " It creaks."]
    assert (step.passages[0].receipt, dict(step.passages[0].settings)) == ("R0", {"seed": 0})
    assert step.passages[0].source == "77"
    assert step.shown == (3,)


def test_free_writing_asks_the_model_only_on_request():
    """So people can write among themselves."""
    table = Table.of(Mode.FREE)
    assert table.move(TELL, BEN).wanted is None
    assert table.move(Continue(), BEN).wanted == Wanted(parent=2)


def test_the_same_move_twice_is_made_once():
    """A click that Discord delivers twice."""
    table = Table.of(Mode.FREE)
    table.move(TELL, source="a")
    before = table.story
    assert table.move(TELL, source="a").story is before
    assert len(table.passages) == 2


def test_nothing_is_destroyed_by_undo_retry_and_alter():
    """They make siblings, and every passage can be gone back to."""
    table = Table.of(Mode.FREE)
    table.move(Continue())
    table.writes(" First try.")
    table.move(Retry())
    table.writes(" Second try.")
    table.move(Alter("My own words."))
    table.move(Undo())
    table.move(TELL)

    assert table.texts() == ["Once upon a time.", "The fox ran."]
    assert [one.parent for one in table.passages.values()] == [0, 1, 1, 1, 1]
    table.move(Rewind(2))
    assert table.texts() == ["Once upon a time.", " First try."]


def test_redo_takes_undos_back_in_order():
    """Until something new is written."""
    table = Table.of(Mode.FREE)
    for text in ("one", "two"):
        table.move(Write(Kind.TELL, text))
    table.move(Undo())
    table.move(Undo())
    table.move(Redo())
    assert table.texts()[1:] == ["one"]
    table.move(Redo())
    assert table.texts()[1:] == ["one", "two"]
    with pytest.raises(StoryError, match="nothing to redo"):
        table.move(Redo())
    table.move(Undo())
    table.move(TELL)
    with pytest.raises(StoryError, match="nothing to redo"):
        table.move(Redo())


def test_undo_stops_where_the_story_begins():
    """There has to be something left to go on with."""
    table = Table.of(Mode.FREE)
    with pytest.raises(StoryError, match="nothing before"):
        table.move(Undo())
    empty = Table.of(Mode.FREE, opening="")
    with pytest.raises(StoryError, match="no words yet"):
        empty.move(Undo())
    with pytest.raises(StoryError, match="no words yet"):
        empty.move(Continue())


def test_altered_words_of_the_model_are_the_players():
    """Its own stand beside them."""
    table = Table.of(Mode.ADVENTURE)
    table.move(Continue())
    table.writes(" It rains.")
    table.move(Join(), BEN)
    made = table.move(Alter("It snows."), BEN).passages[0]
    assert (made.kind, made.author, made.parent, made.receipt) == (Kind.TELL, "Ben", 1, "")


def test_an_older_passage_can_be_altered():
    """The story goes on from its sibling."""
    table = Table.of(Mode.FREE)
    table.move(TELL)
    table.move(TELL)
    table.move(Alter("Something else.", 2))
    assert table.texts() == ["Once upon a time.", "Something else."]
    with pytest.raises(StoryError, match="no such passage"):
        table.move(Alter("x", 99))


def test_offsets_are_what_the_model_reads_before_a_passage():
    """Along each path of the tree."""
    table = Table.of(Mode.FREE)
    table.move(TELL)
    table.move(Continue())
    table.writes(" More.")
    first, second, third = table.path()
    assert (first.offset, second.offset) == (0, len("Once upon a time."))
    assert third.offset == second.offset + len("\n\nThe fox ran.")


@pytest.mark.parametrize("move", [TELL, Continue(), Retry(), Undo(), Redo(), Rewind(1), Alter("x")])
def test_the_path_is_left_alone_while_the_model_writes(move: Move):
    """Else its words would hang on what is no longer there."""
    table = Table.of(Mode.FREE)
    table.move(Continue())
    with pytest.raises(StoryError, match="is writing"):
        table.move(move)


@pytest.mark.parametrize(
    "move",
    [
        Leave(), Remember("m"), Note("n"), AddLore(LoreEntry(keys=("fox",), text="clever")),
        Settings(length=50), Pause(),
    ],
)  # fmt: skip
def test_table_talk_goes_on_while_the_model_writes(move: Move):
    """And its text arrives all the same."""
    table = Table.of(Mode.FREE)
    table.move(Continue())
    table.move(move)
    table.writes(" More.")
    assert table.texts()[-1] == " More."


def test_text_that_the_story_does_not_wait_for_is_not_taken():
    """Of an earlier turn, or after the story has ended."""
    table = Table.of(Mode.FREE)
    table.move(Continue(), source="a")
    table.move(End())
    before = table.story
    assert table.move(Written(job_id="a", texts=()), 0).story is before


def test_a_failed_turn_can_be_asked_for_again():
    """The player's words stay."""
    table = Table.of(Mode.ADVENTURE)
    table.move(Write(Kind.DO, "jump"))
    table.fails()
    assert table.texts()[-1] == "jump"
    assert table.move(Retry()).wanted == Wanted(parent=2)


def test_text_of_nothing_leaves_the_story_where_it_is():
    """The model had nothing to add."""
    table = Table.of(Mode.FREE)
    table.move(Continue())
    table.writes()
    assert table.story.pending is None
    assert len(table.passages) == 1


@pytest.mark.parametrize("mode", [Mode.ADVENTURE, Mode.BRANCHES, Mode.FREE])
def test_who_writes_plays(mode: Mode):
    """Nobody has to join first."""
    table = Table.of(mode)
    table.move(TELL, BEN)
    assert [one.name for one in table.story.players] == ["Anna", "Ben"]


def test_players_of_one_name_are_told_apart():
    """The model's text is cut at names."""
    table = Table.of(Mode.FREE)
    for user_id in (50, 10_050):
        table.move(Join(), user_id)
    names = [one.name.casefold() for one in table.story.players]
    assert len(set(names)) == 3


def test_table_has_so_many_seats():
    """And a sentence for who comes late."""
    table = Table.of(Mode.FREE)
    for user_id in range(100, 100 + MAX_PLAYERS - 1):
        table.move(Join(), user_id)
    for move in (Join(), TELL):
        with pytest.raises(StoryError, match="25 people play"):
            table.move(move, BEN)


@pytest.mark.parametrize("move", [Continue(), Remember("m"), Pause(), Settings(length=50)])
def test_spectators_make_no_moves(move: Move):
    """Before they join."""
    table = Table.of(Mode.FREE)
    with pytest.raises(StoryError, match="join first"):
        table.move(move, BEN)
    table.move(Join(), BEN)
    assert table.move(move, BEN).story is table.story


@pytest.mark.parametrize("move", [End(), Kick(CLEO), Settings(quorum=5), Settings(turn_s=60)])
def test_only_who_rules_ends_kicks_and_sets(move: Move):
    """The one who began it, and moderators."""
    table = Table.of(Mode.FREE)
    table.move(Join(), BEN)
    with pytest.raises(StoryError, match="or a moderator"):
        table.move(move, BEN)
    before = table.story
    table.move(move, MOD)
    assert table.story is not before


def test_who_was_kicked_does_not_come_back():
    """Neither by joining nor by writing."""
    table = Table.of(Mode.FREE)
    table.move(Join(), BEN)
    table.move(Kick(BEN), ANNA)
    for move in (Join(), TELL, Undo()):
        with pytest.raises(StoryError, match="can't come back"):
            table.move(move, BEN)
    assert table.story.player(BEN) is None


def test_owner_is_kicked_by_moderators_only():
    """And nobody by themselves."""
    table = Table.of(Mode.FREE)
    with pytest.raises(StoryError, match="leave instead"):
        table.move(Kick(ANNA), ANNA)
    table.move(Kick(ANNA), MOD)
    assert table.story.players == ()


def test_locked_story_takes_moderators_moves_only():
    """Until one unlocks it."""
    table = Table.of(Mode.FREE)
    with pytest.raises(StoryError, match="Only a moderator"):
        table.move(Lock(True), ANNA)
    table.move(Lock(True), MOD)
    for move in (TELL, Join(), Pause(), End(), Load(5), Remember("m")):
        with pytest.raises(StoryError, match="locked"):
            table.move(move, ANNA)
    with pytest.raises(StoryError, match="unlock it first"):
        table.move(TELL, MOD)
    table.move(Lock(False), MOD)
    table.move(TELL, ANNA)
    assert len(table.passages) == 2


def test_paused_story_waits():
    """For whoever plays to resume it."""
    table = Table.of(Mode.FREE)
    table.move(Pause())
    with pytest.raises(StoryError, match="paused"):
        table.move(TELL)
    table.move(Join(), BEN)
    table.move(Resume(), BEN)
    table.move(TELL)
    with pytest.raises(StoryError, match="not paused"):
        table.move(Resume())


def test_ended_story_is_brought_back_elsewhere():
    """By somebody who played in it."""
    table = Table.of(Mode.FREE)
    table.move(End())
    with pytest.raises(StoryError, match="over"):
        table.move(TELL)
    with pytest.raises(StoryError, match="bring it back"):
        table.move(Load(21), BEN)
    table.move(Load(21))
    assert (table.story.channel_id, table.story.status) == (21, Status.ACTIVE)
    with pytest.raises(StoryError, match="here already"):
        table.move(Load(21))


def test_memory_note_and_lore_are_kept():
    """Bounded, and in one line where the model has to read them so."""
    table = Table.of(Mode.FREE)
    table.move(Remember("  The fox is red. "))
    table.move(Note("dark\nmood ]", 4))
    table.move(AddLore(LoreEntry(keys=("Fox", "fox ", "Vixen"), text="Clever\nanimal.")))
    table.move(AddLore(LoreEntry(keys=("fox",), text="Sly.")))
    assert table.story.memory == "The fox is red."
    assert (table.story.note, table.story.note_depth) == ("dark mood )", 4)
    assert table.story.lore == (LoreEntry(keys=("fox",), text="Sly."),)
    table.move(RemoveLore("FOX"))
    assert table.story.lore == ()
    with pytest.raises(StoryError, match="no entry"):
        table.move(RemoveLore("fox"))


@pytest.mark.parametrize(
    "move",
    [
        Remember("x" * 1001), Note("x" * 301), AddLore(LoreEntry(keys=("a",), text="x" * 601)),
        AddLore(LoreEntry(keys=(" ",), text="x")), AddLore(LoreEntry(keys=("a",), text=" ")),
        AddLore(LoreEntry(keys=tuple("abcdefghi"), text="x")), Settings(title=" "),
        Settings(title="x" * 81),
    ],
)  # fmt: skip
def test_what_is_too_long_or_empty_is_refused(move: Move):
    """By a sentence."""
    with pytest.raises(StoryError):
        Table.of(Mode.FREE).move(move)


@pytest.mark.parametrize(
    "move",
    [
        Note("x", -1), Note("x", 21), Settings(length=19), Settings(length=301),
        Settings(n_options=1), Settings(n_options=5), Settings(quorum=0), Settings(vote_s=5),
        Settings(every=0), Settings(turn_s=5),
    ],
)  # fmt: skip
def test_numbers_out_of_bounds_are_refused(move: Move):
    """With the bounds."""
    with pytest.raises(OptionError, match="from"):
        Table.of(Mode.FREE).move(move)


@pytest.mark.parametrize("text", ["", "  \n ", "\u200b", "x" * 2001])
def test_words_that_nobody_could_read_are_refused(text: str):
    """And the story stays as it is."""
    table = Table.of(Mode.FREE)
    before = table.story
    with pytest.raises(PromptError):
        table.move(Write(Kind.TELL, text))
    assert table.story is before


@pytest.mark.parametrize("mode", [Mode.ADVENTURE, Mode.BRANCHES, Mode.FREE])
def test_there_are_turns_in_relays_only(mode: Mode):
    """A sentence says so."""
    with pytest.raises(StoryError, match="no turns"):
        Table.of(mode).move(Skip())
