"""GPT-2's vocabulary: every text gets the ids that OpenAI's algorithm gives it."""

import sys
import unicodedata
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.tokenizers.api import read_tokenizer_folder
from bot.model.tokenizers.byte_pair import BytePairTokenizer, StreamDecoder
from tests.golden.reference_bpe import ReferenceBpe
from tests.golden.torture import TORTURE

_FOLDER = Path(__file__).parents[3] / "shared" / "data" / "gpt2-vocab"
if not (_FOLDER / "encoder.json").exists():
    pytest.skip(
        "GPT-2's vocabulary is not beside the checkout (shared/data/gpt2-vocab)",
        allow_module_level=True,
    )
if find_spec("regex") is None:
    pytest.skip("regex is not installed (make golden)", allow_module_level=True)
_TEXTS = [text for texts in TORTURE.values() for text in texts]
# Borders of words everywhere: letters, numbers, marks, spaces and what contractions are made of.
_BORDERS = "asSt'’lLdmrev1٣½Ⅷ!<é字\u0301\u200d🦊 \u00a0\u3000\u0085\t\n\r\x1c\ufeff\x00"
# What the Python at hand knows, 3.11 Unicode 14 and 3.14 Unicode 16. `regex` 2026.11 knows
# letters and numbers of Unicode 17 and 18 that the `tokenizers` library, at 16, takes for neither.
_KNOWN = st.characters(exclude_categories=["Cn"])


@pytest.fixture(scope="module")
def both() -> tuple[BytePairTokenizer, ReferenceBpe]:
    """GPT-2's own vocabulary, ours and the reference."""
    tokenizer = read_tokenizer_folder(_FOLDER)
    assert isinstance(tokenizer, BytePairTokenizer)
    return tokenizer, ReferenceBpe(_FOLDER)


@pytest.mark.parametrize(
    "text", _TEXTS, ids=[f"{group} {i}" for group in TORTURE for i in range(len(TORTURE[group]))]
)
def test_torture_gets_the_ids_of_the_reference(both, text: str):
    """Each kind of text that is known to break tokenizers."""
    tokenizer, reference = both

    assert reference.encode(_whole(text)) == tokenizer.encode(text)


@given(text=st.text(_KNOWN) | st.text(st.sampled_from(_BORDERS), max_size=40))
def test_any_text_gets_the_ids_of_the_reference(both, text: str):
    """Whatever there is of characters, and dense borders between their kinds."""
    tokenizer, reference = both

    assert reference.encode(_whole(text)) == tokenizer.encode(text)


def test_every_character_is_of_the_kind_that_the_reference_says(both):
    """A letter, a number, a space or none of them: told by what it is kept together with."""
    tokenizer, reference = both
    known = [chr(one) for one in range(sys.maxunicode + 1) if _is_known(chr(one))]

    # Ids would say the same, and take a minute.
    split = tokenizer._bpe.pre_tokenizer.pre_tokenize_str
    wrong = []
    for character in known:
        text = f"a{character}1{character}!{character} {character}  a"
        lengths = [end - start for _, (start, end) in split(text)]
        if lengths != [len(word) for word in reference.split(text)]:
            wrong.append(f"U+{ord(character):04X}")

    assert len(known) > 280_000
    assert wrong == []


@pytest.mark.parametrize("group", TORTURE)
def test_stream_shows_all_whole_characters_and_no_half_one(both, group: str):
    """After each token of a text: all characters that are complete, and never U+FFFD."""
    for text in TORTURE[group]:
        _check_stream(both[0], _whole(text))


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_stream_of_any_text_shows_whole_characters(both, text: str):
    """The same of any text, also of characters that are not assigned."""
    _check_stream(both[0], text)


def _check_stream(tokenizer: BytePairTokenizer, text: str) -> None:
    decoder, shown, sent = StreamDecoder(tokenizer), "", b""
    for token in tokenizer.encode(text):
        piece = decoder.feed(token)
        shown += piece
        sent += tokenizer.token_bytes(token)
        # Of text that is cut, "ignore" drops the half character at its end, and nothing else.
        assert sent.decode(errors="ignore") == shown
        assert "\ufffd" not in piece or "\ufffd" in text
    assert text == shown + decoder.flush()


def _whole(text: str) -> str:
    """The text as any tokenizer can read it: halves of surrogate pairs are no characters."""
    return "".join("\ufffd" if unicodedata.category(one) == "Cs" else one for one in text)


def _is_known(character: str) -> bool:
    return unicodedata.category(character) not in ("Cn", "Cs")
