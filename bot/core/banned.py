"""Which tokens may not come next: banned words in tokens, and n-grams that would repeat.

The worker turns banned words into sequences of tokens; the sampler asks about n-grams.
"""

from collections.abc import Callable, Iterable, Sequence


def ban_sequences(
    words: Iterable[str], encode: Callable[[str], Sequence[int]]
) -> tuple[tuple[int, ...], ...]:
    """The sequences of tokens that write banned words in their usual spellings.

    Each word is taken as given, in lower, upper and title case, each with and without a space
    before it. What this can't catch: the same word in other tokens (BPE can write "cat" as "c" and
    "at", and a model sometimes does), in other cases ("cAt"), with other characters between or in
    place of its letters, or in an inflection whose tokens differ. What it catches too much: a
    longer word whose tokens begin with those of a banned one ("cat" bans a "cat" + "alog").

    Args:
        words: as a person wrote them; spaces around them don't count.
        encode: gives the ids of a text.

    Returns:
        Each sequence once, in the order of the words.
    """
    found: dict[tuple[int, ...], None] = {}
    for word in map(str.strip, words):
        for spelling in dict.fromkeys((word, word.lower(), word.upper(), word.title())):
            for text in (spelling, f" {spelling}"):
                if spelling and (sequence := tuple(encode(text))):
                    found[sequence] = None
    return tuple(found)


def completions(known: Sequence[int], n: int) -> set[int]:
    """The tokens that would make an n-gram of a text appear a second time.

    Args:
        known: the text's tokens.
        n: length of the n-gram, at least 2.
    """
    length = n - 1
    if len(known) < n:
        return set()
    tail = list(known[-length:])
    found: set[int] = set()
    start = 0
    try:
        while True:  # each place where the tail's last token stands; `index` runs in C
            end = known.index(tail[-1], max(start, length - 1), len(known) - 1) + 1
            if list(known[end - length : end]) == tail:
                found.add(known[end])
            start = end
    except ValueError:
        return found
