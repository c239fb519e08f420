"""The worker: claims jobs, runs each as a task, keeps their leases, obeys Stop, drains at the end.

Built and run by `app`. Holds the loops around Redis, but for dead workers' jobs (`reaping`); what
happens to one job is in `job_run`, what the engine does in `engine_loop`.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from bot.core.jobs import Job
from bot.core.models import ModelInfo
from bot.engine.api import Engine
from bot.errors import BrokenEngineError, QueueDownError
from bot.jobqueue.api import Claim, JobQueue, Orders, StopReason, WorkerCard
from bot.model.tokenizers.api import Tokenizer
from bot.services.ledger import Ledger
from bot.state.outputs_api import OutputsStore
from bot.state.sessions_api import SessionsStore
from bot.state.stories_api import StoriesStore
from bot.state.xray_texts_api import XrayTextsStore
from bot.worker.engine_loop import EngineLoop
from bot.worker.generation import End
from bot.worker.job_run import JobRun
from bot.worker.late_reply import Channels
from bot.worker.loop_lag import LoopLag
from bot.worker.reaping import Reaper
from bot.worker.reply_writer import EDIT_INTERVAL_S, Replies
from bot.worker.retry import Backoff
from bot.worker.scheduler import jobs_to_claim
from bot.worker.tools import Mask, Tools

_CLAIM_WAIT_S = 1.0  # also the longest that a drain waits for the last claim
_CANCEL_WAIT_S = 2.0
_ROOM_WAIT_S = 1.0
_LONGEST_RENEW_S = 5.0  # Stop and deadlines are heard of at least this often

_ENDS = {StopReason.CANCELLED: End.STOPPED, StopReason.DEADLINE: End.DEADLINE}

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Held:
    """A job in this worker's hands."""

    run: JobRun
    task: asyncio.Task[None]


class Worker:
    """One worker process's work.

    Args:
        worker_id: unique among all workers that ever were.
        queue: gives the jobs.
        engine: writes; used by one thread of the worker alone, closed by whoever opened it.
        tokenizer: of the model.
        model: named in every reply.
        version: of this program; announced to the queue with the model.
        replies: shows the texts.
        channels: posts texts whose interaction is over to their channels; None: nobody does.
        ledger: settles what texts have cost.
        mask_of: gives what hides words that a job's server does not want to read.
        outputs: keeps finished texts.
        xray_texts: keeps X-rays as text.
        stories: gets what is written for story games.
        sessions: gets what scored games ask for.
        receipt_keys: sign their receipts, the newest first.
        announce: says with each heartbeat that the model is served; before the first one it takes
            no job, as the queue may not know yet what the host decided.
        drain_s: what running jobs get to end once the worker is told to stop.
        lease_s: how long the queue leaves a job to a worker that is silent.
        edit_interval_s: at least so long between two edits of a reply.
        clock: Unix time in seconds.
        rng: jitter of all waits.
    """

    def __init__(  # noqa: PLR0913  # the composition root names each
        self,
        *,
        worker_id: str,
        queue: JobQueue,
        engine: Engine,
        tokenizer: Tokenizer,
        model: ModelInfo,
        replies: Replies,
        channels: Channels | None = None,
        ledger: Ledger,
        mask_of: Callable[[Job], Awaitable[Mask]],
        announce: Callable[[str], Awaitable[None]],
        outputs: OutputsStore,
        xray_texts: XrayTextsStore,
        stories: StoriesStore,
        sessions: SessionsStore,
        receipt_keys: Sequence[bytes] = (),
        version: str = "",
        drain_s: float = 20.0,
        lease_s: float,
        edit_interval_s: float = EDIT_INTERVAL_S,
        clock: Callable[[], float] = time.time,
        rng: random.Random | None = None,
    ) -> None:
        self._id = worker_id
        self._queue = queue
        self._card = WorkerCard(model=model.name, version=version)
        self._announce = announce
        self._engine = EngineLoop(engine)
        self._drain_s = drain_s
        self._lease_s = lease_s
        self._rng = rng or random.Random()
        self._held: dict[str, _Held] = {}
        self._room = asyncio.Event()
        self._is_draining = False
        self._announced = asyncio.Event()
        self._reaper = Reaper(queue, ledger, lease_s=lease_s, rng=self._rng)
        self._claiming = asyncio.Lock()  # held while a claim is under way
        self._claim_from_s = 0.0  # on the loop's clock
        self._broken: BrokenEngineError | None = None
        self._lag = LoopLag()
        self._tools = Tools(
            worker_id=worker_id,
            queue=queue,
            engine=self._engine,
            tokenizer=tokenizer,
            model=model,
            replies=replies,
            channels=channels,
            ledger=ledger,
            mask_of=mask_of,
            outputs=outputs,
            receipt_keys=receipt_keys,
            xray_texts=xray_texts,
            stories=stories,
            sessions=sessions,
            put_back=self._put_back,
            clock=clock,
            rng=self._rng,
            edit_interval_s=edit_interval_s,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set; then lets running jobs end, gives the rest back and leaves.

        Raises:
            BrokenEngineError: the engine failed too often. It has left in order; a new process
                may do better.
        """
        async with asyncio.TaskGroup() as group:
            loops = [
                group.create_task(self._engine_loop(stop), name="engine"),
                group.create_task(self._renew_loop(stop), name="renew"),
                group.create_task(self._cancel_loop(), name="cancel"),
                group.create_task(self._reaper.run(), name="reap"),
                group.create_task(self._lag.run(), name="lag"),
            ]
            claiming = group.create_task(self._claim_loop(group, stop), name="claim")
            await stop.wait()
            self._is_draining = True
            await claiming
            await self._drain()
            for loop in loops:
                loop.cancel()
        with contextlib.suppress(QueueDownError):  # its heartbeat ends by itself soon
            await self._queue.leave(self._id)
        lag = self._lag.figures()
        _log.info(
            "worker left",
            loop_lag_p50_ms=round(lag.p50_s * 1000, 1),
            loop_lag_p99_ms=round(lag.p99_s * 1000, 1),
            loop_lag_longest_ms=round(lag.longest_s * 1000, 1),
        )
        if self._broken is not None:
            raise self._broken

    async def _engine_loop(self, stop: asyncio.Event) -> None:
        """Runs the engine; where it breaks, the worker stops as if it had been told to."""
        try:
            await self._engine.run()
        except BrokenEngineError as error:
            _log.error("engine broken", failures=error.failures, reason=error.reason)
            self._broken = error
            stop.set()

    async def _put_back(self, job_id: str, attempt: int) -> bool:
        """Gives a job back that failed here, so that others get it first.

        Not while a claim of this worker is under way, and none follows for the time of one: a
        worker with a free place has it by then. Where there is none, this one tries again.
        """
        async with self._claiming:
            self._claim_from_s = asyncio.get_running_loop().time() + _CLAIM_WAIT_S
            return await self._queue.retry(self._id, job_id, attempt)

    async def _claim_loop(self, group: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        """Takes no more jobs than it can start at once; the others are better off elsewhere."""
        backoff = Backoff(self._rng)
        while not stop.is_set():
            if not self._announced.is_set():
                await _wait_at_most(self._announced, _ROOM_WAIT_S)
                continue
            runs = [held.run for held in self._held.values()]
            n_running = sum(run.n_places for run in runs)
            n = jobs_to_claim(self._engine.info, running=n_running, held=len(runs))
            if n == 0:
                self._room.clear()
                await _wait_at_most(self._room, _ROOM_WAIT_S)
                continue
            pause_s = self._claim_from_s - asyncio.get_running_loop().time()
            if pause_s > 0:
                await _wait_at_most(stop, pause_s)
                continue
            try:
                async with self._claiming:
                    asked_s = time.monotonic()
                    claims = await self._queue.claim(self._id, n, _CLAIM_WAIT_S)
            except QueueDownError as error:
                _log.warning("queue away", doing="claim", reason=str(error))
                await backoff.wait()
                continue
            backoff.reset()
            for claim in claims:
                self._start(claim, asked_s + self._lease_s, group)

    def _start(self, claim: Claim, lease_until_s: float, group: asyncio.TaskGroup) -> None:
        job_id = claim.job.id
        if earlier := self._held.get(job_id):
            # Its lease ran out while the queue was away, and it came back to this very worker.
            earlier.task.cancel()
        run = JobRun(claim, self._tools, on_room=self._room.set, lease_until_s=lease_until_s)
        held = _Held(run, group.create_task(run.run(), name=f"job {job_id}"))
        self._held[job_id] = held
        held.task.add_done_callback(lambda _task: self._forget(job_id, held))

    def _forget(self, job_id: str, held: _Held) -> None:
        if self._held.get(job_id) is held:
            del self._held[job_id]
        self._room.set()

    async def _renew_loop(self, stop: asyncio.Event) -> None:
        """The heartbeat, and the reliable way to hear of Stop and of the order to leave."""
        while True:
            runs = {job_id: held.run for job_id, held in self._held.items()}
            orders = await self._heartbeat(runs)
            for run in runs.values():
                run.stop_if_late()
            for order in orders.stops:
                held = self._held.get(order.job_id)
                if held is not None and held.run is runs[order.job_id]:
                    self._obey(held, order.reason)
            if orders.drain and not stop.is_set():
                _log.info("worker told to leave")
                stop.set()
            pause_s = min(self._lease_s / 3, _LONGEST_RENEW_S)
            await asyncio.sleep(pause_s * self._rng.uniform(0.8, 1.0))

    async def _heartbeat(self, runs: Mapping[str, JobRun]) -> Orders:
        """Renews the leases of jobs, and says that the model is served."""
        attempts = [(job_id, run.claim.attempt) for job_id, run in runs.items()]
        n_slots = 0 if self._is_draining else self._engine.info.max_sequences
        asked_s = time.monotonic()
        orders = Orders(stops=[], drain=False)
        try:
            orders = await self._queue.renew(self._id, n_slots, attempts, self._card)
            for run in runs.values():
                run.lease_until_s = asked_s + self._lease_s
            if not self._is_draining:
                await self._announce_model()
        except QueueDownError as error:
            # The text goes on: whether the lease still holds, the queue says once it is back.
            _log.warning("queue away", doing="renew", reason=str(error))
            self._reaper.hold_off()
        return orders

    async def _announce_model(self) -> None:
        await self._announce(self._card.model)
        if not self._announced.is_set():
            self._announced.set()
            _log.info("model announced", model=self._card.model)

    async def _cancel_loop(self) -> None:
        """The quick way to hear of Stop."""
        backoff = Backoff(self._rng)
        while True:
            try:
                job_ids = await self._queue.wait_cancelled(_CANCEL_WAIT_S)
            except QueueDownError:
                await backoff.wait()
                continue
            backoff.reset()
            for job_id in job_ids:
                if held := self._held.get(job_id):
                    self._obey(held, StopReason.CANCELLED)

    def _obey(self, held: _Held, reason: StopReason) -> None:
        if reason in _ENDS:
            held.run.stop(_ENDS[reason])
        elif not held.run.is_finishing:
            _log.info("job dropped", job_id=held.run.claim.job.id, reason="the lease was lost")
            held.task.cancel()

    async def _drain(self) -> None:
        """Lets running jobs end for a while, then gives the rest back unharmed.

        Where the engine is broken, at once those that are not written yet: nobody writes them.
        """
        _log.info("worker drains", jobs=len(self._held))
        if self._broken is not None:
            await self._give_back([held for held in self._held.values() if held.run.n_places])
        if tasks := [held.task for held in self._held.values()]:
            await asyncio.wait(tasks, timeout=self._drain_s)
        await self._give_back(list(self._held.values()))

    async def _give_back(self, left: list[_Held]) -> None:
        """Ends the runs of jobs and puts those back; the attempts do not count."""
        if not left:
            return
        for held in left:
            held.task.cancel()
        await asyncio.wait([held.task for held in left])
        jobs = [(held.run.claim.job.id, held.run.claim.attempt) for held in left]
        try:
            await self._queue.release(self._id, jobs)
        except QueueDownError as error:
            # Their leases run out, and another worker takes them all the same.
            _log.warning("queue away", doing="release", reason=str(error))
        _log.info("jobs given back", count=len(jobs))


async def _wait_at_most(event: asyncio.Event, timeout_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await event.wait()
