"""Ways in which somebody might get more than a limit gives; none of them does.

Askers are made of interactions as Discord sends them, so that the whole way is walked.
"""

import asyncio
from typing import Any, cast

import discord
import pytest

from bot.core.asker import Asker
from bot.core.limit_buckets import Scope, Unit
from bot.core.limits import HostLimits
from bot.core.server_settings import KEEP_AFTER_REMOVAL_S, deny
from bot.discord_io.client import BardlingBot
from bot.errors import LimitReachedError, NotHereError, OptionError
from bot.services import Services
from bot.services.chores import forget_removed_servers
from cogs._asker import asker_of
from tests.unit.cogs.front import _AUTHOR, _interaction
from tests.unit.services.asking import (
    ADMIN,
    CHANNEL,
    COST,
    GUILD,
    MEMBER,
    OTHER_GUILD,
    Desk,
)

OWN_GUILD, THREAD, WRITERS = 12, 50, 31
SERVER, USER = "0", "1"  # who installed the bot, as Discord writes it


class Town:
    """A desk, and people who come to it from everywhere."""

    def __init__(self, **limits: int) -> None:
        self.desk = Desk(host_limits=HostLimits(**limits))
        self._state = BardlingBot(self.desk.services, None)._connection
        # What a log-in would leave behind.
        self._state.user = discord.ClientUser(state=self._state, data=cast(Any, _AUTHOR))
        self._asked = 0

    def asker(
        self,
        *,
        guild_id: int | None = GUILD,
        installed: str = SERVER,
        thread: int | None = None,
        roles: tuple[int, ...] = (),
    ) -> Asker:
        """The member, somewhere."""
        owners = {SERVER: str(guild_id or 0), USER: str(MEMBER)}
        payload = _interaction(
            2, {"id": "5", "name": "complete"}, interaction_id=1, user_id=MEMBER, guild_id=guild_id
        ) | {"authorizing_integration_owners": {key: owners[key] for key in installed}}
        if guild_id is not None:
            payload["member"]["roles"] = [str(role) for role in roles]
        if thread is not None:
            payload["channel"] = _thread(thread)
        return asker_of(discord.Interaction(data=cast(Any, payload), state=self._state))

    async def ask(self, **where: Any) -> None:
        """The member asks for a text of `COST` tokens."""
        self._asked += 1
        await self.desk.ask(self._asked, self.asker(**where))

    async def is_refused(self, **where: Any) -> bool:
        """Whether a limit is in the member's way there."""
        try:
            await self.ask(**where)
        except LimitReachedError:
            return True
        return False

    async def leave(self) -> None:
        """The bot is removed from the server."""
        await self.services.servers.on_guild_removed(GUILD)

    async def come_back(self) -> None:
        """And added again."""
        await self.services.servers.on_guild_added(GUILD)

    async def sweep(self) -> None:
        """What the bot does about servers that removed it."""
        task = asyncio.create_task(forget_removed_servers(self.services))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    @property
    def services(self) -> Services:
        return self.desk.services


def _thread(thread_id: int) -> dict[str, Any]:
    return {
        "id": str(thread_id), "name": "a thread", "type": 11, "permissions": "0",
        "parent_id": str(CHANNEL), "guild_id": str(GUILD), "owner_id": "1", "message_count": 0,
        "member_count": 1, "rate_limit_per_user": 0, "flags": 0, "applied_tags": [],
        "total_message_sent": 0,
        "thread_metadata": {
            "archived": False, "auto_archive_duration": 60, "locked": False,
            "archive_timestamp": "2024-01-01T00:00:00+00:00",
        },
    }  # fmt: skip


# Threads


async def test_thread_has_no_limit_of_its_own():
    """Anyone may open one, and another one after it."""
    town = Town()
    await town.desk.limit(2 * COST - 1, scope=Scope.CHANNEL, target_id=CHANNEL)
    await town.ask(thread=THREAD)

    assert await town.is_refused()
    assert await town.is_refused(thread=THREAD)
    assert await town.is_refused(thread=THREAD + 1)


async def test_thread_of_a_channel_that_is_off_is_off():
    """As the channel is."""
    town = Town()
    await town.services.servers.edit(GUILD, ADMIN, lambda settings: deny(settings, CHANNEL))

    with pytest.raises(NotHereError):
        await town.ask(thread=THREAD)


# Bringing the bot along


async def test_brought_along_the_bot_counts_for_the_same_member():
    """The host's limit is one for all places: servers, servers without the bot, messages."""
    town = Town(member_tokens_per_hour=2 * COST - 1)
    await town.ask(guild_id=OTHER_GUILD, installed=USER)

    assert await town.is_refused(guild_id=OTHER_GUILD, installed=USER)
    assert await town.is_refused(guild_id=GUILD, installed=USER)
    assert await town.is_refused(guild_id=None, installed=USER)
    assert await town.is_refused(guild_id=GUILD, installed=SERVER)


async def test_where_the_server_added_the_bot_its_rules_hold_for_those_who_bring_it_too():
    """Installing it oneself changes nothing there."""
    town = Town()
    await town.desk.limit(2 * COST - 1)
    await town.ask()

    assert await town.is_refused(installed=SERVER + USER)


async def test_generous_rules_of_a_server_that_did_not_add_the_bot_are_none():
    """Else anyone could set their own: rules without the bot in the server mean nothing."""
    town = Town(member_tokens_per_hour=2 * COST - 1)
    await town.desk.limit(1_000_000, guild_id=OWN_GUILD)
    await town.ask(guild_id=OWN_GUILD, installed=USER)

    assert await town.is_refused(guild_id=OWN_GUILD, installed=USER)


async def test_server_of_ones_own_does_not_lift_the_hosts_ceiling():
    """Its admin sets rules below it only, and what is used there counts everywhere."""
    town = Town(ceiling_member_tokens_per_day=2 * COST - 1)
    with pytest.raises(OptionError):
        await town.desk.limit(1_000_000, guild_id=OWN_GUILD)
    await town.services.limits.set_exempt(OWN_GUILD, WRITERS, is_exempt=True, by_user=MEMBER)
    await town.ask(guild_id=OWN_GUILD, roles=(WRITERS,))

    assert await town.is_refused(guild_id=OWN_GUILD, roles=(WRITERS,))
    assert await town.is_refused(guild_id=GUILD)
    assert await town.is_refused(guild_id=None, installed=USER)


# Leaving and coming back


async def test_member_who_leaves_and_comes_back_has_what_was_left():
    """They come back without their roles, and get them again."""
    town = Town()
    await town.desk.limit(2 * COST - 1)
    await town.desk.limit(4 * COST, scope=Scope.ROLE, target_id=WRITERS)
    await town.ask()

    assert await town.is_refused()
    await town.ask(roles=(WRITERS,))  # half of the greater amount is used as well
    assert await town.is_refused(roles=(WRITERS,))
    assert await town.is_refused()


async def test_bot_that_is_removed_and_added_again_remembers():
    """The server's rules and what is used of them; what was noted as well."""
    town = Town()
    await town.desk.limit(2 * COST - 1)
    await town.ask()
    noted = await town.desk.noted()

    await town.leave()
    await town.sweep()
    await town.come_back()

    assert noted == await town.desk.noted()
    assert await town.is_refused()


async def test_member_lets_the_bot_be_forgotten_in_vain():
    """After 30 days a server's rules go; what the host decided does not, nor what was used."""
    town = Town(ceiling_server_tokens_per_day=2 * COST - 1)
    await town.services.host.block("server", OTHER_GUILD, "spam", ADMIN)
    await town.leave()
    await town.services.servers.on_guild_removed(OTHER_GUILD)
    town.desk.now_s += KEEP_AFTER_REMOVAL_S + 60
    await town.ask()  # a moment before the sweep
    await town.sweep()
    await town.come_back()

    assert [] == await town.desk.noted()
    assert await town.is_refused()
    with pytest.raises(NotHereError):
        await town.ask(guild_id=OTHER_GUILD)


# Speed, and taking back


async def test_many_requests_at_once_get_no_more_than_one_after_the_other():
    """Each is charged before the next one is looked at."""
    town = Town()
    await town.desk.limit(3 * COST)

    refused = await asyncio.gather(*(town.is_refused() for _ in range(10)))

    assert 7 == sum(refused)
    assert 3 == len(await town.desk.jobs())


async def test_stopping_gives_back_what_was_taken_and_no_more():
    """However often one presses the button."""
    town = Town()
    await town.desk.limit(2 * COST - 1)
    await town.desk.limit(5, unit=Unit.REQUESTS)
    whole = await town.desk.mine(town.asker())
    for _ in range(3):
        await town.ask()
        job_id = str(town._asked)
        for _ in range(2):
            await town.services.texts.stop(job_id, user_id=MEMBER, is_moderator=False)

    assert whole == await town.desk.mine(town.asker())


async def test_admin_who_changes_a_limit_back_and_forth_fills_nothing():
    """The used share stays: of half an amount, half is left."""
    town = Town()
    await town.desk.limit(2 * COST - 1)
    await town.ask()
    await town.desk.limit(10 * COST)
    await town.desk.limit(2 * COST - 1)

    assert await town.is_refused()
