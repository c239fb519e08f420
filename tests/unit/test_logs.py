"""Log lines: in both styles, of our own code and of others', with ids and without secrets."""

import io
import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from bot.logs import configure_logging

pytestmark = pytest.mark.usefixtures("own_logging")

_log: structlog.stdlib.BoundLogger = structlog.get_logger("bot.test")
STYLES = ["json", "console"]


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """The log in JSON style."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def fail(prompt: str) -> None:
    """Fails as code does that has a prompt in its hands."""
    raise ValueError(f"{len(prompt)} is no good length")


def test_json_line_is_one_object():
    """A machine gets one line an event: what, when, how bad, from where, and the values."""
    stream = io.StringIO()
    configure_logging("json", "info", stream)

    _log.info("job put", status="accepted", place=3)

    [line] = lines(stream)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line.pop("timestamp"))
    assert {
        "event": "job put",
        "level": "info",
        "logger": "bot.test",
        "status": "accepted",
        "place": 3,
    } == line


def test_console_line_is_for_reading():
    """A person sees the same on one line, and no color codes in a file."""
    stream = io.StringIO()
    configure_logging("console", "info", stream)

    _log.info("job put", status="accepted")

    [line] = stream.getvalue().splitlines()
    assert re.search(r"info .*job put .*bot\.test.* status=accepted", line)
    assert "\x1b" not in line


def test_colors_are_for_terminals():
    """Where somebody looks, the level is seen at a glance."""
    stream = Terminal()
    configure_logging("console", "info", stream)

    _log.error("queue lost")

    assert "\x1b[" in stream.getvalue()


@pytest.mark.parametrize("style", STYLES)
def test_job_and_server_are_on_every_line(style: str):
    """Bound once, they follow through our lines and those of other libraries."""
    stream = io.StringIO()
    configure_logging(style, "info", stream)

    with structlog.contextvars.bound_contextvars(job_id="77", guild_id=10):
        _log.info("job put")
        logging.getLogger("aiohttp").warning("slow answer")
    _log.info("worker left")

    shown = stream.getvalue().splitlines()
    assert [True, True, False] == ["77" in line and "job_id" in line for line in shown]
    assert [True, True, False] == ["guild_id" in line for line in shown]


def test_other_libraries_lines_look_like_ours():
    """A machine that reads the log never meets a line that is no JSON."""
    stream = io.StringIO()
    configure_logging("json", "info", stream)

    logging.getLogger("asyncio").warning("%s took %d ms", "a step", 300)

    [line] = lines(stream)
    assert ("a step took 300 ms", "warning", "asyncio") == (
        line["event"],
        line["level"],
        line["logger"],
    )


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
@pytest.mark.parametrize("get_logger", [structlog.get_logger, logging.getLogger])
def test_level_is_the_lowest_shown(get_logger: Callable[[str], Any], level: str, shown: list[str]):
    """It counts for our lines and for others' alike."""
    stream = io.StringIO()
    configure_logging("json", level, stream)
    logger = get_logger("bot.test")

    for name in ("debug", "info", "warning", "error"):
        getattr(logger, name)("an event")

    assert shown == [line["level"] for line in lines(stream)]


@pytest.mark.parametrize(
    ("level", "shown"), [("debug", ["warning"]), ("info", ["warning"]), ("error", [])]
)
def test_discords_details_are_left_out(level: str, shown: list[str]):
    """discord.py tells each gateway detail at info; and "error" is still "error" for it."""
    stream = io.StringIO()
    configure_logging("json", level, stream)

    logging.getLogger("discord.gateway").info("Shard ID 0 has connected")
    logging.getLogger("discord.gateway").warning("Shard ID 0 is late")

    assert shown == [line["level"] for line in lines(stream)]


@pytest.mark.parametrize("style", STYLES)
def test_error_shows_its_traceback(style: str):
    """The host learns where it happened; in JSON, still one line an event."""
    stream = io.StringIO()
    configure_logging(style, "info", stream)

    try:
        fail("swordfish")
    except ValueError as error:
        _log.error("interaction failed", exc_info=error)

    log = stream.getvalue()
    assert "9 is no good length" in log
    assert "test_logs.py" in log
    assert "in fail" in log or '"name": "fail"' in log
    if style == "json":
        assert 1 == len(lines(stream))


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("get_logger", [structlog.get_logger, logging.getLogger])
def test_traceback_has_no_prompt(get_logger: Callable[[str], Any], style: str):
    """The code that fails has prompts, texts and tokens in its variables; the log must not."""
    stream = io.StringIO()
    configure_logging(style, "info", stream)

    try:
        fail(" ".join(["sword", "fish"]))  # a traceback quotes this line, not its value
    except ValueError as error:
        get_logger("bot.test").error("interaction failed", exc_info=error)

    assert "sword fish" not in stream.getvalue()


def test_values_that_json_does_not_know():
    """A line is written all the same: a log call must never be what fails."""
    stream = io.StringIO()
    configure_logging("json", "info", stream)

    _log.info("model read", path=object, half="\ud83d", missing=float("nan"))

    assert "<class 'object'>" in lines(stream)[0]["path"]


@pytest.mark.parametrize("style", STYLES)
def test_text_from_outside_stays_on_its_line(style: str):
    """A name with a line break in it can't pretend to be a line of the log."""
    stream = io.StringIO()
    configure_logging(style, "info", stream)

    _log.info("bot ready", user="ada\n2024-01-01 [info] all is well")

    assert 1 == len(stream.getvalue().splitlines())


def test_standard_error_by_default(capsys: pytest.CaptureFixture[str]):
    """Standard output is for what a command prints."""
    configure_logging("json", "info")

    _log.info("job put")

    output, errors = capsys.readouterr()
    assert "" == output
    assert "job put" in errors


def test_configured_again_writes_once():
    """The last word counts; no line comes twice or goes to the old place."""
    old, new = io.StringIO(), io.StringIO()
    configure_logging("console", "debug", old)
    configure_logging("json", "info", new)

    _log.info("job put")
    _log.debug("detail")

    assert "" == old.getvalue()
    assert ["job put"] == [line["event"] for line in lines(new)]


def test_logger_made_before_is_configured_too():
    """Modules get theirs when they are imported, before anybody has read a setting."""
    stream = io.StringIO()
    configure_logging("json", "info", stream)

    _log.info("job put")

    assert "bot.test" == lines(stream)[0]["logger"]
