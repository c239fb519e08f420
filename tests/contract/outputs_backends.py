"""One way to make a store of finished texts, whatever it is built on, and texts to put into it."""

import secrets
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from bot.core.outputs import Output
from bot.core.sampling import SamplingParams
from bot.state.memory_outputs import MemoryOutputs
from bot.state.outputs_api import OutputsStore
from bot.state.redis_outputs import RedisOutputs
from bot.storage.connect import ANSWER_TIMEOUT_S, open_client
from tests.redis_servers import RedisServer

GUILD, CHANNEL, USER = 10, 20, 100
_TEXT = Output(
    code="A",
    root="1",
    job_id="1",
    prompt="Once upon a time",
    text=" there was a fox.",
    n_prompt_tokens=4,
    n_tokens=5,
    end="length",
    max_new_tokens=5,
    sampling=SamplingParams(seed=7, stop=("\n",), logit_bias=((3, 1.5),)),
    model="small",
    quantization="q8_0",
    engine="scripted",
    is_repeatable=True,
    user_id=USER,
    guild_id=GUILD,
    channel_id=CHANNEL,
    created_at_s=1_000.0,
)


def make_output(code: str = "A", **changes: Any) -> Output:
    """A valid text; `changes` replace its fields."""
    return replace(_TEXT, code=code, **changes)


class OutputsBackend:
    """Makes stores of one kind."""

    def __init__(self, server: RedisServer | None, stack: AsyncExitStack) -> None:
        self.server = server
        self.pool = f"test-{secrets.token_hex(6)}"
        self._stack = stack

    async def store(self, keep_days: float = 30) -> OutputsStore:
        """A store; on Redis all of one backend share their texts."""
        if self.server is None:
            return MemoryOutputs(clock=time.time, keep_days=keep_days)
        client = await self._stack.enter_async_context(
            open_client(self.server.url, ANSWER_TIMEOUT_S)
        )
        return RedisOutputs(client, pool=self.pool, keep_days=keep_days)
