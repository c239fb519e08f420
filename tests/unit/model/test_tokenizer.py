"""Byte-level BPE: real vocabulary, torture strings, whole characters while streaming."""

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.store import open_model
from bot.model.tokenizers.api import Tokenizer, read_tokenizer, read_tokenizer_folder
from bot.model.tokenizers.byte_pair import BytePairTokenizer, StreamDecoder

REAL = Path(__file__).parents[4] / "shared" / "data" / "gpt2-vocab"
TORTURE = [
    "Hello world",
    "  two  spaces and a tab\t\n\n\nlines",
    "don't I'll we've DON'T",
    "naïve café e\u0301 Ångström",
    "从前有一只小狐狸。日本語テキスト",
    "👩‍👩‍👧‍👦🇩🇪👍🏽❤️",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "zero\u200bwidth\u2060joiner\ufeff",
    "1234567890 3.14159 1,000,000",
    "<|endoftext|>",
    "\x00\x01\x7f",
    "a" * 500,
    "ﬀ ﷽ 𝕳𝖊𝖑𝖑𝖔 𐍈",
]


@cache
def small() -> BytePairTokenizer:
    """The tokenizer of the model that ships."""
    return open_model("small", "gguf", Path("/nonexistent")).tokenizer


@pytest.fixture(scope="module")
def real() -> Tokenizer:
    """GPT-2's own vocabulary; its merges are held against OpenAI's algorithm in tests/golden."""
    if not REAL.exists():
        pytest.skip("GPT-2's vocabulary is not beside the checkout (shared/data/gpt2-vocab)")
    return read_tokenizer_folder(REAL)


@pytest.mark.parametrize("text", TORTURE)
def test_real_vocabulary_goes_there_and_back(real, text: str):
    """GPT-2's 50,257 ids encode everything without loss."""
    assert 50257 == real.n_vocab
    assert 50256 == real.end_of_text_id
    assert text == real.decode(real.encode(text))


def test_known_ids_of_the_paper_tasks(real):
    """ "\\nTL;DR:" as OpenAI's encoder gives it."""
    assert [198, 14990, 26, 7707, 25] == real.encode("\nTL;DR:")


@given(st.text())
def test_any_text_goes_there_and_back(text: str):
    """The small model's bytes cover every character there is."""
    assert _replaced(text) == small().decode(small().encode(text))


def _replaced(text: str) -> str:
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)


def test_typed_end_of_text_is_ordinary_text():
    """Nobody can end the model's document from a prompt."""
    tokenizer = small()

    assert tokenizer.end_of_text_id not in tokenizer.encode("a <|endoftext|> b")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
def test_stream_shows_whole_characters_only(text: str):
    """Whatever the tokens' borders, no piece holds a broken character, and all pieces make the
    text."""
    tokenizer = small()
    decoder = StreamDecoder(tokenizer)

    pieces = [decoder.feed(one) for one in tokenizer.encode(text)]

    assert text == "".join(pieces) + decoder.flush()
    assert all("\ufffd" not in piece for piece in pieces) or "\ufffd" in text


def test_half_a_character_at_the_end_is_not_shown():
    """A text that ends in mid-character ends before it."""
    tokenizer = small()
    ids = tokenizer.encode("🦊")
    decoder = StreamDecoder(tokenizer)

    assert len(ids) > 1
    assert "" == "".join(decoder.feed(one) for one in ids[:-1]) + decoder.flush()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"model":{"vocab":{"a":5},"merges":[]}}'])
def test_file_that_is_no_tokenizer_is_a_value_error(text: str):
    """The importer turns it into a sentence."""
    with pytest.raises(ValueError):
        read_tokenizer(text)


def test_own_form_survives_storage():
    """What is kept beside a legacy GGML file reads back the same."""
    tokenizer = small()

    again = read_tokenizer(tokenizer.to_json())

    assert (tokenizer.tokens, tokenizer.merges) == (again.tokens, again.merges)
