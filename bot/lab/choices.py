"""Which of several words or phrases fits: Winograd schemas (§3.4) and cloze tests (§3.2)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bot.lab.api import Dialogue, LabModel, ScoreAsk, Scored, score


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A text with one of the options in it; its three parts make up the text as they stand.

    Attributes:
        before: up to the option.
        option: what is tried.
        after: the rest.
    """

    before: str
    option: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionScore:
    """How likely a text with an option is; natural logs, 0 where there was nothing to score.

    Attributes:
        full: of the whole text (Trinh & Le's "full").
        partial: of what comes after the option, given the rest (Trinh & Le's "partial").
        cloze: of the option and what comes after it, given what stands before.
        n_cut: tokens at the beginning that did not fit into the window.
    """

    full: float
    partial: float
    cloze: float
    n_cut: int = 0


def score_options(model: LabModel, options: Sequence[Option]) -> Dialogue[list[OptionScore]]:
    """Scores each option in one pass. Too long a text loses its beginning."""
    cut = [_tokens(model, option) for option in options]
    found = yield from score([one.ask for one in cut])
    return [_sums(one, scored) for one, scored in zip(cut, found, strict=True)]


def shares(logprobs: Sequence[float]) -> list[float]:
    """Logs of likelihoods as shares of their sum; what of equal options each would be bet on."""
    highest = max(logprobs)
    weights = [math.exp(one - highest) for one in logprobs]
    return [weight / sum(weights) for weight in weights]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cut:
    """A text's tokens.

    Attributes:
        ask: for all of them.
        n_after: tokens of what comes after the option.
        n_option: of the option itself.
        n_cut: tokens that were left out.
    """

    ask: ScoreAsk
    n_after: int
    n_option: int
    n_cut: int


def _tokens(model: LabModel, option: Option) -> _Cut:
    # A blank belongs to the word behind it in GPT-2's vocabulary: it goes with the option.
    before = option.before.rstrip(" ")
    tried = option.before[len(before) :] + option.option
    encode = model.vocabulary.encode
    head, middle, tail = encode(before), encode(tried), encode(option.after)
    room = model.n_ctx - len(model.before)
    whole = [*head, *middle, *tail]
    n_cut = max(0, len(whole) - room)
    tokens = (*model.before, *whole[n_cut:])
    return _Cut(
        ask=ScoreAsk(tokens=tokens, start=min(1, len(tokens))),
        n_after=len(tail), n_option=len(middle), n_cut=n_cut,
    )  # fmt: skip


def _sums(cut: _Cut, scored: Scored) -> OptionScore:
    logprobs = scored.logprobs
    behind = len(logprobs) - cut.n_after
    return OptionScore(
        full=math.fsum(logprobs),
        partial=math.fsum(logprobs[max(0, behind) :]),
        cloze=math.fsum(logprobs[max(0, behind - cut.n_option) :]),
        n_cut=cut.n_cut,
    )
