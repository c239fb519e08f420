"""Logging: structlog for everything, other libraries' records included, to standard error.

`configure_logging` is called once by `__main__`. Prompts, generated texts and tokens are never
logged, so tracebacks come without the values of variables; job and server ids are bound to each
line through context variables.
"""

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import Processor


def configure_logging(style: str, level: str, stream: TextIO | None = None) -> None:
    """Sets up logging for this process.

    Args:
        style: "console" for people, "json" for machines.
        level: the lowest level shown: debug, info, warning or error.
        stream: where to write; standard error by default.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    target = stream or sys.stderr
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *_renderers(style, colors=target.isatty()),
        ],
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # They tell each gateway detail and each file's byte order at info; a host wants to see what
    # Bardling does.
    for library in ("discord", "gguf"):
        logging.getLogger(library).setLevel(max(root.level, logging.WARNING))


def _renderers(style: str, *, colors: bool) -> list[Processor]:
    """What makes a line of an event; its traceback without the values of variables."""
    if style == "json":
        tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        return [
            structlog.processors.ExceptionRenderer(tracebacks),
            structlog.processors.JSONRenderer(),
        ]
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]
