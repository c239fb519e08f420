"""ROUGE and BLEU by the libraries that made them comparable; an extra, imported late."""

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any

from bot.errors import SettingError
from bot.lab.intervals import Estimate

_ROUGES = ("rouge1", "rouge2", "rougeLsum")
_N_BOOTSTRAP = 1000
_WHERE = {"cnndm": "rouge_score", "wmt14-enfr": "sacrebleu", "wmt14-fren": "sacrebleu"}


class LibraryMetrics:
    """Implements `TextMetrics` by rouge-score and sacrebleu."""

    def rouge(self, texts: Sequence[str], references: Sequence[str]) -> Mapping[str, list[float]]:
        """See `TextMetrics.rouge`; with stemming, as ROUGE-1.5.5 was run at the time."""
        scorer = importlib.import_module("rouge_score.rouge_scorer").RougeScorer(
            list(_ROUGES), use_stemmer=True
        )
        found: list[Any] = [
            scorer.score(reference, text) for text, reference in zip(texts, references, strict=True)
        ]
        return {name: [float(one[name].fmeasure) for one in found] for name in _ROUGES}

    def bleu(self, texts: Sequence[str], references: Sequence[str]) -> tuple[Estimate, str]:
        """See `TextMetrics.bleu`; its interval is bootstrapped by sacrebleu, with a fixed seed."""
        metric: Any = importlib.import_module("sacrebleu.metrics").BLEU()
        score = metric.corpus_score(list(texts), [list(references)], n_bootstrap=_N_BOOTSTRAP)
        half = float(score._ci)
        estimate = Estimate(float(score.score), float(score._mean) - half, score._mean + half)
        return estimate, str(metric.get_signature())


def check_metrics(task: str) -> None:
    """Refuses a task whose metric is not installed, before any model time is spent.

    Raises:
        SettingError: it is not.
    """
    module = _WHERE.get(task)
    if module is not None and importlib.util.find_spec(module) is None:
        reason = "its metric is not installed; pip install 'bardling[evaluate]' adds it"
        raise SettingError("TASK", task, "the command line", reason)
