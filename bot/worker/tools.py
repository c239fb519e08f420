"""What all jobs of one worker share. Made by the runner, used by each job's run."""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.core.jobs import Job
from bot.core.models import ModelInfo
from bot.jobqueue.api import JobQueue
from bot.model.tokenizers.api import Tokenizer
from bot.services.ledger import Ledger
from bot.state.outputs_api import OutputsStore
from bot.state.sessions_api import SessionsStore
from bot.state.stories_api import StoriesStore
from bot.state.xray_texts_api import XrayTextsStore
from bot.worker.engine_loop import EngineLoop
from bot.worker.late_reply import Channels
from bot.worker.reply_writer import Replies

Mask = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What all jobs of one worker share.

    Attributes:
        ledger: settles what a text has cost.
        mask_of: gives what hides words that a job's server does not want to read.
        channels: posts to channels, for texts whose interaction is over; or None.
        outputs: keeps finished texts.
        receipt_keys: sign their receipts, the newest first; none leaves them unsigned.
        xray_texts: keeps X-rays as text.
        stories: gets what is written for story games.
        sessions: gets what scored games ask for.
        put_back: gives (job id, attempt) back after an engine failure; False = it was not ours.
    """

    worker_id: str
    queue: JobQueue
    engine: EngineLoop
    tokenizer: Tokenizer
    model: ModelInfo
    replies: Replies
    channels: Channels | None
    ledger: Ledger
    mask_of: Callable[[Job], Awaitable[Mask]]
    outputs: OutputsStore
    receipt_keys: Sequence[bytes]
    xray_texts: XrayTextsStore
    stories: StoriesStore
    sessions: SessionsStore
    put_back: Callable[[str, int], Awaitable[bool]]
    clock: Callable[[], float]  # Unix time in seconds
    rng: random.Random
    edit_interval_s: float
