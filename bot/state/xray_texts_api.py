"""What a store of X-rays as text does, whatever it is built on.

Implemented by `redis_xray_texts` and `memory_xray_texts`; used by the worker, which saves a text
before it posts the picture, and by `services.xrays`.
"""

from typing import Protocol

from bot.core.xray_texts import XrayText


class XrayTextsStore(Protocol):
    """Keeps texts for as long as the host says; the time is the store's.

    Every method raises QueueDownError where the store can't be reached.
    """

    async def save(self, text: XrayText) -> None:
        """Keeps a text.

        Another one of the same id is replaced, since another attempt of a job writes the same.
        """
        ...

    async def find(self, xray_id: str) -> XrayText | None:
        """A text by its id; None where there is none (any more)."""
        ...

    async def of_user(self, user_id: int) -> list[XrayText]:
        """All texts that a user asked for, those first that go first."""
        ...

    async def forget_user(self, user_id: int) -> int:
        """Removes all texts that a user asked for; how many."""
        ...

    async def forget_guild(self, guild_id: int) -> int:
        """Removes all texts of a server; how many."""
        ...
