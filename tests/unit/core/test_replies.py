"""How replies look: verbatim, harmless, and inside Discord's bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.markdown import (
    MAX_MESSAGE,
    cut,
    escape,
    length,
    newest,
    unescape,
)
from bot.core.replies import (
    MAX_PARTS,
    Label,
    failure,
    final,
    left_out,
    running,
    stopped_in_line,
    tried_again,
    waiting,
)
from bot.core.showable import without_controls

LABEL = Label(model="bardling-small", quantization="q8_0", seed=5)
MARKUP = st.text(alphabet="ab \n*_~`|<>[]()#-+1.)\\:@/👩\u200d👧🇩🇪\u0301", max_size=300)
TEXT = st.one_of(st.text(st.characters(exclude_categories=["Cs"])), MARKUP)
LONG_TEXT = st.builds(lambda piece, n: piece * n, TEXT, st.integers(1, 400))


@given(TEXT)
def test_escaped_text_shows_as_it_is(text: str):
    """Taking the backslashes away gives the text back."""
    assert text == unescape(escape(text))


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("**bold** _it_", r"\*\*bold\*\* \_it\_"),
        ("# heading\n- item\n1. one\n-# small", "\\# heading\n\\- item\n1\\. one\n\\-# small"),
        ("[gift](https://a.b)", r"\[gift\](https://a.b)"),
        ("<@1> <#2> <t:0>", r"\<@1\> \<#2\> \<t:0\>"),
        ("```py\nx\n```", "\\`\\`\\`py\nx\n\\`\\`\\`"),
        ("a - b #3 1.5", "a - b #3 1.5"),
        ("||spoiler||", r"\|\|spoiler\|\|"),
    ],
)
def test_markup_is_taken_for_text(text: str, escaped: str):
    """Hidden links, mentions, headings and fences lose their meaning, prose keeps its look."""
    assert escaped == escape(text)


@given(prompt=TEXT, text=LONG_TEXT)
def test_finished_text_is_whole_and_fits(prompt: str, text: str):
    """All parts together hold the text verbatim; none is empty or over Discord's bound."""
    reply = final(prompt, text, LABEL)

    assert text == "".join(reply.pieces)
    assert 1 <= len(reply.parts) <= MAX_PARTS
    assert all(0 < length(part) <= MAX_MESSAGE for part in reply.parts)
    assert all(part.strip() for part in reply.parts)
    assert reply.parts[-1].endswith(reply.label)
    assert (reply.file_text or "") == reply.from_part_on(MAX_PARTS)
    assert all("```" not in part for part in reply.parts)


@given(prompt=TEXT, text=LONG_TEXT)
def test_growing_text_fits_and_shows_its_end(prompt: str, text: str):
    """However long it grows, its newest words are there, with the mark."""
    shown = running(prompt, text)

    assert length(shown) <= MAX_MESSAGE
    assert shown.endswith("▌")
    turns = str.maketrans("", "", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert unescape(shown).translate(turns).endswith(text[-1:].translate(turns) + "▌")


@given(text=LONG_TEXT, budget=st.integers(20, 200))
def test_cut_pieces_join_to_the_text(text: str, budget: int):
    """Nothing is lost or doubled between pieces."""
    pieces = cut(text, [budget])

    assert text == "".join(pieces)
    assert all(length(escape(piece)) <= budget for piece in pieces)


def test_cut_prefers_paragraphs_sentences_words():
    """A message ends where a reader would pause."""
    assert ["One two.\n\n", "Three four five."] == cut("One two.\n\nThree four five.", [18])
    assert ["One two. ", "Three four"] == cut("One two. Three four", [15])
    assert ["One two ", "three"] == cut("One two three", [10])


@pytest.mark.parametrize("cluster", ["👩‍👩‍👧‍👦", "e\u0301", "👍🏽", "❤️"])
def test_letters_and_emoji_are_not_cut_in_two(cluster: str):
    """A cut never falls inside what a person sees as one character."""
    for before in range(30):
        pieces = cut("x" * before + cluster * 5, [40])

        assert 5 == sum(piece.count(cluster) for piece in pieces)


def test_long_prompt_is_shown_by_its_end():
    """What the text goes on from stands right before it."""
    shown = newest("start " + "x" * 3000 + " end", 1000)

    assert shown.startswith("…")
    assert shown.endswith(" end")
    assert length(shown) <= 1000


def test_label_says_machine_model_and_seed():
    """Every text can be told from a person's, and made again."""
    content = final("Hi", " there", LABEL).parts[0]

    assert r"**Hi** there" + "\n-# bardling-small q8\\_0 · machine-written · seed 5" == content


def test_label_says_where_a_seed_is_not_enough():
    """Written beside others, the same seed may make another text."""
    label = Label(model="m", quantization="q8_0", seed=5, is_repeatable=False, notes=("a note",))

    assert label.line().endswith("seed 5 (may differ next time) · a note")


def test_label_says_what_was_not_read():
    """Of the prompt, of the pinned text, of both, or nothing."""
    assert () == left_out(prompt=0, pinned=0)
    assert ("the first 1,024 tokens of the prompt did not fit",) == left_out(prompt=1024, pinned=0)
    assert (
        "the last token of the pinned text did not fit",
        "the first 2 tokens of the prompt did not fit",
    ) == left_out(prompt=2, pinned=1)


def test_empty_continuation_says_so():
    """A model that ends at once leaves no riddle."""
    assert "nothing to add" in final("The end.", "", LABEL).parts[0]


def test_fourth_message_becomes_a_file():
    """Three messages at most; the rest is attached."""
    reply = final("Hi", "word " * 2000, LABEL)

    assert MAX_PARTS == len(reply.parts)
    assert reply.file_text is not None
    assert reply.from_part_on(1).endswith(reply.file_text)


def test_notices_say_what_happens_next():
    """A place in line, a missing worker, an error with its id."""
    assert "number 3 in line" in waiting(3, workers_alive=True)
    assert "No worker" in waiting(1, workers_alive=False)
    assert failure("It broke.", "ab12").endswith("-# Error ab12")
    assert "The engine failed on this text; it is tried again.\n-# Error ab12" == tried_again(
        "ab12"
    )


def test_control_characters_never_reach_discord():
    """A model can write any byte; what can't be shown goes, tabs and line feeds stay."""
    assert "a\tb\nc" == without_controls("a\tb\x00\n\x1b\x7f\x85c\r")


def test_stop_in_line_keeps_what_was_written():
    """A worker went away in mid-text: the part that stands there stays, marked as ended."""
    assert "Stopped before it began." == stopped_in_line("No worker is running right now.")
    ended = stopped_in_line(running("Once", " upon a time"))
    assert "**Once** upon a time\n-# machine-written · stopped by request" == ended


def test_stop_in_line_fits_a_message():
    """Also where the growing text filled it."""
    ended = stopped_in_line(running("Once", "🦊" * 3000))
    assert length(ended) <= MAX_MESSAGE
    assert ended.endswith("stopped by request")
