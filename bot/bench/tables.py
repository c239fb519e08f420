"""The report of the engine benchmark as text: for the screen, and as Markdown for a README."""

from collections.abc import Iterator, Sequence

from bot.bench.report import (
    YARDSTICK,
    Outside,
    Report,
    Reuse,
    Row,
    in_order,
    ratio_to_best_peer,
    ratio_to_yardstick,
    share_of_bandwidth,
)

_CUT = "* cut off by the time limit: what was written until then"


def table(report: Report) -> str:
    """Several blocks of lines: one for each number of streams, then what is ours alone."""
    lines = [report.title]
    for streams, rows in in_order(report.rows):
        lines += ["", f"{streams} stream{'s' if streams > 1 else ''} at once", _head()]
        lines += [_line(row, report) for row in rows]
    if any(row.is_cut for row in report.rows):
        lines += ["", _CUT]
    lines += _yardstick_lines(report)
    lines += _bandwidth_lines(report)
    lines += _outside_lines(report.outside)
    lines += _reuse_lines(report.reuse)
    return "\n".join(lines)


def _head() -> str:
    return (
        f"{'':28}{'tokens/s':>10}{'(min–max)':>14}{'first token':>13}{'reads/s':>9}"
        f"{'memory':>9}{'x best peer':>13}{'rounds':>8}"
    )


def _line(row: Row, report: Report) -> str:
    if not (row.tokens_per_s and row.first_token_s and row.reading_tokens_per_s):
        return f"{row.label:28}  {row.failure or 'not measured'}"
    speed, ratio = row.tokens_per_s, ratio_to_best_peer(row, report.rows)
    line = (
        f"{row.label:28}{speed.median:9.0f}{'*' if row.is_cut else ' '}"
        f"{_range(speed.least, speed.most):>14}"
        f"{_ms(row.first_token_s.median):>13}{row.reading_tokens_per_s.median:9.0f}"
        f"{_memory(row):>9}{'' if ratio is None else f'{ratio:.2f}':>13}{row.rounds:8}"
    )
    return f"{line}  a round failed: {row.failure}" if row.failure else line


def _range(least: float, most: float) -> str:
    return f"{least:.0f}–{most:.0f}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _memory(row: Row) -> str:
    return "" if row.peak_bytes is None else f"{row.peak_bytes / 1e6:.0f} MB"


def _yardstick_lines(report: Report) -> Iterator[str]:
    found = [(row, ratio_to_yardstick(row, report.rows)) for row in report.rows]
    shown = [f"  {row.label}: {ratio:.3f}" for row, ratio in found if ratio is not None]
    if shown:
        yield from ("", f"One stream, over the bare {YARDSTICK} on the same file:", *shown)


def _bandwidth_lines(report: Report) -> Iterator[str]:
    found = [(row, share_of_bandwidth(row, report)) for row in report.rows]
    shown = [f"  {row.label}: {share:.0%}" for row, share in found if share is not None]
    if shown:
        yield from (
            "",
            f"Memory is read at {report.bandwidth / 1e9:.1f} GB/s. One stream's part of that,",
            "tokens/s after the first one x bytes of weights for each / bytes read a second:",
            *shown,
        )


def _outside_lines(found: Sequence[Outside]) -> Iterator[str]:
    if found:
        yield from ("", "Of a writing step, what is spent outside the model's computing:")
    for one in found:
        if one.failure:
            yield f"  {one.label}: {one.failure}"
        else:
            yield (
                f"  {one.label}, {one.streams} streams: {_percent(one.engine)} in the engine, "
                f"{_percent(one.worker)} as in a worker"
            )


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.1%}"


def _reuse_lines(found: Sequence[Reuse]) -> Iterator[str]:
    if found:
        yield from ("", "A text that goes on, time to first token:")
    for one in found:
        if one.failure or not one.kept_s:
            yield f"  {one.label}: {one.failure or 'not measured'}"
        else:
            yield (
                f"  {one.label}: {_ms(one.kept_s)} with {one.reused_tokens} of "
                f"{one.prompt_tokens} tokens kept, {_ms(one.fresh_s)} for an unknown text, "
                f"{one.fresh_s / one.kept_s:.1f}x"
            )


def markdown(report: Report) -> str:
    """One row for each contender, one column for each number of streams."""
    counts = sorted({row.streams for row in report.rows})
    names = " | ".join(str(count) for count in counts)
    lines = [
        f"{report.title}.",
        "",
        "New tokens a second at so many streams (ours: x the best peer), first token in ms:",
        "",
        f"| engine | {names} | first token at {' / '.join(map(str, counts))} | memory, MB |",
        f"|---|{'---|' * len(counts)}---|---|",
    ]
    labels = list(dict.fromkeys(row.label for _, rows in in_order(report.rows) for row in rows))
    for label in labels:
        by_count = {row.streams: row for row in report.rows if row.label == label}
        speeds = " | ".join(_cell(by_count.get(count), report) for count in counts)
        firsts = " / ".join(_first(by_count.get(count)) for count in counts)
        peak = max((row.peak_bytes or 0 for row in by_count.values()), default=0)
        memory = f"{peak / 1e6:.0f}" if peak else ""
        bold = "**" if any(row.is_ours for row in by_count.values()) else ""
        lines.append(f"| {bold}{label}{bold} | {speeds} | {firsts} | {memory} |")
    if any(row.is_cut for row in report.rows):
        lines += ["", _CUT.replace("*", r"\*", 1)]
    return "\n".join(lines) + "\n"


def _cell(row: Row | None, report: Report) -> str:
    if row is None:
        return ""
    if row.tokens_per_s is None:
        return "failed"
    ratio = ratio_to_best_peer(row, report.rows)
    shown = "" if ratio is None else f" ({ratio:.2f}x)"
    return f"{row.tokens_per_s.median:.0f}{shown}" + (r"\*" if row.is_cut else "")


def _first(row: Row | None) -> str:
    return f"{row.first_token_s.median * 1000:.0f}" if row and row.first_token_s else "–"
