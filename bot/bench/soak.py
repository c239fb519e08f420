"""`bardling bench soak`: thousands of mixed requests through the worker's own loop, all checked.

Every text must have ended for a good reason, the same seed must have made the same text, every
place must be free again at the end, and memory must not grow. Called by `__main__`.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.bench.soak_requests import (
    Outcome,
    Request,
    count_ends,
    faults_of,
    is_same_text,
    plan_requests,
)
from bot.bench.soak_run import SoakRun
from bot.core.models import ModelInfo
from bot.core.sampling import SamplingParams
from bot.engine.api import Engine
from bot.engine.select import ENGINE_FILE_FORMAT, choose_engine, open_engine
from bot.model.store import open_model
from bot.model.tokenizers.api import Tokenizer
from bot.settings import Settings

# More in the second half is a leak: places, caches and buffers have their size by then.
_MAX_GROWTH_BYTES = 64 << 20
_SHOWN_FAULTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How long prompts and texts get, in tokens."""

    max_prompt: int = 900
    max_new_tokens: int = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run found.

    Attributes:
        engine: its name.
        asked: requests planned.
        run: requests that were run in the time there was.
        seconds: how long that took.
        tokens: written in all.
        ends: how many texts ended for which reason.
        repeated: texts whose prompt and seed had been there before.
        repeated_same: how many of those were the same text again.
        must_repeat: whether the engine promises all of them.
        places: free at the end, of how many.
        memory_bytes: resident after each part of the run, by its percentage; empty where the
            system does not say.
        faults: everything that is wrong, in words.
    """

    engine: str
    asked: int
    run: int
    seconds: float
    tokens: int
    ends: dict[str, int]
    repeated: int
    repeated_same: int
    must_repeat: bool
    places: tuple[int, int]
    memory_bytes: dict[int, int]
    faults: tuple[str, ...]


def main(
    settings: Settings,
    *,
    requests: int,
    seed: int,
    minutes: float,
    json_out: Path | None,
    sizes: Sizes | None = None,
) -> int:
    """Runs it on the settings' model and engine and prints a table; 1 if something is wrong."""
    engine_name = choose_engine(settings.engine)
    model = open_model(settings.model, ENGINE_FILE_FORMAT[engine_name], settings.home)
    engine = open_engine(engine_name, model.info, slots=settings.slots, n_threads=settings.threads)
    with contextlib.closing(engine):
        planned = plan_for(engine, requests, seed=seed, sizes=sizes or Sizes())
        report = asyncio.run(
            soak(engine, model.tokenizer, model.info, planned, limit_s=minutes * 60)
        )
    print(table(report))
    if json_out is not None:
        facts = {"model": model.info.name, "seed": seed} | asdict(report)
        json_out.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return 1 if report.faults else 0


def plan_for(engine: Engine, count: int, *, seed: int, sizes: Sizes) -> list[Request]:
    """The requests of a run on an engine."""
    return list(
        plan_requests(
            count,
            seed=seed,
            n_vocab=engine.info.n_vocab,
            n_ctx=engine.info.n_ctx,
            max_prompt=sizes.max_prompt,
            max_new_tokens=sizes.max_new_tokens,
        )
    )


async def soak(
    engine: Engine,
    tokenizer: Tokenizer,
    model: ModelInfo,
    requests: Sequence[Request],
    *,
    limit_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> Report:
    """Runs all requests, as many at once as there are places, and looks at what came of them.

    Args:
        engine: idle; it is left as it was.
        tokenizer: of its model.
        model: the model.
        requests: by `plan_for`.
        limit_s: no request begins later than so many seconds after the start.
        clock: monotonic seconds.
    """
    run = SoakRun(engine, tokenizer, model, requests)
    began_s = clock()
    await run.all(lambda: clock() - began_s < limit_s)
    seconds = clock() - began_s
    repeated, same, differing = _repeats(run.outcomes, must_repeat=engine.info.batch_invariant)
    n_places, n_free = engine.info.max_sequences, count_free_places(engine)
    faults = [fault for outcome in run.outcomes for fault in faults_of(outcome)] + differing
    if run.broken is not None:
        faults.append(run.broken)
    if n_free != n_places:
        faults.append(f"{n_free} of {n_places} places are free at the end")
    growth = run.memory.get(100, 0) - run.memory.get(50, 0)
    if growth > _MAX_GROWTH_BYTES:
        faults.append(f"memory grew by {growth >> 20} MiB in the second half")
    return Report(
        engine=engine.info.name,
        asked=len(requests),
        run=len(run.outcomes),
        seconds=seconds,
        tokens=sum(len(outcome.tokens) for outcome in run.outcomes),
        ends=count_ends(run.outcomes),
        repeated=repeated,
        repeated_same=same,
        must_repeat=engine.info.batch_invariant,
        places=(n_free, n_places),
        memory_bytes=run.memory,
        faults=tuple(faults),
    )


def count_free_places(engine: Engine) -> int:
    """How many sequences an idle engine takes at once and computes; at most one too many."""
    taken: list[int] = []
    try:
        for sequence_id in range(-1000, -999 + engine.info.max_sequences):
            engine.add(sequence_id, [0], SamplingParams(temperature=0.0))
            taken.append(sequence_id)
    except ValueError:  # no more places, as it should be after the last one
        pass
    try:
        size = engine.info.max_batch_tokens
        for start in range(0, len(taken), size):
            engine.step(dict.fromkeys(taken[start : start + size], 1))
    except RuntimeError:
        return 0
    finally:
        for sequence_id in taken:
            engine.remove(sequence_id)
    return len(taken)


def table(report: Report) -> str:
    """The report for a person."""
    free, places = report.places
    share = f"{report.repeated_same} of {report.repeated}"
    promise = "promised" if report.must_repeat else "not promised by this engine"
    memory = ", ".join(f"{size >> 20} MiB at {at} %" for at, size in report.memory_bytes.items())
    rows = {
        "requests": f"{report.run:,} of {report.asked:,}",
        "time": f"{report.seconds:.1f} s, {report.tokens / report.seconds:,.0f} tokens/s written",
        "ended by": ", ".join(f"{name} {count:,}" for name, count in report.ends.items()),
        "same text for the same seed": f"{share} ({promise})",
        "places free at the end": f"{free} of {places}",
        "memory": memory or "not known on this system",
        "wrong": f"{len(report.faults)}" if report.faults else "nothing",
    }
    lines = [f"{name:<30}{value}" for name, value in rows.items()]
    lines += [f"  {fault}" for fault in report.faults[:_SHOWN_FAULTS]]
    return "\n".join([f"soak on {report.engine}", *lines])


def _repeats(outcomes: Sequence[Outcome], *, must_repeat: bool) -> tuple[int, int, list[str]]:
    """Texts with a prompt and seed that were there before, those that are the same, and faults."""
    by_index = {outcome.request.index: outcome for outcome in outcomes}
    n_repeated, n_same, faults = 0, 0, list[str]()
    for outcome in outcomes:
        earlier = by_index.get(-1 if (at := outcome.request.repeats) is None else at)
        if earlier is None:
            continue
        n_repeated += 1
        if is_same_text(earlier, outcome):
            n_same += 1
        elif must_repeat or (earlier.is_alone and outcome.is_alone):
            faults.append(
                f"request {outcome.request.index}: another text than {earlier.request.index}, "
                "which has the same prompt and seed"
            )
    return n_repeated, n_same, faults
