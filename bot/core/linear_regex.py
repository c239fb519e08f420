"""Regular expressions of strangers, searched in time that grows only with the text: RE2.

Python's own `re` can take for ever for a pattern of ten characters. Used by `word_filter`; the
only place that knows the library (https://github.com/google/re2/wiki/Syntax).
"""

from collections.abc import Iterator
from importlib import import_module
from itertools import islice
from typing import Any

from bot.language import tr

_re2: Any = import_module("re2")  # its Python part has no types

# Searching on after each match makes even RE2 quadratic, for patterns that look far ahead and
# match little. A text with more places than this is hidden from there on.
MAX_MATCHES = 1000
_PATTERN_MEMORY = 512 * 1024
_WORDS_MEMORY = 32 * 1024 * 1024
_PROBES = ("", "a", "a b", "\n", "1.")


class LinearRegex:
    """A compiled expression.

    Args:
        pattern: in RE2's syntax; upper and lower case are one.
        trusted: made by us: may be large; of several matches the longest counts.

    Raises:
        ValueError: it is no regular expression, takes too much memory, or matches the empty
            text; the message is a clause for a person.
    """

    def __init__(self, pattern: str, *, trusted: bool = False) -> None:
        options = _re2.Options()
        options.case_sensitive = trusted
        options.longest_match = trusted
        options.log_errors = False
        options.max_mem = _WORDS_MEMORY if trusted else _PATTERN_MEMORY
        try:
            self._regex = _re2.compile(pattern, options)
        except UnicodeEncodeError:
            raise ValueError(tr("it has half a character in it")) from None
        except _re2.error as error:
            raise ValueError(_reason(error)) from None
        if not trusted and any(first == last for p in _PROBES for first, last in self.spans(p)):
            raise ValueError(tr("it matches the empty text"))

    def spans(self, text: str, group: int = 0) -> Iterator[tuple[int, int]]:
        """Where the group of each match starts and ends, in order.

        Args:
            text: has no halves of characters (surrogates).
            group: 0 is the whole match.
        """
        count, end = 0, 0
        for match in islice(self._regex.finditer(text), MAX_MATCHES):
            start, end = match.span(group)
            count += 1
            yield start, end
        if count == MAX_MATCHES:
            yield end, len(text)


def _reason(error: Exception) -> str:
    told = error.args[0] if error.args else ""
    text = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
    if "too large" in text:
        return tr("it takes too much memory")
    return text or tr("it can't be read")
