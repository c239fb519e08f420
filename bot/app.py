"""The composition root: the only place that picks real parts, and closes them in reverse order.

Called by `__main__`, one function per process. Holds no rules: it opens, hands over and waits.
"""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    closing,
)
from dataclasses import asdict

import aiohttp
import structlog

from bot import __version__
from bot.core.asker import guild_of
from bot.core.jobs import Job
from bot.core.limits import HostLimits
from bot.discord_io.channel_rest import ChannelClient
from bot.discord_io.client import BardlingBot, Shards, run_client
from bot.discord_io.endpoints import use_endpoints
from bot.discord_io.reply_rest import ReplyClient
from bot.engine.api import Engine
from bot.engine.select import ENGINE_FILE_FORMAT, choose_engine, open_engine, suits_wide
from bot.errors import SettingError
from bot.jobqueue.connect import QueueStore, open_queues
from bot.jobqueue.limits import QueueLimits
from bot.jobqueue.registry import Announcer
from bot.model.store import OpenedModel, open_model, shown_name
from bot.services.building import Keeping, Stores, build_services
from bot.services.chores import forget_removed_servers, settle_orphans, sweep_outputs
from bot.services.ledger import Ledger
from bot.services.play_clock import PlayClock
from bot.services.pools import Pools
from bot.services.servers import ServersService
from bot.services.story_clock import StoryClock
from bot.settings import Settings
from bot.state.redis_limits import RedisLimits
from bot.state.redis_outputs import RedisOutputs
from bot.state.redis_reports import RedisReports
from bot.state.redis_sessions import RedisSessions
from bot.state.redis_settings import RedisSettings
from bot.state.redis_stories import RedisStories
from bot.state.redis_usage import RedisUsage
from bot.state.redis_xray_texts import RedisXrayTexts
from bot.worker.runner import Worker

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_CLOSE_S = 5.0
_SWITCH_S = 0.0005  # a tenth of the usual: 100 replies at once had 48 ms of lag (p99), now 10
_MAX_CONNECTIONS = 1024


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
        store = await stack.enter_async_context(_open_store(settings))
        stores = await _open_stores(stack, store, settings)
        services = build_services(
            stores,
            HostLimits(**asdict(settings.limits)),
            clock=time.time,
            new_seed=lambda: secrets.randbelow(2**32),
            keeping=Keeping(
                receipt_keys=settings.receipt_keys,
                keep_days=settings.keep_days,
                privacy_url=settings.privacy_url,
                stories_per_server=settings.stories_per_server,
            ),
            replies=ReplyClient(
                await stack.enter_async_context(aiohttp.ClientSession()), settings.discord_api_url
            ),
        )
        channels = ChannelClient(
            await stack.enter_async_context(aiohttp.ClientSession()),
            settings.discord_api_url,
            settings.discord_token,
        )
        for chore in (
            services.board.run(),
            services.farewells.run(),
            PlayClock(services.play, channels).run(),
            StoryClock(services.stories, channels).run(),
            forget_removed_servers(
                services,
                stores.outputs,
                stores.xray_texts,
                stores.reports,
                stores.stories,
                stores.sessions,
            ),
            sweep_outputs(stores.outputs),
            settle_orphans(stores.limits, Ledger(stores.limits, stores.usage), stores.pools),
        ):
            stack.push_async_callback(_stop, asyncio.create_task(chore))
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
    # The engine's thread computes in Python, too, between its steps. Each call of the event loop
    # that lets go of the interpreter would wait so long to get it back, and an edit makes several.
    sys.setswitchinterval(_SWITCH_S)
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
        store = await stack.enter_async_context(_open_store(settings))
        servers = ServersService(await _open_settings(stack, store), time.time)
        session = await stack.enter_async_context(_open_session())
        worker = _new_worker(settings, store, engine, model, session, servers)
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


def _new_worker(
    settings: Settings,
    store: QueueStore,
    engine: Engine,
    model: OpenedModel,
    session: aiohttp.ClientSession,
    servers: ServersService,
) -> Worker:
    queue = store.queue(model.info.name)
    return Worker(
        worker_id=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}",
        queue=queue,
        engine=engine,
        tokenizer=model.tokenizer,
        model=model.info,
        version=__version__,
        replies=ReplyClient(session, settings.discord_api_url),
        # Without the bot's token, a text whose interaction is over can't be posted.
        channels=ChannelClient(session, settings.discord_api_url, settings.discord_token)
        if settings.discord_token
        else None,
        ledger=Ledger(
            RedisLimits(store.commands, pool=store.base),
            RedisUsage(store.commands, pool=store.base),
        ),
        mask_of=lambda job: _mask(servers, job),
        outputs=RedisOutputs(store.commands, pool=store.base, keep_days=settings.keep_days),
        xray_texts=_xray_texts(store, settings),
        stories=_stories(store, settings),
        sessions=RedisSessions(store.commands, pool=store.base),
        receipt_keys=settings.receipt_keys,
        announce=Announcer(store.registry, queue).announce,
        lease_s=settings.lease_s,
        drain_s=settings.drain_s,
    )


def _open_session() -> aiohttp.ClientSession:
    """As many connections as there are replies: one that waits for another's looks dead."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_MAX_CONNECTIONS))


def _choose(settings: Settings) -> tuple[str, OpenedModel]:
    """The engine's name, and the model in the format that it reads."""
    name = choose_engine(settings.engine)
    model = open_model(settings.model, ENGINE_FILE_FORMAT[name], settings.home, with_hash=True)
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


def _open_store(settings: Settings) -> AbstractAsyncContextManager[QueueStore]:
    return open_queues(settings.redis_url, base=settings.pool, limits=_queue_limits(settings))


async def _open_stores(stack: AsyncExitStack, store: QueueStore, settings: Settings) -> Stores:
    return Stores(
        pools=Pools(store.queue, store.registry, default=shown_name(settings.model)),
        limits=RedisLimits(store.commands, pool=store.base),
        settings=await _open_settings(stack, store),
        usage=RedisUsage(store.commands, pool=store.base),
        outputs=RedisOutputs(store.commands, pool=store.base, keep_days=settings.keep_days),
        reports=RedisReports(store.commands, pool=store.base),
        sessions=RedisSessions(store.commands, pool=store.base),
        stories=_stories(store, settings),
        xray_texts=_xray_texts(store, settings),
    )


def _stories(store: QueueStore, settings: Settings) -> RedisStories:
    return RedisStories(store.commands, pool=store.base, keep_days=settings.story_days)


def _xray_texts(store: QueueStore, settings: Settings) -> RedisXrayTexts:
    return RedisXrayTexts(store.commands, pool=store.base, keep_days=settings.keep_days)


async def _open_settings(stack: AsyncExitStack, store: QueueStore) -> RedisSettings:
    """Servers' settings, which hear of changes by other processes."""
    settings = RedisSettings(store.commands, pool=store.base)
    return await stack.enter_async_context(settings.following())


async def _mask(servers: ServersService, job: Job) -> Callable[[str], str]:
    """What hides the words and invites that the job's server does not want to read."""
    return await servers.mask(guild_of(job.tenant))


async def _stop(chore: asyncio.Task[None]) -> None:
    chore.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await chore


def _queue_limits(settings: Settings) -> QueueLimits:
    return QueueLimits(
        max_queued=settings.max_queued,
        max_queued_per_server=settings.max_queued_per_server,
        max_queued_per_user=settings.max_queued_per_user,
        max_running_per_server=settings.max_running_per_server,
        max_running_per_user=settings.max_running_per_user,
        lease_s=settings.lease_s,
    )


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
