"""A fresh stack for each end-to-end test, and a look at every request it sent."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.openapi import ApiDescription, find_description
from tests.e2e.stack import Stack, open_stack

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder starts processes: marked, and given more time."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("e2e")
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(150))


@pytest.fixture(scope="session")
def api_description() -> ApiDescription | None:
    """Discord's own API description, where it lies beside the checkout."""
    path = find_description()
    return None if path is None else ApiDescription(path)


@pytest.fixture
async def stack(api_description: ApiDescription | None) -> AsyncIterator[Stack]:
    """A stack; at the end, every body that was sent to Discord must be one Discord accepts."""
    async with open_stack() as stack:
        yield stack
        if api_description is not None:
            assert [] == api_description.complaints(stack.local.recorder.requests)
        for request in stack.local.recorder.requests:
            if isinstance(request.body, dict) and "content" in request.body:
                assert request.body.get("allowed_mentions", {}).get("parse") == [], request
