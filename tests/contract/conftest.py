"""What every contract test runs on: the queues, and the engines."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.engine.api import Engine
from tests.contract.engines import ENGINES, open_tiny
from tests.queue_backends import Backend
from tests.redis_deployments import ClusterServer, running_cluster
from tests.redis_servers import (
    RedisServer,
    carried_server,
    running_server,
    server_on_path,
    valkey_server,
)


@pytest.fixture(scope="session")
def path_server() -> Iterator[RedisServer]:
    """The machine's redis-server."""
    with running_server(server_on_path()) as server:
        yield server


@pytest.fixture(scope="session")
def old_server() -> Iterator[RedisServer]:
    """Redis 6.2, the oldest that must do."""
    with running_server(carried_server()) as server:
        yield server


@pytest.fixture(scope="session")
def other_server() -> Iterator[RedisServer]:
    """Valkey 8, which took over where Redis' license changed."""
    with running_server(valkey_server()) as server:
        yield server


@pytest.fixture(scope="session")
def cluster_server() -> Iterator[ClusterServer]:
    """One node in cluster mode that has all slots: it refuses what a cluster refuses."""
    with running_cluster(server_on_path()) as server:
        yield server


@pytest.fixture(params=["memory", "redis", "redis-6.2", "redis-cluster", "valkey-8"])
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    """Each test runs on all of them."""
    fixtures = {
        "redis": "path_server",
        "redis-6.2": "old_server",
        "redis-cluster": "cluster_server",
        "valkey-8": "other_server",
    }
    server = None if request.param == "memory" else request.getfixturevalue(fixtures[request.param])
    async with AsyncExitStack() as stack:
        yield Backend(server, stack)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Each test runs on all of them."""
    opened = open_tiny(request.param, tmp_path)
    yield opened
    opened.close()
