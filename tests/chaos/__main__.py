"""`make chaos`: thousands of jobs while bot, workers and Redis are killed at random.

Everything is real but Discord, which is the local one: processes, sockets, scripts. Ends by
itself; exits with 1 where anything was lost, doubled or left over.
"""

import argparse
import asyncio
import contextlib
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.core.buttons import has_stop, stop_custom_id
from bot.local.discord_server import LocalDiscord, open_local_discord
from bot.local.handles import Member, TextChannel
from bot.local.rate_limits import RateLimit
from bot.local.states import ActionRefusedError
from tests.chaos.account import Account, Asked, draw_up
from tests.chaos.children import Child
from tests.chaos.leftovers import open_books
from tests.chaos.tokens import CEILING, used_by_job, wrong_charges
from tests.redis_servers import RedisServer, any_server, running_server

_SERVERS, _MEMBERS = 10, 4
_ASKING_AT_ONCE = 24
_LENGTHS = (3, 8, 15, 120)  # the last one is long enough to be stopped
_PROMPTS = tuple(f"Tale {n}" for n in range(20))
_CANCELLED = 0.1  # the share of jobs that somebody tries to stop
_WORKERS = 2
_PATIENCE_S = 40.0  # for one reply
_KILLS = {"worker": 0.6, "bot": 0.25, "redis": 0.15}  # what is killed how often


@dataclass
class Run:
    """One chaos run.

    Attributes:
        kills: how often what was killed.
        asked: every command that Discord took.
        unanswered: commands that met no living bot.
    """

    local: LocalDiscord
    redis: RedisServer
    bot: Child
    workers: list[Child]
    rng: random.Random
    n_jobs: int
    n_kills: int
    ends_at_s: float
    kills: Counter[str] = field(default_factory=Counter[str])
    asked: list[Asked] = field(default_factory=list[Asked])
    unanswered: int = 0

    @property
    def is_over(self) -> bool:
        return len(self.asked) >= self.n_jobs or time.monotonic() > self.ends_at_s

    async def ask(self, places: list[tuple[TextChannel, list[Member]]]) -> None:
        """A crowd member: asks, waits for the reply, asks again."""
        while not self.is_over:
            channel, members = self.rng.choice(places)
            member = self.rng.choice(members)
            prompt, length = self.rng.choice(_PROMPTS), self.rng.choice(_LENGTHS)
            if not self.local.bot_connected:
                await asyncio.sleep(0.05)
                continue
            try:
                interaction = await self.local.slash(
                    member, channel, "complete", {"prompt": prompt, "length": length}
                )
            except ActionRefusedError:
                await asyncio.sleep(0.05)
                continue
            asked = Asked(
                interaction=interaction, user_id=member.id, at_s=time.time(), prompt=prompt,
                length=length,
            )  # fmt: skip
            self.asked.append(asked)
            try:
                await interaction.first_answer(4)
            except TimeoutError:
                self.unanswered += 1
                continue
            if self.rng.random() < _CANCELLED:
                await self._stop(asked, member)
            await self._wait_for_end(asked)

    async def _stop(self, asked: Asked, member: Member) -> None:
        """Presses the button a moment after it is there, if it ever is."""
        with contextlib.suppress(ActionRefusedError, TimeoutError):
            reply = await self.local.wait_for(
                lambda: (
                    (found := asked.interaction.reply) and has_stop(found["components"]) and found
                ),
                3,
            )
            await asyncio.sleep(self.rng.uniform(0, 0.3))
            await self.local.click(member, reply, stop_custom_id(str(asked.interaction.id)))

    async def _wait_for_end(self, asked: Asked) -> None:
        """Until the reply looks finished; the account says later whether it is."""
        with contextlib.suppress(TimeoutError):
            await self.local.wait_for(lambda: _looks_finished(asked), _PATIENCE_S)

    async def kill(self) -> None:
        """Kills all the time, evenly over the jobs; `tend` starts again what was killed."""
        while not self.is_over and self.kills.total() < self.n_kills:
            await asyncio.sleep(self.rng.uniform(0.05, 0.4))
            if self.kills.total() * self.n_jobs > len(self.asked) * self.n_kills:
                continue  # ahead of its share
            [what] = self.rng.choices(list(_KILLS), list(_KILLS.values()))
            match what:
                case "worker":
                    victim = self.rng.choice(self.workers)
                case "bot":
                    victim = self.bot
                case _:
                    await self._kill_redis()
                    continue
            if not victim.is_ready:
                continue
            await asyncio.to_thread(victim.kill)
            self.kills[what] += 1

    async def _kill_redis(self) -> None:
        await asyncio.to_thread(self.redis.kill)
        self.kills["redis"] += 1
        await asyncio.sleep(self.rng.uniform(0.1, 1.0))
        await asyncio.to_thread(self.redis.start)

    async def tend(self) -> None:
        """A supervisor: what ended by itself is started again."""
        while True:
            for child in (self.bot, *self.workers):
                if not child.is_alive:
                    child.start()
            await asyncio.sleep(0.2)


def _looks_finished(asked: Asked) -> bool:
    reply = asked.interaction.reply
    if reply is None:  # taken back, or never shown
        return bool(asked.interaction.followups)
    return (
        bool(reply["content"])
        and not has_stop(reply["components"])
        and "-# " in str(reply["content"])
    )


async def main() -> int:
    """Runs, accounts, prints; the exit code."""
    options = _options()
    async with _stage(options) as run:
        started_s = time.monotonic()
        places = _fill(run.local)
        run.bot.start()
        for worker in run.workers:
            worker.start()
        await run.local.wait_ready(60)
        tending = asyncio.create_task(run.tend())
        async with asyncio.TaskGroup() as crowd:
            killing = crowd.create_task(run.kill())
            for _ in range(_ASKING_AT_ONCE):
                crowd.create_task(run.ask(places))
        await killing
        account = await _settle(run)
        tending.cancel()
        _report(run, account, time.monotonic() - started_s)
    return 1 if account.complaints else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos ARGS=…", description=__doc__)
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--limit-s", type=float, default=1800.0, help="asks no more after this")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--logs", type=Path, help="keeps the processes' logs in this folder")
    return parser.parse_args()


@asynccontextmanager
async def _stage(options: argparse.Namespace) -> AsyncIterator[Run]:
    with (
        tempfile.TemporaryDirectory(prefix="bardling-chaos-") as temporary,
        running_server(any_server()) as redis,
    ):
        folder = options.logs or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        async with open_local_discord(rate_limit=RateLimit(requests=1000, window_s=1.0)) as local:
            environment = _environment(local, redis, Path(temporary))
            bot = Child(["run"], environment, folder / "bot.log", "bot ready")
            arguments = ["worker", "--engine", "scripted", "--slots", "6"]
            workers = [
                Child(arguments, environment, folder / f"worker-{n}.log", "worker ready")
                for n in range(_WORKERS)
            ]
            run = Run(
                local, redis, bot, workers, random.Random(options.seed), options.jobs,
                options.kills, time.monotonic() + options.limit_s,
            )  # fmt: skip
            try:
                yield run
            finally:
                for child in (bot, *workers):
                    await asyncio.to_thread(child.stop)


def _environment(local: LocalDiscord, redis: RedisServer, folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "REDIS_URL": redis.url,
        "BARDLING_HOME": str(folder / "home"),
        "BARDLING_LOG": "json",
        "BARDLING_LEASE_S": "2",
        # Limits must not be what ends the crowd's jobs, but they must count.
        "BARDLING_LIMITS_MEMBER_REQUESTS_PER_MINUTE": "1000",
        "BARDLING_LIMITS_CEILING_MEMBER_TOKENS_PER_DAY": str(CEILING),
        **local.environment,
    }


def _fill(local: LocalDiscord) -> list[tuple[TextChannel, list[Member]]]:
    """Servers with members, each with a channel."""
    places: list[tuple[TextChannel, list[Member]]] = []
    for number in range(_SERVERS):
        owner = local.add_member(f"owner{number}")
        guild_id = local.add_guild(f"Server {number}", owner)
        channel = local.add_channel("general", guild_id=guild_id)
        members = [local.add_member(f"m{number}-{n}", guild_id) for n in range(_MEMBERS)]
        places.append((channel, members))
    return places


async def _settle(run: Run) -> Account:
    """Once all is quiet and everybody lives: what became of each job, and what is left over."""
    async with open_books(run.redis.url) as books:
        states = await books.wait_until_over([str(one.interaction.id) for one in run.asked])
        await asyncio.sleep(3)  # the last edits are on their way
        account = draw_up(run.asked, states)
        account.complaints += await books.leftovers()
        used = used_by_job([worker.log for worker in run.workers])
        account.complaints += await wrong_charges(books.limits, run.asked, states, used)
    return account


def _report(run: Run, account: Account, took_s: float) -> None:
    write = sys.stdout.write
    write(f"{len(run.asked)} commands in {took_s:.0f} s, {run.unanswered} met no living bot\n")
    kills = ", ".join(f"{what} {n}" for what, n in sorted(run.kills.items()))
    write(f"killed {run.kills.total()} times: {kills}\n\n")
    write(f"{'end':16} {'jobs':>6}\n")
    for end, n in sorted(account.ends.items()):
        write(f"{end:16} {n:6}\n")
    write(f"\n{len(account.complaints)} complaints\n")
    for complaint in account.complaints[:50]:
        write(f"  {complaint}\n")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
