"""The text of one job while it grows: from tokens to whole characters, and where it ends.

Fed by the job's run, token by token. Knows neither the engine nor Discord.
"""

from enum import StrEnum
from typing import Protocol

from bot.core.markdown import without_controls


class End(StrEnum):
    """Why a text ended; the value is logged."""

    END_OF_TEXT = "end of text"  # the model ended it
    STOP_STRING = "stop string"  # it came to a text that was to end it
    LENGTH = "length"  # as long as asked for
    WINDOW = "window"  # the model's window is full
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

    Args:
        decoder: of this text alone.
        max_new_tokens: it ends after so many.
        end_of_text_id: the token that ends it, or None.
        stop: strings that end it and are not part of it.
        window_full: whether the window, not the request, set `max_new_tokens`.
    """

    def __init__(
        self,
        decoder: Decoder,
        *,
        max_new_tokens: int,
        end_of_text_id: int | None,
        stop: tuple[str, ...] = (),
        window_full: bool = False,
    ) -> None:
        self._decoder = decoder
        self._max_new_tokens = max_new_tokens
        self._end_of_text_id = end_of_text_id
        self._stop = stop
        self._end_by_length = End.WINDOW if window_full else End.LENGTH
        self._text = ""
        self._n_held = 0  # characters at the end that may be the start of a stop string
        self.n_tokens = 0
        self.end: End | None = None

    @property
    def text(self) -> str:
        """What may be shown; it only ever grows."""
        return self._text[: len(self._text) - self._n_held]

    def feed(self, token: int) -> None:
        """Takes the next token; may end the text. Ignored once it has ended."""
        if self.end is not None:
            return
        self.n_tokens += 1
        if token == self._end_of_text_id:
            self.finish(End.END_OF_TEXT)
            return
        self._append(self._decoder.feed(token))
        if self.end is None and self.n_tokens >= self._max_new_tokens:
            self.finish(self._end_by_length)

    def finish(self, end: End) -> None:
        """Ends the text, if it has not ended yet; what was held back becomes part of it."""
        if self.end is not None:
            return
        self._append(self._decoder.flush())
        if self.end is None:
            self._n_held = 0
            self.end = end

    def _append(self, piece: str) -> None:
        """Adds characters, looks for a stop string, holds back what may become one."""
        searched = max(0, len(self._text) - self._n_held)
        self._text += without_controls(piece)
        found = [at for stop in self._stop if (at := self._text.find(stop, searched)) >= 0]
        if found:
            self._text = self._text[: min(found)]
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
