"""One way to make a store of limits, and what its tests charge and set."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.core.limit_buckets import Bucket, Per, Scope, Unit
from bot.core.limit_rules import Rule, ServerRules
from bot.state.limits_api import LimitsStore
from bot.state.memory_limits import MemoryLimits
from bot.state.redis_limits import RedisLimits
from bot.storage.connect import ANSWER_TIMEOUT_S, open_client
from tests.queue_backends import Backend

GUILD = 1234567890123456789  # more than a Lua number can hold
ADMIN, OTHER_ADMIN = 1111111111111111111, 2222222222222222222


@asynccontextmanager
async def open_limits(backend: Backend) -> AsyncIterator[LimitsStore]:
    """A store on the backend's clock."""
    if backend.server is None:
        yield MemoryLimits(backend.now)
        return
    async with open_client(backend.server.url, ANSWER_TIMEOUT_S) as client:
        yield RedisLimits(client, pool=backend.pool)


def requests(amount: int = 3, *, key: str = "r", per: Per = Per.DAY) -> Bucket:
    """A bucket that counts requests."""
    return Bucket(
        key=key, scope=Scope.MEMBER, target_id=0, unit=Unit.REQUESTS, amount=amount, per=per,
        burst=amount,
    )  # fmt: skip


def tokens(
    amount: int = 1000, *, key: str = "t", per: Per = Per.DAY, burst: int | None = None
) -> Bucket:
    """A bucket that counts tokens; a day's worth, so that none come back while a test runs."""
    return Bucket(
        key=key, scope=Scope.SERVER, target_id=0, unit=Unit.TOKENS, amount=amount, per=per,
        burst=amount if burst is None else burst,
    )  # fmt: skip


async def left(store: LimitsStore, *buckets: Bucket) -> list[int]:
    """How much is left in each."""
    return [state.left for state in await store.peek(buckets)]


def rules_of(amount: int) -> ServerRules:
    """Rules that differ by one number."""
    return ServerRules(
        rules=(
            Rule(scope=Scope.ROLE, target_id=GUILD, unit=Unit.TOKENS, amount=amount, per=Per.HOUR),
        ),
        exempt_roles=frozenset({GUILD + 1}),
    )
