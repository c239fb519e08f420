"""Whatever a model or a member writes: nothing lost, nothing over a bound, nothing that acts."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.core.markdown import MAX_MESSAGE, cut, escape, length, newest, shortened, unescape
from bot.core.replies import (
    MAX_PARTS,
    UNFINISHED_MARK,
    Label,
    final,
    running,
    stopped_in_line,
)
from bot.core.showable import MAX_HANGING, closed, has_visible, showable

LABEL = Label(model="bardling-small", quantization="q8_0", seed=5)
STOPPED = "\n-# machine-written · stopped by request"
# Pieces that mean something to Discord, or to whoever draws the text.
PIECES = st.sampled_from(
    ["@everyone", "@here", "<@123>", "<@!1>", "<@&5>", "<#99>", "</complete:123>", "<t:0:R>",
     "<:cat:123>", "<a:cat:1>", "<id:guide>", "||", "```", "```py\n", "`", "**", "__", "_", "~~",
     "[gift](https://evil.example)", "[a](<https://b.example>)", "https://a.example/x_y_z",
     "https://", "http://a_b_c", "<https://a.example>", "discord.gg/abc", "\n# ", "\n-# ", "\n> ",
     "\n>>> ", "\n- ", "\n1. ", "\n\ufeff# ", "\n\u00a0# ", "\u2028# ", "\\", "\\\\", "(", ")", " ",
     "\u202e", "\u202d", "\u202a", "\u202c", "\u2066", "\u2067", "\u2068", "\u2069", "\u200b",
     "\u200d", "\u0301", "\u0489", "👩", "👍🏽", "🇩🇪", "\ud83d", "\udc00", "\x00", "▌", "…", "a"]
)  # fmt: skip
TEXT = st.lists(PIECES | st.characters(), max_size=60).map("".join)
LONG_TEXT = st.builds(lambda piece, n: piece * n, TEXT, st.integers(1, 200))
TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
HALVES = re.compile("[\ud800-\udfff]")
URL = re.compile(r"https?://[^\s<]+")


def plain(text: str) -> str:
    """A text without what `escape` may add or replace."""
    return TURNS.sub("", HALVES.sub("\ufffd", text))


def without_pairs(escaped: str) -> str:
    """An escaped text with a letter in place of each backslash and its mark, addresses gone."""
    return URL.sub("u", re.sub(r"\\[^0-9A-Za-z\s]", "x", escaped))


def is_harmless(escaped: str) -> bool:
    """No markup is left that Discord would act on."""
    bare = without_pairs(escaped)
    starts = re.findall(r"(?:^|[\u2028\u2029])[\s\ufeff]*(?:[#+-]|\d+[.)])", bare, re.MULTILINE)
    return not starts and not set(bare) & set("\\*_~`|<>[]")


@given(TEXT)
@example("\n\ufeff# heading")
@example("https://a.example/**x** _y_")
def test_no_markup_is_left(text: str):
    """No mention, timestamp, emoji, spoiler, heading, fence or link behind a text."""
    assert is_harmless(escape(text))


@given(TEXT)
def test_what_is_shown_is_the_text(text: str):
    """All of it; at most, a line's turns of direction are ended."""
    assert plain(text) == plain(unescape(escape(text)))
    if not TURNS.search(text) and not HALVES.search(text):
        assert text == unescape(escape(text))


@given(TEXT)
def test_it_can_be_sent(text: str):
    """As UTF-8, also where the text holds halves of characters."""
    escape(text).encode()


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("https://a.example/x_y_z.", "https://a.example/x_y_z."),
        ("_https://a.example/x_y_", r"\_https://a.example/x_y_"),
        ("https://a.example/*x*", r"https://a.example/\*x\*"),
        ("https://a.example|b|", r"https://a.example\|b\|"),
        ("x_y_z", r"x\_y\_z"),
        ("\u00a0# a\n\ufeff- b", "\u00a0\\# a\n\ufeff\\- b"),
        ("@everyone </a:1>", r"@everyone \</a:1\>"),
    ],
)
def test_addresses_stay_as_they_are(text: str, escaped: str):
    """Discord shows a backslash in them, and would open another page."""
    assert escaped == escape(text)


@given(TEXT)
def test_turns_end_with_their_line(text: str):
    """Once is enough."""
    assert closed(text) == closed(closed(text))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb\nc", "a\u202eb\u202c\nc"),
        ("\u2067a\u2069b", "\u2067a\u2069b"),
        ("\u2066\u202aa", "\u2066\u202aa\u2069\u202c"),
        ("\u202c\u2069a", "\u202c\u2069a"),
    ],
)
def test_open_turns_are_closed(text: str, shown: str):
    """So the line below, with what the bot says of the text, reads from left to right."""
    assert shown == closed(text)


@given(st.lists(TEXT, max_size=4))
def test_cleaning_piece_by_piece_is_cleaning_the_whole(pieces: list[str]):
    """As the worker does, whose text comes in tokens."""
    text = ""
    for piece in pieces:
        text += showable(piece, after=text)

    assert showable("".join(pieces)) == text
    assert showable(text) == text


@pytest.mark.parametrize("flood", ["\u0301", "\u0489", "\u200b", "\u202a", "\u0301\u200d"])
def test_floods_of_marks_are_bounded(flood: str):
    """Letters under a tower of marks, and what nobody sees."""
    assert MAX_HANGING + 2 == len(showable("a" + flood * 500 + "b"))


@pytest.mark.parametrize("text", ["🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👩‍👩‍👧‍👦", "שָׁלוֹם", "นํ้า", "é̂̃", "བསྒྲུབས"])
def test_real_writing_is_no_flood(text: str):
    """Flags, families, vowel points, tone marks."""
    assert text == showable(text)


@given(LONG_TEXT, st.lists(st.integers(8, 300), min_size=1, max_size=3))
def test_pieces_join_to_the_text_and_fit(text: str, budgets: list[int]):
    """Nothing is lost or doubled."""
    pieces = cut(text, budgets)

    assert text == "".join(pieces)
    for index, piece in enumerate(pieces):
        assert length(escape(piece)) <= budgets[min(index, len(budgets) - 1)]


@given(LONG_TEXT, st.integers(8, 300))
def test_newest_part_fits_and_is_the_end(text: str, budget: int):
    """A cut is marked; a text that fits stays."""
    shown = newest(text, budget)

    assert length(escape(shown)) <= budget
    assert shown == text or text.endswith(shown.removeprefix("…"))
    assert shown == newest(shown, budget)


@given(LONG_TEXT, st.integers(8, 300))
def test_shortened_text_fits_and_stays_harmless(text: str, budget: int):
    """No backslash loses its mark; once is enough."""
    shown = shortened(escape(text), budget)

    assert length(shown) <= budget
    assert is_harmless(shown)
    assert shown == shortened(shown, budget)
    assert TURNS.sub("", escape(text)).startswith(TURNS.sub("", shown))


@pytest.mark.parametrize("budget", range(20, 40))
def test_shortened_text_ends_with_a_whole_letter(budget: int):
    """A family stays together."""
    family = "👩‍👩‍👧"
    shown = shortened(family * 5, budget)

    assert shown == family * shown.count(family)
    assert shown


@given(prompt=TEXT, text=LONG_TEXT)
def test_growing_reply_is_harmless_and_fits(prompt: str, text: str):
    """Its only markup is the prompt's bold."""
    shown = running(prompt, text)

    assert length(shown) <= MAX_MESSAGE
    assert shown.endswith(UNFINISHED_MARK)
    assert shown == closed(shown)
    bold, rest = parts_of(shown)
    assert is_harmless(bold)
    assert is_harmless(rest)


def parts_of(content: str) -> tuple[str, str]:
    """The prompt between its stars, and what follows; stars within are escaped."""
    match = re.match(r"\*\*((?:\\.|[^\\*])*)\*\*", content, re.DOTALL)
    assert match is not None
    return match[1], content[match.end() :]


@given(prompt=TEXT, text=LONG_TEXT)
def test_finished_reply_is_whole_harmless_and_fits(prompt: str, text: str):
    """In all its messages; the label stands on a line of its own that nothing turns."""
    reply = final(prompt, text, LABEL)

    assert text == "".join(reply.pieces)
    assert 1 <= len(reply.parts) <= MAX_PARTS
    bold, first = parts_of(reply.parts[0])
    for part in (bold, first, *reply.parts[1:]):
        assert length(part) <= MAX_MESSAGE
        assert part == closed(part)
        assert is_harmless(part.removesuffix(reply.label))
    assert all(has_visible(part) for part in reply.parts)
    assert reply.parts[-1].endswith("\n" + reply.label.lstrip("\n"))


@given(prompt=TEXT, text=LONG_TEXT)
def test_stopped_reply_is_harmless_fits_and_stays(prompt: str, text: str):
    """A second click changes nothing."""
    shown = stopped_in_line(running(prompt, text))

    assert length(shown) <= MAX_MESSAGE
    assert shown.endswith(STOPPED)
    assert shown == stopped_in_line(shown)
    assert is_harmless(parts_of(shown.removesuffix(STOPPED))[1])


@given(LONG_TEXT)
def test_any_content_can_be_stopped(content: str):
    """Whatever stands in the reply."""
    shown = stopped_in_line(content)

    assert length(shown) <= max(MAX_MESSAGE, length(content) * content.endswith(STOPPED))
    assert shown.strip()
