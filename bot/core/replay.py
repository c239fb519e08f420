"""A text that is made again: what for, and whether it came out the same.

`again` is used by the service that asks for it, `replay_words` by the worker that has made it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.core.departures import departure
from bot.core.markdown import escape
from bot.core.outputs import Output
from bot.core.sampling import SamplingParams
from bot.language import number, tr, tr_n

# Ends that are not the model's nor the request's (`worker.generation.End`).
_CUT_SHORT = frozenset(("stopped", "deadline"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Remade:
    """A text as it came out this time.

    Attributes:
        text: whole and unmasked.
        n_tokens: how many tokens were written.
        end: why it ended (`worker.generation.End`).
        quantization: of the model's weights now.
        weights: SHA-256 of the model file now, or "".
        engine: as in `Output.engine`.
        is_repeatable: whether this engine promises the same text again.
    """

    text: str
    n_tokens: int
    end: str
    quantization: str
    weights: str
    engine: str
    is_repeatable: bool


def again(output: Output) -> tuple[int, SamplingParams]:
    """How many tokens to write, and how to draw them, to get an output again.

    One that somebody stopped is written as far as it came, and not cut back to a sentence.
    """
    if output.end not in _CUT_SHORT:
        return output.max_new_tokens, output.sampling
    return max(1, output.n_tokens), replace(output.sampling, end_at_sentence=False)


def replay_words(output: Output, remade: Remade, mask: Callable[[str], str] = str) -> str:
    """What is said of a text that was made again.

    Args:
        output: as it was kept.
        remade: as it came out now.
        mask: hides what the server does not want to read.
    """
    then, now = output.text, remade.text
    is_partial = remade.end in _CUT_SHORT and then.startswith(now)
    if then == now:
        found = (
            tr_n(
                "Identical: the one character came out the same again.",
                "Identical: all {n} characters came out the same again.",
                len(now),
            ),
        )
    elif is_partial:
        found = (
            tr_n(
                "Identical so far: it was stopped after {written} of {n} character.",
                "Identical so far: it was stopped after {written} of {n} characters.",
                len(then),
                written=number(len(now)),
            ),
        )
    else:
        found = (*_departing(then, now, mask), *_why(output, remade))
    return "\n".join((*found, _label(output, remade)))


def _label(output: Output, remade: Remade) -> str:
    shown = (
        f"{escape(output.model)} {escape(remade.quantization)}",
        tr("replay of receipt {code}", code=output.code),
        tr("seed {seed}", seed=output.sampling.seed),
    )
    return "-# " + " · ".join(shown)


def _departing(then: str, now: str, mask: Callable[[str], str]) -> tuple[str, ...]:
    same = next((n for n, (a, b) in enumerate(zip(then, now, strict=False)) if a != b), None)
    n_same = min(len(then), len(now)) if same is None else same
    place = tr_n(
        "It departs after {same} of {n} character.",
        "It departs after {same} of {n} characters.",
        len(then),
        same=number(n_same),
    )
    found = departure(mask(then), mask(now))
    if found is None:
        return (place + " " + tr("What differs is hidden by this server's word filter."),)
    return (
        place,
        "> " + tr("Then: {text}", text=found.quoted(found.here)),
        "> " + tr("Now: {text}", text=found.quoted(found.there)),
    )


def _why(output: Output, remade: Remade) -> tuple[str, ...]:
    """All that may be the reason."""
    reasons: list[str] = []
    if output.quantization != remade.quantization:
        reasons.append(
            tr(
                "The weights were stored as {before} then, and are stored as {now} now.",
                before=escape(output.quantization),
                now=escape(remade.quantization),
            )
        )
    elif output.weights and remade.weights and output.weights != remade.weights:
        reasons.append(tr("The model file is another one than it was then."))
    elif output.weights != remade.weights:
        reasons.append(tr("The model file may be another one: its hash was not noted both times."))
    if output.engine != remade.engine:
        reasons.append(
            tr(
                "Another engine wrote it then: {before}; now it is {now}.",
                before=escape(output.engine),
                now=escape(remade.engine),
            )
        )
    if not (output.is_repeatable and remade.is_repeatable):
        reasons.append(
            tr("The engine does not promise the same text again where it writes several at once.")
        )
    if not reasons:
        reasons.append(
            tr("Nothing that I know of has changed, so this is a fault; please tell my host.")
        )
    return tuple(reasons)
