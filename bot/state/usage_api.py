"""What a store of usage does, whatever it is built on.

Implemented by `redis_usage` and `memory_usage`; used by `services.usage`.
"""

from typing import Protocol

from bot.core.usage import Asked, DayUsage, Ended, Request


class UsageStore(Protocol):
    """Notes requests and counts them by server and UTC day; the time is the store's.

    Every method raises QueueDownError where the store can't be reached.
    """

    async def asked(self, event: Asked) -> bool:
        """Notes a request; False where its job id was noted before, which then counts once."""
        ...

    async def ended(self, event: Ended) -> bool:
        """Notes the end of an accepted request; False where it is not known yet or ended before.

        An end that comes before its request is kept for ten minutes, and noted with it.
        """
        ...

    async def requests(self, guild_id: int) -> list[Request]:
        """The requests of a server on the last `RECORD_DAYS` days, in the order they came.

        At most about `MAX_RECORDS`, the newest.
        """
        ...

    async def of_user(self, user_id: int) -> list[tuple[int, Request]]:
        """A user's requests in all servers, each with its server; else as `requests`."""
        ...

    async def days(self, guild_id: int | None, n: int) -> list[DayUsage]:
        """What was used on the last n UTC days (at most `COUNTER_DAYS`), the oldest first.

        Args:
            guild_id: of which server; None = of all, and of where no server rules.
            n: how many days, today included; days without use are there too.
        """
        ...

    async def forget_guild(self, guild_id: int) -> None:
        """Removes all that was noted of a server; the counts over all servers stay."""
        ...

    async def forget_user(self, user_id: int) -> int:
        """Removes a user's requests in all servers; how many. Counts, which name nobody, stay."""
        ...
