"""How a download shows itself: a bar on a terminal, plain lines elsewhere.

The texts are pure functions; `Reporter` writes them. Used by `download` and `download_file`.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

from bot.model.sizes import bytes_text

_WINDOW_S = 10.0  # the rate shown is that of the last seconds
_REDRAW_S = 0.2
_PLAIN_EVERY_S = 15.0
_BAR = 20


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a file is: bytes there are, bytes in all (None: not told), bytes per second."""

    name: str
    done: int
    total: int | None
    rate: float | None


def left_text(seconds: float) -> str:
    """Such as "1 h 05 min", "3 min 20 s", "9 s"."""
    whole = max(1, round(seconds))
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"


def progress_text(progress: Progress) -> str:
    """Such as "model.safetensors: 42%, 230.1 MB of 548.1 MB, 12.3 MB/s, 26 s left"."""
    parts: list[str] = []
    if progress.total:
        parts.append(f"{100 * progress.done // progress.total}%")
        parts.append(f"{bytes_text(progress.done)} of {bytes_text(progress.total)}")
    else:
        parts.append(bytes_text(progress.done))
    if progress.rate:
        parts.append(f"{bytes_text(progress.rate)}/s")
        if progress.total and progress.done < progress.total:
            parts.append(f"{left_text((progress.total - progress.done) / progress.rate)} left")
    return f"{progress.name}: {', '.join(parts)}"


def bar_text(progress: Progress, columns: int) -> str:
    """The same with a bar in front, cut to a terminal's width."""
    bar = ""
    if progress.total:
        filled = min(_BAR, _BAR * progress.done // progress.total)
        bar = f"[{'#' * filled}{'.' * (_BAR - filled)}] "
    return (bar + progress_text(progress))[: max(1, columns - 1)]


class Rate:
    """Bytes per second over the last seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, now: float, done: int) -> float | None:
        """Notes that `done` bytes are there; the rate, or None while too little is known."""
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[0][0] > _WINDOW_S:
            self._seen.popleft()
        then, before = self._seen[0]
        return (done - before) / (now - then) if now - then >= 0.5 and done > before else None


class Reporter:
    """Writes progress, on a terminal as one line that changes."""

    def __init__(
        self,
        stream: TextIO,
        *,
        columns: int | None,
        now: Callable[[], float],
    ) -> None:
        """Starts silent.

        Args:
            stream: where to write.
            columns: the terminal's width, or None where there is no terminal.
            now: a clock that never goes back.
        """
        self._stream = stream
        self._columns = columns
        self._now = now
        self._rate = Rate()
        self._shown_at = 0.0
        self._is_bar_shown = False

    def start(self, name: str, done: int, total: int | None) -> None:
        """A file (or the rest of one) begins to come."""
        self._rate = Rate()
        rate = self._rate.add(self._now(), done)
        self._shown_at = self._now()
        if self._columns is None:
            self._line(progress_text(Progress(name, done, total, rate)))
        else:
            self._bar(Progress(name, done, total, rate))

    def advance(self, name: str, done: int, total: int | None) -> None:
        """More of it is there; shown now and then."""
        now = self._now()
        every_s = _PLAIN_EVERY_S if self._columns is None else _REDRAW_S
        if now - self._shown_at < every_s and done != total:
            return
        rate = self._rate.add(now, done)
        self._shown_at = now
        if self._columns is None:
            self._line(progress_text(Progress(name, done, total, rate)))
        else:
            self._bar(Progress(name, done, total, rate))

    def note(self, text: str) -> None:
        """A line of its own."""
        self.end()
        self._line(text)

    def end(self) -> None:
        """Leaves the bar as it is; what comes next starts on a new line."""
        if self._is_bar_shown:
            self._stream.write("\n")
            self._is_bar_shown = False

    def _bar(self, progress: Progress) -> None:
        self._stream.write(f"\r\x1b[K{bar_text(progress, self._columns or 80)}")
        self._stream.flush()
        self._is_bar_shown = True

    def _line(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()
