"""Many texts in one worker: none waits for another's reply, and each says what it is worth."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from structlog.testing import capture_logs

from bot.core.buttons import has_stop
from bot.core.jobs import JobState, ReplyTarget
from bot.core.markdown import unescape
from bot.core.replies import ReplyMessage
from bot.core.sampling import SamplingParams
from tests.factories import make_job
from tests.unit.worker.gated_engine import GatedEngine
from tests.unit.worker.workshop import MemoryReplies, Posted, TapeEngine, Workshop, tale

STALLED = ReplyTarget(application_id=1, interaction_token="stalled", channel_id=2, guild_id=10)


class StalledReplies(MemoryReplies):
    """Answers to one interaction never come back."""

    n_stalled = 0

    async def edit_original(
        self, target: ReplyTarget, message: ReplyMessage, *, tries: int = 5
    ) -> None:
        if target == STALLED:
            self.n_stalled += 1
            await asyncio.Event().wait()
        await super().edit_original(target, message, tries=tries)


def letters(**options: object) -> GatedEngine:
    """Writes the letter a, for ever."""
    return GatedEngine(n_vocab=257, n_ctx=12_000, rule=lambda tokens: ord("a"), **options)


async def test_reply_that_never_returns_stalls_nobody(workshop: Workshop):
    """Not even where the engine has one place: its text is written, others take the place."""
    workshop.replies = replies = StalledReplies()
    await workshop.put("stalled", reply=STALLED, length=300)
    for n in range(3):
        await workshop.put(str(n), seed=n, length=50)
    engine = TapeEngine(sequences=1)

    async with workshop.running(engine, drain_s=0.1):
        for n in range(3):
            assert JobState.DONE == await workshop.ended(str(n))
        assert JobState.RUNNING == await workshop.memory.state("stalled")
        assert 1 == replies.n_stalled

    assert 300 + 3 * 50 == len(engine.n_alive)  # the stalled text, too, was written to its end
    assert JobState.QUEUED == await workshop.memory.state("stalled")  # given back by the drain


async def test_stop_is_answered_while_the_engine_computes(workshop: Workshop):
    """What exists is posted before the step ends; the next step is without it."""
    await workshop.put(length=5000)
    engine = letters()
    async with workshop.running(engine):
        await engine.at_gate()
        for _ in range(3):
            engine.let()
            await engine.at_gate()
        await workshop.memory.cancel("1")
        assert JobState.STOPPED == await workshop.ended()
        n_steps = len(engine.plans)
        await workshop.put("2", length=3)
        await workshop.until(lambda: workshop.engine_seats() == 1)
        engine.let()

        assert {2: 16} == await engine.at_gate()
        assert n_steps + 1 == len(engine.plans)
        engine.open()
        assert JobState.DONE == await workshop.ended("2")

    stopped = next(
        e.message.content for e in workshop.replies.edits if "stopped" in e.message.content
    )
    assert "**Once upon a time**aaa\n" in stopped


async def test_text_says_whether_its_seed_makes_it_again(workshop: Workshop):
    """On an engine whose rounding depends on what it computes at once; alone it always does."""
    engine = TapeEngine()
    engine.info = replace(engine.info, batch_invariant=False)
    for n in range(2):
        await workshop.put(str(n), length=30)
    with capture_logs() as logs:
        async with workshop.running(engine):
            for n in range(2):
                await workshop.ended(str(n))
            beside = [edit.message.content for edit in workshop.replies.edits]
            await workshop.put("alone", length=30)
            await workshop.ended("alone")

    assert 2 == sum("seed 7 (may differ next time)" in content for content in beside)
    assert "seed 7 · receipt" in workshop.replies.last.content
    finished = [entry for entry in logs if entry["event"] == "job finished"]
    assert [False, False, True] == [entry["reproducible"] for entry in finished]


async def test_exact_engine_promises_the_same_text_in_any_company(workshop: Workshop):
    """Nothing is said where nothing can differ."""
    for n in range(2):
        await workshop.put(str(n), length=30)
    with capture_logs() as logs:
        async with workshop.running(TapeEngine()):
            for n in range(2):
                await workshop.ended(str(n))

    assert not any("differ" in edit.message.content for edit in workshop.replies.edits)
    assert all(entry["reproducible"] for entry in logs if entry["event"] == "job finished")


async def test_pinned_text_is_read_before_the_prompt(workshop: Workshop):
    """The reply shows the prompt alone."""
    await workshop.put(length=3, pinned="Reynard is a fox.\n")
    engine = letters()
    engine.open()
    async with workshop.running(engine):
        assert JobState.DONE == await workshop.ended()

    assert len("Reynard is a fox.\nOnce upon a time") == engine.plans[0][1]
    assert workshop.replies.last.content.startswith("**Once upon a time**aaa")


async def test_label_says_what_of_a_long_prompt_was_left_out(workshop: Workshop):
    """The pinned text's end, where it alone takes more than half, and the prompt's beginning."""
    await workshop.put(prompt="word " * 100 + "end", pinned="fact " * 100, length=100)
    engine = TapeEngine()
    engine.info = replace(engine.info, n_ctx=200)
    async with workshop.running(engine):
        assert JobState.DONE == await workshop.ended()

    content = workshop.replies.last.content
    assert "the last 450 tokens of the pinned text did not fit" in content
    assert "the first 454 tokens of the prompt did not fit" in content


async def test_banned_words_reach_the_engine_as_tokens(workshop: Workshop):
    """In their usual spellings, beside tokens that were banned as such."""
    taken: list[SamplingParams] = []

    class NotingEngine(TapeEngine):
        def add(self, sequence_id: int, tokens: Sequence[int], sampling: SamplingParams) -> int:
            taken.append(sampling)
            return super().add(sequence_id, tokens, sampling)

    asked = SamplingParams(seed=7, banned_words=("ox",), banned_tokens=((5, 6),))
    await workshop.memory.put(
        make_job(sampling=asked, deadline_at_s=workshop.now() + 600, max_new_tokens=3)
    )
    async with workshop.running(NotingEngine()):
        assert JobState.DONE == await workshop.ended()

    assert {(5, 6), tuple(b"ox"), tuple(b" ox"), tuple(b"OX")} <= set(taken[0].banned_tokens)


async def test_a_hundred_replies_grow_and_end(workshop: Workshop):
    """None starves: each is edited again and again, none half as often as the others."""
    n_texts, usual_s = 100, 0.1
    for n in range(n_texts):
        await workshop.put(str(n), seed=n, length=120, prompt=f"Tale {n}", user_id=1000 + n)

    async with workshop.running(TapeEngine(step_s=0.01, sequences=n_texts)):
        for n in range(n_texts):
            assert JobState.DONE == await workshop.ended(str(n))

    edits: dict[str, list[Posted]] = {}
    for edit in workshop.replies.edits:
        edits.setdefault(edit.message.content.partition("**")[2].partition("**")[0], []).append(
            edit
        )
    assert {f"Tale {n}" for n in range(n_texts)} == edits.keys()
    n_edits = sorted(len(posted) for posted in edits.values())
    for title, posted in edits.items():
        seed = int(title.removeprefix("Tale "))
        expected = tale(seed).encode()[:120].decode(errors="ignore")
        shown = posted[-1].message.content.removeprefix(f"**{title}**").partition("\n-# ")[0]
        assert expected == unescape(shown)
        assert not has_stop(posted[-1].message.components)
        gaps = [after.at_s - before.at_s for before, after in pairwise(posted)]
        assert len(gaps) >= 4
        assert min(gaps) >= usual_s - 0.001
    assert n_edits[0] >= n_edits[n_texts // 2] / 2
