"""Downloads as tests call them: a home of their own, and no real waiting."""

import io
import json
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.model.download.order import Downloaded, Order, download
from bot.model.download.progress import Reporter
from bot.model.download.web import Pace
from tests.unit.model.download.servers import (
    Hub,
    serving,
)

CONTENT = random.Random(0).randbytes(300_000)
OTHER = random.Random(1).randbytes(300_000)
TOKEN = "hf_s3cret"


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    """A repository with one file of weights."""
    async with serving(Hub(files={"config.json": b"{}", "model.safetensors": CONTENT})) as hub:
        yield hub


class Run:
    """One home folder, what was told and how long was waited."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.told = io.StringIO()
        self.waits: list[float] = []
        self.folder = home / "downloads" / "acme--tiny"
        self.target = self.folder / "model.safetensors"
        self.part = self.folder / "model.safetensors.part"

    async def __call__(
        self, hub: Hub, name: str = "acme/tiny", environment: dict[str, str] | None = None, **order
    ) -> Downloaded:
        async def sleep(seconds: float) -> None:
            self.waits.append(seconds)

        pace = Pace(
            sleep=sleep,
            jitter=lambda: 0.5,
            now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
            connect_s=5,
            silence_s=1,
        )
        reporter = Reporter(self.told, columns=None, now=lambda: 0.0)
        order = {"mirror": hub.url} | order
        return await download(
            Order(name=name, **order), environment or {}, self.home, reporter, pace
        )

    def leave_part(self, content: bytes, saved: dict[str, object] | None) -> None:
        """As an earlier download left it."""
        self.folder.mkdir(parents=True)
        self.part.write_bytes(content)
        if saved is not None:
            self.part.with_name(f"{self.part.name}.json").write_text(json.dumps(saved))

    def assert_whole(self) -> None:
        """The file is there as it should be, and nothing else but the lock."""
        assert CONTENT == self.target.read_bytes()
        names = {path.name for path in self.folder.iterdir()}
        assert {".lock", "config.json", "model.safetensors"} == names


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A download into a fresh home."""
    return Run(tmp_path)
