"""Verdicts on copied texts, and links to messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.receipts import Receipt, code_of, sign
from bot.core.verdicts import (
    Finding,
    MessagePlace,
    first_alteration,
    judge,
    read_message_link,
    verdict_words,
)
from tests.contract.outputs_backends import make_output

KEYS = (b"the only key there is",)
CODE = code_of("1")
SIGNED = sign("a fox", CODE, KEYS)
UNSIGNED = Receipt(CODE, "")


@pytest.mark.parametrize(
    ("body", "receipt", "kept", "keys", "finding"),
    [
        ("a **fox**", SIGNED, (), KEYS, Finding.GENUINE),
        ("a **fox**", UNSIGNED, ("a fox",), KEYS, Finding.GENUINE),
        ("a f***", UNSIGNED, ("a fox", "a f\\*\\*\\*"), (), Finding.GENUINE),
        ("a fox", Receipt(CODE, "00000000"), ("a fox",), (), Finding.GENUINE),
        ("a fix", SIGNED, ("a fox",), KEYS, Finding.ALTERED),
        ("a fix", SIGNED, ("a fox",), (), Finding.ALTERED),
        ("a fix", SIGNED, (), KEYS, Finding.MISFIT),
        ("a fox", Receipt(code_of("2"), SIGNED.tag), (), KEYS, Finding.MISFIT),
        ("a fox", UNSIGNED, (), KEYS, Finding.UNKNOWN),
        ("a fox", SIGNED, (), (), Finding.UNKNOWN),
        ("", UNSIGNED, (), (), Finding.UNKNOWN),
    ],
)
def test_signature_or_what_is_kept_decides(
    body: str, receipt: Receipt, kept: tuple[str, ...], keys: tuple[bytes, ...], finding: Finding
):
    """Either is enough to be genuine."""
    assert finding is judge([body], receipt, kept=kept, keys=keys)


def test_any_way_of_reading_a_text_will_do():
    """With or without what looks like the line under it."""
    assert Finding.GENUINE is judge(["a", "a fox"], SIGNED, kept=(), keys=KEYS)


def test_alteration_is_shown_where_the_first_letter_differs():
    """Blanks and marks before it don't count."""
    found = first_alteration("**The quick** fox", "The quick ox jumps")

    assert found is not None
    assert ("fox", "ox jumps") == (found.here, found.there)
    assert first_alteration("a **fox**", "a fox") is None


@pytest.mark.parametrize("finding", Finding)
@pytest.mark.parametrize("is_kept", [True, False])
def test_no_answer_tells_who_asked(finding: Finding, is_kept: bool):
    """Nor is longer than a message."""
    altered_at = first_alteration("*" * 5_000 + "a", "`" * 5_000)
    words = verdict_words(finding, make_output(user_id=777_777) if is_kept else None, altered_at)

    assert "777" not in words
    assert 50 < len(words) < 1_000


def test_genuine_text_that_is_kept_says_how_it_was_made():
    """When, by which model, with which seed."""
    words = verdict_words(Finding.GENUINE, make_output())

    assert "unaltered" in words
    assert all(part in words for part in ("<t:1000:f>", "small q8\\_0", "seed 7"))


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        ("https://discord.com/channels/10/20/30", MessagePlace(10, 20, 30)),
        (" <https://ptb.discord.com/channels/@me/20/30/> ", MessagePlace(None, 20, 30)),
        ("https://discordapp.com/channels/10/20/30", MessagePlace(10, 20, 30)),
        ("30", MessagePlace(None, 7, 30)),
        ("20-30", MessagePlace(None, 20, 30)),
        ("https://discord.com/channels/10/20", None),
        ("https://example.org/channels/10/20/30", None),
        ("the third one", None),
    ],
)
def test_link_or_id_names_a_message(typed: str, place: MessagePlace | None):
    """As Discord's menus copy them."""
    assert place == read_message_link(typed, here=7)


@given(st.text())
def test_any_text_may_be_given_as_a_link(typed: str):
    """It is read or not."""
    place = read_message_link(typed, here=7)
    assert place is None or place.message_id >= 0
