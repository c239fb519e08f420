"""The work on an X-ray: what is scored and posted, how it ends; with a scripted engine."""

import asyncio
import io
import random
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from bot.core.jobs import Job, JobKind, JobState
from bot.core.markdown import unescape
from bot.core.xray import MAX_XRAY_TOKENS
from bot.core.xray_texts import XrayText
from bot.engine.api import Engine
from bot.engine.scripted import ScriptedEngine
from bot.errors import QueueDownError
from bot.jobqueue.api import Claim, Verdict
from bot.model.tokenizers.word_piece import WordPieceTokenizer
from bot.state.memory_xray_texts import MemoryXrayTexts
from bot.worker import xray_work
from bot.worker.engine_loop import EngineLoop
from bot.worker.generation import End
from bot.worker.reply_writer import ReplyWriter
from bot.worker.tools import Tools
from bot.worker.work import Assignment, RefusedByEngineError, WritingFailedError
from bot.worker.xray_making import read, show
from bot.worker.xray_work import XrayWork
from tests.factories import make_job
from tests.unit.worker.test_engine_loop import running
from tests.unit.worker.workshop import MODEL, MemoryReplies, byte_tokenizer

TEXT = "Once upon a time there was a fox, 🦊, who could count to a hundred and no further."
END = 256


class FlakyStore(MemoryXrayTexts):
    """Refuses the first saves."""

    def __init__(self, n_refused: int = 0) -> None:
        super().__init__(clock=lambda: 1_000.0, keep_days=30)
        self.n_refused = n_refused

    async def save(self, text: XrayText) -> None:
        if self.n_refused:
            self.n_refused -= 1
            raise QueueDownError("The queue can't be reached.")
        await super().save(text)


@dataclass
class Bench:
    """What an X-ray is made with, and what came of it."""

    loop: EngineLoop
    replies: MemoryReplies = field(default_factory=MemoryReplies)
    store: FlakyStore = field(default_factory=FlakyStore)
    freed: list[int] = field(default_factory=list[int])
    hidden: str = ""
    model: Any = MODEL
    tokenizer: Any = field(default_factory=byte_tokenizer)

    def work(self, text: str = TEXT, **changes: object) -> XrayWork:
        job = make_job("7", kind=JobKind.XRAY, prompt=text, **changes)
        return XrayWork(self._assignment(job))

    def _assignment(self, job: Job) -> Assignment:
        async def mask_of(_job: Job) -> Callable[[str], str]:
            word = self.hidden
            return lambda text: text.replace(word, "▮" * len(word)) if word else text

        async def persist(call: Callable[[], Any], /) -> Any:
            while True:
                try:
                    return await call()
                except QueueDownError:
                    await asyncio.sleep(0)

        tools: Any = {
            "worker_id": "w", "queue": None, "engine": self.loop, "tokenizer": self.tokenizer,
            "model": self.model, "replies": self.replies, "ledger": None, "mask_of": mask_of,
            "xray_texts": self.store, "stories": None, "sessions": None,
            "put_back": None, "clock": lambda: 1_000.0,
            "rng": random.Random(1), "edit_interval_s": 0.01,
            "outputs": None, "receipt_keys": (), "channels": None,
        }  # fmt: skip
        writer = ReplyWriter(
            job, self.replies, clock=lambda: 1_000.0, rng=random.Random(1), edit_interval_s=0.01
        )
        return Assignment(
            claim=Claim(job=job, attempt=1, verdict=Verdict.RUN, sent_parts=0, sending_part=None),
            tools=Tools(**tools),
            writer=writer,
            free_places=self.freed.append,
            may_have_lost_lease=lambda: False,
            persist=persist,  # pyright: ignore[reportArgumentType]
        )

    @property
    def as_text(self) -> str:
        """What the button gives."""
        _, kept = self.store._kept["7"]
        return unescape("".join(kept.parts))


@asynccontextmanager
async def bench(engine: Engine | None = None, **options: Any) -> AsyncIterator[Bench]:
    """A bench around an engine at work."""
    async with running(engine or ScriptedEngine(n_vocab=257)) as loop:
        yield Bench(loop, **options)


class TellingEngine(ScriptedEngine):
    """Finds each letter of the text likely but the foxes' bytes; notes what it was given."""

    def __init__(self, text: bytes = TEXT.encode(), **options: Any) -> None:
        expected = [END, *text]
        super().__init__(
            n_vocab=257, rule=lambda seen: (*expected, END)[min(len(seen), len(text))], **options
        )
        self.given: list[list[int]] = []

    def logits(self, tokens: Sequence[int]) -> Iterator[npt.NDArray[np.float32]]:
        self.given.append(list(tokens))
        yield from super().logits(tokens)


async def test_picture_is_posted_with_words_and_a_button():
    """One edit: content, PNG with its description, and the button that finds the text."""
    async with bench() as table:
        state = await table.work(notes=("80 % of your limit is used",)).run()

    [posted] = table.replies.edits
    message = posted.message
    assert message.picture is not None
    picture = Image.open(io.BytesIO(message.picture.png))
    assert (JobState.DONE, 1080, "xray.png") == (state, picture.width, message.picture.name)
    assert "To tape q8_0, this text has a perplexity of" in message.picture.description
    assert message.content.endswith("not who wrote it. · 80 % of your limit is used")
    [row] = message.components
    assert "bardling:xraytext:7" == row["components"][0]["custom_id"]
    assert "Once" in table.as_text
    assert [1] == table.freed


async def test_numbers_are_those_of_the_model():
    """A text that the model expects has a perplexity of 1; the first token is scored as well."""
    engine = TellingEngine()
    async with bench(engine) as table:
        work = table.work()
        await work.run()

    assert [[END, *TEXT.encode()[:-1]]] == engine.given
    assert (len(TEXT.encode()), 0) == (work.n_prompt_tokens, work.n_tokens)
    assert "perplexity of 1.00" in table.replies.last.content
    assert "top 10: 100%" in table.as_text


async def test_surprise_is_found_where_it_is():
    """With the token that the model expected there."""
    engine = TellingEngine(TEXT.replace("count", "mount").encode())
    async with bench(engine) as table:
        await table.work().run()

    assert "[c] (" in table.as_text
    assert "expected: “m” 100%" in table.as_text


async def test_few_tokens_are_said_to_tell_little():
    """Whatever the numbers are."""
    async with bench() as table:
        await table.work("A fox.").run()

    assert "can't tell much" in table.replies.last.content


async def test_long_text_is_looked_at_up_to_a_bound():
    """The rest is said to be left out; no character is cut through."""
    text = "é" * MAX_XRAY_TOKENS
    async with bench(ScriptedEngine(n_vocab=257, n_ctx=1024)) as table:
        work = table.work("a" + text)
        await work.run()

    assert MAX_XRAY_TOKENS - 1 == work.n_prompt_tokens
    left = 1 + MAX_XRAY_TOKENS - (1 + (MAX_XRAY_TOKENS - 1) // 2)
    assert f"The last {left:,} characters" in table.replies.last.content


async def test_words_that_a_server_hides_are_hidden():
    """In the full text and what is expected; the picture is drawn of the same report."""
    async with bench(hidden="fox") as table:
        await table.work().run()

    assert "fox" not in table.as_text
    assert table.as_text.count("▮") >= 3


async def test_text_with_nothing_before_it_needs_two_tokens():
    """Where a model has no end of text to begin with."""
    model = replace(MODEL, end_of_text_id=None)
    async with bench(model=model) as table:
        assert JobState.FAILED is await table.work("a").run()
        assert "too little text" in table.replies.last.content
        assert JobState.DONE is await table.work("ab").run()


async def test_stop_ends_the_scoring():
    """Its place is free at once, and the asker is told; so it is where it came first."""
    async with bench(ScriptedEngine(n_vocab=257, step_delay_s=0.1)) as table:
        work = table.work(TEXT * 20)
        task = asyncio.create_task(work.run())
        await asyncio.sleep(0.15)
        work.stop(End.STOPPED)
        assert JobState.STOPPED is await task
        assert "Stopped" in table.replies.last.content
        work.leave_engine()
        assert [1] == table.freed

        late = table.work()
        late.stop(End.DEADLINE)
        assert JobState.STOPPED is await late.run()
        assert "took too long" in table.replies.last.content
        async with asyncio.timeout(5):
            await table.loop.wait_idle()


async def test_slow_text_is_said_to_be_under_way(monkeypatch: pytest.MonkeyPatch):
    """With a button to stop it."""
    monkeypatch.setattr("bot.worker.xray_work._QUIET_S", 0.05)
    async with bench(ScriptedEngine(n_vocab=257, step_delay_s=0.1)) as table:
        await table.work(TEXT * 5).run()

    first, last = (one.message for one in table.replies.edits)
    assert "bardling:stop:7" == first.components[0]["components"][0]["custom_id"]
    assert last.picture is not None


async def test_failures_of_the_engine_are_told_apart():
    """Those that another attempt may not have, and those that it would."""
    async with bench(ScriptedEngine(n_vocab=257, fail_at_step=1)) as table:
        with pytest.raises(WritingFailedError):
            await table.work().run()
    async with bench(ScriptedEngine(n_vocab=50)) as table:
        with pytest.raises(RefusedByEngineError):
            await table.work().run()
    assert [] == table.replies.edits


async def test_cancelled_run_leaves_the_engine():
    """As when a worker gives its jobs back."""
    async with bench(ScriptedEngine(n_vocab=257, step_delay_s=0.05)) as table:
        task = asyncio.create_task(table.work(TEXT * 20).run())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(5):
            await table.loop.wait_idle()


async def test_text_that_can_not_be_kept_at_once_is_kept_later():
    """The picture does not wait for it."""
    async with bench(store=FlakyStore(n_refused=3)) as table:
        await table.work().run()

    assert 1 == len(table.replies.edits)
    assert "Once" in table.as_text


async def test_event_loop_goes_on_while_the_picture_is_drawn(monkeypatch: pytest.MonkeyPatch):
    """It is drawn in a thread, and so is the text cut into tokens."""
    threads: dict[str, int] = {}

    def noting(name: str, do: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any, **kwargs: Any) -> Any:
            threads[name] = threading.get_ident()
            return do(*args, **kwargs)

        return noted

    monkeypatch.setattr(xray_work, "read", noting("read", read))
    monkeypatch.setattr(xray_work, "show", noting("show", show))
    async with bench() as table:
        await table.work(TEXT * 4).run()

    assert {"read", "show"} == set(threads)
    assert threading.get_ident() not in threads.values()


def test_pieces_of_words_are_shown_as_the_tokenizer_spells_them():
    """WordPiece changes case and spaces, so that its tokens are not the text's own bytes."""
    tokenizer = WordPieceTokenizer(["[UNK]", "[SEP]", "the", "fox", "##es", "!"])
    reading = read("The   FOXES!", tokenizer)

    assert [b"the", b" fox", b"es", b"!"] == reading.pieces
    assert 0 == reading.n_left_out
