"""Which tokens may not come next."""

from hypothesis import given
from hypothesis import strategies as st

from bot.core.banned import ban_sequences, completions


def letters(text: str) -> list[int]:
    return [ord(letter) for letter in text]


def test_words_are_banned_in_their_usual_spellings():
    """As given, lower, upper and title case, each also after a space; none twice."""
    found = ["".join(map(chr, sequence)) for sequence in ban_sequences([" heLLo "], letters)]

    spellings = ["heLLo", " heLLo", "hello", " hello", "HELLO", " HELLO", "Hello", " Hello"]
    assert spellings == found


def test_words_without_letters_ban_nothing():
    """And spellings that are alike are one sequence."""
    assert () == ban_sequences(["", "  "], letters)
    assert ((49,), (32, 49)) == ban_sequences(["1", " 1 "], letters)


@given(known=st.lists(st.integers(0, 3), max_size=30), n=st.integers(2, 5))
def test_completions_are_the_tokens_that_repeat_an_ngram(known: list[int], n: int):
    """For each token: its n-gram would be in the text already, or not."""
    grams = {tuple(known[start : start + n]) for start in range(len(known) - n + 1)}
    expected = {token for token in range(4) if tuple([*known, token][-n:]) in grams}
    assert expected == completions(known, n)
