"""The queue benchmark, kept short: that it measures, reports and tidies up."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.bench.queue import main
from tests.redis_servers import RedisServer, any_server, running_server


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A server that the benchmark shall leave as it found it."""
    with running_server(any_server()) as running:
        yield running


async def test_both_engines_are_measured_on_the_server_given(
    server: RedisServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Figures on the screen and as JSON, with what they were measured on; no key is left."""
    out = tmp_path / "figures.json"

    assert 0 == await main(server.url, out, seconds=1.0, depths=(10, 40))

    written = json.loads(out.read_text(encoding="utf-8"))
    assert {"bardling", "bare stream"} == written["figures"].keys()
    for figures in written["figures"].values():
        assert 0 < figures["wait_p50_ms"] <= figures["wait_p99_ms"]
        slowest, fastest = figures["spread"]
        assert 0 < slowest <= figures["jobs_per_s"] <= fastest
    assert [10, 40] == [depth["queued"] for depth in written["depths"]]
    for depth in written["depths"]:
        assert {"enqueue", "place", "claim", "finish", "cancel"} == depth["call_us"].keys()
        assert min(depth["call_us"].values()) > 0
        assert depth["job_bytes"] > 500
    assert "append-only file, fsync no" == written["redis"]["persistence"]
    assert written["redis"]["version"] in capsys.readouterr().out
    client = Redis.from_url(server.url)
    assert 0 == await client.dbsize()
    await client.aclose()


async def test_server_of_its_own_where_none_is_given(capsys: pytest.CaptureFixture[str]):
    """`bardling bench queue` needs nothing running."""
    any_server()

    assert 0 == await main(None, None, seconds=0.5, depths=(10, 40))

    assert "bardling / bare" in capsys.readouterr().out
