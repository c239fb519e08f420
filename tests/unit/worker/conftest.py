"""Fixtures of the worker's tests."""

import pytest

from tests.unit.worker.workshop import Workshop


@pytest.fixture
def workshop() -> Workshop:
    """A queue, a Discord and a tokenizer, all in memory."""
    return Workshop()
