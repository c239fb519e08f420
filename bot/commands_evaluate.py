"""`bardling evaluate`: its arguments, and what it prints. Called by `__main__`."""

import argparse
import json
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from bot.command_outputs import check_folder, save
from bot.lab.detokenizers import Detok
from bot.lab.tasks.api import Bos, TaskOptions
from bot.lab.tasks.table import TASKS
from bot.settings import ENGINES, Settings

if TYPE_CHECKING:
    from bot.bench.options import Commands

_EXAMPLE = "bardling evaluate lambada --data lambada_test.jsonl --model 124M"


def add_evaluate(commands: "Commands") -> None:
    """Adds `evaluate`."""
    width = max(map(len, TASKS))
    listed = "\n".join(f"  {name:<{width}}  {task.about}" for name, task in TASKS.items())
    files = "\n".join(f"  {name:<{width}}  {task.wants}" for name, task in TASKS.items())
    parser = commands.add_parser(
        "evaluate",
        help="the tasks of GPT-2's paper on a model, beside the paper's tables",
        description=f"Tasks:\n{listed}\n\nTheir data:\n{files}\n\nFor instance: {_EXAMPLE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("task", metavar="TASK", choices=TASKS)
    parser.add_argument(
        "--data", nargs="+", type=Path, required=True, metavar="FILE",
        help="of the data set, as it is published",
    )  # fmt: skip
    parser.add_argument("--model", metavar="NAME|FILE", help="which model")
    parser.add_argument("--engine", choices=ENGINES, help="what runs it")
    parser.add_argument("--slots", type=_positive, metavar="N", help="texts at once (default: 8)")
    parser.add_argument("--threads", type=_positive, metavar="N", help="processor threads")
    parser.add_argument("--limit", type=_positive, metavar="N", help="the first N items alone")
    parser.add_argument(
        "--fresh", action="store_true", help="compute again what an earlier run has computed"
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="all figures")
    parser.add_argument("--plot", type=Path, metavar="OUT", help="a picture, .svg or .png")
    _add_protocol(parser)
    parser.set_defaults(command=_evaluate)


def _add_protocol(parser: argparse.ArgumentParser) -> None:
    usual = TaskOptions()
    group = parser.add_argument_group("protocol (default: the paper's, as far as it says)")
    group.add_argument("--bos", type=Bos, choices=list(Bos), metavar="|".join(Bos),
                       help="the end-of-text token before scored texts")  # fmt: skip
    group.add_argument("--detok", type=Detok, choices=list(Detok), metavar="|".join(Detok),
                       help="how the words of a data set are joined")  # fmt: skip
    group.add_argument("--stride", type=_positive, metavar="N", default=usual.stride,
                       help=f"long texts: tokens between windows ({usual.stride})")  # fmt: skip
    group.add_argument("--last-bytes", type=_count, metavar="N",
                       help="long texts: score the end alone; 0 = all")  # fmt: skip
    group.add_argument("--newline-before", action="store_true",
                       help="lambada: a line break before each passage")  # fmt: skip
    group.add_argument("--line-breaks", action="store_true",
                       help="cbt: keep the line breaks of the passage")  # fmt: skip
    group.add_argument("--blank-lines", action="store_true",
                       help="coqa: blank lines between turns")  # fmt: skip
    group.add_argument("--no-hint", dest="hint", action="store_false",
                       help="cnndm: without TL;DR:")  # fmt: skip
    group.add_argument("--seeds", type=_positive, metavar="N", default=usual.seeds,
                       help=f"cnndm: summaries of each article ({usual.seeds})")  # fmt: skip
    group.add_argument("--seed", type=_count, metavar="N", default=usual.seed,
                       help=f"cnndm: the first one's seed ({usual.seed})")  # fmt: skip
    group.add_argument("--pairs", type=_count, metavar="N", default=usual.pairs,
                       help=f"nq, wmt14: examples before each ({usual.pairs})")  # fmt: skip
    group.add_argument("--stop-at-punctuation", action="store_true",
                       help="nq: an answer ends at . and , too")  # fmt: skip


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _count(text: str) -> int:
    if (number := int(text)) < 0:
        raise argparse.ArgumentTypeError("must be at least 0")
    return number


def _evaluate(options: argparse.Namespace, settings: Settings) -> int:
    from bot.evaluation.paper.evaluate import Order, evaluate  # noqa: PLC0415
    from bot.evaluation.paper.plot import draw  # noqa: PLC0415
    from bot.evaluation.paper.report import as_json, table  # noqa: PLC0415
    from bot.evaluation.plot import check_plot  # noqa: PLC0415

    if options.plot is not None:
        check_plot(options.plot)
    for option in ("json", "plot"):
        check_folder(option, getattr(options, option))
    protocol = {field.name: getattr(options, field.name) for field in fields(TaskOptions)}
    found = evaluate(
        Order(
            task=options.task,
            data=tuple(options.data),
            model=settings.model,
            home=settings.home,
            options=TaskOptions(**protocol),
            engine=settings.engine,
            n_threads=settings.threads,
            limit=options.limit,
            **({"slots": options.slots} if options.slots else {}),
            is_fresh=options.fresh,
        )
    )
    print(table(found))
    if options.json is not None:
        figures = json.dumps(as_json(found), indent=1, ensure_ascii=False) + "\n"
        save("json", options.json, lambda path: path.write_text(figures, encoding="utf-8"))
    if options.plot is not None:
        save("plot", options.plot, lambda path: draw(found, path))
    return 0
