"""Fixtures of the worker's tests."""

import pytest

from bot.worker import reaping, runner
from tests.unit.worker.workshop import Workshop


@pytest.fixture
def workshop(monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """A queue, a Discord and a tokenizer, all in memory; a worker that looks up often."""
    monkeypatch.setattr(runner, "_CLAIM_WAIT_S", 0.1)
    monkeypatch.setattr(reaping, "_INTERVAL_S", 0.2)
    return Workshop()
