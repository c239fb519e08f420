"""The command lines of `bardling bench engine` and `bench bot`.

Light: `bardling --version` imports it, too.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # pyright: ignore[reportPrivateUsage]

SHAPE_NAMES = ("124M", "355M", "774M", "1558M")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says.

    Attributes:
        model: a name or a path, as for a worker; not used with a shape.
        home: where models lie.
        shape: one of `SHAPE_NAMES`, for random weights, or None.
        quantizations: of the shape's files.
        streams: how many requests at once, each measured.
        prompt_tokens: read for each request.
        new_tokens: written for each request.
        rounds: how often each is measured, at most.
        threads: processor threads; None = as a worker has by default.
        contenders: their keys; empty = all that are installed.
        budget_s: no new round begins after this.
        limit_s: a measurement is cut off after so long.
        peers_python: of the environment with the peers.
        json_out: a file for all figures, or None.
        plot_out: a file for the picture, or None.
        markdown_out: a file for the table, or None.
    """

    model: str
    home: Path
    shape: str | None = None
    quantizations: tuple[str, ...] = ("q8_0",)
    streams: tuple[int, ...] = (1, 8, 32)
    prompt_tokens: int = 64
    new_tokens: int = 128
    rounds: int = 3
    threads: int | None = None
    contenders: tuple[str, ...] = ()
    budget_s: float = 600.0
    limit_s: float = 90.0
    peers_python: Path = Path(".venv-peers/bin/python")
    json_out: Path | None = None
    plot_out: Path | None = None
    markdown_out: Path | None = None


_DEFAULTS = Options(model="", home=Path())


def add_bench_engine(actions: Commands) -> argparse.ArgumentParser:
    """Adds `engine` to the commands under `bench`."""
    parser = actions.add_parser("engine", help="tokens per second, time to first token")
    models = parser.add_mutually_exclusive_group()
    models.add_argument("--model", metavar="NAME|PATH", help="a model that is there")
    models.add_argument("--shape", choices=SHAPE_NAMES, help="GPT-2's shape, random weights")
    for name, parse, metavar, what in (
        ("quantizations", _words, "A,B", "of the files made for --shape"),
        ("streams", _counts, "N,N", "requests at once"),
        ("prompt_tokens", int, "N", "read for each request"),
        ("new_tokens", int, "N", "written for each request"),
        ("rounds", int, "N", "how often all is measured, at most"),
        ("budget_s", float, "S", "seconds after which no new round begins"),
        ("limit_s", float, "S", "seconds after which a measurement is cut off"),
        ("peers_python", Path, "PATH", "what 'make bench-peers' makes"),
    ):
        shown = _shown(getattr(_DEFAULTS, name))
        parser.add_argument(
            _flag(name), type=parse, metavar=metavar, help=f"{what} (default: {shown})"
        )
    parser.add_argument(
        "--threads", type=int, metavar="N", help="processor threads (default: all cores but one)"
    )
    parser.add_argument(
        "--contenders", type=_words, metavar="A,B", help="default: all that are installed"
    )
    parser.add_argument("--json", dest="json_out", type=Path, metavar="OUT")
    parser.add_argument("--plot", dest="plot_out", type=Path, metavar="OUT.svg")
    parser.add_argument("--markdown", dest="markdown_out", type=Path, metavar="OUT.md")
    return parser


def bench_engine_options(namespace: argparse.Namespace, model: str, home: Path) -> Options:
    """What was said, over the defaults.

    Args:
        namespace: of the parser that `add_bench_engine` made.
        model: a name or a path, the settings' where none was said.
        home: where models lie.
    """
    names = Options.__dataclass_fields__.keys() - {"model", "home"}
    said = {name: getattr(namespace, name) for name in names}
    given = {name: value for name, value in said.items() if value is not None}
    return Options(model=model, home=home, **given)


def add_bench_bot(actions: Commands) -> argparse.ArgumentParser:
    """Adds `bot` to the commands under `bench`; those of its options that were not given are None.

    The defaults are those of `BotOptions`, which needs more to import.
    """
    parser = actions.add_parser("bot", help="from the command to the text, as members see it")
    parser.add_argument("--model", metavar="NAME|PATH", help="a model that is there")
    for name, parse, metavar, what in (
        ("engines", _words, "A,B", "what writes (default: auto,scripted)"),
        ("waiting", _counts, "N,N", "commands at once (default: 1,10,100)"),
        ("length", int, "N", "tokens of each text (default: 100)"),
        ("samples", int, "N", "commands for each row, at least (default: 20)"),
        ("budget_s", float, "S", "seconds after which it ends (default: 300)"),
    ):
        parser.add_argument(_flag(name), type=parse, metavar=metavar, help=what)
    parser.add_argument("--slots", type=int, metavar="N", help="texts written at once")
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads")
    parser.add_argument("--json", dest="json_out", type=Path, metavar="OUT")
    return parser


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _shown(value: object) -> str:
    return str(value).strip("(),").replace("'", "").replace(", ", ",")


def _counts(text: str) -> tuple[int, ...]:
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or min(found) < 1:
        raise argparse.ArgumentTypeError('counts are given as in "1,8,32"')
    return found


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
