"""`bardling models compare`: the same text through several models, each in a process of its own.

First each model alone: speed, memory, the log-probability of each token. Then every model beside
the best of its vocabulary, row by row. At most two models are loaded at once, and of logits never
more than a few rows are held.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog

from bot.core.models import ModelShape
from bot.engine.select import default_threads
from bot.errors import ModelFileError, SettingError
from bot.evaluation.candidates import Candidate, engine_for, open_candidate
from bot.evaluation.metrics import agreements, bits_per_byte, kl_divergence, perplexity
from bot.evaluation.model_process import ModelProcess, model_process
from bot.evaluation.results import Compared, Comparison, Guesses, Likeness
from bot.evaluation.text import Text, shorten, windows
from bot.model.store import find_model

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

MAX_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class _Reading:
    """A model, and the text as it reads it: all ids, and the same in windows."""

    candidate: Candidate
    tokens: tuple[int, ...]
    windows: tuple[list[int], ...]


def compare(
    names: Sequence[str],
    text: Text,
    home: Path,
    *,
    max_tokens: int = MAX_TOKENS,
    engine: str = "auto",
    n_threads: int | None = None,
) -> Comparison:
    """Compares models on a text.

    Args:
        names: names or paths, as for a worker.
        text: what they read.
        home: where models lie.
        max_tokens: what is used of the text, in tokens of whatever model has most.
        engine: what runs all of them; "auto" = the best that is installed and reads all files.
        n_threads: processor threads; None = what suits the machine.

    Raises:
        ModelFileError: a model can't be used, or its process died; the message names the file.
        EngineError: the engine can't run here.
        SettingError: the text is too short.
    """
    chosen = engine_for(engine, [find_model(name, home) for name in names])
    candidates = [open_candidate(name, chosen, home) for name in names]
    window = min(candidate.window for candidate in candidates)
    used = shorten(text, [candidate.tokenizer for candidate in candidates], max_tokens)
    readings = [_read(candidate, used, window) for candidate in candidates]
    guesses = [_guess(reading, used, n_threads) for reading in readings]
    labels = _labels(names, candidates)
    models: dict[int, Compared] = {}
    for number, group in enumerate(_vocabularies(readings)):
        likenesses = _liken(readings, group, guesses, n_threads)
        for index in group:
            models[index] = Compared(
                label=labels[index],
                candidate=candidates[index],
                vocabulary=number,
                guesses=guesses[index],
                is_best=index not in likenesses,
                likeness=likenesses.get(index),
            )
    in_order = tuple(models[index] for index in range(len(names)))
    return Comparison(text=used, window=window, engine=chosen, models=in_order)


def best(contenders: Sequence[tuple[ModelShape, float, float]]) -> int:
    """Which of some models of one vocabulary the others are compared with.

    Where all have one shape, they are taken for one model stored in several ways, and it is the
    one with most bits for each weight: the nearest to what was trained, even if another one guesses
    this text better by chance. Otherwise, and among those of equal bits, it is the one with the
    lowest perplexity.

    Args:
        contenders: shape, file's bits per weight and perplexity of each, at least one.

    Returns:
        Its index.
    """
    have_one_shape = len({shape for shape, _, _ in contenders}) == 1

    def rank(index: int) -> tuple[float, float]:
        _, bits, doubt = contenders[index]
        # Rounded, as names and notes in a file are no weights.
        return (-round(bits, 1) if have_one_shape else 0.0, doubt)

    return min(range(len(contenders)), key=rank)


def _read(candidate: Candidate, text: Text, window: int) -> _Reading:
    tokens = candidate.tokenizer.encode(text.text)
    pieces = windows(tokens, window)
    if not pieces:
        reason = "it is too short: there is no second token to guess"
        raise SettingError("--text", text.name, "the command line", reason)
    return _Reading(candidate, tuple(tokens), tuple(pieces))


def _process(reading: _Reading, n_threads: int | None) -> AbstractContextManager[ModelProcess]:
    one = reading.candidate
    return model_process(
        "bot.evaluation.measuring", one.engine, one.info, one.path, n_threads=n_threads
    )


def _guess(reading: _Reading, text: Text, n_threads: int | None) -> Guesses:
    """One model alone."""
    _log.info("measuring a model alone", model=str(reading.candidate.path))
    with _process(reading, n_threads) as process:
        speed = process.ask({"do": "speed", "tokens": reading.windows[0]})
        logprobs = np.array(
            [
                logprob
                for window in reading.windows
                for logprob in process.ask({"do": "score", "tokens": window})["logprobs"]
            ]
        )
    return Guesses(
        perplexity=perplexity(logprobs),
        bits_per_byte=bits_per_byte(logprobs, text.n_bytes / len(reading.tokens)),
        n_guessed=len(logprobs),
        **speed,
    )


def _vocabularies(readings: Sequence[_Reading]) -> list[list[int]]:
    """The models' indexes, together where an id means the same and the text gives the same ids."""
    groups: dict[tuple[tuple[str, ...], tuple[int, ...]], list[int]] = {}
    for index, reading in enumerate(readings):
        key = (reading.candidate.tokenizer.tokens, reading.tokens)
        groups.setdefault(key, []).append(index)
    return list(groups.values())


def _liken(
    readings: Sequence[_Reading],
    group: Sequence[int],
    guesses: Sequence[Guesses],
    n_threads: int | None,
) -> dict[int, Likeness]:
    """By index, how near each model of a vocabulary is to the best one, which is left out."""
    candidates = {index: readings[index].candidate for index in group}
    place = best(
        [
            (one.info.shape, one.file_bits_per_weight, guesses[index].perplexity)
            for index, one in candidates.items()
        ]
    )
    others = [index for index in group if index != group[place]]
    if not others:
        return {}
    half = max(1, (n_threads or default_threads()) // 2)  # two compute at once
    with _process(readings[group[place]], half) as reference:
        return {index: _liken_one(readings[index], reference, half) for index in others}


def _liken_one(reading: _Reading, reference: ModelProcess, n_threads: int) -> Likeness:
    path = reading.candidate.path
    _log.info("comparing a model with the best", model=str(path))
    divergences: list[float] = []
    agreed: list[bool] = []
    with _process(reading, n_threads) as process:
        for window in reading.windows:
            request = {"do": "rows", "tokens": window[:-1]}
            pairs = zip(reference.rows(request), process.rows(request), strict=True)
            for expected, found in pairs:
                divergences += kl_divergence(expected, found).tolist()
                agreed += agreements(expected, found).tolist()
    kl_nats = float(np.mean(divergences))
    if not np.isfinite(kl_nats):
        raise ModelFileError(path, "it computes numbers that are not finite")
    return Likeness(kl_nats=kl_nats, agreement=float(np.mean(agreed)))


def _labels(names: Sequence[str], candidates: Sequence[Candidate]) -> list[str]:
    """Names with their quantization; as they were typed, or numbered, where that is the same."""
    labels = [_label(one.info.name, one.info.quantization) for one in candidates]
    labels = [
        label if labels.count(label) == 1 else name
        for name, label in zip(names, labels, strict=True)
    ]
    return [
        label if labels.count(label) == 1 else f"{label} ({index + 1})"
        for index, label in enumerate(labels)
    ]


def _label(name: str, quantization: str) -> str:
    return name if name.endswith(quantization) else f"{name} {quantization}"
