"""A worker with everything around it in memory: queue, engine, tokenizer, Discord's replies."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.core.jobs import Job, JobState, ReplyTarget
from bot.core.models import ModelInfo, ModelShape
from bot.core.replies import UNFINISHED_MARK, ReplyMessage
from bot.core.sampling import SamplingParams
from bot.engine.api import EngineInfo, Progress, Scores
from bot.errors import QueueDownError
from bot.jobqueue.api import Claim, JobQueue
from bot.jobqueue.limits import QueueLimits
from bot.jobqueue.memory_queue import MemoryQueue
from bot.jobqueue.registry import Announcer, MemoryModelRegistry
from bot.model.tokenizers.byte_pair import BytePairTokenizer
from bot.services.ledger import Ledger
from bot.state.memory_limits import MemoryLimits
from bot.state.memory_outputs import MemoryOutputs
from bot.state.memory_sessions import MemorySessions
from bot.state.memory_stories import MemoryStories
from bot.state.memory_usage import MemoryUsage
from bot.state.memory_xray_texts import MemoryXrayTexts
from bot.worker.runner import Worker
from bot.worker.tools import Mask
from tests.factories import make_job

PATIENCE_S = 10.0
LEASE_S = 0.6


def byte_tokenizer() -> BytePairTokenizer:
    """One token a byte: the 256 visible characters of GPT-2's alphabet, in order of the bytes."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in visible]
    names = {byte: chr(byte) for byte in visible}
    names |= {byte: chr(0x100 + index) for index, byte in enumerate(hidden)}
    return BytePairTokenizer([names[byte] for byte in range(256)] + ["<|endoftext|>"], [])


class TapeEngine:
    """Writes the bytes of a text that depends on the seed alone; can be made slow or broken."""

    def __init__(self, text: str = "", *, step_s: float = 0.0, sequences: int = 4) -> None:
        self._text = text
        self.step_s = step_s
        self.failures: list[Exception] = []
        self.n_alive: list[int] = []
        self._known: dict[int, list[int]] = {}
        self._computed: dict[int, int] = {}
        self._tapes: dict[int, bytes] = {}
        self.info = EngineInfo(
            name="tape", n_ctx=12_000, n_vocab=257, max_sequences=sequences,
            max_batch_tokens=64, max_chunk_tokens=32, n_threads=1,
            batch_invariant=True, kv_bytes=0,
        )  # fmt: skip

    def add(self, sequence_id: int, tokens: Sequence[int], sampling: SamplingParams) -> int:
        if tokens[:6] == tuple(b"refuse"):
            raise ValueError("not this one")
        self._known[sequence_id] = list(tokens)
        self._computed[sequence_id] = 0
        self._tapes[sequence_id] = (self._text or tale(sampling.seed)).encode()
        return 0

    def step(self, plan: Mapping[int, int]) -> list[Progress]:
        time.sleep(self.step_s)
        if self.failures:
            raise self.failures.pop()
        self.n_alive.append(len(self._known))
        return [self._advance(sequence_id, n) for sequence_id, n in plan.items()]

    def _advance(self, sequence_id: int, n: int) -> Progress:
        known, tape = self._known[sequence_id], self._tapes[sequence_id]
        self._computed[sequence_id] += n
        computed, token = self._computed[sequence_id], None
        assert computed <= len(known)
        if computed == len(known):
            token, self._tapes[sequence_id] = (tape[0], tape[1:]) if tape else (256, b"")
            known.append(token)
        return Progress(sequence_id=sequence_id, computed=computed, token=token, logprob=None)

    def abort(self) -> None:
        """Its steps are short."""

    def remove(self, sequence_id: int) -> None:
        self._known.pop(sequence_id, None)

    def score(self, tokens: Sequence[int]) -> Scores:
        raise NotImplementedError

    def close(self) -> None:
        """Nothing to give back."""


def tale(seed: int) -> str:
    """What the engine writes for a seed, for ever."""
    rng = random.Random(seed)
    return " " + " ".join(rng.choice(["fox", "owl", "ran.", "sang", "🦊"]) for _ in range(3000))


@dataclass
class Posted:
    """One message that reached the pretended Discord."""

    at_s: float
    target: ReplyTarget
    message: ReplyMessage


def is_finished(message: ReplyMessage) -> bool:
    """Whether nothing more is to come."""
    return UNFINISHED_MARK not in message.content


@dataclass
class MemoryReplies:
    """Keeps what is posted; `troubles` are raised by the next calls, one each."""

    edits: list[Posted] = field(default_factory=list[Posted])
    followups: list[Posted] = field(default_factory=list[Posted])
    troubles: list[Exception] = field(default_factory=list[Exception])
    post_troubles: list[Exception] = field(default_factory=list[Exception])

    async def edit_original(
        self, target: ReplyTarget, message: ReplyMessage, *, tries: int = 5
    ) -> None:
        await asyncio.sleep(0)
        if self.troubles:
            raise self.troubles.pop()
        self.edits.append(Posted(time.monotonic(), target, message))

    async def send_followup(
        self, target: ReplyTarget, message: ReplyMessage, *, tries: int = 5
    ) -> int:
        await asyncio.sleep(0)
        if self.post_troubles:
            raise self.post_troubles.pop()
        self.followups.append(Posted(time.monotonic(), target, message))
        return len(self.followups)

    @property
    def last(self) -> ReplyMessage:
        return self.edits[-1].message


class FlakyQueue:
    """A queue that can go away and come back."""

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue
        self.is_down = False

    def __getattr__(self, name: str) -> Callable[..., object]:
        method = getattr(self._queue, name)

        async def call(*arguments: object, **options: object) -> object:
            if self.is_down:
                await asyncio.sleep(0.01)
                raise QueueDownError("The queue can't be reached.")
            return await method(*arguments, **options)

        return call


MODEL = ModelInfo(
    name="tape", quantization="q8_0", file_format="gguf", path="tape.gguf",
    shape=ModelShape(n_vocab=257, n_ctx=12_000, n_embd=8, n_head=1, n_layer=1),
    end_of_text_id=256,
)  # fmt: skip


class Workshop:
    """Makes workers around one queue and one Discord."""

    def __init__(self) -> None:
        self.skew_s = 0.0
        self.memory = MemoryQueue(clock=self.now, limits=QueueLimits(lease_s=LEASE_S))
        self.queue = FlakyQueue(self.memory)
        self.replies = MemoryReplies()
        self.channels = None
        self.tokenizer = byte_tokenizer()
        self.limits = MemoryLimits(self.now)
        self.usage = MemoryUsage(clock=self.now)
        self.ledger = Ledger(self.limits, self.usage)
        self.outputs = MemoryOutputs(clock=self.now)
        self.xray_texts = MemoryXrayTexts(clock=self.now, keep_days=30)
        self.stories = MemoryStories(clock=self.now)
        self.sessions = MemorySessions(clock=self.now)
        self.receipt_keys = (b"a key of this test alone",)
        self.registry = MemoryModelRegistry()
        self.masked: dict[str, str] = {}  # words that servers do not want to read, and in place

    async def mask_of(self, job: Job) -> Mask:
        del job

        def mask(text: str) -> str:
            for word, shown in self.masked.items():
                text = text.replace(word, shown)
            return text

        return mask

    def now(self) -> float:
        return time.time() + self.skew_s

    async def put(
        self, job_id: str = "1", *, seed: int = 7, length: int = 40, **changes: object
    ) -> Job:
        job = make_job(
            job_id,
            sampling=SamplingParams(seed=seed),
            max_new_tokens=length,
            created_at_s=self.now(),
            **({"deadline_at_s": self.now() + 600} | changes),
        )
        await self.memory.put(job)
        return job

    def engine_seats(self) -> int:
        """Texts that the newest worker's engine has, or is about to have."""
        return len(self._newest._engine._entries)

    def worker(self, engine: TapeEngine, *, drain_s: float = 5.0, name: str = "w") -> Worker:
        self._newest = Worker(
            worker_id=name,
            queue=self.queue,
            engine=engine,
            tokenizer=self.tokenizer,
            model=MODEL,
            replies=self.replies,
            channels=self.channels,
            ledger=self.ledger,
            mask_of=self.mask_of,
            outputs=self.outputs,
            receipt_keys=self.receipt_keys,
            xray_texts=self.xray_texts,
            stories=self.stories,
            sessions=self.sessions,
            announce=Announcer(self.registry, self.memory).announce,
            drain_s=drain_s,
            lease_s=LEASE_S,
            edit_interval_s=0.1,
            clock=self.now,
            rng=random.Random(1),
        )
        return self._newest

    @asynccontextmanager
    async def running(
        self, engine: TapeEngine, *, drain_s: float = 5.0, name: str = "w"
    ) -> AsyncIterator[asyncio.Event]:
        """A worker at work; the event stops it, and so does the end of the block."""
        stop = asyncio.Event()
        task = asyncio.create_task(self.worker(engine, drain_s=drain_s, name=name).run(stop))
        try:
            yield stop
        finally:
            stop.set()
            async with asyncio.timeout(PATIENCE_S):
                await task

    async def until_settled(self) -> None:
        """Waits until no charge is open any more."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.limits.open_charges(0, 0, 1):  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0.01)

    async def until(self, condition: Callable[[], object]) -> None:
        """Waits for something to become true."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                if condition():
                    return
                await asyncio.sleep(0.01)

    async def ended(self, job_id: str = "1") -> JobState | None:
        """The state in which a job ends."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                state = await self.memory.state(job_id)
                if state not in (JobState.QUEUED, JobState.RUNNING):
                    return state
                await asyncio.sleep(0.01)

    async def claim_as(self, worker_id: str) -> Claim:
        """Takes the next job by hand."""
        return (await self.memory.claim(worker_id, 1, 0))[0]
