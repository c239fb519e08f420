"""One way to make a settings store and to let its time pass, whatever it is built on."""

import secrets
import time
from contextlib import AsyncExitStack

from bot.state.memory_settings import MemorySettings
from bot.state.redis_settings import TTL_S, RedisSettings
from bot.state.settings_api import SettingsStore
from bot.storage.connect import ANSWER_TIMEOUT_S, open_client
from tests.redis_servers import RedisServer


class SettingsBackend:
    """Makes stores of one kind.

    Attributes:
        past_s: how far the clocks of this process are ahead; Redis's own goes on as it does.
    """

    def __init__(self, server: RedisServer | None, stack: AsyncExitStack) -> None:
        self.server = server
        self.past_s = 0.0
        self.pool = f"test-{secrets.token_hex(6)}"
        self._stack = stack
        self._memory: MemorySettings | None = None

    def now(self) -> float:
        """The store's Unix time."""
        return time.time()

    def forget_what_is_known(self) -> None:
        """Lets the time of everything that a process remembers run out."""
        self.past_s += TTL_S + 0.001

    async def store(self) -> SettingsStore:
        """What one process has; all of one test share their records."""
        if self.server is None:
            self._memory = self._memory or MemorySettings(clock=self.now)
            return self._memory
        client = await self._stack.enter_async_context(
            open_client(self.server.url, ANSWER_TIMEOUT_S)
        )
        return RedisSettings(client, pool=self.pool, clock=lambda: time.monotonic() + self.past_s)
