"""The command line: `bardling` and `python -m bot`. Reads arguments and settings, nothing else.

Every error that Bardling knows ends as one sentence on standard error and an exit code.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot import __version__
from bot.bench.options import add_bench_bot, add_bench_engine, bench_engine_options
from bot.commands_evaluate import add_evaluate
from bot.commands_models import add_models
from bot.errors import StartupError
from bot.local.faults import NAMED_FAULTS
from bot.logs import configure_logging
from bot.settings import ENGINES, Settings, load_settings

if TYPE_CHECKING:
    from bot.commands_models import Commands

_Command = Callable[[argparse.Namespace, Settings], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    command: _Command = options.command
    try:
        settings = load_settings(
            os.environ,
            {
                "model": getattr(options, "model", None),
                "engine": getattr(options, "engine", None),
                "worker.slots": getattr(options, "slots", None),
                "worker.threads": getattr(options, "threads", None),
            },
        )
        configure_logging(settings.log, settings.log_level)
        code = command(options, settings)
        sys.stdout.flush()  # here, where a reader that went away can be seen
        return code
    except StartupError as error:
        print(f"bardling: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for Python's own flush
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bardling",
        description="A Discord bot that lets a server play with a quantized GPT-2 it hosts itself.",
    )
    parser.add_argument("--version", action="version", version=f"bardling {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_try(commands)
    _add_run(commands)
    _add_worker(commands)
    add_models(commands)
    add_evaluate(commands)
    _add_bench(commands)
    return parser


def _add_try(commands: "Commands") -> None:
    parser = commands.add_parser("try", help="a local Discord with the bot in it, in your browser")
    parser.add_argument("--port", type=_port, default=0, help="of the page (default: a free one)")
    parser.add_argument("--no-browser", action="store_true", help="only print the page's address")
    parser.add_argument("--once", metavar="TEXT", help="complete one text, print it and end")
    parser.add_argument(
        "--fault",
        dest="faults",
        action="append",
        default=[],
        choices=NAMED_FAULTS,
        help="what goes wrong in that Discord; may be given several times",
    )
    parser.set_defaults(command=_try)


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return port


def _add_run(commands: "Commands") -> None:
    parser = commands.add_parser("run", help="the bot process, connected to Discord")
    parser.add_argument("--shards", metavar="FIRST-LAST/COUNT", help='such as "0-3/16"')
    parser.set_defaults(command=_run)


def _add_worker(commands: "Commands") -> None:
    parser = commands.add_parser("worker", help="a worker process with the model")
    _add_model_options(parser)
    parser.set_defaults(command=_worker)


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    """Settings that may be named on the command line; see `main`."""
    parser.add_argument("--model", metavar="NAME|PATH", help="which model to run")
    parser.add_argument("--engine", choices=ENGINES, help="what runs it")
    parser.add_argument("--slots", type=int, metavar="N", help="texts written at once")
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads")


def _add_bench(commands: "Commands") -> None:
    parser = commands.add_parser("bench", help="measurements, peers side by side")
    actions = parser.add_subparsers(required=True, metavar="WHAT")
    add_bench_engine(actions).set_defaults(command=_bench_engine)
    queue = actions.add_parser("queue", help="jobs per second, enqueue to claim")
    queue.add_argument("--json", type=Path, metavar="OUT")
    queue.set_defaults(command=_bench_queue)
    story = actions.add_parser("story", help="our own time of a turn in stories short and long")
    story.add_argument("--json", type=Path, metavar="OUT")
    story.set_defaults(command=_bench_story)
    add_bench_bot(actions).set_defaults(command=_bench_bot)
    soak = actions.add_parser("soak", help="thousands of mixed requests at once, all checked")
    soak.add_argument("--requests", type=int, default=10_000, metavar="N")
    soak.add_argument("--seed", type=int, default=1, help="of the requests (default: 1)")
    soak.add_argument("--minutes", type=float, default=60, help="at most (default: 60)")
    soak.add_argument("--json", type=Path, metavar="OUT")
    _add_model_options(soak)
    soak.set_defaults(command=_bench_soak)


# The commands import what they run: `bardling --version` needs no discord.py, no model.


def _try(options: argparse.Namespace, settings: Settings) -> int:
    from bot.local.try_out import run_try  # noqa: PLC0415

    browser = not options.no_browser and options.once is None
    return asyncio.run(
        run_try(
            port=options.port,
            open_browser=browser,
            once=options.once,
            home=settings.home,
            faults=options.faults,
        )
    )


def _run(options: argparse.Namespace, settings: Settings) -> int:
    from bot.app import run_bot  # noqa: PLC0415
    from bot.discord_io.client import Shards  # noqa: PLC0415

    shards = Shards.parse(options.shards) if options.shards else None
    asyncio.run(run_bot(settings, shards))
    return 0


def _worker(options: argparse.Namespace, settings: Settings) -> int:
    from bot.app import run_worker  # noqa: PLC0415

    asyncio.run(run_worker(settings))
    return 0


def _bench_engine(options: argparse.Namespace, settings: Settings) -> int:
    from bot.bench.engine import main as bench_engine  # noqa: PLC0415

    return bench_engine(bench_engine_options(options, settings.model, settings.home))


def _bench_queue(options: argparse.Namespace, settings: Settings) -> int:
    from bot.bench.queue import main as bench_queue  # noqa: PLC0415

    return asyncio.run(bench_queue(_own_redis(settings), options.json))


def _bench_story(options: argparse.Namespace, settings: Settings) -> int:
    from bot.bench.story import main as bench_story  # noqa: PLC0415

    return bench_story(_own_redis(settings), options.json)


def _own_redis(settings: Settings) -> str | None:
    """The Redis that was named; without one, a benchmark starts its own."""
    is_given = bool({"REDIS_URL", "REDIS_URL_FILE"} & os.environ.keys())
    return settings.redis_url if is_given else None


def _bench_bot(options: argparse.Namespace, settings: Settings) -> int:
    from bot.bench.bot import BotOptions  # noqa: PLC0415
    from bot.bench.bot import main as bench_bot  # noqa: PLC0415

    said = {name: getattr(options, name) for name in BotOptions.__dataclass_fields__}
    given = {name: value for name, value in said.items() if value is not None}
    return bench_bot(BotOptions(**given), settings)


def _bench_soak(options: argparse.Namespace, settings: Settings) -> int:
    from bot.bench.soak import main as bench_soak  # noqa: PLC0415

    return bench_soak(
        settings,
        requests=options.requests,
        seed=options.seed,
        minutes=options.minutes,
        json_out=options.json,
    )


if __name__ == "__main__":
    sys.exit(main())
