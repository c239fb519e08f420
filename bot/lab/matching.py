"""Whether an answer is right: exact match and F1 as the official scorers of SQuAD and CoQA count.

Both normalize alike: lower case, no ASCII punctuation, no articles, single blanks
(https://worksheets.codalab.org/bundles/0x6b567e1cf2e041ec80d7098f031c5c9e and
https://stanfordnlp.github.io/coqa/).
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalized(answer: str) -> str:
    """An answer with what makes no difference taken away."""
    bare = answer.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def exact_match(answer: str, gold: str) -> float:
    """1 where both are the same once normalized, else 0."""
    return float(normalized(answer) == normalized(gold))


def f1(answer: str, gold: str) -> float:
    """Harmonic mean of precision and recall of words, 0 to 1; of two empty answers, 1."""
    found, wanted = normalized(answer).split(), normalized(gold).split()
    if not found or not wanted:
        return float(found == wanted)
    n_common = sum((Counter(found) & Counter(wanted)).values())
    if n_common == 0:
        return 0.0
    precision, recall = n_common / len(found), n_common / len(wanted)
    return 2 * precision * recall / (precision + recall)


def best(score: Callable[[str, str], float], answer: str, golds: Sequence[str]) -> float:
    """The best score against any of several references; 0 without one."""
    return max((score(answer, gold) for gold in golds), default=0.0)


def best_left_out(score: Callable[[str, str], float], answer: str, golds: Sequence[str]) -> float:
    """CoQA's way with several references: the mean, over each one left out, of the best others.

    So that people, who are measured against the others' answers, and models compare.
    """
    if len(golds) < 2:
        return best(score, answer, golds)
    rounds = [
        best(score, answer, [*golds[:index], *golds[index + 1 :]]) for index in range(len(golds))
    ]
    return sum(rounds) / len(rounds)
