"""What `bardling bench soak` asks for, and what is wrong with what it got. Pure; used by `soak`.

The same seed plans the same requests, so a run that found something can be made again.
"""

import math
import random
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.core.sampling import SamplingParams
from bot.worker.generation import End

CANCELLED_SHARE = 0.1
_STOP_SHARE = 0.15
_KINDS = ("new", "same prompt and seed", "same prompt", "same beginning")
_KIND_WEIGHTS = (50, 15, 15, 20)
_REMEMBERED = 100  # so many requests before may be repeated
_STOP_STRINGS = (".", "\n", " the", "!", " and", "é")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One text to write.

    Attributes:
        index: its number, from 0.
        tokens: of the prompt.
        max_new_tokens: it ends after so many.
        sampling: how it is drawn, stop strings included.
        cancel_after: it is stopped once it has so many tokens; None = never.
        repeats: an earlier request with the same prompt and seed, or None.
    """

    index: int
    tokens: tuple[int, ...]
    max_new_tokens: int
    sampling: SamplingParams
    cancel_after: int | None = None
    repeats: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a request.

    Attributes:
        request: which one.
        end: why its text ended; None where it failed.
        failure: why it failed, or None.
        tokens: as they were drawn.
        text: what was written, as far as it is shown.
        n_late: tokens that came although its place was given back.
        is_alone: whether nothing else was computed in any of its steps, nor for it before.
    """

    request: Request
    end: End | None
    failure: str | None
    tokens: "array[int]"
    text: str
    n_late: int
    is_alone: bool


def plan_requests(
    count: int, *, seed: int, n_vocab: int, n_ctx: int, max_prompt: int, max_new_tokens: int
) -> Iterator[Request]:
    """Requests of all kinds, one after the other.

    Args:
        count: how many.
        seed: plans the same ones again.
        n_vocab: ids of the model; the last one, which may end texts, is in no prompt.
        n_ctx: of the model; no request goes beyond.
        max_prompt: tokens of the longest prompt; short ones are more frequent.
        max_new_tokens: of the longest text; short ones are more frequent.
    """
    rng = random.Random(seed)
    earlier: list[Request] = []
    longest = min(max_prompt, n_ctx - 1)
    for index in range(count):
        request = Request(
            index=index,
            tokens=tuple(rng.randrange(n_vocab - 1) for _ in range(_log_uniform(rng, longest))),
            max_new_tokens=1,
            sampling=_sampling(rng),
        )
        (kind,) = rng.choices(_KINDS, _KIND_WEIGHTS)
        if earlier and kind != "new":
            request = _like(request, rng.choice(earlier), kind, longest)
        n_new = _log_uniform(rng, min(max_new_tokens, n_ctx - len(request.tokens)))
        is_cancelled = rng.random() < CANCELLED_SHARE
        request = replace(
            request,
            max_new_tokens=n_new,
            cancel_after=rng.randrange(n_new) if is_cancelled else None,
        )
        earlier = [*earlier[-_REMEMBERED + 1 :], request]
        yield request


def faults_of(outcome: Outcome) -> list[str]:
    """What is wrong with one outcome, in words; nothing for most."""
    request, end, n = outcome.request, outcome.end, len(outcome.tokens)
    stops = request.sampling.stop
    wrong = {
        f"it failed: {outcome.failure}": outcome.failure is not None,
        f"{outcome.n_late} tokens came after its end": outcome.n_late > 0,
        f"it has {n} tokens of {request.max_new_tokens}": n > request.max_new_tokens
        or (end is End.LENGTH and n != request.max_new_tokens),
        "it was stopped, and nobody asked for that": end is End.STOPPED
        and (request.cancel_after is None or n < request.cancel_after),
        "it ended at a stop string that it has not": end is End.STOP_STRING and not stops,
        "a stop string is part of it": any(stop in outcome.text for stop in stops),
        f"it can't have ended by {end}": end in (End.WINDOW, End.DEADLINE),
    }
    return [f"request {request.index}: {words}" for words, is_so in wrong.items() if is_so]


def is_same_text(first: Outcome, second: Outcome) -> bool:
    """Whether two texts are equal as far as both go."""
    n = min(len(first.tokens), len(second.tokens))
    return first.tokens[:n] == second.tokens[:n]


def _like(request: Request, earlier: Request, kind: str, longest: int) -> Request:
    """The request, made to share something with an earlier one."""
    if kind == "same beginning":
        kept = earlier.tokens[: max(1, 3 * len(earlier.tokens) // 4)]
        return replace(request, tokens=(kept + request.tokens)[:longest])
    if kind == "same prompt":
        return replace(request, tokens=earlier.tokens)
    return replace(request, tokens=earlier.tokens, sampling=earlier.sampling, repeats=earlier.index)


def _sampling(rng: random.Random) -> SamplingParams:
    has_stop = rng.random() < _STOP_SHARE
    return SamplingParams(
        temperature=rng.choice((0.0, 0.7, 0.9, 1.2)),
        top_k=rng.choice((0, 40)),
        top_p=rng.choice((0.9, 1.0)),
        repetition_penalty=rng.choice((1.0, 1.1)),
        seed=rng.randrange(2**32),
        stop=tuple(rng.sample(_STOP_STRINGS, 2)) if has_stop else (),
    )


def _log_uniform(rng: random.Random, most: int) -> int:
    """From 1 to `most`, each order of magnitude as likely."""
    return min(most, int(math.exp(rng.uniform(0, math.log(most + 1)))))


def count_ends(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """How many texts ended for which reason; "failed" where one had no end."""
    counts: dict[str, int] = {}
    for outcome in outcomes:
        name = outcome.end.value if outcome.end is not None else "failed"
        counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items()))
