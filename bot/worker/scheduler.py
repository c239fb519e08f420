"""Who computes how much in the next step of the engine. Pure: it decides, the engine loop acts.

There are no prefill or decode phases: every sequence has known tokens, and each step computes
some of those that are not computed yet. Called by `engine_loop` before each step.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.engine.api import EngineInfo

# While others write, long prompts get this part of a step, so that reading one does not stall
# them for the time of a whole batch.
_PREFILL_SHARE = 4
_SMALLEST_PREFILL = 16

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
    """

    sequence_id: int
    known: int
    computed: int = 0
    last_step: int = 0

    @property
    def remaining(self) -> int:
        """Known tokens that are not computed yet; 1 while it writes."""
        return self.known - self.computed


def plan_step(sequences: Iterable[SequenceState], info: EngineInfo) -> dict[int, int]:
    """Says how many tokens of each sequence the next step computes.

    Those that write come first, one token each, the longest unserved first; then prompts in
    order of arrival. Empty only where no sequence has anything to compute.
    """
    waiting = [sequence for sequence in sequences if sequence.remaining > 0]
    writing = [sequence for sequence in waiting if sequence.remaining == 1]
    reading = [sequence for sequence in waiting if sequence.remaining > 1]
    places = max(1, info.max_batch_tokens - (1 if reading else 0))
    writing.sort(key=lambda sequence: (sequence.last_step, sequence.sequence_id))
    plan = {sequence.sequence_id: 1 for sequence in writing[:places]}
    return plan | _plan_prompts(reading, info, n_writing=len(plan))


def _plan_prompts(
    reading: list[SequenceState], info: EngineInfo, *, n_writing: int
) -> dict[int, int]:
    budget = info.max_batch_tokens - n_writing
    if n_writing:
        share = max(_SMALLEST_PREFILL, info.max_batch_tokens // _PREFILL_SHARE)
        budget = min(budget, share)
    plan: dict[int, int] = {}
    for sequence in sorted(reading, key=lambda sequence: sequence.sequence_id):
        if budget <= 0:
            break
        plan[sequence.sequence_id] = min(sequence.remaining, info.max_chunk_tokens, budget)
        budget -= plan[sequence.sequence_id]
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
