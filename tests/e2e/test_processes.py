"""Starting, ending and listening: what a host sees of the processes."""

import asyncio
import random
from pathlib import Path

import psutil
import pytest

from bot.local.faults import Fault, FaultKind
from tests.e2e.stack import Process, Stack

SMALL = Path(__file__).parents[2] / "bot" / "model" / "small" / "bardling-small.q8_0.gguf"


async def exit_of(process: Process) -> tuple[int, str]:
    """Exit code and output of a process that ends by itself."""
    async with asyncio.timeout(60):
        code = await process.process.wait()
    return code, process.log()


def broken_model(kind: str, folder: Path) -> Path:
    """A model file that must be refused."""
    path = folder / f"{kind}.gguf"
    whole = SMALL.read_bytes()
    match kind:
        case "missing":
            return path
        case "empty":
            data = b""
        case "truncated":
            data = whole[: len(whole) // 2]
        case "random":
            data = random.Random(1).randbytes(4096)
        case "html":
            data = b"<!doctype html><title>404</title>"
        case _:
            data = whole.replace(b"gpt2", b"llam")
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("engine", ["ctransformers", "auto"])
@pytest.mark.parametrize(
    "kind", ["missing", "empty", "truncated", "random", "html", "other-architecture"]
)
async def test_bad_model_file_ends_the_worker_with_a_sentence(
    stack: Stack, tmp_path: Path, kind: str, engine: str
):
    """Which file and why, exit code 78, no traceback, no signal."""
    path = broken_model(kind, tmp_path)

    code, output = await exit_of(
        await stack.start("worker", "--model", str(path), "--engine", engine)
    )

    assert 78 == code, output
    assert str(path) in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("command", "environment", "code", "named"),
    [
        ("run", {"DISCORD_TOKEN": ""}, 78, "DISCORD_TOKEN"),
        ("run", {"DISCORD_TOKEN": "wrong"}, 78, "DISCORD_TOKEN"),
        ("run", {"DISCORD_API_URL": "http://127.0.0.1:9/api/v10"}, 69, "127.0.0.1:9"),
        ("run", {"REDIS_URL": "redis://127.0.0.1:9"}, 69, "127.0.0.1:9"),
        ("worker", {"REDIS_URL": "redis://127.0.0.1:9"}, 69, "127.0.0.1:9"),
        ("worker", {"BARDLING_ENGINE": "warp"}, 78, "BARDLING_ENGINE"),
        ("worker", {"BARDLING_MODEL": "nosuch"}, 78, "nosuch"),
    ],
)
async def test_wrong_start_is_one_sentence_and_an_exit_code(
    stack: Stack, command: str, environment: dict[str, str], code: int, named: str
):
    """78 for a wrong setting, 69 for a service that can't be reached."""
    result, output = await exit_of(await stack.start(command, environment=environment))

    assert code == result, output
    assert named in output
    assert "Traceback" not in output


async def test_nothing_listens(stack: Stack):
    """Bot and worker open no port at all; the local Discord is on 127.0.0.1 alone."""
    bot = await stack.start_bot()
    worker = await stack.start_worker()

    for process in (bot, worker):
        listening = [
            connection
            for connection in psutil.Process(process.pid).net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert [] == listening
    ours = [
        connection.laddr.ip
        for connection in psutil.Process().net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert {"127.0.0.1"} == set(ours)


async def test_commands_are_registered_only_when_they_changed(stack: Stack):
    """A restart registers nothing: Discord allows 200 new commands a day."""
    bot = await stack.start_bot()
    assert 0 == await bot.terminate()
    again = await stack.start_bot()

    assert "commands unchanged" in again.log()
    assert 1 == len(stack.local.recorder.matching("PUT", "/commands"))


async def test_sigterm_lets_a_running_text_end(stack: Stack):
    """A worker asked to end finishes what it writes, takes nothing new, and exits with 0."""
    await stack.start_bot()
    worker = await stack.start_worker()
    interaction = await stack.complete("Once upon a time", length=200, seed=5)
    await stack.growing(interaction)

    code = await worker.terminate()

    assert 0 == code
    assert "seed 5" in (await stack.final(interaction, timeout_s=1))["content"]


async def test_sigterm_hands_a_long_text_to_another_worker(stack: Stack):
    """What can't end in the time to drain is given back at once, not after a lease."""
    await stack.start_bot()
    worker = await stack.start_worker(BARDLING_DRAIN_S="0")
    fault = Fault(kind=FaultKind.NEVER, method="PATCH", path="/webhooks/*/messages/@original")
    stack.local.faults.add(fault)  # so that the text surely isn't finished yet
    interaction = await stack.complete("Once upon a time", length=500, seed=5)
    await stack.local.wait_for(lambda: len(stack.local.faults) == 0, 20)
    assert 0 == await worker.terminate()

    second = await stack.start_worker()
    final = await stack.final(interaction)

    assert "seed 5" in final["content"]
    await second.wait_log('"attempt": 1', 10)


async def test_logs_hold_ids_and_no_text(stack: Stack):
    """Each line about a job has its id and its server; nobody's words are in the log."""
    bot = await stack.start_bot()
    worker = await stack.start_worker()

    interaction = await stack.complete("A very secret sentence", length=10)
    await stack.final(interaction)
    await worker.wait_log("job finished")

    for log in (bot.log(), worker.log()):
        assert str(interaction.id) in log
        assert str(stack.local.guild_id) in log
        assert "secret sentence" not in log
