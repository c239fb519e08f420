"""Bot, workers and Redis as real processes around a local Discord, as production runs them."""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from bot.core.buttons import has_stop
from bot.core.replies import UNFINISHED_MARK
from bot.local.discord_server import LocalDiscord, open_local_discord
from bot.local.handles import Interaction, Member, TextChannel
from bot.local.rate_limits import RateLimit
from tests.redis_servers import RedisServer, any_server, running_server

READY_S = 40.0  # two cold Python processes on two busy cores
REPLY_S = 40.0
LEASE_S = 2.0  # so that a dead worker is noticed within a test's patience
STOP_S = 15.0
_Found = TypeVar("_Found")


class Process:
    """One child process of Bardling, with its log."""

    def __init__(self, process: asyncio.subprocess.Process, command: str, log: Path) -> None:
        self.process = process
        self.command = command
        self._log = log

    @property
    def pid(self) -> int:
        return self.process.pid

    def log(self) -> str:
        """What it has logged so far."""
        return self._log.read_text(errors="replace")

    async def kill(self) -> None:
        """Ends it without any warning, as a crash would."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    async def terminate(self) -> int:
        """Asks it to end, as a supervisor would; returns its exit code."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_S):
            return await self.process.wait()

    async def wait_log(self, text: str, timeout_s: float = READY_S) -> None:
        """Waits until the log holds a text; fails with the whole log when it ends before."""
        async with asyncio.timeout(timeout_s):
            while text not in self.log():
                if self.process.returncode is not None:
                    raise AssertionError(f"exit {self.process.returncode}:\n{self.log()}")
                await asyncio.sleep(0.05)


class Stack:
    """A local Discord, a Redis, and the processes a test starts around them."""

    def __init__(self, local: LocalDiscord, redis: RedisServer, folder: Path) -> None:
        self.local = local
        self.redis = redis
        self._folder = folder
        self._processes: list[Process] = []

    async def start_bot(self) -> Process:
        """A bot process, connected and with its commands registered."""
        bot = await self.start("run")
        await bot.wait_log("bot ready")
        await self.local.wait_ready(READY_S)
        return bot

    async def start_worker(self, *arguments: str, **environment: str) -> Process:
        """A worker process that is ready to claim jobs, and whose model the bot knows of."""
        worker = await self.start("worker", *arguments, environment=environment)
        await worker.wait_log("model announced")
        return worker

    async def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Process:
        """Any `bardling` command as a process, its output in a log file."""
        log = self._folder / f"{len(self._processes)}-{arguments[0]}.log"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot",
                *arguments,
                stdout=output,
                stderr=output,
                env=self._environment() | dict(environment or {}),
            )
        started = Process(process, arguments[0], log)
        self._processes.append(started)
        return started

    def running(self, command: str) -> list[Process]:
        """The processes of a `bardling` command that have not ended."""
        return [
            one
            for one in self._processes
            if one.command == command and one.process.returncode is None
        ]

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            # Compiled kernels are the same for all; compiling them anew takes each worker seconds.
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),
            "REDIS_URL": self.redis.url,
            "BARDLING_HOME": str(self._folder / "home"),
            "BARDLING_LOG": "json",
            "BARDLING_LEASE_S": str(LEASE_S),
            # Tests ask faster than members do.
            "BARDLING_LIMITS_MEMBER_REQUESTS_PER_MINUTE": "0",
            "PYTHONWARNINGS": "default",
            **self.local.environment,
        }

    async def complete(
        self,
        prompt: str,
        *,
        member: Member | None = None,
        channel: TextChannel | None = None,
        **options: Any,
    ) -> Interaction:
        """A member types `/complete`; Ada in #general unless told otherwise."""
        local = self.local
        return await local.slash(
            member or local.ada, channel or local.general, "complete", {"prompt": prompt, **options}
        )

    async def final(self, interaction: Interaction, timeout_s: float = REPLY_S) -> dict[str, Any]:
        """The finished reply of an interaction."""
        return await self.wait_for(lambda: self.finished(interaction), timeout_s, "the final reply")

    async def wait_for(
        self, condition: Callable[[], _Found], timeout_s: float, what: str = "a condition"
    ) -> _Found:
        """As the local Discord does; where it fails, all logs are told."""
        try:
            return await self.local.wait_for(condition, timeout_s, what)
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.logs()}") from error

    def finished(self, interaction: Interaction) -> dict[str, Any] | None:
        """The reply if it is finished: no Stop button any more, the label under its last part."""
        reply = interaction.reply
        if (
            reply is None
            or has_stop(reply.get("components"))
            or UNFINISHED_MARK in reply["content"]
        ):
            return None
        last = interaction.followups[-1] if interaction.followups else reply
        return reply if "\n-# " in last["content"] else None

    async def growing(self, interaction: Interaction, timeout_s: float = REPLY_S) -> dict[str, Any]:
        """The reply as soon as it shows some text and is not finished."""
        found = await self.wait_for(
            lambda: (reply := interaction.reply) and UNFINISHED_MARK in reply["content"] and reply,
            timeout_s,
            "the reply to grow",
        )
        assert isinstance(found, dict)
        return found

    def contents(self, interaction: Interaction) -> list[str]:
        """Every text the reply showed, oldest first."""
        reply_id = interaction.reply_id
        return [state.content for state in self.local.recorder.history(reply_id or 0)]

    def logs(self) -> str:
        """The end of every process's log, to read when a test fails."""
        return "\n".join(f"--- {p.pid}\n{p.log()[-3000:]}" for p in self._processes)

    async def close(self) -> None:
        """Ends every process that still runs, last one first."""
        for process in reversed(self._processes):
            if process.process.returncode is None:
                try:
                    await process.terminate()
                except TimeoutError:
                    await process.kill()


@asynccontextmanager
async def open_stack(rate_limit: RateLimit | None = None) -> AsyncIterator[Stack]:
    """A stack without any process yet; ends all that were started."""
    with (
        tempfile.TemporaryDirectory(prefix="bardling-e2e-") as folder,
        running_server(any_server()) as redis,
    ):
        async with open_local_discord(rate_limit=rate_limit) as local:
            stack = Stack(local, redis, Path(folder))
            try:
                yield stack
            finally:
                await stack.close()
