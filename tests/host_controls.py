"""What the host decides for one queue, one decision at a time, for tests without a registry."""

from dataclasses import replace
from itertools import count

from bot.jobqueue.control import HostControls, QueueControl

_REVISIONS = count(1)


async def pause(queue: QueueControl, message: str) -> None:
    """Lets no job start or come in."""
    await _decide(queue, paused=message)


async def resume(queue: QueueControl) -> None:
    """Ends a pause."""
    await _decide(queue, paused=None)


async def weigh(queue: QueueControl, tenant: str, weight: float) -> None:
    """Sets a tenant's share; 1 is everybody's."""
    weights = await queue.weights()
    weights.pop(tenant, None)
    await _decide(queue, weights=weights if weight == 1 else weights | {tenant: weight})


async def _decide(queue: QueueControl, **changes: object) -> None:
    """As the queue is now, but for the changes."""
    now = HostControls(paused=await queue.paused(), weights=await queue.weights())
    await queue.obey(replace(now, revision=next(_REVISIONS), **changes))
