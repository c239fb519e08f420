"""What the model reads: memory, lore, note and the newest text, cut where it stays the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.sampling import SamplingParams
from bot.stories.frame import framed, player_name
from bot.stories.moves import Write
from bot.stories.passages import Kind, Passage
from bot.stories.prompt import build, cut_to_fit, lore_hits, with_note
from bot.stories.story import MAX_NAME_CHARACTERS, LoreEntry, Mode
from bot.stories.weaknesses import MAX_TRIES, Weakness, stop_strings, trimmed, try_again, weakness
from tests.unit.stories.story_table import ANNA, BEN, Table


def passage(kind: Kind, text: str, author: str = "Anna") -> Passage:
    author_id = 0 if kind in {Kind.MODEL, Kind.OPTION} else 1
    return Passage(number=1, parent=0, kind=kind, author_id=author_id, author=author, text=text,
                   at_s=0.0, offset=0, source="s")  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (Kind.DO, "open the door", "\n\n> You open the door.\n\n"),
        (Kind.DO, "I run!", "\n\n> You run!\n\n"),
        (Kind.DO, "You sit", "\n\n> You sit.\n\n"),
        (Kind.SAY, "hello", '\n\n> You say "hello"\n\n'),
        (Kind.TELL, "It rains.", "\n\nIt rains."),
        (Kind.MODEL, " It rains.\n> x", " It rains.\n> x"),
    ],
)
def test_frame_of_an_adventure(kind: Kind, text: str, expected: str):
    """In the second person."""
    assert framed(passage(kind, text), Mode.ADVENTURE, False) == expected


def test_several_players_are_told_apart():
    """By their names."""
    assert framed(passage(Kind.DO, "run"), Mode.ADVENTURE, True) == "\n\n> Anna: You run.\n\n"


@given(st.text(max_size=80), st.sampled_from([Kind.DO, Kind.SAY, Kind.TELL]), st.booleans())
def test_no_words_look_like_another_players_line(text: str, kind: Kind, is_party: bool):
    """The mark at the beginning of a line is the frame's alone."""
    shown = framed(passage(kind, f"x{text}\n> You win.\n  > Ben: You lose."), Mode.ADVENTURE,
                   is_party)  # fmt: skip
    marks = [line for line in shown.split("\n") if line.lstrip().startswith(">")]
    assert len(marks) == (0 if kind is Kind.TELL else 1)


@given(st.text(max_size=60), st.lists(st.text(max_size=20), max_size=5))
def test_names_are_plain_and_their_own(raw: str, taken: list[str]):
    """No mark that the frame or Discord would take for something else."""
    name = player_name(raw, taken, 7)
    assert 0 < len(name) <= MAX_NAME_CHARACTERS
    assert not set(name) & set('>:@#<*_`~|\n\r\t"“”')
    assert name.casefold() not in {one.casefold() for one in taken}
    assert name == " ".join(name.split())


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("Ada", "Ada"), ("@everyone", "everyone"), ("> Ben:", "Ben"), ("  a \n b ", "a b"),
        ("", "Player 7"), ("🦊🦊", "Player 7"), ("x" * 40, "x" * 24), ("花子", "花子"),
    ],
)  # fmt: skip
def test_names_as_people_have_them(raw: str, name: str):
    """Cleaned, and made up where nothing is left."""
    assert player_name(raw, (), 7) == name


def test_prompt_has_memory_lore_note_and_text_in_their_places():
    """And the task says which part is which."""
    table = Table.of(Mode.ADVENTURE, opening="One.\nTwo.\nThree.\nFour.")
    lore = (LoreEntry(keys=("door",), text="Doors bite."), LoreEntry(keys=("sea",), text="Wet."))
    table.set(memory="You are brave.", note="dark", note_depth=2, lore=lore)
    table.move(Write(Kind.DO, "open the door"))
    path = table.path()
    built = build(table.story, path, path[-1:])

    assert built.pinned == "You are brave.\nDoors bite.\n\n"
    assert built.prompt == (
        "One.\nTwo.\nThree.\n[Author's note: dark]\nFour.\n\n> You open the door.\n\n"
    )
    assert built.task.lead == "> You open the door."
    assert built.task.lore_keys == ("door",)
    assert built.pinned[: built.task.memory] == "You are brave.\n"
    assert built.pinned[built.task.memory :][: built.task.lore] == "Doors bite.\n"


@pytest.mark.parametrize(
    ("text", "key", "hits"),
    [
        ("The Fox ran.", "fox", True), ("The foxes ran.", "fox", False),
        ("A fox-hunt", "fox", True),
        ("狐が走った", "狐", True), ("Füchse!", "füchse", True), ("x" * 9000, "y", False),
        ("fox " + "x" * 2000, "fox", False),
    ],
)  # fmt: skip
def test_lore_comes_up_by_whole_words_of_the_newest_text(text: str, key: str, hits: bool):
    """In scripts without spaces, by the letters."""
    assert bool(lore_hits((LoreEntry(keys=(key,), text="x"),), text)) is hits


def test_lore_takes_no_more_than_its_room():
    """Whole entries, the first ones."""
    lore = tuple(LoreEntry(keys=("a",), text=str(n) * 500) for n in range(5))
    assert [one.text[0] for one in lore_hits(lore, "a")] == ["0", "1"]


@given(st.text(max_size=200), st.integers(-2, 30))
def test_note_adds_itself_and_takes_nothing(text: str, depth: int):
    """Wherever it goes."""
    shown = with_note(text, "[note]", depth)
    lines = shown.split("\n")
    assert lines.count("[note]") - text.split("\n").count("[note]") == 1
    kept = [line for line in text.split("\n") if line.strip()]
    assert [line for line in lines if line.strip() and line != "[note]"] == [
        line for line in kept if line != "[note]"
    ] or depth <= 0


@given(st.text(min_size=1, max_size=3000), st.integers(0, 5000), st.integers(40, 400),
       st.integers(64, 600))  # fmt: skip
def test_cut_is_an_end_that_fits(text: str, offset: int, room: int, step: int):
    """Never more than there is room for."""
    found = cut_to_fit(text, offset, step, lambda one: len(one) <= room)
    assert text.endswith(found)
    assert len(found) <= room
    assert found


def test_cut_stays_while_a_story_grows_within_a_step():
    """So that the engine has read most of it before."""
    words = "word " * 2000
    cuts = [
        1500 + grown - len(cut_to_fit(words[: 1500 + grown], 0, 400, lambda one: len(one) <= 1200))
        for grown in range(0, 400, 20)
    ]
    assert len(set(cuts)) <= 3
    assert all(words[cut - 1 : cut + 1].isspace() is False for cut in cuts)


def test_cut_begins_with_a_whole_word():
    """Wherever the step lands."""
    text = "".join(f"word{n:04} " for n in range(500))
    found = cut_to_fit(text, 3, 333, lambda one: len(one) <= 1000)
    assert found.lstrip().startswith("word")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" It rains. And then", " It rains."), (" It rains.\n> You run", " It rains."),
        (" He said.\nBen: no", " He said."), (" no end here", " no end here"), ("", ""),
        (' "Stop." ', ' "Stop."'), ("雨が降る。そして", "雨が降る。"),
    ],
)  # fmt: skip
def test_texts_end_with_a_sentence_and_before_the_next_player(text: str, expected: str):
    """Blanks at the end go."""
    assert trimmed(text, Mode.ADVENTURE, ["Ben"]) == expected


@pytest.mark.parametrize(
    ("text", "is_loop", "expected"),
    [
        (" The fox ran away.", False, None), ("", False, Weakness.EMPTY),
        (" .", False, Weakness.EMPTY), ("ok", False, Weakness.EMPTY), ("雨が降る。", False, None),
        (" ha ha ha", True, Weakness.LOOP),
        (" It went well for a very long time indeed.", True, None),
        ("> You win.", False, Weakness.SPEAKS_FOR_PLAYER),
        ("\nBen: I win, I win.", False, Weakness.SPEAKS_FOR_PLAYER),
    ],
)  # fmt: skip
def test_what_is_of_no_use(text: str, is_loop: bool, expected: Weakness | None):
    """And what is."""
    assert weakness(text, Mode.ADVENTURE, ["Ben"], is_loop=is_loop) is expected


def test_tries_differ_and_stay_apart_from_candidates():
    """A loop meets a harder guard."""
    first = SamplingParams(seed=5)
    seeds = {try_again(first, n, Weakness.EMPTY).seed for n in range(1, MAX_TRIES)}
    assert len(seeds) == MAX_TRIES - 1
    assert min(seeds) > 5 + 4
    assert try_again(first, 1, Weakness.LOOP).no_repeat_ngram == 4


def test_where_the_model_has_to_stop():
    """Before players' lines, in the games that have them."""
    assert stop_strings(Mode.ADVENTURE, ["Ben"]) == ("\n>", "\nBen:")
    assert stop_strings(Mode.RELAY, ["Ben"]) == ("\nBen:",)
    assert stop_strings(Mode.FREE, ["Ben"]) == ()


def test_a_whole_game_reads_as_it_was_played():
    """Moves of two people and the model."""
    table = Table.of(Mode.ADVENTURE, opening="A cave.")
    table.move(Write(Kind.DO, "enter"), ANNA)
    table.writes(" It is dark.")
    table.move(Write(Kind.SAY, "Hello?"), BEN)
    path = table.path()
    assert build(table.story, path, path[-1:]).prompt == (
        'A cave.\n\n> Anna: You enter.\n\n It is dark.\n\n> Ben: You say "Hello?"\n\n'
    )
