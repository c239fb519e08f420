"""What both kinds of tokenizer need of texts and vocabularies. Used by them and by `tokenizer`."""

import re
from collections.abc import Mapping, Sequence

_SURROGATES = re.compile("[\ud800-\udfff]")


def without_surrogates(text: str) -> str:
    """The text with halves of surrogate pairs, which no encoding has, as U+FFFD."""
    return _SURROGATES.sub("\ufffd", text)


def ids_of(tokens: Sequence[str]) -> dict[str, int]:
    """Each token's id.

    Raises:
        ValueError: a token is there twice, is empty or holds a NUL: over those, llama.cpp ends
            the process.
    """
    ids = {token: index for index, token in enumerate(tokens)}
    if len(ids) != len(tokens):
        raise ValueError("one of its tokens is there twice")
    if any(not token or "\0" in token for token in tokens):
        raise ValueError("one of its tokens is empty, or holds a NUL")
    return ids


def in_order(vocabulary: Mapping[str, int]) -> list[str]:
    """Tokens by id.

    Raises:
        ValueError: the ids are not 0, 1, 2, … without a gap.
    """
    if not all(type(index) is int for index in vocabulary.values()):
        raise ValueError("the vocabulary's ids are no numbers")
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    if [vocabulary[token] for token in tokens] != list(range(len(tokens))):
        raise ValueError("the vocabulary's ids have gaps")
    return tokens
