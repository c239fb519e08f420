"""The users in config/redis-acl.conf can do all that the queue asks of Redis, and no more."""

import asyncio
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError, ResponseError

import bot
from bot.core.jobs import JobState
from bot.errors import UnreachableError
from bot.jobqueue.connect import open_queue
from bot.jobqueue.limits import QueueLimits
from bot.jobqueue.redis_queue import RedisQueue
from tests.factories import make_job
from tests.redis_deployments import running_cluster
from tests.redis_servers import (
    RedisServer,
    carried_server,
    running_server,
    server_on_path,
    valkey_server,
)

ROOT = Path(bot.__file__).parent.parent
RULES = ROOT / "config" / "redis-acl.conf"
USERS = ("bardling-bot", "bardling-worker")
PROGRAMS = {"redis": server_on_path, "redis-6.2": carried_server, "valkey-8": valkey_server}


def rules_of(user: str) -> list[str]:
    """The rules of one user, word by word."""
    (line,) = (x for x in RULES.read_text().splitlines() if x.startswith(f"user {user} "))
    return line.split()[2:]


@contextmanager
def guarded(kind: str, folder: Path) -> Iterator[tuple[RedisServer, str]]:
    """A server with the users, whose password is "pw", and its address with a place for a user."""
    text = re.sub(r"^(user \S+ on)", r"\1 >pw", RULES.read_text(), flags=re.MULTILINE)
    (folder / "users.acl").write_text(text)
    options = ["--aclfile", str(folder / "users.acl")]
    if kind == "redis-cluster":
        with running_cluster(server_on_path(), options=options, login=("bardling-admin", "pw")) as (
            cluster
        ):
            node = cluster.nodes[0]
            yield node.server, f"redis+cluster://USER:pw@127.0.0.1:{node.port}"
    else:
        with running_server(PROGRAMS[kind](), *options) as server:
            yield server, f"unix://USER:pw@{server.socket}"


@pytest.mark.parametrize("kind", [*PROGRAMS, "redis-cluster"])
async def test_queue_works_under_its_users(kind: str, tmp_path: Path):
    """Everything that the bot does as the bot, everything that a worker does as the worker."""
    limits = QueueLimits(lease_s=0.3)
    with guarded(kind, tmp_path) as (_, url):
        async with (
            open_queue(url.replace("USER", "bardling-bot"), limits=limits) as theirs,
            open_queue(url.replace("USER", "bardling-worker"), limits=limits) as worker,
        ):
            await check_bot(theirs)
            await check_worker(theirs, worker)


async def check_bot(queue: RedisQueue) -> None:
    """Puts, asks and cancels."""
    for job_id in "abcd":
        await queue.put(make_job(job_id, deadline_at_s=time.time() + 600))
    assert 4 == (await queue.load()).queued
    assert 4 == await queue.place("d")
    assert await queue.owner("a") is not None
    assert JobState.QUEUED is await queue.cancel("d")
    assert [] == await queue.dead_letters(5)


async def check_worker(bot_queue: RedisQueue, queue: RedisQueue) -> None:
    """Claims, renews, listens and ends."""
    assert [] == await queue.wait_cancelled(0.1)
    assert ["a", "b", "c"] == [claim.job.id for claim in await queue.claim("w", 3, 1)]
    assert [] == await queue.claim("w", 1, 0.1)  # it waits on the list of wake tokens
    orders = await queue.renew("w", 3, [("a", 1), ("b", 1), ("c", 1)])
    assert [] == orders.stops
    assert await queue.mark_part("w", "a", 1, 1, True)
    assert JobState.RUNNING is await bot_queue.cancel("a")
    assert ["a"] == await queue.wait_cancelled(1)
    assert await queue.finish("w", "a", 1, JobState.STOPPED, 5)
    await queue.release("w", [("b", 1)])
    assert await queue.retry("w", "c", 1)
    assert 2 == len(await queue.claim("w", 2, 0))
    await asyncio.sleep(0.4)
    assert 2 == (await queue.reap()).put_back
    await queue.leave("w")


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("kind", PROGRAMS)
def test_nothing_else_is_allowed(kind: str, user: str, tmp_path: Path):
    """Neither other commands, nor other keys, nor other channels."""
    refused = ["FLUSHALL", "CONFIG GET *", "KEYS *", "ACL WHOAMI", "SCRIPT FLUSH", "SHUTDOWN"]
    refused += ["GET other", "GET {other}:bardling", "PUBLISH other x", "CLUSTER RESET"]
    refused += ["SUBSCRIBE other", "SUBSCRIBE {other}:cancel"]
    with (
        guarded(kind, tmp_path) as (server, _),
        Redis(unix_socket_path=str(server.socket), username=user, password="pw") as client,
    ):
        for command in refused:
            with pytest.raises(NoPermissionError):
                client.execute_command(*command.split())
        with pytest.raises(ResponseError, match=r"(?i)acl failure|no permission|can't access"):
            client.eval("return redis.call('SET', 'other', 1)", 0)


@pytest.mark.parametrize("user", USERS)
def test_every_command_of_the_scripts_is_allowed(user: str):
    """A script that uses a new command names it in the rules too."""
    pattern = re.compile(r"redis\.p?call\(\s*['\"](\w+)['\"]")
    scripts = list(Path(bot.__file__).parent.rglob("*.lua"))
    used = {name.lower() for path in scripts for name in pattern.findall(path.read_text())}

    assert {"zadd", "hset", "publish"} <= used
    assert set() == used - {rule[1:] for rule in rules_of(user) if rule.startswith("+")}


async def test_file_as_it_is_lets_nobody_in(tmp_path: Path):
    """A host who forgets to choose passwords gets no open server."""
    with pytest.raises(UnreachableError, match="refused the login"):
        copy = tmp_path / "users.acl"
        copy.write_text(RULES.read_text())
        program = server_on_path()
        with running_server(program, "--aclfile", str(copy)) as server:
            async with open_queue(f"unix://bardling-admin:@{server.socket}"):
                pass
