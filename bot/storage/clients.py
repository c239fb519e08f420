"""Makes a Redis client for each kind of deployment, all with the same time-outs and no retries.

Called by `connect`. Whoever holds a client types it as `RedisClient` and does not ask which it is.

No client tries again by itself: a command that was sent twice could not be told from two calls,
and after a failover such retries stick to the address that is gone.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias, cast

from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff

from bot.errors import UnreachableError
from bot.storage.addresses import Address, Kind
from bot.storage.cluster import ClusterClient
from bot.storage.shared_connection import SharedConnection

RedisClient: TypeAlias = Redis | RedisCluster

ANSWER_TIMEOUT_S = 4.0  # an fsync on a busy disk holds every answer up for a second or two
_CONNECT_TIMEOUT_S = 2.0
_SENTINEL_TIMEOUT_S = 0.5  # a sentinel does little; where one is lost, the next is asked
_MAX_CONNECTIONS = 64
_MAX_CONNECTIONS_TO_NODE = 256  # a cluster's pools don't wait for a free one: they refuse


class _NodeClient(Redis):
    """Sends scripts over one connection, several at a time, and the rest over the pool's others.

    Args:
        connection_pool: of the node, or of the primary that the sentinels name.
    """

    def __init__(self, *, connection_pool: ConnectionPool, **options: Any) -> None:
        super().__init__(connection_pool=connection_pool, **options)  # pyright: ignore[reportUnknownMemberType]  # untyped options
        self._for_scripts = SharedConnection(connection_pool, ANSWER_TIMEOUT_S)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Sends a command and returns its answer."""
        if args[0] == "EVALSHA":
            return await self._for_scripts.call(*args)
        ask = cast("Callable[..., Awaitable[Any]]", super().execute_command)  # pyright: ignore[reportUnknownMemberType]  # untyped **options
        return await ask(*args, **options)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Ends all connections."""
        await self._for_scripts.close()
        await super().aclose(close_connection_pool)


class _SentinelPool(SentinelConnectionPool, BlockingConnectionPool):
    """Asks the sentinels for every new connection, and waits where all are in use."""


@asynccontextmanager
async def open_client_at(address: Address, socket_timeout_s: float) -> AsyncGenerator[RedisClient]:
    """A client for that kind of deployment.

    Args:
        address: where Redis, its sentinels or its nodes are.
        socket_timeout_s: longest wait for an answer; longer than any blocking read.

    Raises:
        UnreachableError: the address makes no sense. Whether Redis answers is not asked.
    """
    match address.kind:
        case Kind.NODE:
            client = _NodeClient.from_pool(_node_pool(address, socket_timeout_s))
        case Kind.CLUSTER:
            client = _cluster(address, socket_timeout_s)
        case Kind.SENTINEL:
            sentinel = _sentinel(address)
            client = _NodeClient.from_pool(_sentinel_pool(address, sentinel, socket_timeout_s))
            try:
                yield client
            finally:
                await client.aclose()
                await sentinel.aclose()
            return
    try:
        yield client
    finally:
        await client.aclose()


def _connection_options(socket_timeout_s: float) -> dict[str, Any]:
    return {
        "socket_timeout": socket_timeout_s,
        "socket_connect_timeout": _CONNECT_TIMEOUT_S,
        "retry": _no_retry(),
        "decode_responses": True,
        "encoding_errors": "replace",  # a damaged record must not break the claim it came with
    }


def _node_pool(address: Address, socket_timeout_s: float) -> BlockingConnectionPool:
    try:
        return BlockingConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType]  # untyped **kwargs
            address.url,
            max_connections=_MAX_CONNECTIONS,
            timeout=ANSWER_TIMEOUT_S,
            **_connection_options(socket_timeout_s),
        )
    except ValueError:  # its text may hold a piece of a password that broke the address
        raise UnreachableError("The address of Redis can't be understood.") from None


def _sentinel(address: Address) -> Sentinel:
    tls = {name: value for name, value in address.options.items() if name.startswith("ssl_")}
    options: dict[str, Any] = {
        "socket_timeout": _SENTINEL_TIMEOUT_S,
        "socket_connect_timeout": _SENTINEL_TIMEOUT_S,
        "retry": _no_retry(),  # redis-py's default is ten
        "ssl": address.tls,
        **address.sentinel_login,
        **tls,
    }
    return Sentinel(address.hosts, sentinel_kwargs=options)  # pyright: ignore[reportUnknownMemberType]  # untyped


def _sentinel_pool(
    address: Address, sentinel: Sentinel, socket_timeout_s: float
) -> BlockingConnectionPool:
    options = {
        **_connection_options(socket_timeout_s),
        "max_connections": _MAX_CONNECTIONS,
        "timeout": ANSWER_TIMEOUT_S,
        "ssl": address.tls,
    }
    return _SentinelPool(address.service, sentinel, **options, **address.options)


def _cluster(address: Address, socket_timeout_s: float) -> ClusterClient:
    options = _connection_options(socket_timeout_s) | {
        "max_connections": _MAX_CONNECTIONS_TO_NODE,
        "ssl": address.tls,
    }
    nodes = [ClusterNode(host, port) for host, port in address.hosts]
    try:
        return ClusterClient(startup_nodes=nodes, **options, **address.options)
    except TypeError:  # an option in the address that redis-py does not know
        raise UnreachableError("The address of Redis can't be understood.") from None


def _no_retry() -> Retry:
    return Retry(NoBackoff(), 0)
