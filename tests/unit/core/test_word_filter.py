"""What a server's filter finds, what it leaves alone, and what it makes of a text."""

import sys
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.confusables import fold_character, is_invisible
from bot.core.linear_regex import MAX_MATCHES, LinearRegex
from bot.core.word_filter import (
    MASK,
    MAX_PATTERN,
    MAX_WORD,
    MAX_WORDS,
    WordFilter,
    check_pattern,
    clean_word,
    filter_of,
    fold,
)

WORDS = ("ass", "bad", "shit", "kill yourself", "fag*", "*tard", "*cunt*", "god", "penis", "hell",
         "バカ", "1488", "дурак", "don't", "café", "바보*", "straße")  # fmt: skip
FILTER = filter_of(tuple(map(clean_word, WORDS)), ())

# Letters that hypothesis would rarely draw, but which texts against filters are made of.
AWKWARD = st.text(
    st.one_of(
        st.sampled_from("bad BAD4@$!|.-_ \n\t\u200b\u0301\ufe0f\u202e\x1f\x00ＢⒷ🅱𝖇аıİßﬃが가🇦*ass"),
        st.characters(),
    ),
    max_size=60,
)


@pytest.mark.parametrize(
    "text",
    [
        "bad", "BAD", "so bad.", "(bad)", "bad_word", "good-bad", "bad bad", "これはbadです",
        "b4d", "b@d", "@ss", "a$$", "@$$", "5hit", "sh1t", "sh!t", "sh|t", "$h!t",
        "bаd",  # a Cyrillic а
        "ΒΑD", "ｂａｄ", "ⓑⓐⓓ", "𝖇𝖆𝖉", "ʙᴀᴅ", "🅱🅰🅳", "🇧🇦🇩", "bád", "b̷a̷d̷",
        "b\u200bad", "b\u00adad", "b\u2060a\ufe0fd", "b\u034fad", "\u202ebad\u202c",
        "b.a.d", "b-a-d", "ba-d", "b_a_d", "b..a..d", "b*a*d", "b a d", "B A D", "b\na\nd",
        "b . a . d", "a b a d", "sh i t".replace(" ", "-"), "s h 1 t",
        "baaad", "bbbaaaddd", "b a a a d".replace("a a a", "aaa"),
        "kill yourself", "Kill   Yourself", "kill-yourself", "kill\nyourself",
        "fag", "fagot", "retard", "Scunthorpe",  # the last because of `*cunt*`, who asks for it
        "お前はバカだ", "ﾊﾞｶ", "バ.カ", "дурак", "ДУРАК", "дypak", "dont", "DON’T", "cafe", "CAFÉ",
        "바보는", "STRASSE", "1488", "14-88", "i488",
    ],
)  # fmt: skip
def test_evasion_is_found(text: str):
    """Nobody gets around the filter by writing a word differently."""
    assert FILTER.hits(text)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "class", "assess", "glass", "gl@ss", "cla$$", "Sass", "badge", "embad", "good",
        "baad", "hello", "he'll", "shell", "he’ll", "the pen is here", "as s", "as slow",
        "c l a s s", "455", "$455", "4 55",
        "ハカ", "カ", "14880", "1 4 8 9", "tardy", "scun thorpe", "skill you",
        "killyourself", "God".replace("o", "oo"), "ハカ", "カバ", "바다", "😀", "a s", "b", "ba d",
        "assassin class badminton", "mishit", "dun't", "is it", "his hit",
    ],
)  # fmt: skip
def test_innocent_text_is_left_alone(text: str):
    """The people of Scunthorpe can say where they live."""
    assert () == FILTER.spans(text)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("You b.a.d man.", "You ▮▮▮▮▮ man."),
        ("a\nb a\nd!", "a\n▮ ▮\n▮!"),
        ("b\u200bаd😀", "▮\u200b▮▮😀"),
        ("🅱🅰🅳 ok", "▮▮▮ ok"),
        ("fagots and class", "▮▮▮▮▮▮ and class"),
        ("bad ass, bad", "▮▮▮ ▮▮▮, ▮▮▮"),
        ("nothing", "nothing"),
    ],
)
def test_mask_hides_what_is_seen(text: str, masked: str):
    """A block for each visible character; the rest of the text stays where it is."""
    assert masked == FILTER.mask(text)


@given(AWKWARD)
def test_spans_lie_in_the_text_in_order_and_apart(text: str):
    """Whatever the text."""
    end = 0
    for start, stop in FILTER.spans(text):
        assert end <= start < stop <= len(text)
        end = stop


@given(AWKWARD)
def test_mask_keeps_length_and_blanks_and_leaves_nothing_to_find(text: str):
    """What was masked is masked."""
    masked = FILTER.mask(text)

    assert len(text) == len(masked)
    for before, after in zip(text, masked, strict=True):
        assert after in (before, MASK)
        if before.isspace():
            assert before == after
    assert bool(FILTER.spans(text)) == (text != masked)


@given(st.sampled_from(WORDS), AWKWARD, AWKWARD)
def test_every_word_is_found_between_blanks(word: str, before: str, after: str):
    """Whatever else is in the text, as long as no single letters stand beside it."""
    bare = word.strip("*")

    assert FILTER.hits(f"{before}    {bare}    {after}")


@given(AWKWARD)
def test_folding_twice_is_folding_once(text: str):
    """What is plain stays as it is."""
    once = fold(text)

    assert once.text == fold(once.text).text
    assert len(once.text) == len(once.origin)
    assert list(once.origin) == sorted(once.origin)


def test_no_character_folds_into_another_that_folds_further():
    """All of Unicode: a table that maps into itself would make a word differ from itself."""
    wrong = [
        hex(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) not in {"Cn", "Co"}  # no character, or anybody's own
        and (plain := fold_character(chr(code))) != "".join(map(fold_character, plain))
    ]

    assert [] == wrong


def test_upper_and_lower_case_fold_alike():
    """A word in capitals is the same word, in every script."""
    wrong = [
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) == "Lu"
        and len(chr(code).lower()) == 1
        and fold_character(chr(code)) != fold_character(chr(code).lower())
        and chr(code) not in "ϴΩÅKẞ"
    ]

    assert [] == wrong


def test_nothing_is_found_without_words():
    """An empty filter costs nothing and finds nothing."""
    assert () == WordFilter().spans("bad") == filter_of((), ()).spans("bad")


@pytest.mark.parametrize(
    ("written", "kept"), [(" Bad ", "bad"), ("Kill  Yourself", "kill yourself"), ("*ASS*", "*ass*")]
)
def test_word_is_kept_in_one_form(written: str, kept: str):
    """So that a word is in the list once."""
    assert kept == clean_word(written)


@pytest.mark.parametrize(
    "word", ["", "a", "*a*", "**", "x" * (MAX_WORD + 1), "b*d", "**bad", "--", "😀😀", "`bad`",
             "\u200b\u200b"]
)  # fmt: skip
def test_word_that_can_be_none_is_refused(word: str):
    """Too short, too long, or with nothing to look for."""
    with pytest.raises(ValueError, match=r"word"):
        clean_word(word)


@given(AWKWARD)
def test_any_word_that_is_taken_finds_itself(word: str):
    """Else an admin would trust in a word that does nothing."""
    try:
        kept = clean_word(word)
    except ValueError:
        return
    bare = kept.removeprefix("*").removesuffix("*")

    assert filter_of((kept,), ()).hits(f"so {bare} , yes")


@pytest.mark.parametrize(
    "pattern", ["", "(", r"\1", "(?=a)", "a*", "", "a|", r"\b", "^", "(?m)$", "\ud800",
                "x" * (MAX_PATTERN + 1), r"\pL{300}{3}", "(((\\pL{100}){10}){1})"]
)  # fmt: skip
def test_pattern_that_can_not_be_used_is_refused(pattern: str):
    """No syntax of ours, matches nothing at all, or would take too much memory."""
    with pytest.raises(ValueError, match=r"\w"):
        check_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "masked"),
    [
        (r"discord\.gg/\w+", "join DISCORD.gg/abc now", "join ▮▮▮▮▮▮▮▮▮▮▮▮▮▮ now"),
        (r"discord\.gg/\w+", "join ｄiscord．gg/a\u200bbc", "join ▮▮▮▮▮▮▮▮▮▮▮▮\u200b▮▮"),
        (r"\d{3}", "😀 12 345", "😀 12 ▮▮▮"),
        ("ü+", "ÜBÜÜ", "▮B▮▮"),
        ("①", "nr ①", "nr ▮"),
    ],
)
def test_pattern_is_found(pattern: str, text: str, masked: str):
    """In the text as it is, and as it looks."""
    assert masked == filter_of((), (pattern,)).mask(text)


@given(AWKWARD)
def test_pattern_spans_lie_in_the_text(text: str):
    """Half characters and all."""
    found = filter_of((), ("[a-z]+", r"\W\w", "(?s).b")).spans(text)

    assert all(0 <= start < end <= len(text) for start, end in found)


def test_text_with_more_places_than_can_be_searched_is_hidden_from_there():
    """Rather too much than too little."""
    text = "a" * (2 * MAX_MATCHES)

    assert ((0, 1)) == next(LinearRegex("a").spans(text))
    assert MASK * len(text) == filter_of((), ("a",)).mask(text)


def test_worst_pattern_and_text_take_no_time():
    """With Python's own engine the first of these would outlive the bot."""
    patterns = ("(a*)*b|x", "(?s).*b|a", "(a|aa)+c", "([a-z]+)*d", r"(\w+\s?)*!e")
    worst = filter_of((), patterns)

    started_s = time.process_time()
    worst.spans("a" * 6000)

    assert time.process_time() - started_s < 5


def test_largest_filter_works():
    """Two hundred words of fifty letters."""
    words = tuple(f"{index:03}{'aeiostlbcd' * 4}zyxwvut" for index in range(MAX_WORDS))
    largest = filter_of(words, ())

    started_s = time.process_time()
    assert largest.hits(f"{'aeiostlbcd ' * 500} {words[-1]}")
    assert largest.hits(" ".join(words[0]))
    assert time.process_time() - started_s < 5


def test_invisible_is_what_shows_nothing():
    """A blank is seen by the room it takes."""
    assert all(map(is_invisible, "\u200b\u00ad\u2060\ufe0f\u3164\u202e\x00"))
    assert not any(map(is_invisible, "a \n\t\u3000\u2028😀"))
