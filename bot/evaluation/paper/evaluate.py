"""`bardling evaluate`: a task on a model, from the files to the figures.

Everything that can be wrong with data and options is found before the model is loaded.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import structlog
from tqdm import tqdm

from bot.core.models import ModelInfo
from bot.engine.select import ENGINE_FILE_FORMAT, choose_engine, open_engine
from bot.errors import EngineError, SettingError
from bot.evaluation.paper.direct import DirectAnswers
from bot.evaluation.paper.files import read_data
from bot.evaluation.paper.metrics import LibraryMetrics, check_metrics
from bot.evaluation.paper.partial import Partial
from bot.lab.api import Dialogue, LabModel
from bot.lab.running import run_all
from bot.lab.tasks.api import Bos, Figure, Loaded, Result, Task, TaskOptions
from bot.lab.tasks.table import TASKS
from bot.model.store import OpenedModel, open_model

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_SLOTS = 8  # texts at once, where nobody says
_WIDTH = 4  # dialogues side by side for each of them: long and short ones even out
_RESULTS_VERSION = 1  # of what items return; another one makes earlier results useless

_VARIANT_WORDS = {Bos.YES: "with BOS", Bos.NO: "no BOS"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be evaluated.

    Attributes:
        task: a key of `TASKS`.
        data: files or a folder, as the task wants them.
        model: a name or a path, as for a worker.
        home: where models and results lie.
        limit: items at most; None = all.
        is_fresh: whether results of before are computed anew.
    """

    task: str
    data: tuple[Path, ...]
    model: str
    home: Path
    options: TaskOptions = field(default_factory=TaskOptions)
    engine: str = "auto"
    n_threads: int | None = None
    slots: int = _SLOTS
    limit: int | None = None
    is_fresh: bool = False
    shows_progress: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What came out.

    Attributes:
        n_items: in the data set.
        n_done: of them, that figures are taken on.
        notes: on the data.
        variants: figures by variant, "" where there is only one.
    """

    task: Task
    info: ModelInfo
    engine: str
    options: TaskOptions
    data_names: tuple[str, ...]
    data_sha256: str
    n_items: int
    n_done: int
    notes: tuple[str, ...]
    variants: Mapping[str, Sequence[Figure]]


def evaluate(order: Order) -> Evaluation:
    """Evaluates a model on a task.

    Raises:
        DataFileError: the data can't be used.
        ModelFileError: the model can't be used.
        EngineError: no engine can run it here, or it failed.
        SettingError: an option is out of its bounds, or a metric is not installed.
    """
    task = TASKS[order.task]
    check_metrics(order.task)
    files, sha256 = read_data(order.data)
    engine = choose_engine(order.engine)
    opened = open_model(order.model, ENGINE_FILE_FORMAT[engine], order.home, with_hash=True)
    loaded = {bos: _load(task, files, opened, bos, order.options) for bos in _variants(task, order)}
    inputs = _inputs(order, sha256, opened.info, engine)
    with Partial(order.home / "evaluate", inputs, is_fresh=order.is_fresh) as partial:
        _compute(order, task, opened, engine, loaded, partial)
        results = partial.results
    return _evaluation(
        order, task, opened, engine, loaded, results, [f.name for f in files], sha256
    )


@dataclass(frozen=True, slots=True)
class _Variant:
    """A data set as one variant reads it."""

    model: LabModel
    loaded: Loaded


def _variants(task: Task, order: Order) -> tuple[Bos, ...]:
    chosen = order.options.bos or task.bos
    return (Bos.YES, Bos.NO) if chosen is Bos.BOTH else (chosen,)


def _load(task: Task, files: Any, opened: OpenedModel, bos: Bos, options: TaskOptions) -> _Variant:
    model = LabModel(
        vocabulary=opened.tokenizer, n_ctx=opened.info.shape.n_ctx,
        end_of_text_id=opened.info.end_of_text_id, bos=bos is Bos.YES,
    )  # fmt: skip
    try:
        return _Variant(model, task.load(files, model, options))
    except ValueError as error:
        value = str(options.stride)
        raise SettingError("--stride", value, "the command line", str(error)) from error


def _inputs(order: Order, sha256: str, info: ModelInfo, engine: str) -> dict[str, Any]:
    return {
        "task": order.task, "data": sha256, "weights": info.sha256, "engine": engine,
        "options": asdict(order.options), "results": _RESULTS_VERSION,
    }  # fmt: skip


def _compute(
    order: Order,
    task: Task,
    opened: OpenedModel,
    engine_name: str,
    loaded: Mapping[Bos, _Variant],
    partial: Partial,
) -> None:
    """Asks what no earlier run has asked; a break loses only what is under way."""
    left = {
        bos: [i for i in range(_count(variant, order)) if (bos.value, i) not in partial.results]
        for bos, variant in loaded.items()
    }
    n_all = sum(_count(variant, order) for variant in loaded.values())
    n_left = sum(map(len, left.values()))
    if n_left < n_all:
        _log.info("going on", done=n_all - n_left, of=n_all, file=str(partial.path))
    if not n_left:
        return

    def dialogues() -> Iterator[tuple[tuple[str, int], Dialogue[Result]]]:
        for bos, variant in loaded.items():
            for index in left[bos]:
                item = variant.loaded.items[index]
                yield (bos.value, index), task.ask(item, variant.model, order.options)

    engine = open_engine(engine_name, opened.info, slots=order.slots, n_threads=order.n_threads)
    with closing(engine):
        answers = DirectAnswers(engine, opened.tokenizer, opened.info.end_of_text_id)
        found = run_all(dialogues(), answers, width=_WIDTH * engine.info.max_sequences)
        bar = tqdm(
            found, total=n_all, initial=n_all - n_left, desc=task.name, unit="item",
            disable=not order.shows_progress, file=sys.stderr, dynamic_ncols=True,
        )  # fmt: skip
        try:
            for key, result in bar:
                partial.add(key, result)
        except RuntimeError as error:  # how engines tell that the model failed
            raise EngineError(f"The model failed on {engine_name}: {error}.") from error


def _count(variant: _Variant, order: Order) -> int:
    n = len(variant.loaded.items)
    return n if order.limit is None else min(n, order.limit)


def _evaluation(
    order: Order,
    task: Task,
    opened: OpenedModel,
    engine: str,
    loaded: Mapping[Bos, _Variant],
    results: Mapping[tuple[str, int], Result],
    names: Sequence[str],
    sha256: str,
) -> Evaluation:
    metrics = LibraryMetrics()
    variants: dict[str, Sequence[Figure]] = {}
    n_done = 0
    for bos, variant in loaded.items():
        n = _count(variant, order)
        some = {index: results[bos.value, index] for index in range(n)}
        figures = task.figures(variant.loaded, some, order.options, metrics)
        variants[_VARIANT_WORDS[bos] if len(loaded) > 1 else ""] = figures
        n_done = n
    first = next(iter(loaded.values())).loaded
    options = replace(
        order.options, bos=order.options.bos or task.bos, detok=order.options.detok or task.detok
    )
    return Evaluation(
        task=task, info=opened.info, engine=engine, options=options, data_names=tuple(names),
        data_sha256=sha256, n_items=len(first.items), n_done=n_done, notes=first.notes,
        variants=variants,
    )  # fmt: skip
