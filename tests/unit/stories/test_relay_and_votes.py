"""Turns that pass, and votes that close: by people, by time, by absence."""

import pytest

from bot.errors import StoryError
from bot.stories.moves import (
    Alter,
    Ballot,
    Continue,
    Join,
    Kick,
    Leave,
    Pause,
    Resume,
    Retry,
    Rewind,
    Skip,
    Tick,
    Undo,
    Wanted,
    Write,
)  # fmt: skip
from bot.stories.passages import Kind
from bot.stories.story import Mode, Status
from tests.unit.stories.story_table import ANNA, BEN, CLEO, MOD, Table

TELL = Write(Kind.TELL, "The fox ran.")


def relay(*players: int) -> Table:
    table = Table.of(Mode.RELAY)
    for user_id in players:
        table.move(Join(), user_id)
    return table


def on_turn(table: Table) -> str:
    return table.story.players[table.story.turn].name


def test_turns_go_round_and_the_model_has_its_own():
    """Every second passage of players, if nobody says otherwise."""
    table = relay(BEN)
    assert on_turn(table) == "Anna"
    assert table.move(TELL, ANNA).wanted is None
    assert on_turn(table) == "Ben"
    assert table.move(TELL, BEN).wanted == Wanted(parent=3)
    table.now_s = 2000.0
    table.writes(" And on.")
    assert on_turn(table) == "Anna"
    assert table.story.turn_until_s == 2600.0
    assert table.move(TELL, ANNA).wanted is None


def test_nobody_writes_out_of_turn():
    """They are told whose it is."""
    table = relay(BEN)
    with pytest.raises(StoryError, match="Anna's turn; please wait"):
        table.move(TELL, BEN)
    with pytest.raises(StoryError, match="Anna's turn; join"):
        table.move(TELL, CLEO)
    with pytest.raises(StoryError, match="Anna's turn"):
        table.move(Skip(), BEN)
    table.move(Skip(), MOD)
    assert on_turn(table) == "Ben"


def test_turn_passes_when_its_time_is_over():
    """Not before, and not while the story is paused."""
    table = relay(BEN)
    table.now_s = 1599.0
    table.move(Tick(), 0)
    assert on_turn(table) == "Anna"
    table.now_s = 1600.0
    table.move(Tick(), 0)
    assert on_turn(table) == "Ben"
    assert table.story.players[0].absences == 1
    table.move(Pause())
    table.now_s = 9000.0
    table.move(Tick(), 0)
    assert on_turn(table) == "Ben"
    table.move(Resume())
    assert table.story.due_at_s == 9600.0


def test_who_is_away_three_times_is_out_of_the_order():
    """And where nobody is left, the story pauses."""
    table = relay(BEN)
    for _ in range(5):
        table.now_s += 600
        table.move(Tick(), 0)
    assert [one.name for one in table.story.players] == ["Ben"]
    table.now_s += 600
    table.move(Tick(), 0)
    assert table.story.players == ()
    assert table.story.status is Status.PAUSED
    assert table.story.due_at_s is None


def test_a_move_forgives_absence():
    """It is counted in a row."""
    table = relay(BEN)
    table.now_s += 600
    table.move(Tick(), 0)
    table.move(TELL, BEN)
    table.move(TELL, ANNA)
    assert [one.absences for one in table.story.players] == [0, 0]


@pytest.mark.parametrize(("leaver", "expected"), [(ANNA, "Ben"), (BEN, "Cleo"), (CLEO, "Ben")])
def test_order_stays_when_somebody_leaves(leaver: int, expected: str):
    """A turn of theirs passes to the next."""
    table = relay(BEN, CLEO)
    table.move(Skip(), ANNA)
    table.move(Leave(), leaver)
    assert on_turn(table) == expected


def test_last_in_order_leaves_on_their_turn():
    """The first one is next."""
    table = relay(BEN)
    table.move(Skip(), ANNA)
    table.move(Leave(), BEN)
    assert on_turn(table) == "Anna"


def test_undo_gives_the_turn_back():
    """To who wrote what is undone; others can't."""
    table = relay(BEN)
    table.move(TELL, ANNA)
    with pytest.raises(StoryError, match="what you wrote yourself"):
        table.move(Undo(), BEN)
    table.move(Undo(), ANNA)
    assert on_turn(table) == "Anna"
    assert table.story.since_model == 0


def test_in_a_relay_others_words_are_theirs():
    """Except for who rules."""
    table = relay(BEN)
    table.move(TELL, ANNA)
    table.move(TELL, BEN)
    table.writes(" On.")
    with pytest.raises(StoryError, match="what you wrote yourself"):
        table.move(Alter("x", 2), BEN)
    with pytest.raises(StoryError, match="rewinds"):
        table.move(Rewind(1), BEN)
    table.move(Rewind(1), MOD)
    assert table.story.head == 1


def test_first_to_join_an_empty_relay_has_the_turn():
    """With its time."""
    table = relay()
    table.move(Leave(), ANNA)
    assert table.story.status is Status.PAUSED
    table.now_s = 3000.0
    table.move(Join(), BEN)
    table.move(Resume(), BEN)
    assert on_turn(table) == "Ben"
    assert table.story.due_at_s == 3600.0


def vote(n: int = 3) -> Table:
    table = Table.of(Mode.BRANCHES)
    assert table.move(Continue()).wanted == Wanted(parent=1, n_options=3)
    table.writes(*[f" Way {one}." for one in range(n)])
    return table


def test_options_hang_side_by_side_and_the_story_waits():
    """Until the vote is over."""
    table = vote()
    assert table.story.head == 1
    assert table.story.vote is not None
    assert table.story.vote.options == (2, 3, 4)
    assert [table.passages[one].parent for one in (2, 3, 4)] == [1, 1, 1]
    for move in (TELL, Continue()):
        with pytest.raises(StoryError, match="vote is open"):
            table.move(move)


def test_quorum_closes_the_vote():
    """The voters are noted at what they were for; the losing ways stay."""
    table = vote()
    table.move(Ballot(3), ANNA)
    table.move(Ballot(2), BEN)
    step = table.move(Ballot(3), CLEO)
    assert (table.story.head, table.story.vote) == (3, None)
    assert table.passages[3].voters == (ANNA, CLEO)
    assert table.passages[2].voters == (BEN,)
    assert step.shown == (3,)
    assert step.notice == ""
    table.move(Rewind(4))
    assert table.texts()[-1] == " Way 2."


def test_everybody_has_one_vote():
    """The last one counts."""
    table = vote()
    for option in (2, 3, 4, 4):
        table.move(Ballot(option), ANNA)
    assert table.story.vote is not None
    assert table.story.vote.ballots == ((ANNA, 4),)
    with pytest.raises(StoryError, match="other texts"):
        table.move(Ballot(1), BEN)


def test_a_tie_is_broken_openly():
    """The one that was offered first wins, and it is said."""
    table = vote()
    table.move(Ballot(4), ANNA)
    table.move(Ballot(2), BEN)
    table.now_s = 1300.0
    step = table.move(Tick(), 0)
    assert table.story.head == 2
    assert "tie" in step.notice


def test_vote_without_votes_pauses_the_story():
    """It opens anew when somebody is back."""
    table = vote()
    table.now_s = 1300.0
    table.move(Tick(), 0)
    assert table.story.status is Status.PAUSED
    table.move(Resume())
    assert table.story.vote is not None
    assert table.story.due_at_s == 1600.0


def test_retry_offers_new_ways_beside_the_old():
    """Which can be gone back to."""
    table = vote()
    assert table.move(Retry()).wanted == Wanted(parent=1, n_options=3)
    table.writes(" A.", " B.")
    assert table.story.vote is not None
    assert table.story.vote.options == (5, 6)
    assert table.passages[6].parent == 1


def test_single_way_needs_no_vote():
    """The others were of no use."""
    table = vote(1)
    assert table.story.vote is None
    assert table.texts()[-1] == " Way 0."
    assert table.passages[2].kind is Kind.MODEL


def test_who_was_kicked_has_no_vote():
    """Nor one that was cast before."""
    table = vote()
    table.move(Ballot(2), BEN)
    table.move(Kick(BEN), MOD)
    assert table.story.vote is not None
    assert table.story.vote.ballots == ()
    with pytest.raises(StoryError, match="can't come back"):
        table.move(Ballot(2), BEN)
