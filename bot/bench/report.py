"""What was measured as rows, and the rows as a table for people and as one for a README."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from bot.bench.runner import OUTSIDE, REUSE, STREAMS, Measurement, Result

YARDSTICK = "llama.cpp loop"  # for one stream: no layer of anybody's above the library
_BITS = {
    "f32": 32, "f16": 16, "bf16": 16, "q8_0": 8, "int8": 8, "q6_K": 6, "q5_0": 5,
    "q4_K_M": 4, "q4_0": 4,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spread:
    """Of some rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Of at least one."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One contender at one number of streams; figures are of the rounds that did not fail.

    Attributes:
        name: the contender's.
        number_format: how it keeps weights.
        is_ours: whether it is an engine of Bardling.
        streams: requests at once.
        rounds: how many did not fail.
        tokens_per_s: new tokens over the whole time, reading included.
        first_token_s: median over the requests, from the start of the run.
        reading_tokens_per_s: prompt tokens a second, all requests' prompts at once.
        writing_tokens_per_s: new tokens after the first one; the streams' sum.
        peak_bytes: resident memory; None where the system does not tell.
        is_cut: whether the time limit ended a round: what was written until then counts.
        failure: the last round's that failed, or None.
    """

    name: str
    number_format: str
    is_ours: bool
    streams: int
    rounds: int
    tokens_per_s: Spread | None = None
    first_token_s: Spread | None = None
    reading_tokens_per_s: Spread | None = None
    writing_tokens_per_s: float | None = None
    peak_bytes: int | None = None
    is_cut: bool = False
    failure: str | None = None

    @property
    def label(self) -> str:
        """Of a line in a plot, a row in a table."""
        return f"{self.name} {self.number_format}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Of an engine of ours: the part of a step that is not spent in the model, 0 to 1."""

    label: str
    streams: int
    engine: float | None
    worker: float | None
    worker_tokens_per_s: float | None
    failure: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse:
    """Of an engine of ours: time to first token of a text that goes on, and of an unknown one."""

    label: str
    prompt_tokens: int
    reused_tokens: int
    kept_s: float
    fresh_s: float
    failure: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that was found."""

    title: str
    rows: tuple[Row, ...]
    outside: tuple[Outside, ...] = ()
    reuse: tuple[Reuse, ...] = ()
    bandwidth: float = 0.0
    weight_bytes: Mapping[str, int] | None = None


def rows_of(results: Mapping[Measurement, Sequence[Result]]) -> tuple[Row, ...]:
    """One for each contender, number format and number of streams."""
    return tuple(_row(one, found) for one, found in results.items() if one.kind == STREAMS)


def _row(one: Measurement, results: Sequence[Result]) -> Row:
    good = [result for result in results if "failure" not in result]
    failures = [result["failure"] for result in results if "failure" in result]
    failure = failures[-1] if failures else None
    if not good:
        return Row(
            name=one.contender.name, number_format=one.number_format,
            is_ours=one.contender.is_ours, streams=one.streams, rounds=0, failure=failure,
        )  # fmt: skip
    writing = [result["writing_tokens_per_s"] for result in good]
    peaks = [result["peak_bytes"] for result in good if result["peak_bytes"]]
    return Row(
        name=one.contender.name,
        number_format=one.number_format,
        is_ours=one.contender.is_ours,
        streams=one.streams,
        rounds=len(good),
        tokens_per_s=Spread.of([result["tokens_per_s"] for result in good]),
        first_token_s=Spread.of([result["first_token_s"] for result in good]),
        reading_tokens_per_s=Spread.of([result["reading_tokens_per_s"] for result in good]),
        writing_tokens_per_s=statistics.median(writing) if all(writing) else None,
        peak_bytes=max(peaks, default=None),
        is_cut=any(result["cut"] for result in good),
        failure=failure,
    )


def outside_of(results: Mapping[Measurement, Sequence[Result]]) -> tuple[Outside, ...]:
    """One for each engine of ours."""
    return tuple(
        Outside(
            label=_label(one),
            streams=one.streams,
            engine=_median(found, "outside_engine"),
            worker=_median(found, "outside_worker"),
            worker_tokens_per_s=_median(found, "worker_tokens_per_s"),
            failure=_failure(found),
        )
        for one, found in results.items()
        if one.kind == OUTSIDE
    )


def reuse_of(results: Mapping[Measurement, Sequence[Result]]) -> tuple[Reuse, ...]:
    """One for each engine of ours."""
    return tuple(
        Reuse(
            label=_label(one),
            prompt_tokens=int(_median(found, "prompt_tokens") or 0),
            reused_tokens=int(_median(found, "reused_tokens") or 0),
            kept_s=_median(found, "kept_s") or 0.0,
            fresh_s=_median(found, "fresh_s") or 0.0,
            failure=_failure(found),
        )
        for one, found in results.items()
        if one.kind == REUSE
    )


def _label(one: Measurement) -> str:
    return f"{one.contender.name} {one.number_format}"


def _median(results: Sequence[Result], key: str) -> float | None:
    values = [result[key] for result in results if result.get(key) is not None]
    return statistics.median(values) if values else None


def _failure(results: Sequence[Result]) -> str | None:
    return next((result["failure"] for result in results if "failure" in result), None)


def best_peer(row: Row, rows: Sequence[Row]) -> Row | None:
    """The fastest peer at as many streams that keeps weights at least as exactly."""
    peers = [
        one
        for one in rows
        if not one.is_ours
        and one.streams == row.streams
        and one.tokens_per_s
        and _BITS.get(one.number_format, 0) >= _BITS.get(row.number_format, 0)
    ]
    return max(peers, key=_speed, default=None)


def _speed(row: Row) -> float:
    return row.tokens_per_s.median if row.tokens_per_s else 0.0


def ratio_to_best_peer(row: Row, rows: Sequence[Row]) -> float | None:
    """Tokens a second of one of ours over those of the best peer."""
    peer = best_peer(row, rows)
    return _speed(row) / _speed(peer) if row.is_ours and row.tokens_per_s and peer else None


def ratio_to_yardstick(row: Row, rows: Sequence[Row]) -> float | None:
    """Of one of ours with one stream: over llama.cpp's bare loop on the same file."""
    same = (YARDSTICK, row.number_format, row.streams)
    bare = [one for one in rows if (one.name, one.number_format, one.streams) == same]
    if not (row.is_ours and row.tokens_per_s and bare and bare[0].tokens_per_s):
        return None
    return _speed(row) / _speed(bare[0])


def share_of_bandwidth(row: Row, report: Report) -> float | None:
    """How near one stream comes to what reading the weights from memory allows, 0 to 1.

    Tokens a second after the first one x bytes of weights read for each / bytes read a second.
    """
    n_bytes = (report.weight_bytes or {}).get(row.number_format)
    if row.streams != 1 or not row.writing_tokens_per_s or not n_bytes or not report.bandwidth:
        return None
    return row.writing_tokens_per_s * n_bytes / report.bandwidth


def in_order(rows: Sequence[Row]) -> Iterator[tuple[int, list[Row]]]:
    """By streams; ours first, then peers, the fastest first of each."""
    for streams in sorted({row.streams for row in rows}):
        group = [row for row in rows if row.streams == streams]
        yield streams, sorted(group, key=lambda row: (not row.is_ours, -_speed(row)))
