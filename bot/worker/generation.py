"""The text of one job while it grows: from tokens to whole characters, and where it ends.

Fed by the job's run, token by token. Knows neither the engine nor Discord.
"""

from enum import StrEnum
from typing import Protocol

from bot.core.loops import tokens_before_loop
from bot.core.sentences import last_sentence_end
from bot.core.showable import MAX_HANGING, showable


class End(StrEnum):
    """Why a text ended; the value is logged."""

    END_OF_TEXT = "end of text"  # the model ended it
    STOP_STRING = "stop string"  # it came to a text that was to end it
    LENGTH = "length"  # as long as asked for
    WINDOW = "window"  # the model's window is full
    LOOP = "loop"  # it said the same again and again
    STOPPED = "stopped"  # somebody pressed Stop
    DEADLINE = "deadline"  # the reply can't be edited much longer


class Decoder(Protocol):
    """Turns tokens into text, whole characters only."""

    def feed(self, token: int, /) -> str:
        """The characters that this token completes."""
        ...

    def flush(self) -> str:
        """What is left at the end."""
        ...


class Generation:
    """One growing text.

    While it runs, `text` only ever grows. At its end it may become shorter than what was shown: a
    loop is noticed only after some repeats, and whether a sentence is the last one only when the
    text is over. The reply's final edit replaces what was shown.

    Args:
        decoder: of this text alone.
        max_new_tokens: it ends after so many.
        end_of_text_id: the token that ends it, or None.
        stop: strings that end it and are not part of it.
        window_full: whether the window, not the request, set `max_new_tokens`.
        end_at_sentence: whether a text that is as long as it may be is cut back to its last whole
            sentence, if its second half has one.
        guard_loops: whether it ends where it has fallen into a loop, cut back to the loop's first
            occurrence and at most one repeat.
        ignore_end_of_text: whether it goes on after the token that ends it, which is then text.
    """

    def __init__(
        self,
        decoder: Decoder,
        *,
        max_new_tokens: int,
        end_of_text_id: int | None,
        stop: tuple[str, ...] = (),
        window_full: bool = False,
        end_at_sentence: bool = False,
        guard_loops: bool = False,
        ignore_end_of_text: bool = False,
    ) -> None:
        self._decoder = decoder
        self._max_new_tokens = max_new_tokens
        self._end_of_text_id = None if ignore_end_of_text else end_of_text_id
        self._stop = stop
        self._end_by_length = End.WINDOW if window_full else End.LENGTH
        self._end_at_sentence = end_at_sentence
        self._guard_loops = guard_loops
        self._text = ""
        self._n_held = 0  # characters at the end that may be the start of a stop string
        self._tokens: list[int] = []
        self._lengths: list[int] = []  # of the text after each token
        self.end: End | None = None

    @property
    def n_tokens(self) -> int:
        """How many tokens it took, those included that were cut off again."""
        return len(self._tokens)

    @property
    def text(self) -> str:
        """What may be shown; see the class for when it grows and shrinks."""
        return self._text[: len(self._text) - self._n_held]

    def feed(self, token: int) -> None:
        """Takes the next token; may end the text. Ignored once it has ended."""
        if self.end is not None:
            return
        self._tokens.append(token)
        if token == self._end_of_text_id:
            self.finish(End.END_OF_TEXT)
            return
        self._append(self._decoder.feed(token))
        self._lengths.append(len(self._text))
        if self.end is None and self._guard_loops:
            self._end_if_in_loop()
        if self.end is None and self.n_tokens >= self._max_new_tokens:
            self.finish(self._end_by_length)

    def finish(self, end: End) -> None:
        """Ends the text, if it has not ended yet; what was held back becomes part of it."""
        if self.end is not None:
            return
        self._append(self._decoder.flush())
        if self.end is not None:
            return
        self._n_held = 0
        self.end = end
        if self._end_at_sentence and end in (End.LENGTH, End.WINDOW):
            self._text = self._text[: last_sentence_end(self._text)]

    def _end_if_in_loop(self) -> None:
        n_kept = tokens_before_loop(self._tokens)
        if n_kept is not None:
            self._text = self._text[: self._lengths[n_kept - 1]]
            self._n_held = 0
            self.end = End.LOOP

    def _append(self, piece: str) -> None:
        """Adds characters, looks for a stop string, holds back what may become one."""
        searched = max(0, len(self._text) - self._n_held)
        self._text += showable(piece, after=self._text[-MAX_HANGING:])
        found = [
            (at + len(stop), at)
            for stop in self._stop
            if (at := self._text.find(stop, searched)) >= 0
        ]
        if found:
            # The one that is complete first, then the longest: as if characters came singly.
            self._text = self._text[: min(found)[1]]
            self._n_held = 0
            self.end = End.STOP_STRING
        else:
            self._n_held = max((_overlap(self._text, stop) for stop in self._stop), default=0)


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of the text that is a beginning of the stop string."""
    for n in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:n]):
            return n
    return 0
