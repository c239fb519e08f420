"""Members, channels and interactions, as tests and the page hold them.

Made by `LocalDiscord`. An `Interaction` looks at the bridge anew each time it is asked.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from bot.local.simcord_bridge import World
from bot.local.states import InteractionState, JsonObject

FIRST_ANSWER_S = 3.0  # Discord: later the interaction's token is invalid
_ANSWER_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Member:
    """A person of the local Discord."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class TextChannel:
    """A text channel; `guild_id` is None for direct messages.

    Attributes:
        nsfw: whether it is age-restricted.
    """

    id: int
    name: str
    guild_id: int | None
    topic: str | None
    nsfw: bool = False


class WaitFor(Protocol):
    """Waits until a condition holds."""

    def __call__(
        self, condition: Callable[[], bool], timeout_s: float, what: str
    ) -> Awaitable[bool]: ...


class Interaction:
    """A command, click, form or autocomplete that a member has sent."""

    def __init__(self, interaction_id: int, world: World, wait_for: WaitFor) -> None:
        self.id = interaction_id
        self._world = world
        self._wait_for = wait_for

    @property
    def state(self) -> InteractionState:
        """How it stands now."""
        return self._world.interaction(self.id)

    @property
    def token(self) -> str:
        return self.state.token

    @property
    def answered(self) -> bool:
        """Whether the bot has given its first answer (a deferral counts)."""
        return self.state.kind is not None

    @property
    def reply_id(self) -> int | None:
        """The id of the message that `@original` means."""
        return self.state.message_id

    @property
    def reply(self) -> JsonObject | None:
        """The reply as it is now, ephemeral or not; None before the answer or once deleted."""
        state = self.state
        if state.message_id is None:
            return None
        return self._world.message(state.channel_id, state.message_id)

    @property
    def followups(self) -> list[JsonObject]:
        """The further messages of the answer that still exist."""
        state = self.state
        found = (self._world.message(state.channel_id, id_) for id_ in state.followup_ids)
        return [message for message in found if message is not None]

    async def first_answer(self, timeout_s: float = _ANSWER_TIMEOUT_S) -> InteractionState:
        """Waits for the bot's first answer.

        Raises:
            TimeoutError: there was none in time.
        """
        await self._wait_for(lambda: self.answered, timeout_s, "the bot's first answer")
        return self.state
