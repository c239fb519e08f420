"""Servers of a test's own, to kill, freeze and fill; both versions that must do."""

from collections.abc import Iterator

import pytest

from tests.redis_servers import RedisServer, carried_server, running_server, server_on_path


@pytest.fixture(params=["redis", "redis-6.2"])
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A server for this test alone."""
    program = server_on_path() if request.param == "redis" else carried_server()
    with running_server(program) as running:
        yield running
