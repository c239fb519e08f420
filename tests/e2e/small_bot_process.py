"""Runs the small bot as a process of its own, connected to a local Discord."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from bot.local.discord_server import LocalDiscord

READY_S = 30.0


@asynccontextmanager
async def running_bot(local: LocalDiscord) -> AsyncGenerator[asyncio.subprocess.Process]:
    """The small bot, connected; killed at the end without any warning."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.e2e.small_bot",
        env=os.environ | local.environment,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await local.wait_ready(READY_S)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
