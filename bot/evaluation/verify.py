"""`bardling models verify`: a file's structure, its checksum, and whether its model works."""

from collections.abc import Iterator
from pathlib import Path

from bot.evaluation.candidates import Candidate, engine_for, open_candidate
from bot.evaluation.model_process import model_process
from bot.model.checksum import check_checksum, checksum_path
from bot.model.store import find_model, read_model

_PROMPT = "Once upon a time"


def verify_model(
    name_or_path: str, home: Path, *, engine: str = "auto", n_threads: int | None = None
) -> Iterator[str]:
    """Checks a model; gives a line for each thing that was found right, as soon as it was.

    Args:
        name_or_path: as for a worker.
        home: where models lie.
        engine: what shall run it; "auto" = the best that is installed and reads the file.
        n_threads: processor threads; None = what suits the machine.

    Raises:
        ModelFileError: the file can't be used, or its model computes nonsense or ends the process.
        EngineError: the engine can't run here.
    """
    path = find_model(name_or_path, home)
    file = read_model(path)
    yield f"{path}: {file.name}, {file.file_format}, {file.quantization}, {file.shape}"
    beside, digest = checksum_path(path).name, check_checksum(path)
    yield f"checksum: {f'as in {beside}' if digest else f'none, there is no {beside} beside it'}"
    yield _try(open_candidate(name_or_path, engine_for(engine, [path]), home), n_threads)


def _try(candidate: Candidate, n_threads: int | None) -> str:
    prompt = candidate.tokenizer.encode(_PROMPT) or [0]
    with model_process(
        "bot.evaluation.smoke",
        candidate.engine,
        candidate.info,
        candidate.path,
        n_threads=n_threads,
    ) as process:
        report = process.ask({"do": "smoke", "prompt": prompt})
    text = candidate.tokenizer.decode(prompt + report["tokens"])
    speed = f"{report['tokens_per_s']:.0f} tokens/s"
    return f"smoke test: {candidate.engine}, window of {report['window']}, {speed}, {text!r}"
