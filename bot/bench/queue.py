"""`bardling bench queue`: our queue beside a bare Redis stream, in the same run on the same server.

Called by `__main__`. Measures and prints; uses pools of its own and deletes what it made.
"""

import asyncio
import itertools
import json
import secrets
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from redis.asyncio import Redis

from bot.bench.queue_depth import DEEP, NO_BOUNDS, SHALLOW, Depth, measure_depths, report_depths
from bot.core.jobs import JOB_LIFETIME_S, Job, JobState, ReplyTarget
from bot.core.sampling import SamplingParams
from bot.errors import UnreachableError
from bot.jobqueue.connect import open_queue
from bot.jobqueue.redis_queue import RedisQueue
from bot.storage.connect import open_client
from bot.storage.embedded_server import open_redis_server

_ROUNDS = 5
_PRODUCERS = 4
_WORKERS = 4
_TENANTS = 20
_IN_FLIGHT = 100  # jobs put and not ended
_BATCH = 4  # jobs a worker takes at once
_TAKE_WAIT_S = 0.05
_SOCKET_TIMEOUT_S = 5.0
_PACE_S = 0.01  # between two puts while latency is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one way of queueing did.

    Attributes:
        jobs_per_s: put, taken and ended, as fast as they go; median of the rounds.
        spread: slowest and fastest round.
        wait_p50_ms: from before the put to in a worker's hands, at a calm pace; median.
        wait_p99_ms: the same, 99th percentile.
    """

    jobs_per_s: float
    spread: tuple[float, float]
    wait_p50_ms: float
    wait_p99_ms: float


class _Engine(Protocol):
    """A way to get jobs from producers to workers, each to one of them."""

    async def put(self, job: Job) -> None: ...

    async def take(self, worker: str) -> list[tuple[str, Any]]: ...

    async def end(self, worker: str, taken: tuple[str, Any]) -> None: ...


class _FairQueue:
    """Bardling's queue: fair between tenants, leases, place in line, admission."""

    def __init__(self, queue: RedisQueue) -> None:
        self._queue = queue

    async def put(self, job: Job) -> None:
        await self._queue.put(job)

    async def take(self, worker: str) -> list[tuple[str, Any]]:
        claims = await self._queue.claim(worker, _BATCH, _TAKE_WAIT_S)
        return [(claim.job.id, claim.attempt) for claim in claims]

    async def end(self, worker: str, taken: tuple[str, Any]) -> None:
        await self._queue.finish(worker, *taken, JobState.DONE, 40)


class _BareStream:
    """XADD, XREADGROUP, XACK and XDEL: the least that delivers each job once."""

    def __init__(self, client: Redis, stream: str) -> None:
        self._client = client
        self._stream = stream

    async def put(self, job: Job) -> None:
        await self._client.xadd(self._stream, {"id": job.id, "payload": job.to_json()})

    async def take(self, worker: str) -> list[tuple[str, Any]]:
        # Answers by stream, as a list of pairs or as a dict, depending on the protocol.
        reply = cast(
            "Any",
            await self._client.xreadgroup(
                "g", worker, {self._stream: ">"}, _BATCH, block=round(_TAKE_WAIT_S * 1000)
            ),
        )
        by_stream = dict(cast("Any", reply or {}))
        entries = itertools.chain.from_iterable(by_stream.values())
        return [(entry[1]["id"], entry[0]) for entry in entries]

    async def end(self, worker: str, taken: tuple[str, Any]) -> None:
        await self._client.xack(self._stream, "g", taken[1])
        await self._client.xdel(self._stream, taken[1])


async def main(
    redis_url: str | None,
    json_out: Path | None,
    seconds: float = 20.0,
    depths: tuple[int, ...] = (SHALLOW, DEEP),
) -> int:
    """Runs the comparison and prints it.

    Args:
        redis_url: the server to use; one of our own where not given.
        json_out: where the figures go as JSON, or None.
        seconds: how long to compare, about.
        depths: jobs that wait while single calls are measured.
    """
    async with AsyncExitStack() as stack:
        url = redis_url or await stack.enter_async_context(_own_server())
        client = await stack.enter_async_context(open_client(url, _SOCKET_TIMEOUT_S))
        if not isinstance(client, Redis):
            raise UnreachableError("The queue is measured on one node; give its redis:// address.")
        name = f"bench-{secrets.token_hex(4)}"
        queue = await stack.enter_async_context(open_queue(url, pool=name, limits=NO_BOUNDS))
        server = await _describe_server(client)
        stream = f"{{{name}}}:bare"
        await client.xgroup_create(stream, "g", mkstream=True)
        try:
            engines = {"bardling": _FairQueue(queue), "bare stream": _BareStream(client, stream)}
            figures = await _compare(engines, seconds)
            by_depth = await measure_depths(url, client, pool=name, new_job=_new_job, depths=depths)
        finally:
            await _delete(client, f"{{{name}*")
    _report(server, figures)
    report_depths(by_depth)
    if json_out is not None:
        _write_json(json_out, server, figures, by_depth)
    return 0


@asynccontextmanager
async def _own_server() -> AsyncGenerator[str]:
    with tempfile.TemporaryDirectory(prefix="bardling-bench-") as folder:
        async with open_redis_server(Path(folder)) as url:
            yield url


async def _compare(engines: Mapping[str, _Engine], seconds: float) -> dict[str, Figures]:
    """Round after round, each engine in turn: what disturbs the machine disturbs all alike."""
    phase_s = seconds / (_ROUNDS * len(engines) * 2)
    rates: dict[str, list[float]] = {name: [] for name in engines}
    waits_ms: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(_ROUNDS):
        for name, engine in engines.items():
            rates[name].append(await _burst(engine, phase_s))
            waits_ms[name] += await _calm(engine, phase_s)
    return {
        name: Figures(
            jobs_per_s=statistics.median(rates[name]),
            spread=(min(rates[name]), max(rates[name])),
            wait_p50_ms=statistics.median(waits_ms[name]),
            wait_p99_ms=statistics.quantiles(waits_ms[name], n=100)[98],
        )
        for name in engines
    }


async def _burst(engine: _Engine, duration_s: float) -> float:
    """Jobs per second from producers that put as fast as they can, until the last job's end."""
    started_s = time.perf_counter()
    n_put = n_ended = 0
    producing = _PRODUCERS
    room = asyncio.Semaphore(_IN_FLIGHT)

    async def produce() -> None:
        nonlocal n_put, producing
        while time.perf_counter() < started_s + duration_s:
            await room.acquire()
            await engine.put(_new_job())
            n_put += 1
        producing -= 1

    async def work(worker: str) -> None:
        nonlocal n_ended
        while producing or n_ended < n_put:
            for taken in await engine.take(worker):
                await engine.end(worker, taken)
                n_ended += 1
                room.release()

    async with asyncio.TaskGroup() as tasks:
        for n in range(_WORKERS):
            tasks.create_task(work(f"w{n}"))
        for _ in range(_PRODUCERS):
            tasks.create_task(produce())
    return n_ended / (time.perf_counter() - started_s)


async def _calm(engine: _Engine, duration_s: float) -> list[float]:
    """Milliseconds from put to a worker's hands, while workers are idle and jobs are few."""
    put_at_s: dict[str, float] = {}
    waits_ms: list[float] = []
    producing = True

    async def work(worker: str) -> None:
        while producing or len(waits_ms) < len(put_at_s):
            for taken in await engine.take(worker):
                waits_ms.append((time.perf_counter() - put_at_s[taken[0]]) * 1000)
                await engine.end(worker, taken)

    async with asyncio.TaskGroup() as tasks:
        for n in range(_WORKERS):
            tasks.create_task(work(f"w{n}"))
        end_at_s = time.perf_counter() + duration_s
        while time.perf_counter() < end_at_s:
            await asyncio.sleep(_PACE_S)
            job = _new_job()
            put_at_s[job.id] = time.perf_counter()
            await engine.put(job)
        producing = False
    return waits_ms


_numbers = itertools.count(10**18)  # as long as Discord's ids


def _new_job(server: int | None = None, user: int | None = None) -> Job:
    number = next(_numbers)
    guild_id = number % _TENANTS if server is None else server
    now_s = time.time()
    return Job(
        id=str(number),
        tenant=f"g{guild_id}",
        user_id=number if user is None else 10**18 + user,
        prompt="Once upon a time there was a dragon who could not sleep. " * 2,
        max_new_tokens=60,
        sampling=SamplingParams(seed=number % 2**32),
        reply=ReplyTarget(
            application_id=10**18,
            interaction_token="t" * 200,  # of the usual length
            channel_id=10**18,
            guild_id=guild_id,
        ),
        created_at_s=now_s,
        deadline_at_s=now_s + JOB_LIFETIME_S,
        cost=90,
    )


async def _describe_server(client: Redis) -> dict[str, str]:
    info = await client.info()  # pyright: ignore[reportUnknownMemberType]  # untyped **kwargs
    config = await client.config_get("appendfsync")  # pyright: ignore[reportUnknownMemberType]
    durable = f"append-only file, fsync {config['appendfsync']}" if info["aof_enabled"] else "none"
    return {"version": str(info["redis_version"]), "persistence": durable}


async def _delete(client: Redis, pattern: str) -> None:
    scan = cast("Callable[..., AsyncIterator[str]]", client.scan_iter)  # pyright: ignore[reportUnknownMemberType]
    async for key in scan(match=pattern, count=1000):
        await client.unlink(key)


def _report(server: dict[str, str], figures: dict[str, Figures]) -> None:
    print(f"Redis {server['version']}, persistence: {server['persistence']}")
    print(f"{_PRODUCERS} producers, {_WORKERS} workers, one process; medians of {_ROUNDS} rounds")
    print(f"{'':12} {'jobs/s':>8} {'(slowest to fastest)':>22} {'wait p50 ms':>12} {'p99 ms':>8}")
    for name, one in figures.items():
        spread = f"({one.spread[0]:.0f} to {one.spread[1]:.0f})"
        print(
            f"{name:12} {one.jobs_per_s:8.0f} {spread:>22} "
            f"{one.wait_p50_ms:12.2f} {one.wait_p99_ms:8.2f}"
        )
    ours, bare = figures.values()
    print(
        f"bardling / bare: {ours.jobs_per_s / bare.jobs_per_s:.2f} of the jobs/s, "
        f"{ours.wait_p50_ms / bare.wait_p50_ms:.2f} times the wait at p50, "
        f"{ours.wait_p99_ms / bare.wait_p99_ms:.2f} at p99"
    )


def _write_json(
    path: Path, server: dict[str, str], figures: dict[str, Figures], by_depth: list[Depth]
) -> None:
    data = {
        "redis": server,
        "figures": {name: asdict(one) for name, one in figures.items()},
        "depths": [asdict(one) for one in by_depth],
    }
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
