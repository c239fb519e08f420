"""`bardling models`: its arguments, and what each action prints. Called by `__main__`."""

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bot.command_outputs import check_folder, save
from bot.settings import ENGINES, Settings

if TYPE_CHECKING:
    # argparse has no public name for what `add_subparsers` returns.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # pyright: ignore[reportPrivateUsage]


def add_models(commands: "Commands") -> None:
    """Adds `models` with all its actions."""
    parser = commands.add_parser("models", help="model files")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="models there are")
    listing.set_defaults(command=_list)
    _add_verify(actions)
    _add_compare(actions)
    _add_import(actions)
    _add_download(actions)


def _add_verify(actions: "Commands") -> None:
    parser = actions.add_parser("verify", help="check a model: its file, its checksum, its numbers")
    # Not "model", which would be taken for the setting of that name.
    parser.add_argument("name", metavar="NAME|FILE")
    parser.add_argument("--engine", choices=ENGINES, help="what runs it")
    parser.set_defaults(command=_verify)


def _add_compare(actions: "Commands") -> None:
    parser = actions.add_parser("compare", help="quality, size and speed of models side by side")
    parser.add_argument("names", nargs="+", metavar="NAME|FILE")
    parser.add_argument("--text", type=Path, metavar="FILE", help="what they read (default: ours)")
    parser.add_argument(
        "--tokens", type=_tokens, metavar="N", help="how many of it at most (default: 4096)"
    )
    parser.add_argument("--engine", choices=ENGINES, help="what runs them")
    parser.add_argument("--json", type=Path, metavar="OUT", help="all figures")
    parser.add_argument("--plot", type=Path, metavar="OUT", help="a picture, .svg or .png")
    parser.set_defaults(command=_compare)


def _tokens(text: str) -> int:
    count = int(text)
    if count < 2:
        raise argparse.ArgumentTypeError("a text has at least 2 tokens, or there is none to guess")
    return count


def _add_import(actions: "Commands") -> None:
    parser = actions.add_parser("import", help="make a model file of a folder with a GPT-2")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", help="how to call it (default: the folder's name)")
    _add_quantization(parser)
    parser.set_defaults(command=_import)


def _add_download(actions: "Commands") -> None:
    parser = actions.add_parser("download", help="get a GPT-2 and make a model file of it")
    parser.add_argument(
        "name", help="124M, 355M, 774M, 1558M, distilgpt2, or OWNER/NAME at Hugging Face"
    )
    parser.add_argument("--from", dest="source", choices=("huggingface", "openai"))
    parser.add_argument("--as", dest="called", metavar="NAME", help="how to call the model")
    _add_quantization(parser)
    parser.add_argument("--mirror", metavar="URL", help="instead of the source's own address")
    parser.add_argument("--proxy", metavar="URL", help="http://, https://, socks5://, socks4://")
    parser.set_defaults(command=_download)


def _add_quantization(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--quantization", default="q8_0", help="f32, f16, q8_0 (default), q6_K, q5_0, q4_K_M, q4_0"
    )


# The commands import what they run: `bardling --version` needs no model.


def _list(options: argparse.Namespace, settings: Settings) -> int:
    from bot.model.commands import listing  # noqa: PLC0415

    for line in listing(settings.home):
        print(line)
    return 0


def _verify(options: argparse.Namespace, settings: Settings) -> int:
    from bot.evaluation.verify import verify_model  # noqa: PLC0415

    found = verify_model(
        options.name, settings.home, engine=settings.engine, n_threads=settings.threads
    )
    for line in found:
        print(line, flush=True)  # the next one may take its time
    return 0


def _compare(options: argparse.Namespace, settings: Settings) -> int:
    from bot.evaluation.compare import MAX_TOKENS, compare  # noqa: PLC0415
    from bot.evaluation.plot import check_plot, draw  # noqa: PLC0415
    from bot.evaluation.report import as_json, table  # noqa: PLC0415
    from bot.evaluation.text import read_text  # noqa: PLC0415

    if options.plot is not None:
        check_plot(options.plot)
    for option in ("json", "plot"):
        check_folder(option, getattr(options, option))
    comparison = compare(
        options.names,
        read_text(options.text),
        settings.home,
        max_tokens=options.tokens or MAX_TOKENS,
        engine=settings.engine,
        n_threads=settings.threads,
    )
    print(table(comparison))
    if options.json is not None:
        figures = json.dumps(as_json(comparison), indent=1) + "\n"
        save("json", options.json, lambda path: path.write_text(figures, encoding="utf-8"))
    if options.plot is not None:
        save("plot", options.plot, lambda path: draw(comparison, path))
    return 0


def _import(options: argparse.Namespace, settings: Settings) -> int:
    from bot.model.commands import import_folder  # noqa: PLC0415

    folder: Path = options.folder
    name = options.name or folder.resolve().name
    for path in import_folder(folder, settings.home, name, options.quantization):
        print(path)
    return 0


def _download(options: argparse.Namespace, settings: Settings) -> int:
    from bot.model.commands import import_folder  # noqa: PLC0415
    from bot.model.download.order import Order, download, reporter_for  # noqa: PLC0415

    order = Order(
        name=options.name,
        called=options.called,
        quantization=options.quantization,
        source=options.source or "huggingface",
        mirror=options.mirror,
        proxy=options.proxy,
    )
    reporter = reporter_for(sys.stderr)
    try:
        got = asyncio.run(download(order, os.environ, settings.home, reporter))
    except KeyboardInterrupt:
        reporter.note("stopped; the same command goes on with what is there")
        raise
    for path in import_folder(got.folder, settings.home, got.name, options.quantization):
        print(path)
    return 0
