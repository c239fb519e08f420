"""Fixtures of the unit tests."""

import logging
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Logging as it was before, whatever the test sets up."""
    root, discord = logging.getLogger(), logging.getLogger("discord")
    handlers, levels = root.handlers[:], (root.level, discord.level)
    configured = structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    discord.setLevel(levels[1])
    structlog.configure(**configured)
