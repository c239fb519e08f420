"""What was published: the paper's tables for the four sizes, and what others measured since.

Radford et al., "Language Models are Unsupervised Multitask Learners" (2019), Table 3 and sections
3.3 to 3.8. Sizes by their true counts of parameters; the paper calls them 117M, 345M, 762M, 1542M.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

SIZES = ("124M", "355M", "774M", "1558M")
PARAMETERS = (124_439_808, 354_823_168, 774_030_080, 1_557_611_200)

Cells = tuple[float | None, float | None, float | None, float | None]


class Cell(StrEnum):
    """A row of the paper's results that figures are set beside."""

    LAMBADA_PPL = "lambada_ppl"
    LAMBADA_ACC = "lambada_acc"
    LAMBADA_ACC_UNFILTERED = "lambada_acc_unfiltered"
    CBT_CN = "cbt_cn"
    CBT_NE = "cbt_ne"
    WIKITEXT2 = "wikitext2"
    WIKITEXT103 = "wikitext103"
    PTB = "ptb"
    ENWIK8 = "enwik8"
    TEXT8 = "text8"
    ONE_BILLION = "1bw"
    WINOGRAD = "winograd"
    COQA = "coqa"
    ROUGE_1 = "rouge1"
    ROUGE_2 = "rouge2"
    ROUGE_L = "rougeL"
    ROUGE_1_PLAIN = "rouge1_plain"
    ROUGE_2_PLAIN = "rouge2_plain"
    ROUGE_L_PLAIN = "rougeL_plain"
    EN_FR = "en_fr"
    FR_EN = "fr_en"
    NQ = "nq"
    NQ_CONFIDENT = "nq_confident"


def _largest(value: float) -> Cells:
    """Published of the largest size alone."""
    return (None, None, None, value)


PAPER: Mapping[Cell, Cells] = {
    Cell.LAMBADA_PPL: (35.13, 15.60, 10.87, 8.63),
    Cell.LAMBADA_ACC: (45.99, 55.48, 60.12, 63.24),
    Cell.LAMBADA_ACC_UNFILTERED: _largest(52.66),
    Cell.CBT_CN: (87.65, 92.35, 93.45, 93.30),
    Cell.CBT_NE: (83.4, 87.1, 88.0, 89.05),
    Cell.WIKITEXT2: (29.41, 22.76, 19.93, 18.34),
    Cell.WIKITEXT103: (37.50, 26.37, 22.05, 17.48),
    Cell.PTB: (65.85, 47.33, 40.31, 35.76),
    Cell.ENWIK8: (1.16, 1.01, 0.97, 0.93),
    Cell.TEXT8: (1.17, 1.06, 1.02, 0.98),
    Cell.ONE_BILLION: (75.20, 55.72, 44.575, 42.16),
    Cell.WINOGRAD: _largest(70.70),
    Cell.COQA: _largest(55.0),
    Cell.ROUGE_1: _largest(29.34),
    Cell.ROUGE_2: _largest(8.27),
    Cell.ROUGE_L: _largest(26.58),
    Cell.ROUGE_1_PLAIN: _largest(21.58),
    Cell.ROUGE_2_PLAIN: _largest(4.03),
    Cell.ROUGE_L_PLAIN: _largest(19.47),
    Cell.EN_FR: _largest(5.0),
    Cell.FR_EN: _largest(11.5),
    Cell.NQ: _largest(4.1),
    Cell.NQ_CONFIDENT: _largest(63.1),
}

# What others measured with the released weights: "size: value (source)". None of it is OpenAI's
# code, which was never released.
REPRODUCTIONS: Mapping[str, str] = {
    "lambada_word": "124M 32.56, 1558M 51.21 (lm-evaluation-harness)",
    "lambada_filtered": "124M 41.98 (cybertronai/bflm)",
    "lambada_last": "124M 46.67 (cybertronai/bflm)",
    "lambada_ppl_word": "124M 40.06, 1558M 10.63 (lm-evaluation-harness)",
    "lambada_ppl_last": "1558M 8.63 (OpenAI's own re-run, by ConnorJL)",
    "cbt_cn": "124M 84.35 (transformers#13761)",
    "cbt_ne": "124M 73.65 (transformers#13761)",
    "wikitext2_token": "124M 29.94 (stride 1024, transformers#13761), 774M 19.44 (HF docs)",
    "wikitext2_word": "124M 37.37 (lm-evaluation-harness), 1558M 18.67 (OpenAI's own re-run)",
    "wikitext103_word": "124M 48.4 (transformers#483)",
    "ptb_token": "124M 52.53 (transformers#13786)",
    "ptb_word": "124M 79.65 (transformers#13786), 1558M 36.51 (OpenAI's own re-run)",
    "1bw": "124M 45.88, its unit unclear (transformers#13761)",
}


@dataclass(frozen=True, slots=True)
class Baseline:
    """A published result of another system, printed for comparison."""

    name: str
    value: str


BASELINES: Mapping[str, tuple[Baseline, ...]] = {
    "winograd": (Baseline("best before (14 language models, Trinh & Le 2018)", "63.7 %"),),
    "coqa": (Baseline("BERT, about as people", "F1 89"),),
    "cnndm": (
        Baseline("Bottom-Up", "R-1 41.22, R-2 18.68, R-L 38.34"),
        Baseline("Lede-3", "R-1 40.38, R-2 17.66, R-L 36.62"),
        Baseline("Seq2Seq + Attention", "R-1 31.33, R-2 11.81, R-L 28.83"),
        Baseline("Random-3", "R-1 28.78, R-2 8.63, R-L 25.52"),
    ),
    "wmt14-fren": (Baseline("best unsupervised translation", "BLEU 33.5"),),
    "nq": (
        Baseline("124M", "at most 1.0 %"),
        Baseline("open-domain systems of the time", "30 to 50 %"),
    ),
}


def nearest_size(n_parameters: int) -> int | None:
    """Which of the four sizes a model is, as an index; None where it is none of them."""
    for index, known in enumerate(PARAMETERS):
        if abs(n_parameters - known) < known // 50:  # files may leave out what can be made again
            return index
    return None
