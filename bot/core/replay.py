"""A text that is made again: what for, and whether it came out the same.

`again` is used by the service that asks for it, `replay_words` by the worker that has made it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.core.departures import departure
from bot.core.markdown import escape
from bot.core.outputs import Output
from bot.core.sampling import SamplingParams

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
    label = (
        f"-# {escape(output.model)} {escape(remade.quantization)} · replay of receipt "
        f"{output.code} · seed {output.sampling.seed}"
    )
    if then == now:
        return f"Identical: all {len(now):,} characters came out the same again.\n{label}"
    if is_partial:
        return (
            f"Identical so far: it was stopped after {len(now):,} of {len(then):,} characters.\n"
            f"{label}"
        )
    return "\n".join((*_departing(then, now, mask), *_why(output, remade), label))


def _departing(then: str, now: str, mask: Callable[[str], str]) -> tuple[str, ...]:
    same = next((n for n, (a, b) in enumerate(zip(then, now, strict=False)) if a != b), None)
    n_same = min(len(then), len(now)) if same is None else same
    place = f"It departs after {n_same:,} of {len(then):,} characters."
    found = departure(mask(then), mask(now))
    if found is None:
        return (f"{place} What differs is hidden by this server's word filter.",)
    return (place, f"> Then: {found.quoted(found.here)}", f"> Now: {found.quoted(found.there)}")


def _why(output: Output, remade: Remade) -> tuple[str, ...]:
    """All that may be the reason."""
    reasons: list[str] = []
    if output.quantization != remade.quantization:
        reasons.append(
            f"The weights were stored as {escape(output.quantization)} then, and are stored as "
            f"{escape(remade.quantization)} now."
        )
    elif output.weights and remade.weights and output.weights != remade.weights:
        reasons.append("The model file is another one than it was then.")
    elif output.weights != remade.weights:
        reasons.append("The model file may be another one: its hash was not noted both times.")
    if output.engine != remade.engine:
        reasons.append(
            f"Another engine wrote it then: {escape(output.engine)}; now it is "
            f"{escape(remade.engine)}."
        )
    if not (output.is_repeatable and remade.is_repeatable):
        reasons.append(
            "The engine does not promise the same text again where it writes several at once."
        )
    if not reasons:
        reasons.append(
            "Nothing that I know of has changed, so this is a fault; please tell my host."
        )
    return tuple(reasons)
