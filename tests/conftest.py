"""What every test shares: a clean logging context, and a bound on skipped tests."""

import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

settings.register_profile("bardling", deadline=None)  # speed is for benchmarks, not for tests
settings.load_profile("bardling")


@pytest.fixture(autouse=True)
def _clean_log_context() -> Iterator[None]:
    """Ids bound to log lines in one test must not appear in another's."""
    structlog.contextvars.clear_contextvars()
    yield
    structlog.contextvars.clear_contextvars()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails the run if more tests were skipped than BARDLING_MAX_SKIPPED allows (CI sets it)."""
    allowed = os.environ.get("BARDLING_MAX_SKIPPED")
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if allowed is None or reporter is None:
        return
    skipped = len(reporter.stats.get("skipped", []))
    if skipped > int(allowed):
        reporter.write_line(f"{skipped} tests were skipped, {allowed} may be", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
