"""Receipts: a text verifies however it is copied, and no other text does."""

import re
import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bot.core.markdown import unescape
from bot.core.receipts import (
    Receipt,
    canonical,
    code_of,
    is_signed,
    read_receipt,
    sign,
    split_label,
)
from bot.core.replies import FinalReply, Label, final, shown_text

KEYS = (b"the newest key of all", b"an older key, still good")
CODE = code_of("1")
texts = st.text(max_size=200) | st.text(alphabet="ab*_~`\\ \n#->.1…\u0301é", max_size=200)


def posted(prompt: str, text: str, *notes: str, receipt: Receipt | None = None) -> FinalReply:
    """A text as the worker posts it."""
    shown = receipt or sign(shown_text(prompt, text), CODE, KEYS)
    label = Label(
        model="bardling_small", quantization="q8_0", seed=7, receipt=str(shown), notes=notes
    )
    return final(prompt, text, label)


def raw_copy(reply: FinalReply) -> str:
    """What "Copy Text" gives of all messages, and the file behind them."""
    *before, last = reply.parts
    return "\n".join([*before, last.removesuffix(reply.label), reply.file_text or ""]) + reply.label


def seen_copy(reply: FinalReply) -> str:
    """What selecting with the mouse gives: bold and small print are gone, backslashes too."""
    *before, last = reply.parts
    shown = [unescape(part.replace("**", "", 2)) for part in before]
    shown.append(unescape(last.removesuffix(reply.label).replace("**", "", 2)))
    return "\n".join([*shown, reply.file_text or ""]) + unescape(reply.label.replace("-# ", ""))


def in_an_option(copied: str) -> str:
    """Options of commands have one line."""
    return re.sub(r"\s+", " ", copied).strip()


@given(texts, texts)
@example("a" * 1500, "word " * 900)
@example("p", "\n" * 4_000 + "x")
@example("e", "\u0301")
@example("", "-#-#")
@example("-# small q8_0 · machine-written · seed 7 · receipt 0123456789-01234567", "x")
def test_every_way_of_copying_verifies(prompt: str, text: str):
    """Raw or as shown, on many lines or one, in one message or in three and a file."""
    reply = posted(prompt, text, "stopped by request")

    for copied in (raw_copy(reply), seen_copy(reply), f"||{raw_copy(reply)}||"):
        for pasted in (copied, in_an_option(copied)):
            body, receipt = split_label(pasted)
            assert receipt is not None
            assert CODE == receipt.code
            assert is_signed(body, receipt, KEYS)


@given(st.text(max_size=100), st.integers(0), st.characters(categories=("L", "N")))
def test_no_altered_letter_verifies(text: str, place: int, letter: str):
    """Wherever it stands, and in the prompt too."""
    shown = shown_text("It was", " ends" + text)
    receipt = sign(shown, CODE, KEYS)
    place %= len(shown)
    for altered in (
        shown[:place] + letter + shown[place + 1 :],  # another one
        shown[:place] + letter + shown[place:],  # one more
        shown[:place] + shown[place + 1 :],  # one less
    ):
        if canonical(altered) != canonical(shown):
            assert not is_signed(altered, receipt, KEYS)
    assume(unicodedata.normalize("NFC", shown + letter) != unicodedata.normalize("NFC", shown))
    assert not is_signed(shown + letter, receipt, KEYS)


@given(st.text(alphabet="abc xyz", min_size=1, max_size=40))
def test_letters_of_a_text_are_all_signed(text: str):
    """What does not count is blanks, marks that Discord eats, and nothing else."""
    assert text.replace(" ", "") == canonical(text)


def test_nothing_can_be_slipped_in_before_the_line():
    """Not even what looks like a line of small print."""
    reply = posted("It was", " a fox.")
    body, label = reply.parts[0].split("\n-# ")

    for added in (
        " Or a wolf.",
        "\n-# or a wolf",
        " · or a wolf · 7 · ",
        "\n-# wolf q8_0 · x · 7 ",
    ):
        text, receipt = split_label(f"{body}{added}\n-# {label}")
        assert receipt is not None
        assert not is_signed(text, receipt, KEYS)


def test_old_keys_verify_and_the_newest_signs():
    """A text signed before the rotation, and one after it; a key that is gone verifies nothing."""
    before, after = (KEYS[1],), KEYS
    old, new = sign("text", CODE, before), sign("text", CODE, after)

    assert old.tag != new.tag
    assert is_signed("text", old, after)
    assert is_signed("text", new, after)
    assert not is_signed("text", new, before)
    assert not is_signed("text", old, ())


def test_signature_is_of_this_code_alone():
    """It can't be moved to another text's receipt."""
    receipt = sign("text", CODE, KEYS)

    assert not is_signed("text", Receipt(code_of("2"), receipt.tag), KEYS)
    assert not is_signed("text", Receipt(CODE, ""), KEYS)


def test_without_a_key_the_code_stands_alone():
    """And is found all the same."""
    receipt = sign("text", CODE, ())
    reply = posted("It was", " a fox.", receipt=receipt)

    assert CODE == str(receipt)
    assert ("**It was** a fox.", receipt) == split_label(reply.parts[0])


def test_word_in_a_note_is_no_receipt():
    """Ten letters, as a code has."""
    reply = posted("It was", " everything-anything.", "everything else", "of all everything")
    unsigned = posted("It was", "", "of all everything", receipt=Receipt(CODE, ""))

    for content in (reply.parts[0], reply.parts[0] + " (edited)", unsigned.parts[0]):
        assert CODE == (split_label(content)[1] or Receipt("", "")).code


@pytest.mark.parametrize(
    "label",
    [
        "-# small q8\\_0 · machine-written · seed 7 · receipt {}",
        "-# small f16 · maschinell geschrieben · Startzahl 7 (nächstes Mal vielleicht anders) · {}",
        "small q5_1 · 機械が書きました · シード7（変わります） · 受領書 {} · 要求により停止",
        "-# gpt2-xl.v2 bf16 · x · 7 · You have used 81 % of 9 · next time) · a · 5 · receipt {}",
    ],
)
def test_line_is_known_by_its_shape(label: str):
    """In all languages, notes before the receipt or behind it."""
    receipt = sign("It was a fox.", CODE, KEYS)
    for break_ in ("\n", " "):
        copied = f"**It was** a fox.{break_}{label.format(receipt)}"
        body, found = split_label(copied)
        assert (receipt, True) == (found, is_signed(body, receipt, KEYS))


@pytest.mark.parametrize(
    "typed", ["0123456789-abcdefgh", "o1234S6789", "receipt OI23456789-ABCDEFGH."]
)
def test_typed_receipt_is_read(typed: str):
    """In any case, with letters that look like digits."""
    receipt = read_receipt(typed)

    assert receipt is not None
    assert receipt.code in ("0123456789", "01234S6789")
    assert receipt.tag in ("", "ABCDEFGH")


def test_text_without_a_receipt_has_none():
    """Though it has words of ten letters."""
    assert ("everything is fine", None) == split_label("everything is fine")
    assert read_receipt("no code") is None


def test_codes_differ_and_stay():
    """Of each job and candidate; another attempt gets the same."""
    codes = [code_of(job, index) for job in ("1", "12", "2") for index in range(4)]

    assert len(set(codes)) == len(codes)
    assert codes[0] == code_of("1", 0)
    assert all(re.fullmatch("[0-9A-HJKMNP-TV-Z]{10}", code) for code in codes)
