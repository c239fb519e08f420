"""Who asks for something, and where: what limits, settings and the queue's shares go by.

Made by the cogs of an interaction; knows nothing of Discord's client.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """One member in one place.

    Attributes:
        user_id: who asks.
        guild_id: the server whose admins rule here: None in direct messages, and in servers where
            not the server but only the user installed the bot.
        channel_id: where; of a thread its parent channel, so that threads are no way around a
            channel's rules.
        role_ids: the member's roles in that server; without a server none.
        may_manage: whether they may manage the server.
    """

    user_id: int
    guild_id: int | None
    channel_id: int
    role_ids: frozenset[int] = frozenset()
    may_manage: bool = False

    @property
    def tenant(self) -> str:
        """Who shares the queue's time: the server, or else the user.

        A user who brings the bot along to many servers has one share, not one in each.
        """
        return f"u{self.user_id}" if self.guild_id is None else f"g{self.guild_id}"


def guild_of(tenant: str) -> int | None:
    """The server that a tenant (`Asker.tenant`) stands for, or None where it is a user."""
    kind, number = tenant[:1], tenant[1:]
    return int(number) if kind == "g" and number.isdecimal() else None
