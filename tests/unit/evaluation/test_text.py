"""The text that models are compared on, and how it is cut."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import SettingError
from bot.evaluation.text import Text, read_text, shorten, windows
from bot.model.store import open_model
from bot.model.tokenizers.api import Tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """The shipped model's."""
    return open_model("small", "gguf", Path("/nonexistent")).tokenizer


def test_a_text_ships():
    """Enough for some windows of every model, and less than is used at most."""
    text = read_text(None)
    assert 3000 < text.n_bytes < 10_000
    assert 64 == len(text.sha256)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "can't be read"), (b" \n", "there is no text in it"), (b"\xff\xfe\xff", "UTF-8")],
    ids=["missing", "blank", "no UTF-8"],
)
def test_file_without_a_text_is_refused(tmp_path: Path, content: bytes | None, reason: str):
    """Before any model is loaded, by the option's name."""
    path = tmp_path / "text.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingError, match=reason) as refused:
        read_text(path)
    assert ("--text", str(path)) == (refused.value.name, refused.value.value)


@given(max_tokens=st.integers(2, 3000))
def test_shortened_text_is_a_beginning_that_fits(tokenizer: Tokenizer, max_tokens: int):
    """No more tokens than allowed, whole words, and nearly as much as would fit."""
    text = read_text(None)
    short = shorten(text, [tokenizer], max_tokens).text
    n_tokens = len(tokenizer.encode(short))
    assert text.text.startswith(short)
    assert n_tokens <= max_tokens
    if short != text.text:
        assert not (short[-1].isalnum() and text.text[len(short)].isalnum()) or max_tokens < 5
        assert n_tokens >= max_tokens - 24  # a word has no more


def test_text_without_spaces_is_shortened(tokenizer: Tokenizer):
    """Not every language sets words apart."""
    text = Text("chinese.txt", "从前有一座山" * 200)
    short = shorten(text, [tokenizer], 60).text
    assert text.text.startswith(short)
    assert 30 < len(tokenizer.encode(short)) <= 60


@given(st.lists(st.integers(0, 99), max_size=40), st.integers(2, 9))
def test_windows_hold_all_tokens_in_order(tokens: list[int], size: int):
    """But for a single one at the end, which there would be nothing to guess from."""
    pieces = windows(tokens, size)
    assert all(2 <= len(piece) <= size for piece in pieces)
    joined = [token for piece in pieces for token in piece]
    left_out = len(tokens) % size == 1
    assert joined == (tokens[:-1] if left_out else tokens)
