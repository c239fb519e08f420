"""How the next token is drawn: the parameters and their bounds, not the drawing itself.

Cogs build these from a command's options, jobs carry them, `engine/sampling` obeys them; the last
two tell `worker/generation` where a text ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.language import number, tr

MAX_SEED = 2**53 - 1  # the largest integer a Discord option (a JSON number) carries exactly
MAX_TEMPERATURE = 2.0
MAX_TOP_K = 1000
MIN_NO_REPEAT = 2  # a no-repeat of single tokens would forbid every word that was used
MAX_NO_REPEAT = 10
MAX_LOGIT_BIAS = 100.0
BAN_BIAS = -MAX_LOGIT_BIAS  # a bias this low bans its token
MAX_LISTED = 4096  # entries of a list of tokens or words; each is looked at for each token

_BOUNDS = {
    "temperature": (0, MAX_TEMPERATURE),
    "top_k": (0, MAX_TOP_K),
    "typical_p": (0, 1),
    "top_p": (0, 1),
    "min_p": (0, 1),
    "repetition_penalty": (1, 2),
    "repetition_window": (0, 1024),
    "seed": (0, MAX_SEED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingParams:
    """One request's way of drawing tokens.

    Applied in this order: repetition penalty, logit bias, bans (banned tokens, then n-grams that
    would repeat), temperature, top-k, typical-p, top-p, min-p. Each of the last four works on what
    the one before it left, and always leaves at least one token. Where bans leave no token at all,
    first those of n-grams are ignored, then the others.

    Attributes:
        temperature: divides the logits; 0 takes the likeliest token (greedy).
        top_k: keeps the k likeliest tokens, of equal ones the lower ids; 0 keeps all.
        top_p: keeps the smallest set whose probability reaches p (arXiv 1904.09751); 1 keeps all.
        min_p: keeps tokens with at least this share of the likeliest one's probability
            (arXiv 2407.01082); 0 keeps all.
        typical_p: keeps the smallest set whose probability reaches p of the tokens whose surprise
            is nearest to the mean surprise (arXiv 2202.00666); 1 keeps all.
        repetition_penalty: divides the logits of recent tokens (CTRL, arXiv 1909.05858); 1 = off.
        repetition_window: how many of the newest tokens count as recent.
        no_repeat_ngram: no n-gram of so many tokens appears twice, prompt included; 0 = off.
        logit_bias: pairs of id and what is added to its logit; -100 bans the token.
        banned_words: as asked for; they do nothing until `banned_tokens` is made of them.
        banned_tokens: sequences of ids that must not appear; see `core.banned`.
        seed: starts this request's own random stream.
        stop: strings that end the text; they are not part of it.
        openai_semantics: draws as the sampling script of openai/gpt-2 does: temperature, then
            top-k with everything that equals the k-th, then a top-p that leaves out the token
            that crosses p. Repetition penalty, no-repeat n-grams, typical-p and min-p do nothing;
            bias and bans hold all the same. Temperature 0, where the script divides by zero, is
            greedy. The text goes on after the end-of-text token.
        end_at_sentence: a text that reaches its length is cut back to its last whole sentence.
        guard_loops: a text that has fallen into a loop ends.
        logprobs: whether each token's probability is computed, which costs about as much as
            drawing several of them.
    """

    temperature: float = 0.9
    top_k: int = 40
    top_p: float = 1.0
    min_p: float = 0.0
    typical_p: float = 1.0
    repetition_penalty: float = 1.1
    repetition_window: int = 64
    no_repeat_ngram: int = 0
    logit_bias: tuple[tuple[int, float], ...] = ()
    banned_words: tuple[str, ...] = ()
    banned_tokens: tuple[tuple[int, ...], ...] = ()
    seed: int = 0
    stop: tuple[str, ...] = ()
    openai_semantics: bool = False
    end_at_sentence: bool = False
    guard_loops: bool = False
    logprobs: bool = False

    def __post_init__(self) -> None:
        """Refuses values that no engine can obey.

        Raises:
            ValueError: naming the parameter and its bounds.
        """
        for name, (low, high) in _BOUNDS.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(
                    tr(
                        "{name} must be from {low} to {high}",
                        name=name,
                        low=number(low),
                        high=number(high),
                    )
                )
        if self.no_repeat_ngram and not MIN_NO_REPEAT <= self.no_repeat_ngram <= MAX_NO_REPEAT:
            raise ValueError(
                f"no_repeat_ngram must be 0 or from {MIN_NO_REPEAT} to {MAX_NO_REPEAT}"
            )
        if any(not text for text in (*self.stop, *self.banned_words)):
            raise ValueError("a stop string or a banned word must not be empty")
        self._check_lists()

    def _check_lists(self) -> None:
        for name in ("stop", "logit_bias", "banned_words", "banned_tokens"):
            if len(getattr(self, name)) > MAX_LISTED:
                raise ValueError(f"{name} must not have more than {MAX_LISTED:,} entries")
        if any(not -MAX_LOGIT_BIAS <= bias <= MAX_LOGIT_BIAS for _, bias in self.logit_bias):
            raise ValueError(f"a logit_bias must be from {-MAX_LOGIT_BIAS:g} to {MAX_LOGIT_BIAS:g}")
        if not all(self.banned_tokens):
            raise ValueError("a sequence of banned_tokens must not be empty")
        biased = [token for token, _ in self.logit_bias]
        if any(token < 0 for sequence in (biased, *self.banned_tokens) for token in sequence):
            raise ValueError("a token's id must be from 0")
        if len(set(biased)) < len(biased):
            raise ValueError("logit_bias must name each token once")

    def to_dict(self) -> dict[str, Any]:
        """The JSON form: lists for tuples."""
        data = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return data | {
            "stop": list(self.stop),
            "logit_bias": [list(pair) for pair in self.logit_bias],
            "banned_words": list(self.banned_words),
            "banned_tokens": [list(sequence) for sequence in self.banned_tokens],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "SamplingParams":
        """Reads the JSON form; keys it does not know are ignored (rolling upgrades)."""
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        for name in ("stop", "banned_words"):
            if name in known:
                known[name] = tuple(known[name])
        for name in ("logit_bias", "banned_tokens"):
            if name in known:
                known[name] = tuple(tuple(entry) for entry in known[name])
        return cls(**known)
