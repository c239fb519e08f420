"""The composition root: the only place that picks real parts, and closes them in reverse order.

Called by `__main__`, one function per process. Holds no rules: it opens, hands over and waits.
"""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, closing

import aiohttp
import structlog

from bot.discord_io.client import BardlingBot, Shards, run_client
from bot.discord_io.endpoints import use_endpoints
from bot.discord_io.reply_rest import ReplyClient
from bot.engine.select import ENGINE_FILE_FORMAT, choose_engine, open_engine, suits_wide
from bot.errors import SettingError
from bot.jobqueue.connect import open_queue
from bot.jobqueue.limits import QueueLimits
from bot.model.store import OpenedModel, open_model
from bot.services import Services
from bot.services.texts import TextService
from bot.settings import Settings
from bot.worker.runner import Worker

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_CLOSE_S = 5.0


async def run_bot(settings: Settings, shards: Shards | None) -> None:
    """The bot process: from slash commands to jobs. Ends on SIGINT or SIGTERM.

    Raises:
        StartupError: it cannot start, or Discord ended it for good.
    """
    if settings.discord_token is None:
        reason = "the bot needs its token; make one at https://discord.com/developers/applications"
        raise SettingError("DISCORD_TOKEN", "", "the environment", reason)
    use_endpoints(settings.discord_api_url, settings.discord_gateway_url)
    async with AsyncExitStack() as stack:
        stop = await stack.enter_async_context(_stop_signal())
        queue = await stack.enter_async_context(
            open_queue(settings.redis_url, pool=settings.pool, limits=_queue_limits(settings))
        )
        services = Services(
            texts=TextService(queue, clock=time.time, new_seed=lambda: secrets.randbelow(2**32))
        )
        bot = await stack.enter_async_context(BardlingBot(services, shards))
        client = asyncio.create_task(
            run_client(bot, settings.discord_token, settings.discord_api_url), name="discord"
        )
        stopped = asyncio.create_task(stop.wait(), name="stop signal")
        await asyncio.wait({client, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        await bot.close()
        await _end(client)


async def run_worker(settings: Settings) -> None:
    """A worker process: from jobs to posted texts. Drains and ends on SIGINT or SIGTERM.

    Raises:
        StartupError: the model, the engine or the queue can't be used.
    """
    async with AsyncExitStack() as stack:
        # First of all: a large model takes a while to check, and no file may be left half written.
        stop = await stack.enter_async_context(_stop_signal())
        engine_name, model = _choose(settings)
        engine = stack.enter_context(
            closing(
                open_engine(
                    engine_name,
                    model.info,
                    slots=settings.slots,
                    n_threads=settings.threads,
                    kv_mb=settings.kv_mb,
                )
            )
        )
        queue = await stack.enter_async_context(
            open_queue(settings.redis_url, pool=settings.pool, limits=_queue_limits(settings))
        )
        session = await stack.enter_async_context(aiohttp.ClientSession())
        worker = Worker(
            worker_id=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}",
            queue=queue,
            engine=engine,
            tokenizer=model.tokenizer,
            model=model.info,
            replies=ReplyClient(session, settings.discord_api_url),
            lease_s=settings.lease_s,
            drain_s=settings.drain_s,
        )
        _log.info(
            "worker ready",
            model=model.info.name,
            quantization=model.info.quantization,
            engine=engine.info.name,
            slots=engine.info.max_sequences,
            kv_mb=engine.info.kv_bytes // 2**20,
            threads=engine.info.n_threads,
        )
        await worker.run(stop)


def _choose(settings: Settings) -> tuple[str, OpenedModel]:
    """The engine's name, and the model in the format that it reads."""
    name = choose_engine(settings.engine)
    model = open_model(settings.model, ENGINE_FILE_FORMAT[name], settings.home)
    if settings.engine == "auto" and suits_wide(model.info, instead_of=name):
        name = "wide"
    return name, model


async def _end(client: asyncio.Task[None]) -> None:
    """Waits for a closed client. Where no gateway answers, discord.py tries on after its close."""
    done, _ = await asyncio.wait({client}, timeout=_CLOSE_S)
    if not done:
        client.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await client


def _queue_limits(settings: Settings) -> QueueLimits:
    return QueueLimits(max_queued=settings.max_queued, lease_s=settings.lease_s)


@asynccontextmanager
async def _stop_signal() -> AsyncGenerator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set, instead of ending the process in mid-work."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop.set)
    try:
        yield stop
    finally:
        for signum in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(signum)
