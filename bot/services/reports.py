"""Reports: members say that a text should not be there; moderators and the host are told.

Called by cogs, which post what has to be posted. Knows nothing of Discord's client or Redis.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from bot.core.asker import Asker
from bot.core.outputs import Output
from bot.core.reports import Report, kept_prompt, kept_reason, kept_text
from bot.errors import OutputError, ReportError
from bot.language import mark, public_language, spoken, tr
from bot.services.servers import ServersService
from bot.state.outputs_api import OutputsStore
from bot.state.reports_api import Filed, ReportsStore

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_SHOWN_TO_HOST = 20
_GONE = mark("Nothing is kept of this text any more; please tell the moderators here yourself.")
_AGAIN = mark("You have reported this text already; it was passed on then.")
_TOO_MANY = mark("You have reported a lot in the last hour; please tell the moderators yourself.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The message that is reported.

    Attributes:
        place_id: the server that a link to it names, or None in direct messages.
        channel_id: where it is.
        message_id: which one.
    """

    place_id: int | None
    channel_id: int
    message_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """A report that was taken.

    Attributes:
        report: what is kept of it.
        output: the text.
        log_channel: where the server's moderators are told, or None.
        hides: whether the text goes behind a click now.
        language: of what the moderators are told.
    """

    report: Report
    output: Output
    log_channel: int | None
    hides: bool
    language: str


class ReportsService:
    """Takes reports, and keeps them for the host.

    Args:
        store: where they are.
        outputs: the texts.
        servers: say where they are posted.
        clock: gives Unix time in seconds.
    """

    def __init__(
        self,
        store: ReportsStore,
        outputs: OutputsStore,
        servers: ServersService,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._outputs = outputs
        self._servers = servers
        self._clock = clock

    async def report(
        self, interaction_id: int, code: str, asker: Asker, where: Where, reason: str
    ) -> Filing:
        """Takes a report.

        Args:
            interaction_id: names it.
            code: of the text.
            asker: who reports, and in which server.
            where: its message.
            reason: as it was typed; may be empty.

        Raises:
            OutputError: nothing is kept of the text any more.
            ReportError: they reported it before, or too many others.
            QueueDownError: a store can't be reached.
            SettingsError: the server's settings can't be read.
        """
        output = await self._outputs.find(code)
        if output is None:
            raise OutputError(tr(_GONE))
        settings = await self._servers.settings(asker.guild_id)
        report = Report(
            id=str(interaction_id),
            code=code,
            guild_id=asker.guild_id,
            place_id=where.place_id,
            channel_id=where.channel_id,
            message_id=where.message_id,
            reporter_id=asker.user_id,
            user_id=output.user_id,
            reason=kept_reason(reason),
            prompt=kept_prompt(output.prompt),
            text=kept_text(output.text),
            at_s=self._clock(),
        )
        match await self._store.file(report):
            case Filed.AGAIN:
                raise ReportError(tr(_AGAIN))
            case Filed.TOO_MANY:
                raise ReportError(tr(_TOO_MANY))
            case Filed.NEW:
                pass
        if settings.hides_reported:
            await self._store.hide(code)
        _log.info("text reported", code=code, guild_id=asker.guild_id)
        return Filing(
            report=report,
            output=output,
            log_channel=settings.log_channel,
            hides=settings.hides_reported,
            language=public_language(spoken(), settings.language),
        )

    async def set_hidden(self, code: str, is_hidden: bool) -> Output:
        """A moderator hides a text, or shows it again.

        Raises:
            OutputError: nothing is kept of it any more.
            QueueDownError: a store can't be reached.
        """
        output = await self._outputs.find(code)
        if output is None:
            raise OutputError(tr(_GONE))
        await (self._store.hide(code) if is_hidden else self._store.show(code))
        return output

    async def newest(self) -> Sequence[Report]:
        """For the host: the newest first.

        Raises:
            QueueDownError: the store can't be reached.
        """
        return await self._store.newest(_SHOWN_TO_HOST)

    async def dismiss(self, report_id: str) -> bool:
        """Removes a report; False where there is none of this id.

        Raises:
            QueueDownError: the store can't be reached.
        """
        return await self._store.dismiss(report_id)

    async def forget_user(self, user_id: int) -> int:
        """Removes what a user reported, and reports of their texts; how many.

        Raises:
            QueueDownError: the store can't be reached.
        """
        return await self._store.forget_user(user_id)

    async def forget_guild(self, guild_id: int) -> int:
        """Removes all reports of a server; how many.

        Raises:
            QueueDownError: the store can't be reached.
        """
        return await self._store.forget_guild(guild_id)
