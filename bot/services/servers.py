"""What servers' admins decide and whom the host blocks: asked before each request, changed by
`/server`.

Built by `app` around a settings store; called by cogs. Knows nothing of Discord's client or Redis.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import structlog

from bot.core.asker import Asker
from bot.core.invites import has_invite
from bot.core.server_bounds import checked
from bot.core.server_log import LogEntry, to_undo
from bot.core.server_settings import (
    ServerSettings,
    StoredSettings,
    changed,
    differences,
    without_channel,
)
from bot.core.server_texts import channel_refusal
from bot.errors import NotHereError, OptionError, PromptError, SettingsError
from bot.language import listed, public_language, slash, spoken, tr
from bot.state.settings_api import Block, BlockKind, SettingsStore

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_ABSENT_S = 2 * 86_400.0  # longer than any outage of all bot processes should be
_TRIES = 5  # of changes that no person waits for


async def _no_models() -> Sequence[str]:
    return ()


class ServersService:
    """Settings of servers, and blocks.

    Args:
        store: where they are.
        clock: gives Unix time in seconds.
        served_models: names of the models that workers serve now.
    """

    def __init__(
        self,
        store: SettingsStore,
        clock: Callable[[], float],
        served_models: Callable[[], Awaitable[Sequence[str]]] = _no_models,
    ) -> None:
        self._store = store
        self._clock = clock
        self._served_models = served_models

    async def settings(self, guild_id: int | None) -> ServerSettings:
        """What is decided in a server, perhaps 30 s ago; without a server the defaults.

        Raises:
            QueueDownError: they are not known, and the store can't be reached.
            SettingsError: they can't be read by this program.
        """
        if guild_id is None:
            return ServerSettings()
        return (await self._store.read(guild_id)).settings

    async def public_language(self, guild_id: int | None) -> str:
        """The language of an answer that everybody in a server sees.

        Raises:
            QueueDownError: the settings are not known, and the store can't be reached.
            SettingsError: they can't be read by this program.
        """
        return public_language(spoken(), (await self.settings(guild_id)).language)

    async def shown(self, guild_id: int) -> StoredSettings:
        """The settings as they are now, with their revision.

        Raises:
            QueueDownError: the store can't be reached.
            SettingsError: they can't be read by this program.
        """
        return await self._store.read_fresh(guild_id)

    async def check(self, asker: Asker, prompt: str) -> ServerSettings:
        """The settings that hold for a request that may go on.

        Raises:
            NotHereError: the host blocks the member or server, or its admins do not want the bot
                now or in this channel.
            PromptError: the server's filter finds something in the prompt, or an invite.
            QueueDownError: nobody knows, and the store can't be reached.
            SettingsError: the settings can't be read by this program.
        """
        if block := await self._store.blocked(asker.guild_id, asker.user_id):
            raise NotHereError(_block_sentence(block))
        settings = await self.settings(asker.guild_id)
        if settings.paused:
            told = settings.pause_message
            raise NotHereError(
                tr("This server's admins have paused me: {message}", message=told)
                if told
                else tr("This server's admins have paused me; please try again later.")
            )
        if not settings.allows(asker.channel_id):
            raise NotHereError(channel_refusal(settings))
        if settings.refuses_prompts and settings.word_filter().hits(prompt):
            raise PromptError(
                tr(
                    "This server's filter does not let this prompt through; please put it in other "
                    "words."
                )
            )
        if settings.hides_invites and has_invite(prompt):
            raise PromptError(
                tr(
                    "This server does not want invites to other servers; please leave it out of "
                    "the prompt."
                )
            )
        return settings

    async def mask(self, guild_id: int | None) -> Callable[[str], str]:
        """What hides the words and invites that a server does not want to read in what I write.

        Raises:
            QueueDownError: they are not known, and the store can't be reached.
            SettingsError: they can't be read by this program.
        """
        return (await self.settings(guild_id)).masked

    async def models(self) -> Sequence[str]:
        """Models that can be chosen now."""
        return await self._served_models()

    async def change(
        self, guild_id: int, by_user: int, **changes: Any
    ) -> tuple[ServerSettings, ServerSettings]:
        """Sets fields of the settings; returns them before and after.

        Raises:
            OptionError: a value is out of its bounds.
            SettingsError: somebody else changed them at the same time, or they can't be read.
            QueueDownError: the store can't be reached.
        """
        return await self.edit(guild_id, by_user, lambda settings: replace(settings, **changes))

    async def edit(
        self, guild_id: int, by_user: int, rule: Callable[[ServerSettings], ServerSettings]
    ) -> tuple[ServerSettings, ServerSettings]:
        """Changes the settings by a rule that makes new ones of old ones; else as `change`."""
        stored = await self._store.read_fresh(guild_id)
        return await self._write(guild_id, by_user, stored, checked(rule(stored.settings)))

    async def choose_model(
        self, guild_id: int, by_user: int, model: str | None
    ) -> tuple[ServerSettings, ServerSettings]:
        """Sets the model, None for the host's choice; else as `change`.

        Raises:
            OptionError: it is not served now; the sentence names those that are.
        """
        served = await self._served_models()
        if model is not None and model not in served:
            raise OptionError(
                tr(
                    "No model of this name runs here; those that do: {names}.",
                    names=listed(served),
                )
                if served
                else tr("No model of this name runs here.")
            )
        return await self.change(guild_id, by_user, model=model)

    async def reset(
        self, guild_id: int, by_user: int, *, revision: int
    ) -> tuple[ServerSettings, ServerSettings]:
        """Makes the settings those of a server that decided nothing; can be undone.

        Args:
            guild_id: whose.
            by_user: who.
            revision: what they saw when they were asked; 0 where it could not be read, too.

        Raises:
            SettingsError: the settings changed since.
            QueueDownError: the store can't be reached.
        """
        try:
            stored = await self._store.read_fresh(guild_id)
        except SettingsError:  # nobody can read them: this is the way out
            none = ServerSettings()
            await self._store.write(guild_id, none, revision=None, by_user=by_user, changes=())
            return none, none
        if stored.revision != revision:
            raise SettingsError(_conflict())
        return await self._write(guild_id, by_user, stored, ServerSettings())

    async def undo(self, guild_id: int, by_user: int) -> tuple[ServerSettings, ServerSettings]:
        """Takes the newest change back that was not taken back yet; settings before and after.

        Raises:
            SettingsError: there is none, or somebody changed the settings at the same time.
            QueueDownError: the store can't be reached.
        """
        stored = await self._store.read_fresh(guild_id)
        entry = to_undo(await self._store.log(guild_id))
        if entry is None:
            raise SettingsError(tr("There is no change left to undo."))
        after = changed(stored.settings, (change.reversed() for change in entry.changes))
        return await self._write(guild_id, by_user, stored, after, undoes=entry.revision)

    async def log(self, guild_id: int) -> list[LogEntry]:
        """The last changes, the newest first.

        Raises:
            QueueDownError: the store can't be reached.
        """
        return await self._store.log(guild_id)

    async def on_guild_removed(self, guild_id: int) -> None:
        """The bot was removed from a server: its data goes in 30 days.

        Raises:
            QueueDownError: the store can't be reached.
        """
        await self._store.mark_removed(guild_id)

    async def on_guilds_seen(self, guild_ids: Sequence[int]) -> None:
        """The bot is in these servers now; a removal that nobody heard of is found out by it.

        Raises:
            QueueDownError: the store can't be reached.
        """
        for guild_id in await self._store.see(guild_ids, _ABSENT_S):
            _log.info("server gone", guild_id=guild_id)

    async def on_guild_added(self, guild_id: int) -> None:
        """The bot is in a server (again): what was decided there still holds.

        Raises:
            QueueDownError: the store can't be reached.
        """
        await self._store.unmark(guild_id)

    async def on_channel_deleted(self, guild_id: int, channel_id: int) -> None:
        """Strikes a channel off the server's lists.

        Raises:
            QueueDownError: the store can't be reached.
            SettingsError: the settings can't be read, or changed all the time.
        """
        for _ in range(_TRIES):
            stored = await self._store.read_fresh(guild_id)
            after = without_channel(stored.settings, channel_id)
            if after == stored.settings or await self._try_write(guild_id, None, stored, after):
                return
        raise SettingsError(_conflict())

    async def due_for_deletion(self) -> list[int]:
        """Servers whose data has to go now; whoever has deleted his calls `forget_guild`.

        Raises:
            QueueDownError: the store can't be reached.
        """
        return await self._store.due_for_deletion(self._clock())

    async def forget_guild(self, guild_id: int) -> None:
        """Deletes settings and their log.

        Raises:
            QueueDownError: the store can't be reached.
        """
        await self._store.forget_guild(guild_id)

    async def block(self, kind: BlockKind, target_id: int, reason: str, by: str) -> None:
        """The host serves a server or user no more.

        Raises:
            QueueDownError: the store can't be reached.
        """
        await self._store.block(kind, target_id, " ".join(reason.split()), by)
        _log.info("blocked", kind=kind.value, target=target_id)

    async def unblock(self, kind: BlockKind, target_id: int) -> bool:
        """Ends a block; False where there was none.

        Raises:
            QueueDownError: the store can't be reached.
        """
        return await self._store.unblock(kind, target_id)

    async def blocks(self) -> list[Block]:
        """All blocks, the newest first.

        Raises:
            QueueDownError: the store can't be reached.
        """
        return await self._store.blocks()

    async def _write(
        self,
        guild_id: int,
        by_user: int,
        stored: StoredSettings,
        after: ServerSettings,
        undoes: int | None = None,
    ) -> tuple[ServerSettings, ServerSettings]:
        same = after == stored.settings and undoes is None
        if not same and not await self._try_write(guild_id, by_user, stored, after, undoes):
            raise SettingsError(_conflict())
        return stored.settings, after

    async def _try_write(
        self,
        guild_id: int,
        by_user: int | None,
        stored: StoredSettings,
        after: ServerSettings,
        undoes: int | None = None,
    ) -> bool:
        changes = differences(stored.settings, after)
        written = await self._store.write(
            guild_id,
            after,
            revision=stored.revision,
            by_user=by_user,
            changes=changes,
            undoes=undoes,
        )
        if written:
            fields = [change.name for change in changes]
            _log.info("settings changed", guild_id=guild_id, by=by_user, fields=fields)
        return written


def _block_sentence(block: Block) -> str:
    why, is_user = block.reason.rstrip("."), block.kind is BlockKind.USER
    if is_user and why:
        return tr("The host of this bot does not serve you: {reason}.", reason=why)
    if is_user:
        return tr("The host of this bot does not serve you; please ask the host why.")
    if why:
        return tr("The host of this bot does not serve this server: {reason}.", reason=why)
    return tr("The host of this bot does not serve this server; please ask the host why.")


def _conflict() -> str:
    return tr(
        "Somebody else has just changed this server's settings, so yours were not written; look "
        "at them with {command}, then try again.",
        command=slash("server show"),
    )
