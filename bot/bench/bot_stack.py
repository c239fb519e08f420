"""Bot and worker as real processes around a local Discord, for `bardling bench bot`."""

import json
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.bench.bot_figures import LoopFigures
from bot.errors import StartupError
from bot.local.processes import ChildSpec, supervised
from bot.storage.embedded_server import open_redis_server

if TYPE_CHECKING:
    from bot.local.discord_server import LocalDiscord

_READY_FOR_S = 90.0
_POOL = "bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSpec:
    """How a worker is started.

    Attributes:
        engine: as for `bardling worker`.
        model: a name or a path.
        slots: texts at once; None: as a worker has by default.
        threads: processor threads; None: as a worker has by default.
    """

    engine: str
    model: str
    slots: int | None
    threads: int | None


@dataclass(frozen=True, slots=True)
class Stack:
    """A local Discord with a bot in it; workers come and go."""

    discord: "LocalDiscord"
    folder: Path
    environment: Mapping[str, str]

    @asynccontextmanager
    async def worker(self, spec: WorkerSpec, log: Path) -> AsyncGenerator[None]:
        """A worker that is ready; its log says at its end how its event loop was."""
        arguments = ["worker", "--engine", spec.engine, "--model", spec.model]
        for name, value in (("--slots", spec.slots), ("--threads", spec.threads)):
            arguments += [] if value is None else [name, str(value)]
        async with supervised(self._child("worker", arguments, log), _show):
            await self.discord.wait_for(
                lambda: _has_line(log, "model announced"), _READY_FOR_S, "the worker"
            )
            yield

    def _child(self, name: str, arguments: list[str], log: Path) -> ChildSpec:
        command = [sys.executable, "-P", "-m", "bot", *arguments]
        return ChildSpec(name=name, arguments=command, environment=self.environment, log_path=log)


@asynccontextmanager
async def open_stack(folder: Path, home: Path) -> AsyncGenerator[Stack]:
    """Redis, a local Discord and a bot that is ready.

    Args:
        folder: for logs and Redis; may be deleted afterwards.
        home: where models lie.

    Raises:
        StartupError: a part can't be started.
        TimeoutError: the bot was not ready in time.
    """
    try:
        from bot.local.discord_server import open_local_discord  # noqa: PLC0415  # an extra
    except ModuleNotFoundError as error:
        if error.name != "simcord":
            raise
        message = "This benchmark needs more packages: pip install 'bardling[try]'."
        raise StartupError(message) from error
    async with AsyncExitStack() as stack:
        redis_url = await stack.enter_async_context(open_redis_server(folder / "redis"))
        discord = await stack.enter_async_context(open_local_discord())
        made = Stack(discord, folder, _environment(discord, redis_url, home))
        bot = made._child("bot", ["run"], folder / "bot.log")  # pyright: ignore[reportPrivateUsage]
        await stack.enter_async_context(supervised(bot, _show))
        await discord.wait_ready(_READY_FOR_S)
        yield made


def loop_figures(log: Path) -> LoopFigures | None:
    """What a worker that has left wrote of its event loop."""
    for record in reversed(_records(log)):
        if record.get("event") == "worker left" and "loop_lag_p99_ms" in record:
            return LoopFigures(
                p50_ms=float(record["loop_lag_p50_ms"]),
                p99_ms=float(record["loop_lag_p99_ms"]),
                longest_ms=float(record["loop_lag_longest_ms"]),
            )
    return None


def _environment(discord: "LocalDiscord", redis_url: str, home: Path) -> dict[str, str]:
    """The outer one, pointed at the local parts, and without limits for members."""
    outer = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DISCORD_TOKEN_FILE", "REDIS_URL_FILE", "BARDLING_CONFIG")
    }
    ours = {
        "REDIS_URL": redis_url,
        "BARDLING_POOL": _POOL,
        "BARDLING_HOME": str(home),
        "BARDLING_LOG": "json",
        "BARDLING_LOG_LEVEL": "info",
        "BARDLING_DRAIN_S": "3",
        "BARDLING_LIMITS_MEMBER_REQUESTS_PER_MINUTE": "0",
        "PYTHONUNBUFFERED": "1",
    }
    return outer | ours | discord.environment


def _has_line(log: Path, event: str) -> bool:
    return any(record.get("event") == event for record in _records(log))


def _records(log: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if not log.exists():
        return found
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue  # not a log line
        if isinstance(record, dict):
            found.append(record)  # pyright: ignore[reportUnknownArgumentType]  # JSON's keys are strings
    return found


def _show(line: str) -> None:
    sys.stderr.write(line + "\n")
