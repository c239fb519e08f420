"""Byte-level BPE: real vocabulary, torture strings, whole characters while streaming."""

import json
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.store import open_model
from bot.model.tokenizers.api import read_tokenizer
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
def real() -> tuple[BytePairTokenizer, "ReferenceBpe"]:
    """GPT-2's own vocabulary, ours and the reference."""
    encoder_file = REAL / "encoder.json"
    if not encoder_file.exists():
        pytest.skip("GPT-2's vocabulary is not beside the checkout (shared/data/gpt2-vocab)")
    vocabulary = json.loads(encoder_file.read_text(encoding="utf-8"))
    lines = (REAL / "vocab.bpe").read_text(encoding="utf-8").split("\n")[1:]
    merges = [(a, b) for a, _, b in (line.partition(" ") for line in lines) if a and b]
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    return BytePairTokenizer(tokens, merges), ReferenceBpe(vocabulary, merges)


class ReferenceBpe:
    """A slow, plain reading of the paper's §2.2 and of Sennrich et al., to compare with."""

    def __init__(self, vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> None:
        self._vocabulary = vocabulary
        self._rank = {pair: index for index, pair in enumerate(merges)}
        visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
        shifted = iter(range(256, 512))
        self._shown = {b: chr(b if b in visible else next(shifted)) for b in range(256)}

    def encode_word(self, word: str) -> list[int]:
        """The ids of one pre-token: the lowest-ranked pair is merged until there is none."""
        parts = [self._shown[byte] for byte in word.encode()]
        while len(parts) > 1:
            ranks = [self._rank.get(pair, 10**9) for pair in pairwise(parts)]
            best = min(ranks)
            if best == 10**9:
                break
            at = ranks.index(best)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return [self._vocabulary[part] for part in parts]


@pytest.mark.parametrize("text", TORTURE)
def test_real_vocabulary_goes_there_and_back(real, text: str):
    """GPT-2's 50,257 ids encode everything without loss."""
    tokenizer, _ = real

    assert 50257 == tokenizer.n_vocab
    assert 50256 == tokenizer.end_of_text_id
    assert text == tokenizer.decode(tokenizer.encode(text))


@given(words=st.lists(st.from_regex(r"[A-Za-z]{1,15}", fullmatch=True), min_size=1, max_size=5))
def test_real_merges_are_applied_as_the_reference_does(real, words: list[str]):
    """Words with one space between them are pre-tokens: word, then space and word."""
    tokenizer, reference = real
    text = " ".join(words)
    pre_tokens = [words[0], *(" " + word for word in words[1:])]

    expected = [one for word in pre_tokens for one in reference.encode_word(word)]

    assert expected == tokenizer.encode(text)


def test_known_ids_of_the_paper_tasks(real):
    """ "\\nTL;DR:" as OpenAI's encoder gives it."""
    assert [198, 14990, 26, 7707, 25] == real[0].encode("\nTL;DR:")


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
