"""Fixtures of the cogs' tests."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.cogs.front import Front


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    """A bot with its cogs; no worker lives, ten jobs may wait."""
    async with Front().running() as front:
        yield front
