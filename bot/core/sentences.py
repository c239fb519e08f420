"""Where sentences end. Used by `worker/generation` to cut a text that reached its length."""

import re

_LAST_PART = 2  # a text is cut by at most this fraction of it: a half

_END = re.compile(
    r"""
    (?P<mark>[.!?…]+)["'”’»)\]}*_]*(?=\s|$)   # with what closes a quotation, a bracket or emphasis
    | [。！？]+["'”’」』）】》〉]*             # full-width marks need no space after them
    | (?<=\S)[ \t]*(?=\n)                      # the end of a line that has text
    """,
    re.VERBOSE,
)
_ABBREVIATION = re.compile(
    r"""
    (?:^|[\s("'“‘\[])
    (?: Mr | Mrs | Ms | Dr | Prof | St | Sr | Jr | Gen | Col | Capt | Lt | Sgt | Rev | Hon | Mt
      | vs | etc | e\.g | i\.e | cf | Vol | Fig | pp? | approx | a\.m | p\.m
      | (?:[A-Z]\.)+[A-Z] | [A-HJ-Z] )             # "the U.S.", "J. R. R. Tolkien"; not "I."
    $
    """,
    re.VERBOSE,
)


def last_sentence_end(text: str) -> int | None:
    """Where the last whole sentence of a text ends, or None if it has none in its second half.

    A sentence ends with a full stop, an exclamation mark, a question mark or an ellipsis, with the
    quotation marks and brackets that close after it, or with its line; not after a title ("Mr."),
    a common abbreviation or an initial.

    Args:
        text: any text.

    Returns:
        How many characters belong to whole sentences; white space after the last one does not.
    """
    ends = sentence_ends(text)
    if not ends or ends[-1] * _LAST_PART < len(text):
        return None
    return ends[-1]


def sentence_ends(text: str) -> list[int]:
    """Where each sentence of a text ends, as `last_sentence_end` says; the last may have no end."""
    return [
        match.end()
        for match in _END.finditer(text)
        if match.end() > 0 and not (match["mark"] == "." and _abbreviates(text, match.start()))
    ]


def first_sentences(text: str, n: int) -> list[str]:
    """The first n sentences, white space around them taken away; the last may have no end."""
    sentences: list[str] = []
    begin = 0
    for end in [*sentence_ends(text), len(text)]:
        sentence = text[begin:end].strip()
        begin = end
        if sentence:
            sentences.append(sentence)
        if len(sentences) == n:
            break
    return sentences


def _abbreviates(text: str, dot: int) -> bool:
    longest = 12
    return _ABBREVIATION.search(text[max(0, dot - longest) : dot]) is not None
