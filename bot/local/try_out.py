"""`bardling try`: Redis, a local Discord, the bot and a worker, all on this machine.

Called by `__main__`. Starts everything, waits, and ends all of it in reverse order; what the
parts do is theirs.
"""

import asyncio
import logging
import os
import signal
import sys
import tempfile
import webbrowser
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bot.errors import BardlingError, QueueDownError, StartupError, UnreachableError
from bot.jobqueue.connect import QueueStore, open_queues
from bot.local.final_reply import is_final, messages_of, plain_text, refusal
from bot.local.processes import ChildSpec, end_task, supervised
from bot.storage.embedded_server import open_redis_server

if TYPE_CHECKING:
    from bot.local.discord_server import LocalDiscord

_READY_FOR_S = 60.0
_ONCE_FOR_S = 120.0
_POOL = "try"
# Whoever tries things out is alone: nobody has to be kept from asking too much.
_DEFAULTS = {"BARDLING_DRAIN_S": "3", "BARDLING_LIMITS_MEMBER_REQUESTS_PER_MINUTE": "0"}
_INTERRUPTED = 130
_Result = TypeVar("_Result")


class _InterruptedError(Exception):
    """Somebody pressed Ctrl-C, or asked this process to end."""


async def run_try(
    *,
    port: int,
    open_browser: bool,
    once: str | None,
    home: Path,
    faults: Sequence[str] = (),
) -> int:
    """Runs the try-out until it is interrupted, or for one text; returns the exit code.

    Args:
        port: of the page; 0 takes a free one.
        open_browser: whether to open the page, where there is a display.
        once: a text to complete and print, instead of a page.
        home: for the children's logs and models.
        faults: names of what goes wrong in the local Discord, see `bot.local.faults`.

    Raises:
        StartupError: a part can't be started or kept running.
    """
    _keep_to_sentences()
    try:
        async with AsyncExitStack() as stack:
            stop = await stack.enter_async_context(_stop_signal())
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bardling-try-"))
            # A queue of its own: the replies of an earlier try-out went away with its Discord.
            redis_url = await stack.enter_async_context(open_redis_server(Path(folder)))
            discord = await stack.enter_async_context(_open_discord(port))
            for fault in faults:
                discord.faults.add_named(fault)
            store = await stack.enter_async_context(open_queues(redis_url, base=_POOL))
            environment = _environment(os.environ, discord, redis_url, home)
            watched = [stop] + [
                await stack.enter_async_context(supervised(_child(name, environment, home), _show))
                for name in ("bot", "worker")
            ]
            await _unless_ended(_wait_ready(discord, store), watched)
            if once is not None:
                return await _unless_ended(_complete(discord, once), watched)
            _tell(f"Bardling is here: {discord.page_url}\nCtrl-C ends it.")
            if open_browser and _has_display():
                await asyncio.to_thread(webbrowser.open, discord.page_url)
            await _unless_ended(asyncio.Event().wait(), watched)
    except _InterruptedError:
        return 0 if once is None else _INTERRUPTED
    return 0


def _keep_to_sentences() -> None:
    """This process tells a person what happens; its log lines are for those who ask for them."""
    if logging.getLogger().level >= logging.INFO:
        logging.getLogger("bot").setLevel(logging.WARNING)
        # SimCord looks discord.py over when it is imported, which warns of intents and voice.
        logging.getLogger("discord").setLevel(logging.ERROR)


@asynccontextmanager
async def _stop_signal() -> AsyncGenerator[asyncio.Task[None]]:
    """A task that ends with `_InterruptedError` on SIGINT, SIGTERM or a closed terminal."""
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()

    async def interrupted() -> None:
        await arrived.wait()
        raise _InterruptedError

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, arrived.set)
    task = asyncio.create_task(interrupted(), name="stop signal")
    try:
        yield task
    finally:
        await end_task(task)
        for number in numbers:
            loop.remove_signal_handler(number)


@asynccontextmanager
async def _open_discord(port: int) -> AsyncGenerator["LocalDiscord"]:
    try:
        from bot.local.discord_server import open_local_discord  # noqa: PLC0415  # an extra
    except ModuleNotFoundError as error:
        if error.name != "simcord":
            raise
        message = "The try-out needs more packages: pip install 'bardling[try]'."
        raise StartupError(message) from error
    async with open_local_discord(port) as discord:
        yield discord


def _environment(
    outer: Mapping[str, str], discord: "LocalDiscord", redis_url: str, home: Path
) -> dict[str, str]:
    """What the bot and the worker get: the outer environment, pointed at the local parts."""
    kept = {
        name: value
        for name, value in outer.items()
        if name not in ("DISCORD_TOKEN_FILE", "REDIS_URL_FILE")
    }
    # Only where nothing else can have been said: the environment outranks a file.
    defaults = {} if "BARDLING_CONFIG" in outer else _DEFAULTS
    ours = {
        "REDIS_URL": redis_url,
        "BARDLING_POOL": _POOL,
        "BARDLING_HOME": str(home),
        "BARDLING_LOG": "json",  # so that `processes` can tell a warning from the rest
        "PYTHONUNBUFFERED": "1",
    }
    return defaults | kept | ours | discord.environment


def _child(name: str, environment: Mapping[str, str], home: Path) -> ChildSpec:
    command = {"bot": "run", "worker": "worker"}[name]
    return ChildSpec(
        name=name,
        arguments=[sys.executable, "-P", "-m", "bot", command],
        environment=environment,
        log_path=home / "logs" / f"{name}.log",
    )


async def _wait_ready(discord: "LocalDiscord", store: QueueStore) -> None:
    try:
        async with asyncio.timeout(_READY_FOR_S):
            await discord.wait_ready(_READY_FOR_S)
            while not await store.registry.seen(_READY_FOR_S):  # noqa: ASYNC110  # Redis tells nobody
                await asyncio.sleep(0.1)
    except QueueDownError as error:
        raise UnreachableError(str(error)) from error
    except TimeoutError as error:
        part = "worker" if discord.bot_connected else "bot"
        message = f"The {part} was not ready within {_READY_FOR_S:.0f} s."
        raise UnreachableError(message) from error


async def _complete(discord: "LocalDiscord", text: str) -> int:
    """Lets Ada type `/complete`; prints the finished reply, or on standard error why not."""
    try:
        asked = await discord.slash(discord.ada, discord.general, "complete", {"prompt": text})
        await discord.wait_for(
            lambda: is_final(asked) or refusal(asked) is not None, _ONCE_FOR_S, "the reply"
        )
    except TimeoutError:
        _show(f"The reply was not finished within {_ONCE_FOR_S:.0f} s.")
        return 1
    except BardlingError as error:  # such as a text that is longer than a command takes
        _show(str(error))
        return 1
    refused = refusal(asked)
    if refused is not None:
        _show(refused)
        return 1
    _tell("".join(plain_text(message["content"]) for message in messages_of(asked)).strip())
    return 0


async def _unless_ended(
    work: Coroutine[object, object, _Result], watched: Sequence[asyncio.Task[None]]
) -> _Result:
    """Does some work, unless a watched task ends first: then raises what that one ended with."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task, *watched}, return_when=asyncio.FIRST_COMPLETED)
        for other in watched:
            if other.done():
                other.result()
        return task.result()
    finally:
        await end_task(task)


def _has_display() -> bool:
    if sys.platform != "linux":
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _show(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
