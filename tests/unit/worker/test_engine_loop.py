"""The loop around an engine: who joins and leaves when, and what each is told."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import pytest

from bot.core.sampling import SamplingParams
from bot.engine.api import Engine, Progress
from bot.engine.scripted import ScriptedEngine
from bot.errors import BrokenEngineError
from bot.worker.engine_loop import MAX_FAILURES, EngineLoop, Seat, SequenceFailedError
from tests.unit.worker.gated_engine import PATIENCE_S, GatedEngine

LONG = list(range(200))


@dataclass
class Listener:
    """One text: what it was told; it leaves after so many tokens."""

    loop: EngineLoop
    n_wanted: int = 5
    tokens: list[int] = field(default_factory=list[int])
    errors: list[Exception] = field(default_factory=list[Exception])
    seat: Seat = field(default_factory=lambda: Seat(sequence_id=0))
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def join(self, tokens: list[int]) -> "Listener":
        """Puts a prompt in."""
        self.seat = self.loop.add(
            tokens, SamplingParams(), on_token=self._take, on_failure=self._fail
        )
        return self

    async def end(self) -> "Listener":
        """Waits until it has all it wants, or fails."""
        async with asyncio.timeout(PATIENCE_S):
            await self.done.wait()
        return self

    def _take(self, token: int) -> None:
        self.tokens.append(token)
        if len(self.tokens) == self.n_wanted:
            self.loop.remove(self.seat.sequence_id)
            self.done.set()

    def _fail(self, error: Exception) -> None:
        self.errors.append(error)
        self.done.set()


class FailingEngine(ScriptedEngine):
    """Fails at the steps named (from 1)."""

    def __init__(self, *failing: int) -> None:
        super().__init__(n_vocab=300)
        self._failing = failing
        self._n = 0

    def step(self, plan: Mapping[int, int]) -> list[Progress]:
        self._n += 1
        if self._n in self._failing:
            raise RuntimeError(f"step {self._n} failed")
        return super().step(plan)


class RoundingEngine(ScriptedEngine):
    """As if what is in a batch made a difference, as it does with floating-point numbers."""

    def __init__(self) -> None:
        super().__init__(n_vocab=300)
        self._info = replace(self._info, batch_invariant=False)


@asynccontextmanager
async def running(engine: Engine) -> AsyncIterator[EngineLoop]:
    """A loop at work."""
    loop = EngineLoop(engine)
    task = asyncio.create_task(loop.run())
    try:
        yield loop
    finally:
        task.cancel()
        if isinstance(engine, GatedEngine):
            engine.open()
        with suppress(asyncio.CancelledError, BrokenEngineError):
            await task


async def alone(engine: Engine, tokens: list[int], n_wanted: int = 5) -> list[int]:
    """What one text gets with the engine for itself."""
    async with running(engine) as loop:
        return (await Listener(loop, n_wanted).join(tokens).end()).tokens


async def test_each_text_is_what_it_is_alone():
    """Whoever else is there, joins and leaves."""
    prompts = [LONG, LONG[:150], [5], [7, 8, 9] * 30, LONG]
    expected = [await alone(ScriptedEngine(n_vocab=300), prompt, 9) for prompt in prompts]

    async with running(ScriptedEngine(n_vocab=300)) as loop:
        listeners = [Listener(loop, 9).join(prompt) for prompt in prompts]
        texts = [(await listener.end()).tokens for listener in listeners]

    assert expected == texts


async def test_removed_in_mid_step_is_gone_before_the_next():
    """Stop needs no more than the step under way: the place is freed, nothing more is told."""
    engine = GatedEngine()
    async with running(engine) as loop:
        stopped, other = Listener(loop).join([1, 2]), Listener(loop).join([3, 4])
        first = await engine.at_gate()
        loop.remove(stopped.seat.sequence_id)
        engine.let()
        second = await engine.at_gate()

        assert {1, 2} == set(first)
        assert {2} == set(second)
        assert ("remove", 1) in engine.calls
        assert engine.calls.index(("remove", 1)) < engine.calls.index(("step", second))
        assert ([], 1) == (stopped.tokens, len(other.tokens))


async def test_put_in_mid_step_is_part_of_the_next():
    """Nobody waits for others' texts to end."""
    engine = GatedEngine()
    async with running(engine) as loop:
        Listener(loop).join([1, 2])
        await engine.at_gate()
        Listener(loop).join([3, 4, 5])
        engine.let()

        assert {1: 1, 2: 3} == await engine.at_gate()


async def test_added_and_removed_in_one_step_reaches_no_engine():
    """Or its place would never be freed."""
    engine = GatedEngine()
    async with running(engine) as loop:
        Listener(loop).join([1, 2])
        await engine.at_gate()
        loop.remove(Listener(loop).join([3, 4, 5]).seat.sequence_id)
        engine.let()
        await engine.at_gate()

        assert [("add", 1)] == [call for call in engine.calls if call[0] == "add"]


async def test_candidates_of_one_prompt_are_read_once():
    """The first computes it, the others copy it and all of them write in step."""
    engine = GatedEngine()
    engine.open()
    async with running(engine) as loop:
        listeners = [Listener(loop).join(LONG) for _ in range(6)]
        texts = [(await listener.end()).tokens for listener in listeners]

    n_planned = sum(sum(plan.values()) for plan in engine.plans)
    assert [texts[0]] * 6 == texts
    assert n_planned <= len(LONG) + 6 * (5 + 1)
    assert {1: 128} == engine.plans[0]


async def test_second_candidate_reads_on_where_the_first_was_stopped():
    """Waiting ends with the one that was waited for, and what it has computed is not lost."""
    engine = GatedEngine()
    async with running(engine) as loop:
        first, second = Listener(loop).join(LONG), Listener(loop).join(LONG)
        assert {1: 128} == await engine.at_gate()
        loop.remove(first.seat.sequence_id)
        engine.open()

        assert 5 == len((await second.end()).tokens)
        assert {2} == set(engine.plans[1])


async def test_plan_knows_what_a_place_holds_already():
    """The same prompt again costs a token, and not a step more."""
    engine = GatedEngine()
    engine.open()
    async with running(engine) as loop:
        await Listener(loop).join(LONG).end()
        n_steps = len(engine.plans)
        await Listener(loop).join(LONG).end()

    assert {2: 1} == engine.plans[n_steps]


async def test_failed_step_is_told_to_those_in_it():
    """With its cause; the next text is written as if nothing had been."""
    async with running(FailingEngine(1)) as loop:
        first, second = Listener(loop).join([1, 2]), Listener(loop).join([3, 4])
        await first.end()
        await second.end()
        third = await Listener(loop).join([1, 2]).end()

    for failed in (first, second):
        (error,) = failed.errors
        assert isinstance(error, SequenceFailedError)
        assert isinstance(error.__cause__, RuntimeError)
        assert [] == failed.tokens
    assert ([], 5) == (third.errors, len(third.tokens))


async def test_refused_text_harms_no_other():
    """It hears the engine's own ValueError; refusals are no failures of the engine."""
    async with running(ScriptedEngine(n_vocab=300)) as loop:
        for _ in range(MAX_FAILURES + 1):
            refused = await Listener(loop).join([999]).end()
            assert isinstance(refused.errors[0], ValueError)
        assert 5 == len((await Listener(loop).join([1]).end()).tokens)


async def test_engine_that_fails_again_and_again_is_broken():
    """The loop ends and says so, after everybody in the last step was told."""
    loop = EngineLoop(FailingEngine(*range(1, MAX_FAILURES + 1)))
    task = asyncio.create_task(loop.run())
    for _ in range(MAX_FAILURES):
        failed = await Listener(loop).join([1, 2]).end()
        assert isinstance(failed.errors[0], SequenceFailedError)

    with pytest.raises(BrokenEngineError, match=r"scripted failed 5 times .*step 5 failed"):
        await task


async def test_one_good_step_clears_the_engine():
    """Failures count in a row only."""
    bad = [n for n in range(1, 4 * MAX_FAILURES) if n % MAX_FAILURES]
    async with running(FailingEngine(*bad)) as loop:
        for _ in range(3 * MAX_FAILURES):
            await Listener(loop, n_wanted=1).join([1, 2]).end()
        assert 1 == len((await Listener(loop, n_wanted=1).join([1]).end()).tokens or [0])


async def test_listener_that_raises_ends_its_own_text_only():
    """Such as a token that nobody can decode."""
    async with running(ScriptedEngine(n_vocab=300)) as loop:
        broken, other = Listener(loop), Listener(loop)
        broken._take = lambda token: 1 / 0  # pyright: ignore[reportAttributeAccessIssue]
        broken.join([1, 2])
        other.join([3, 4])
        await broken.end()

        assert isinstance(broken.errors[0].__cause__, ZeroDivisionError)
        assert 5 == len((await other.end()).tokens)


async def test_seat_says_whether_a_text_had_company():
    """In any of its steps, or by way of what others had computed of its prompt."""
    async with running(RoundingEngine()) as loop:
        by_itself = await Listener(loop).join(LONG).end()
        again = await Listener(loop).join(LONG).end()
        short = Listener(loop, n_wanted=1).join([250, 251])
        beside = Listener(loop).join([260, 261])
        await short.end()
        await beside.end()

    assert by_itself.seat.is_alone
    assert not again.seat.is_alone  # its prompt was not computed again
    assert not short.seat.is_alone
    assert not beside.seat.is_alone
