"""Who computes how much in the next step of the engine. Pure: it decides, the engine loop acts.

There are no prefill or decode phases: every sequence has known tokens, and each step computes
some of those that are not computed yet. Called by `engine_loop` before each step.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bot.engine.api import EngineInfo

# While others write, a step that reads a prompt may take so long, or twice as long as without
# it: whoever looks on sees ten words a second or more, or half as many as before.
_STEP_S = 0.08
_SLOWDOWN = 2.0
_SMALLEST_PREFILL = 16
_PREFILL_SHARE = 4  # of a step, as long as no step was timed

# A text that begins as another one, which is just being computed, waits for it where it is spared
# so many tokens.
WORTH_WAITING = 16

# Texts that wait for Discord or Redis hold no place in the engine. More may be claimed then, but
# not without end: each is a promise to somebody.
_MAX_HELD_PER_SEQUENCE = 4


@dataclass(slots=True, kw_only=True)
class SequenceState:
    """What the scheduler knows of a sequence.

    Attributes:
        sequence_id: also the order of arrival.
        known: tokens of prompt and text so far.
        computed: how many of them the engine has computed.
        last_step: number of the step it was last part of; 0 = none yet.
        shared: earlier sequences, and with how many of the same tokens they begin.
    """

    sequence_id: int
    known: int
    computed: int = 0
    last_step: int = 0
    shared: Mapping[int, int] = field(default_factory=dict[int, int])

    @property
    def remaining(self) -> int:
        """Known tokens that are not computed yet; 1 while it writes."""
        return self.known - self.computed


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCost:
    """What steps cost on this machine: a fixed time and one for each token.

    A straight line through the newest steps, older ones counting less and less (least squares).

    Attributes:
        weight: of all steps; 0 = none was timed.
        tokens: weighted sum.
        seconds: weighted sum.
        squares: of the tokens, weighted sum.
        products: of tokens and seconds, weighted sum.
    """

    weight: float = 0.0
    tokens: float = 0.0
    seconds: float = 0.0
    squares: float = 0.0
    products: float = 0.0

    def after(self, n_tokens: int, step_s: float) -> "StepCost":
        """With one more step; a hiccup of the machine counts as a slow step, not as a minute."""
        fixed_s, each_s = self.line()
        if expected_s := fixed_s + each_s * n_tokens:
            step_s = min(step_s, _MAX_SURPRISE * expected_s)
        return StepCost(
            weight=self.weight * _MEMORY + 1,
            tokens=self.tokens * _MEMORY + n_tokens,
            seconds=self.seconds * _MEMORY + step_s,
            squares=self.squares * _MEMORY + n_tokens * n_tokens,
            products=self.products * _MEMORY + n_tokens * step_s,
        )

    def line(self) -> tuple[float, float]:
        """Seconds of a step, and of each token in it; (0, 0) where nothing was timed.

        Where all steps were of about one size, or the line makes no sense, everything counts as
        the tokens' time: too much for larger steps, which is the safe side.
        """
        if not self.weight:
            return 0.0, 0.0
        size, step_s = self.tokens / self.weight, self.seconds / self.weight
        spread = self.squares / self.weight - size * size
        if spread > (size / 4) ** 2:
            each_s = (self.products / self.weight - size * step_s) / spread
            if each_s > 0 and step_s > each_s * size:
                return step_s - each_s * size, each_s
        return 0.0, step_s / size

    def prefill(self, n_writing: int) -> float:
        """Tokens of prompts that fit into a step beside so many writers; infinite if untimed."""
        fixed_s, each_s = self.line()
        if not each_s:
            return math.inf
        writing_s = fixed_s + each_s * n_writing
        return (max(_STEP_S, _SLOWDOWN * writing_s) - writing_s) / each_s


_MEMORY = 0.95  # a step counts for about the next twenty
_MAX_SURPRISE = 4  # a step counts as so many times what was expected, at most
_UNTIMED = StepCost()


def plan_step(
    sequences: Iterable[SequenceState], info: EngineInfo, cost: StepCost = _UNTIMED
) -> dict[int, int]:
    """Says how many tokens of each sequence the next step computes.

    Those that write come first, one token each, the longest unserved first; then prompts in
    order of arrival, but for those that wait for another. Empty only where no sequence has
    anything to compute.

    Args:
        sequences: all there are.
        info: of the engine.
        cost: what steps took so far.
    """
    states = {sequence.sequence_id: sequence for sequence in sequences}
    waiting = [sequence for sequence in states.values() if sequence.remaining > 0]
    writing = [sequence for sequence in waiting if sequence.remaining == 1]
    reading = {
        sequence.sequence_id: _left_to_read(sequence, states)
        for sequence in sorted(waiting, key=lambda sequence: sequence.sequence_id)
        if sequence.remaining > 1 and not _waits(sequence, states)
    }
    places = max(1, info.max_batch_tokens - (1 if reading else 0))
    writing.sort(key=lambda sequence: (sequence.last_step, sequence.sequence_id))
    plan = {sequence.sequence_id: 1 for sequence in writing[:places]}
    return plan | _plan_prompts(reading, info, cost, n_writing=len(plan))


def _waits(sequence: SequenceState, states: Mapping[int, SequenceState]) -> bool:
    """Whether an earlier sequence is computing what this one begins with, too.

    The engine copies it in this one's first step. It is never kept for long: the other one goes
    on, as it is earlier, until it has computed what they share, or it is gone.
    """
    if sequence.last_step:
        return False
    for sequence_id, n_shared in sequence.shared.items():
        other = states.get(sequence_id)
        if other is None or not other.remaining:
            continue
        if n_shared - max(other.computed, sequence.computed) >= WORTH_WAITING:
            return True
    return False


def _left_to_read(sequence: SequenceState, states: Mapping[int, SequenceState]) -> int:
    """Tokens to compute, without those that the engine copies from another in the first step."""
    if sequence.last_step:
        return sequence.remaining
    elsewhere = (
        min(n_shared, states[sequence_id].computed)
        for sequence_id, n_shared in sequence.shared.items()
        if sequence_id in states
    )
    return sequence.known - max(
        sequence.computed, min(max(elsewhere, default=0), sequence.known - 1)
    )


def _plan_prompts(
    reading: Mapping[int, int], info: EngineInfo, cost: StepCost, *, n_writing: int
) -> dict[int, int]:
    """Shares what is left of a step among prompts: tokens left to read by id, first comes first."""
    budget = info.max_batch_tokens - n_writing
    if n_writing:
        fitting = cost.prefill(n_writing)
        share = info.max_batch_tokens // _PREFILL_SHARE if math.isinf(fitting) else int(fitting)
        budget = min(budget, max(_SMALLEST_PREFILL, share))
    plan: dict[int, int] = {}
    for sequence_id, n_left in reading.items():
        if budget <= 0:
            break
        plan[sequence_id] = min(n_left, info.max_chunk_tokens, budget)
        budget -= plan[sequence_id]
    return plan


def jobs_to_claim(info: EngineInfo, *, running: int, held: int) -> int:
    """How many more jobs a worker may take.

    Args:
        info: of the engine.
        running: sequences in the engine.
        held: jobs in this worker's hands, those included that only wait to be posted.
    """
    free = info.max_sequences - running
    return max(0, min(free, _MAX_HELD_PER_SEQUENCE * info.max_sequences - held))
