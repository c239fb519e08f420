"""How pinned text, prompt and continuation share the model's window."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.prompts import FittedPrompt, fit_window
from bot.model.store import open_model
from bot.model.tokenizers.api import Tokenizer
from bot.model.tokenizers.byte_pair import BytePairTokenizer
from bot.model.tokenizers.word_piece import WordPieceTokenizer
from tests.unit.worker.workshop import byte_tokenizer

BYTES = byte_tokenizer()
WINDOW = {"n_ctx": st.integers(2, 1100), "max_new_tokens": st.integers(1, 1100)}
SENTENCE = " The little fox walked slowly through the forest."


class AnyPlace:
    """Texts in which every token is a word of its own."""

    def decode(self, ids: object) -> str:
        return " word" * len(list(ids))  # pyright: ignore[reportArgumentType]

    def token_bytes(self, token_id: int) -> bytes:
        return b" word"


def word_pieces() -> WordPieceTokenizer:
    """A few words, some of them in two parts."""
    return WordPieceTokenizer(["[UNK]", "the", "fox", "walk", "##ed", "##ing", "."])


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    """The tokenizer of the small model."""
    return open_model("small", "gguf", tmp_path_factory.mktemp("home")).tokenizer


def is_cut_in_character(fitted: FittedPrompt, n_pinned: int) -> bool:
    """Whether the bytes that are kept are no UTF-8."""
    for part in (fitted.tokens[:n_pinned], fitted.tokens[n_pinned:]):
        try:
            b"".join(BYTES.token_bytes(token) for token in part).decode()
        except UnicodeDecodeError:
            return True
    return False


@given(n_pinned=st.integers(0, 2500), n_tokens=st.integers(1, 2500), **WINDOW)
def test_all_together_never_exceed_the_window(
    n_pinned: int, n_tokens: int, n_ctx: int, max_new_tokens: int
):
    """Counts are right, the beginning of one and the end of the other stay, and both may."""
    pinned, prompt = range(-n_pinned, 0), range(n_tokens)

    fitted = fit_window(prompt, n_ctx, max_new_tokens, texts=AnyPlace(), pinned=pinned)

    kept = pinned[: n_pinned - fitted.pinned_dropped], prompt[fitted.dropped :]
    assert (*kept[0], *kept[1]) == fitted.tokens
    assert len(kept[1]) >= 1
    assert 1 <= fitted.max_new_tokens <= max_new_tokens
    assert len(fitted.tokens) + fitted.max_new_tokens <= n_ctx


@given(n_pinned=st.integers(0, 2500), n_tokens=st.integers(1, 2500), **WINDOW)
def test_room_is_shared_by_the_rule(n_pinned: int, n_tokens: int, n_ctx: int, max_new_tokens: int):
    """Nothing is cut without need; pinned text only where it takes more than half."""
    room = n_ctx - min(max_new_tokens, n_ctx // 2)

    fitted = fit_window(
        range(n_tokens), n_ctx, max_new_tokens, texts=AnyPlace(), pinned=range(n_pinned)
    )

    assert (n_pinned + n_tokens > room) == (fitted.dropped + fitted.pinned_dropped > 0)
    if n_pinned <= room // 2:
        assert 0 == fitted.pinned_dropped
    if fitted.dropped or fitted.pinned_dropped:
        assert room == len(fitted.tokens)
    assert min(max_new_tokens, n_ctx - len(fitted.tokens)) == fitted.max_new_tokens


@given(pinned=st.text(max_size=300), prompt=st.text(min_size=1, max_size=300), **WINDOW)
def test_no_cut_goes_through_a_character(pinned: str, prompt: str, n_ctx: int, max_new_tokens: int):
    """However many bytes it has; only where a few tokens are all there is, nothing can be done."""
    ids = BYTES.encode(pinned)

    fitted = fit_window(BYTES.encode(prompt), n_ctx, max_new_tokens, texts=BYTES, pinned=ids)

    n_pinned = len(ids) - fitted.pinned_dropped
    assert len(fitted.tokens) + fitted.max_new_tokens <= n_ctx
    n_prompt = len(fitted.tokens) - n_pinned
    if min(n_prompt, n_pinned or n_prompt) >= 8:
        assert not is_cut_in_character(fitted, n_pinned)


@given(dropped=st.integers(1, 400), n_pinned=st.integers(0, 90))
def test_cut_text_of_the_small_model_begins_and_ends_with_a_word(
    small: Tokenizer, dropped: int, n_pinned: int
):
    """Wherever the window would end."""
    prompt, pinned = small.encode(SENTENCE * 60), small.encode(SENTENCE * 10)[:n_pinned]
    n_ctx = len(prompt) + n_pinned - dropped

    fitted = fit_window(prompt, n_ctx, 1, texts=small, pinned=pinned)

    n_kept = n_pinned - fitted.pinned_dropped
    kept = small.decode(fitted.tokens[n_kept:])
    words = SENTENCE.split(" ")[1:]
    assert kept.split(" ")[0] in ("", *words)
    assert kept.split(" ", 1)[-1].split(" ")[0] in words
    assert len(fitted.tokens) <= n_ctx - 1


def test_cut_moves_on_to_the_next_word():
    """From the middle of "walked" to the blank after it."""
    tokens = BYTES.encode("The little fox walked home")

    fitted = fit_window(tokens, len(tokens) - 16, 1, texts=BYTES)

    assert " home" == BYTES.decode(fitted.tokens)
    assert 21 == fitted.dropped


def test_cut_at_a_words_beginning_stays():
    """Nothing more is dropped than must be."""
    tokens = BYTES.encode("The little fox walked home")

    assert 14 == fit_window(tokens, len(tokens) - 13, 1, texts=BYTES).dropped


def test_pinned_text_ends_with_a_word():
    """What is cut off its end goes from a word's beginning on."""
    pinned, prompt = BYTES.encode("Reynard is a fox of the forest"), BYTES.encode("x" * 40)

    fitted = fit_window(prompt, 53, 1, texts=BYTES, pinned=pinned)

    n_pinned = len(pinned) - fitted.pinned_dropped
    assert "Reynard is a fox of the " == BYTES.decode(fitted.tokens[:n_pinned])


def test_text_without_spaces_is_cut_where_it_must_be():
    """A word's beginning is looked for nearby only, a character's is always found."""
    tokens = BYTES.encode("狐" * 100)

    fitted = fit_window(tokens, 201, 1, texts=BYTES)

    assert "狐" * 66 == BYTES.decode(fitted.tokens)


def test_parts_of_words_are_known_by_their_tokenizer():
    """WordPiece makes its spaces up: "##ed" goes on in a word, "the" begins one."""
    tokenizer = word_pieces()
    tokens = tokenizer.encode("the fox walked the fox walked the fox walking")

    dropped = [
        fit_window(tokens, n_ctx, 1, texts=tokenizer).dropped for n_ctx in range(len(tokens), 6, -1)
    ]

    assert "##ed" == tokenizer.tokens[tokens[3]]
    assert [1, 2, 4, 4, 5, 6] == dropped


def test_no_word_of_two_apostrophes_parts_is_torn():
    """As in "don't": the next word is where it goes on."""
    tokenizer = BytePairTokenizer([*BYTES.tokens, "do", "n't", "don't"], [("d", "o")])
    tokens = tokenizer.encode("I don't know it")
    places = list(accumulate(len(tokenizer.token_bytes(token)) for token in tokens))

    n_dropped = places.index(5) + 1
    fitted = fit_window(tokens, len(tokens) - n_dropped + 1, 1, texts=tokenizer)

    assert " know it" == tokenizer.decode(fitted.tokens)


def test_short_prompt_loses_nothing():
    """The window is big enough for all: nothing is dropped, everything asked for is given."""
    fitted = fit_window(range(100), 512, 300, texts=AnyPlace(), pinned=range(50))

    assert (0, 0, 300) == (fitted.dropped, fitted.pinned_dropped, fitted.max_new_tokens)
    assert 150 == len(fitted.tokens)
