"""All services of a bot over memory twins, with a clock that the test reads."""

from collections.abc import Callable

from bot.core.jobs import ReplyTarget
from bot.core.limits import HostLimits
from bot.core.replies import ReplyMessage
from bot.jobqueue.api import JobQueue
from bot.jobqueue.registry import MemoryModelRegistry
from bot.services import Services
from bot.services.building import Stores, build_services
from bot.services.pools import Pools
from bot.services.waiting import Pace
from bot.state.memory_limits import MemoryLimits
from bot.state.memory_outputs import MemoryOutputs
from bot.state.memory_reports import MemoryReports
from bot.state.memory_sessions import MemorySessions
from bot.state.memory_settings import MemorySettings
from bot.state.memory_stories import MemoryStories
from bot.state.memory_usage import MemoryUsage
from bot.state.memory_xray_texts import MemoryXrayTexts

MODEL = "small"


class RecordedReplies:
    """What the replies of other processes were made to look like, by interaction token.

    Attributes:
        shown: the newest message of each.
        fault: raised in place of an edit.
    """

    def __init__(self) -> None:
        self.shown: dict[str, ReplyMessage] = {}
        self.fault: Exception | None = None

    async def edit_original(
        self, target: ReplyTarget, message: ReplyMessage, *, tries: int = 5
    ) -> None:
        """Makes the reply look like the message."""
        del tries
        if self.fault is not None:
            raise self.fault
        self.shown[target.interaction_token] = message


def memory_stores(
    queue: JobQueue, clock: Callable[[], float], *, served: tuple[str, ...] = (MODEL,)
) -> Stores:
    """One queue for every model; `served` are the models that workers have announced."""
    registry = MemoryModelRegistry(*served)
    return Stores(
        pools=Pools(lambda _model: queue, registry, default=MODEL),
        limits=MemoryLimits(clock),
        settings=MemorySettings(clock=clock),
        usage=MemoryUsage(clock=clock),
        outputs=MemoryOutputs(clock=clock),
        reports=MemoryReports(clock),
        sessions=MemorySessions(clock=clock),
        stories=MemoryStories(clock=clock),
        xray_texts=MemoryXrayTexts(clock=clock, keep_days=30),
    )


def memory_services(
    queue: JobQueue,
    clock: Callable[[], float],
    *,
    stores: Stores | None = None,
    host_limits: HostLimits | None = None,
    seed: int = 42,
    pace: Pace | None = None,
    replies: RecordedReplies | None = None,
) -> Services:
    """Services whose requests without a seed get `seed`; without any limit of the host's."""
    return build_services(
        stores or memory_stores(queue, clock),
        host_limits or HostLimits(),
        clock=clock,
        new_seed=lambda: seed,
        replies=replies or RecordedReplies(),
        pace=pace,
    )
