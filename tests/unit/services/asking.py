"""Everything behind `/complete` over memory twins, for tests on the level of services."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bot.core.asker import Asker
from bot.core.jobs import Job, JobState, ReplyTarget
from bot.core.limit_buckets import Per, Scope, Unit
from bot.core.limit_rules import Rule
from bot.core.limits import HostLimits
from bot.core.text_request import CompletionRequest
from bot.core.usage import Outcome, Request
from bot.jobqueue.limits import QueueLimits
from bot.jobqueue.memory_queue import MemoryQueue
from bot.jobqueue.registry import MemoryModelRegistry
from bot.services.pools import Pools
from tests.memory_services import MODEL, RecordedReplies, memory_services, memory_stores
from tests.unit.worker.workshop import FlakyQueue

GUILD, OTHER_GUILD, CHANNEL, MEMBER, ADMIN = 10, 11, 20, 100, 5
OTHER_MODEL = "large"
ASKER = Asker(user_id=MEMBER, guild_id=GUILD, channel_id=CHANNEL)
START_S = 1_795_600_000.0
TOKENS = 50
COST = TOKENS + 5  # a token for each four bytes of the prompt, and one more


def make_request(
    interaction_id: int = 1, asker: Asker = ASKER, **changes: Any
) -> CompletionRequest:
    """A request as `/complete` makes it."""
    request = CompletionRequest(
        interaction_id=interaction_id,
        asker=asker,
        reply=ReplyTarget(
            application_id=1,
            interaction_token="t",
            channel_id=asker.channel_id,
            guild_id=asker.guild_id,
        ),
        prompt="Once upon a time",
        max_new_tokens=TOKENS,
    )
    return replace(request, **changes)


class Desk:
    """The services, what is behind them, and a clock that the test turns.

    Attributes:
        queues: of each model.
        gates: between the services and the queues; may be down.
        replies: of other processes, which this one may edit.
        registry: which models are announced, and what the host decided.
    """

    def __init__(
        self,
        *,
        host_limits: HostLimits | None = None,
        queue_limits: QueueLimits | None = None,
        served: Sequence[str] = (MODEL, OTHER_MODEL),
    ) -> None:
        self.now_s = START_S
        self.queues = {
            model: MemoryQueue(clock=self.clock, limits=queue_limits)
            for model in (MODEL, OTHER_MODEL)
        }
        self.gates = {model: FlakyQueue(queue) for model, queue in self.queues.items()}
        self.registry = MemoryModelRegistry(*served)
        open_pool: Any = self.gates.__getitem__
        self.stores = replace(
            memory_stores(self.queues[MODEL], self.clock),
            pools=Pools(open_pool, self.registry, default=MODEL),
        )
        self.replies = RecordedReplies()
        self.services = memory_services(
            self.queues[MODEL],
            self.clock,
            stores=self.stores,
            host_limits=host_limits,
            replies=self.replies,
        )

    def clock(self) -> float:
        """Unix time in seconds."""
        return self.now_s

    async def ask(self, interaction_id: int = 1, asker: Asker = ASKER, **changes: Any) -> str:
        """Somebody asks; the model that will write."""
        return await self.services.texts.ask(make_request(interaction_id, asker, **changes))

    async def limit(self, amount: int, *, guild_id: int = GUILD, **changes: Any) -> None:
        """Every member of a server gets so many tokens an hour."""
        rule = Rule(scope=Scope.MEMBER, unit=Unit.TOKENS, amount=amount, per=Per.HOUR)
        await self.services.limits.set_rule(guild_id, replace(rule, **changes), ADMIN)

    async def mine(self, asker: Asker = ASKER) -> tuple[str, ...]:
        """What is left for somebody."""
        return await self.services.limits.mine(asker)

    async def jobs(self) -> list[Job]:
        """All jobs that wait in any line, which stay there."""
        return [
            record.job
            for queue in self.queues.values()
            for record in queue._records.values()
            if record.state is JobState.QUEUED
        ]

    async def noted(self, guild_id: int = GUILD) -> list[Request]:
        """The requests of a server that statistics know."""
        return await self.stores.usage.requests(guild_id)

    async def outcomes(self, guild_id: int = GUILD) -> list[Outcome]:
        """What became of them."""
        return [request.outcome for request in await self.noted(guild_id)]
