"""What happened in the local Discord: every REST request, and every state of every message.

The REST front and the bridge write it, tests read it: to check bodies, to count edits, to see a
reply grow.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.local.states import MessageState

MAX_REQUESTS = 10_000  # a try-out may run for days
MAX_STATES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One REST request, as it was answered.

    Attributes:
        at_s: when it arrived (monotonic clock).
        path: after `/api/v10`, unquoted, without the query.
        template: its route, such as `/webhooks/{webhook_id}/{token}/messages/@original`.
        body: the JSON body, or the `payload_json` of a multipart one; None without a body.
        files: names of the uploaded files.
        status: of the answer; None where it got none (a fault).
        fault: whether an injected fault answered it.
        authorized: whether it came with the bot's token.
    """

    at_s: float
    method: str
    path: str
    template: str
    query: dict[str, str]
    body: object
    files: tuple[str, ...]
    status: int | None
    fault: bool
    authorized: bool


@dataclass(slots=True)
class Recorder:
    """Keeps the newest requests and message states, oldest first."""

    requests: deque[Request] = field(default_factory=lambda: deque[Request](maxlen=MAX_REQUESTS))
    states: deque[MessageState] = field(
        default_factory=lambda: deque[MessageState](maxlen=MAX_STATES)
    )

    def history(self, message_id: int) -> list[MessageState]:
        """Every state a message went through, from its first to its newest."""
        return [state for state in self.states if state.id == message_id]

    def matching(self, method: str, template_part: str) -> list[Request]:
        """The requests of a method whose route holds `template_part`."""
        return self.where(lambda r: r.method == method and template_part in r.template)

    def where(self, condition: Callable[[Request], bool]) -> list[Request]:
        """The requests for which a condition holds."""
        return [request for request in self.requests if condition(request)]
