"""The program of the children that measure Bardling's own engines; see `child`.

Drives an engine as a worker does: its scheduler plans the steps, places are filled again as they
get free, tokens are drawn by the real sampler.
"""

import asyncio
import statistics
import time
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np

from bot.bench.child import Prompts, Recorder, Request, measure_streams, serve, until_time_is_up
from bot.bench.steps import ComputeLog, outside_share
from bot.core.sampling import SamplingParams
from bot.engine.api import Engine
from bot.engine.select import ENGINE_FILE_FORMAT, open_engine
from bot.model.store import open_model
from bot.model.tokenizers.api import Tokenizer
from bot.worker.engine_loop import EngineLoop
from bot.worker.generation import Generation
from bot.worker.scheduler import SequenceState, plan_step

_REUSE_ROUNDS = 3
_KNOWN_TOKENS = 900
_ONE_AT_A_TIME = ("ctransformers",)


class OurEngine:
    """A contender: one of our engines, driven step by step.

    Args:
        engine: open, with nothing in it.
        request: for how tokens are drawn.
    """

    def __init__(self, engine: Engine, request: Request) -> None:
        self._engine = engine
        self._request = request

    def run(self, prompts: Prompts, new_tokens: int, recorder: Recorder) -> None:
        """See `Contender.run`."""
        waiting = deque(enumerate(prompts))
        states: dict[int, SequenceState] = {}
        try:
            while waiting or states:
                while waiting and len(states) < self._engine.info.max_sequences:
                    index, prompt = waiting.popleft()
                    n_reused = self._engine.add(index, prompt, sampling(self._request, index))
                    states[index] = SequenceState(
                        sequence_id=index, known=len(prompt), computed=n_reused
                    )
                self._step(states, {index: len(prompt) for index, prompt in enumerate(prompts)},
                           new_tokens, recorder)  # fmt: skip
        finally:
            for index in states:
                self._engine.remove(index)

    def _step(
        self,
        states: dict[int, SequenceState],
        n_prompt: dict[int, int],
        new_tokens: int,
        recorder: Recorder,
    ) -> None:
        for progress in self._engine.step(plan_step(states.values(), self._engine.info)):
            state = states[progress.sequence_id]
            state.computed = progress.computed
            if progress.token is None:
                continue
            state.known += 1
            if state.known == n_prompt[progress.sequence_id] + new_tokens:
                self._engine.remove(progress.sequence_id)
                del states[progress.sequence_id]
            recorder.token(progress.sequence_id)


def sampling(request: Request, seed: int) -> SamplingParams:
    """As a host sets it; what the request does not say is our default."""
    return SamplingParams(temperature=request["temperature"], top_k=request["top_k"], seed=seed)


async def write_as_in_worker(
    engine: Engine, tokenizer: Tokenizer, request: Request, recorder: Recorder
) -> None:
    """Writes the request's texts by a worker's engine loop, with its decoding and event loop."""
    engine_loop = EngineLoop(engine)
    running = asyncio.create_task(engine_loop.run())
    places = asyncio.Semaphore(engine.info.max_sequences)

    async def write(index: int, prompt: list[int]) -> None:
        generation = Generation(
            tokenizer.stream_decoder(), max_new_tokens=request["new_tokens"], end_of_text_id=None
        )
        done = asyncio.get_running_loop().create_future()

        def on_token(token: int) -> None:
            recorder.token(index)
            generation.feed(token)
            if generation.end is not None:
                engine_loop.remove(seat.sequence_id)
                done.set_result(None)

        async with places:
            seat = engine_loop.add(
                prompt,
                sampling(request, index),
                on_token=on_token,
                on_failure=done.set_exception,
            )
            await done

    try:
        async with asyncio.TaskGroup() as texts:
            for index, prompt in enumerate(request["prompts"]):
                texts.create_task(write(index, prompt))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _measure_outside(engine: Engine, tokenizer: Tokenizer, request: Request) -> dict[str, Any]:
    """Which part of a writing step is spent outside the model, alone and as in a worker."""
    contender = OurEngine(engine, request)
    contender.run(request["reading_prompts"][:1], 2, Recorder(1))
    n_places = min(request["streams"], engine.info.max_sequences)
    # With all places full that's enough; more would only wait for them.
    request = request | {"prompts": request["prompts"][:n_places]}
    with ComputeLog(engine) as log, until_time_is_up():
        recorder = Recorder(n_places, request["limit_s"])
        contender.run(request["prompts"], request["new_tokens"], recorder)
    outside_engine = outside_share(log.calls, n_places)
    engine.forget()  # or the same prompts would need no reading
    with ComputeLog(engine) as log:
        recorder = Recorder(n_places)  # an exception out of it would end but one text
        asyncio.run(write_as_in_worker(engine, tokenizer, request, recorder))
    return {
        "outside_engine": outside_engine,
        "outside_worker": outside_share(log.calls, n_places),
        "worker_tokens_per_s": recorder.n_tokens / recorder.total_s,
    }


def _measure_reuse(engine: Engine, request: Request) -> dict[str, Any]:
    """Time to first token of a text that goes on, with and without what was computed before."""
    n_vocab, random = engine.info.n_vocab, np.random.default_rng(request["seed"])
    n_known = min(_KNOWN_TOKENS, engine.info.n_ctx - 60)
    n_reused, kept_s, fresh_s = 0, list[float](), list[float]()

    def some_tokens(count: int) -> list[int]:
        return random.integers(0, n_vocab - 1, count).tolist()

    _write(engine, some_tokens(n_known), 1, request)  # warm
    for _ in range(_REUSE_ROUNDS):
        prompt = some_tokens(n_known)
        written = _write(engine, prompt, 20, request)[1]
        follow_up = prompt + written + some_tokens(30)
        n_reused, _, took_s = _write(engine, follow_up, 1, request)
        kept_s.append(took_s)
        # A text of the same length that begins otherwise; nothing of it is known.
        fresh_s.append(_write(engine, some_tokens(len(follow_up)), 1, request)[2])
    return {
        "prompt_tokens": n_known + 50,
        "reused_tokens": n_reused,
        "kept_s": statistics.median(kept_s),
        "fresh_s": statistics.median(fresh_s),
    }


def _write(
    engine: Engine, tokens: list[int], new_tokens: int, request: Request
) -> tuple[int, list[int], float]:
    """Writes one text: tokens that needed no computing, its tokens, seconds to the first one."""
    started_s = time.monotonic()
    n_reused = engine.add(0, tokens, sampling(request, 0))
    state = SequenceState(sequence_id=0, known=len(tokens), computed=n_reused)
    written: list[int] = []
    first_s = 0.0
    while len(written) < new_tokens:
        [progress] = engine.step(plan_step([state], engine.info))
        state.computed = progress.computed
        if progress.token is not None:
            first_s = first_s or time.monotonic() - started_s
            written.append(progress.token)
            state.known += 1
    engine.remove(0)
    return n_reused, written, first_s


def measure(request: Request) -> dict[str, Any]:
    """Opens the engine and takes the measurement that the request names."""
    name: str = request["variant"]
    path = request["path"]
    opened = open_model(path, ENGINE_FILE_FORMAT[name], Path(path).parent)
    slots = 1 if name in _ONE_AT_A_TIME else request["streams"]
    engine = open_engine(name, opened.info, slots=slots, n_threads=request["threads"])
    match request["measure"]:
        case "outside":
            return _measure_outside(engine, opened.tokenizer, request)
        case "reuse":
            return _measure_reuse(engine, request)
        case _:
            return measure_streams(OurEngine(engine, request), request)


if __name__ == "__main__":
    serve(measure)
