"""What scores say of a text: pieces, shares, surprises, and the words for them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.markdown import MAX_MESSAGE, length, unescape
from bot.core.xray import (
    MIN_TELLING_TOKENS,
    Band,
    Colors,
    Expected,
    TokenScore,
    XrayReport,
    band_of_bits,
    band_of_rank,
    make_report,
    masked,
)
from bot.core.xray_words import (
    MAX_ALT,
    MAX_TEXT_PARTS,
    alt_text,
    content,
    headline,
    notes,
    surprise_lines,
    text_parts,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@st.composite
def scored_texts(draw: st.DrawFn) -> tuple[str, list[TokenScore]]:
    """Any text, cut into tokens anywhere between its bytes, some of them not scored."""
    text = draw(TEXTS)
    data = text.encode()
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(data) - 1)), max_size=len(data))))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True) if a < b]
    tokens = [
        token(
            piece,
            bits=draw(st.floats(0, 40)),
            rank=draw(st.integers(0, 50_000)),
            expected=(Expected(text=draw(TEXTS), probability=draw(st.floats(0, 1))),),
        )
        for piece in pieces
    ]
    if len(tokens) > 1 and draw(st.booleans()):
        tokens[0] = TokenScore(piece=pieces[0])
    return text, tokens


def token(piece: bytes | str, *, bits: float = 1.0, rank: int = 0, **more: object) -> TokenScore:
    """A scored token."""
    data = piece.encode() if isinstance(piece, str) else piece
    return TokenScore(piece=data, bits=bits, rank=rank, **more)  # pyright: ignore[reportArgumentType]


def report_of(*pieces: str, **more: object) -> XrayReport:
    return make_report([token(piece, **more) for piece in pieces])  # pyright: ignore[reportArgumentType]


@given(scored_texts())
def test_pieces_are_the_text(scored: tuple[str, list[TokenScore]]):
    """Nothing lost, no character split, each token in one piece."""
    text, tokens = scored
    report = make_report(tokens)

    assert text == report.text == "".join(cell.text for cell in report.cells)
    assert [text[cell.start : cell.end] for cell in report.cells] == [
        cell.text for cell in report.cells
    ]
    assert len(tokens) == sum(cell.n_tokens for cell in report.cells)
    assert all(cell.text for cell in report.cells)


@given(scored_texts())
def test_numbers_follow_from_the_tokens(scored: tuple[str, list[TokenScore]]):
    """Shares make up the whole, whatever the colors stand for; bits are the tokens' together."""
    _, tokens = scored
    report = make_report(tokens)
    bits = [one.bits for one in tokens if one.bits is not None]

    for colors in Colors:
        assert math.isclose(1.0, sum(report.shares(colors)))
        assert all(0 <= share <= 1 for share in report.shares(colors))
    assert math.isclose(report.bits, sum(bits), abs_tol=1e-9)
    assert math.isclose(report.perplexity, 2 ** (sum(bits) / len(bits)), rel_tol=1e-9)
    assert report.bits_per_byte <= report.bits_per_character + 1e-9


@given(scored_texts())
def test_words_fit_whatever_the_text(scored: tuple[str, list[TokenScore]]):
    """Alt text, message and every part of the full text stay within Discord's bounds."""
    report = make_report(scored[1] * 40)

    for colors in Colors:
        parts = text_parts(report, "gpt2 q8_0", colors)
        assert 1 <= len(parts) <= MAX_TEXT_PARTS
        assert all(part.strip() and length(part) <= MAX_MESSAGE for part in parts)
        assert length(alt_text(report, "gpt2 q8_0", colors)) <= MAX_ALT
    assert length(content(report, "gpt2 q8_0")) <= MAX_MESSAGE


@given(scored_texts())
def test_greatest_surprises_come_first(scored: tuple[str, list[TokenScore]]):
    """At most five, none greater is left out, and none is what the model expected most."""
    report = make_report(scored[1])
    bits = [one.cell.bits or 0.0 for one in report.surprises]
    left = [c for c in report.cells if c.rank and c not in {one.cell for one in report.surprises}]

    assert bits == sorted(bits, reverse=True)
    assert len(bits) <= 5
    assert all(one.cell.rank for one in report.surprises)
    assert len(bits) == 5 or not left
    assert all((cell.bits or 0.0) <= bits[-1] for cell in left)


def test_tokens_that_split_a_character_are_one_piece():
    """Its bits are theirs together, its rank that of the least expected one."""
    fox = "🦊".encode()
    report = make_report(
        [token("a"), token(b" " + fox[:1], bits=2, rank=3), token(fox[1:], bits=5, rank=700),
         token("b")]
    )  # fmt: skip

    cell = report.cells[1]
    assert ["a", " 🦊", "b"] == [one.text for one in report.cells]
    assert (7.0, 700, 2, Band.HIGH) == (cell.bits, cell.rank, cell.n_tokens, cell.band())
    assert (0.75, 0.0, 0.25, 0.0) == report.rank_shares  # of tokens, not of pieces


@pytest.mark.parametrize(
    ("pieces", "cells"),
    [
        (("e", "\u0301", "x"), ["e\u0301", "x"]),
        (("👩", "\u200d", "👧", "!"), ["👩\u200d👧", "!"]),
        (("👍", "🏽"), ["👍🏽"]),
        (("🇩", "🇪", "🇫", "🇷"), ["🇩🇪", "🇫🇷"]),
        ((" ", "\u0301"), [" ", "\u0301"]),
        (("a",) + ("\u0301",) * 40, ["a" + "\u0301" * 15, "\u0301" * 16, "\u0301" * 9]),
    ],
    ids=["accent", "family", "skin", "flags", "after-a-blank", "endless"],
)
def test_what_people_see_as_one_letter_is_one_piece(pieces: tuple[str, ...], cells: list[str]):
    """Unless it goes on without end."""
    assert cells == [cell.text for cell in report_of(*pieces).cells]


def test_text_that_ends_within_a_character_shows_that():
    """U+FFFD, as everywhere where bytes are no character."""
    assert "a\ufffd" == make_report([token("a"), token("🦊".encode()[:2])]).text


def test_first_token_may_be_without_a_score():
    """It has no color and counts for nothing, and is shown all the same."""
    report = make_report([TokenScore(piece=b"Once"), token(" upon", bits=4)])

    assert (None, 1, 4.0, 16.0) == (
        report.cells[0].band(), report.n_tokens, report.bits, report.perplexity,
    )  # fmt: skip
    assert 4 / 5 == report.bits_per_character


def test_text_without_any_score_is_no_report():
    """There is nothing to say of it."""
    with pytest.raises(ValueError, match="no token"):
        make_report([TokenScore(piece=b"Once")])


def test_bands_begin_where_they_say():
    """Ranks count from 0, people from 1."""
    assert [Band.LOW, Band.MILD, Band.MILD, Band.HIGH, Band.HIGH, Band.TOP] == [
        band_of_rank(rank) for rank in (9, 10, 99, 100, 999, 1000)
    ]
    assert [Band.LOW, Band.MILD, Band.HIGH, Band.TOP] == [
        band_of_bits(bits) for bits in (1.9, 2.0, 5.0, 10.0)
    ]


def test_few_tokens_are_said_to_tell_little():
    """Under 50; and what was not looked at is named."""
    assert "can't tell much" in notes(report_of(*["a"] * (MIN_TELLING_TOKENS - 1)))[0]
    assert () == notes(report_of(*["a"] * MIN_TELLING_TOKENS))
    cut = make_report([token("a")] * 60, n_left_out=1234)
    assert "1,234 characters" in notes(cut)[0]


def test_words_never_speak_of_an_author_but_to_deny_it():
    """Predictability to this model, and no more."""
    report = report_of(*["a"] * 60)
    said = content(report, "gpt2") + alt_text(report, "gpt2", Colors.RANK)

    assert "not who wrote it" in said
    for word in ("human", "machine", "AI", "author", "fake"):
        assert word not in said
    assert "To gpt2, this text has a perplexity of 2.00" in headline(report, "gpt2")


def test_surprise_says_what_was_expected():
    """With what stands before it, on one line."""
    expected = (Expected(text=" the", probability=0.31), Expected(text="\n", probability=0.001))
    report = make_report([token("Go\n"), token("xyzzy", bits=12.5, rank=4210, expected=expected)])

    assert [
        ("Go↵[xyzzy] (12.5 bits, guess 4,211)", "expected: “ the” 31%, “↵” under 1%")
    ] == surprise_lines(report)


def test_full_text_marks_the_pieces_and_keeps_the_words():
    """Marks stand behind a piece; markup in it stays text."""
    report = make_report(
        [token("**Go**"), token(" home", rank=50), token(" now ", rank=500), token("x", rank=5000)]
    )
    [part] = text_parts(report, "gpt2", Colors.RANK)

    assert "\\*\\*Go" in part
    assert "**Go** home¹ now² x³" in unescape(part)
    assert "top 100 (¹): 25%" in part


def test_long_text_ends_with_a_note():
    """Instead of flooding the one who clicked."""
    parts = text_parts(report_of(*[" word"] * 4000, rank=20), "gpt2", Colors.RANK)

    assert MAX_TEXT_PARTS == len(parts)
    assert parts[-1].endswith("the picture's numbers count it.")


def test_hidden_words_are_hidden_everywhere():
    """In the pieces, before surprises, and among what was expected there."""
    expected = (Expected(text=" bad", probability=0.5),)
    report = make_report([token("a bad"), token(" word", bits=9, rank=9, expected=expected)])
    hidden = masked(report, lambda text: text.replace("bad", "▮▮▮"))

    assert "a ▮▮▮ word" == "".join(cell.text for cell in hidden.cells)
    [surprise] = hidden.surprises
    assert ("a ▮▮▮", " ▮▮▮") == (surprise.before, surprise.cell.expected[0].text)
    with pytest.raises(ValueError, match="in place of"):
        masked(report, lambda text: text[1:])
