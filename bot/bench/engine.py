"""`bardling bench engine`: every engine of ours beside every engine a host could pick instead.

All take turns in one run, each measurement in a process of its own. Prints figures, judges
nothing.
"""

import json
import sys
from dataclasses import asdict
from typing import Any

from bot.bench.bandwidth import read_bandwidth, weight_bytes
from bot.bench.contenders import Environments, chosen_contenders, find_environments
from bot.bench.machine import installed_versions, machine_facts
from bot.bench.models import Model, random_model, stored_model
from bot.bench.options import Options
from bot.bench.plot import draw
from bot.bench.report import Report, outside_of, reuse_of, rows_of
from bot.bench.runner import Measurement, Result, Runner, Workload, all_measurements
from bot.bench.tables import markdown, table
from bot.engine.select import default_threads
from bot.errors import SettingError
from bot.evaluation.plot import check_plot
from bot.model.quantize import QUANTIZATIONS
from bot.model.tensors import StorageType

_PEER_STORAGE = {
    "int8": StorageType("int8", -1, -1, 1, 1),
    "bf16": StorageType("bf16", -1, -1, 1, 2),
}
_OUR_PACKAGES = ("llama-cpp-python", "xllamacpp", "ctransformers", "onnxruntime", "numba", "numpy")


def main(options: Options) -> int:
    """Measures, prints the table and writes the files asked for.

    Raises:
        SettingError: an option can't be obeyed.
        ModelFileError: there is no such model.
    """
    if options.plot_out is not None:
        check_plot(options.plot_out)
    environments = find_environments(options.peers_python)
    contenders = chosen_contenders(options.contenders, environments)
    model = _model(options, environments)
    _check(options, model)
    threads = options.threads or default_threads()
    work = Workload(
        prompt_tokens=options.prompt_tokens,
        new_tokens=options.new_tokens,
        threads=threads,
        limit_s=options.limit_s,
    )
    bandwidth = read_bandwidth(threads)
    runner = Runner(model, work, environments, _tell)
    results = runner.run(
        all_measurements(contenders, model.quantizations, options.streams),
        rounds=options.rounds,
        budget_s=options.budget_s,
    )
    report = _report(model, work, results, bandwidth)
    print(table(report))
    _write(options, report, _facts(model, work, environments) | _figures(report, results))
    return 0


def _model(options: Options, environments: Environments) -> Model:
    if options.shape is None:
        return stored_model(options.model, options.home)
    return random_model(options.shape, options.quantizations, options.home, environments)


def _check(options: Options, model: Model) -> None:
    """Refuses what no contender could do."""
    length = options.prompt_tokens + options.new_tokens
    if options.prompt_tokens < 2 or options.new_tokens < 2 or length > model.shape.n_ctx:
        reason = f"prompt and new tokens are 2 or more, together up to {model.shape.n_ctx}"
        raise SettingError("--new-tokens", str(options.new_tokens), "the command line", reason)
    if min(options.streams) < 1 or options.rounds < 1:
        value = f"{','.join(map(str, options.streams))}, {options.rounds}"
        raise SettingError("--streams, --rounds", value, "the command line", "1 is the least")


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _report(
    model: Model,
    work: Workload,
    results: dict[Measurement, list[Result]],
    bandwidth: float,
) -> Report:
    rounds = max((len(found) for found in results.values()), default=0)
    title = (
        f"{model.name}: {work.prompt_tokens} tokens read and {work.new_tokens} written for each "
        f"request, {work.threads} thread{'s' if work.threads > 1 else ''}, medians of {rounds} "
        f"round{'s' if rounds > 1 else ''} in turn"
    )
    formats = {one.number_format for one in results}
    storages = {name: one.main for name, one in QUANTIZATIONS.items()} | _PEER_STORAGE
    return Report(
        title=title,
        rows=rows_of(results),
        outside=outside_of(results),
        reuse=reuse_of(results),
        bandwidth=bandwidth,
        weight_bytes={
            name: weight_bytes(model.shape, storages[name]) for name in formats & storages.keys()
        },
    )


def _facts(model: Model, work: Workload, environments: Environments) -> dict[str, Any]:
    return machine_facts() | {
        "model": model.name,
        "shape": asdict(model.shape),
        "workload": asdict(work),
        "versions": installed_versions(_OUR_PACKAGES),
        "peers_versions": dict(environments.versions),
    }


def _figures(report: Report, results: dict[Measurement, list[Result]]) -> dict[str, Any]:
    return asdict(report) | {
        "measurements": [
            {
                "name": one.contender.name,
                "number_format": one.number_format,
                "streams": one.streams,
                "kind": one.kind,
                "rounds": found,
            }
            for one, found in results.items()
        ]
    }


def _write(options: Options, report: Report, figures: dict[str, Any]) -> None:
    if options.json_out is not None:
        options.json_out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if options.markdown_out is not None:
        options.markdown_out.write_text(markdown(report), encoding="utf-8")
    if options.plot_out is not None:
        draw(report, options.plot_out)
