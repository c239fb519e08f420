"""Finished texts: turned over, picked, gone on with, made again. Called by cogs.

Knows nothing of Discord's client or Redis. Two clicks at once can't both make a new version: the
store of outputs says who may.
"""

from collections import OrderedDict
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import structlog

from bot.core.asker import Asker
from bot.core.buttons import Action, finished_rows
from bot.core.edit_form import Edited
from bot.core.jobs import END_STATES, ReplyTarget
from bot.core.output_rules import (
    Version,
    check_is_chosen,
    check_may_use,
    version_at,
    version_of,
)
from bot.core.outputs import Output
from bot.core.prompts import MAX_FILE_CHARACTERS
from bot.core.receipts import sign
from bot.core.replies import ReplyMessage, page, shown_text
from bot.core.text_request import CompletionRequest
from bot.errors import OutputError, QueueDownError
from bot.language import mark, speaking, tr
from bot.services.pools import Pools
from bot.services.servers import ServersService
from bot.services.texts import TextService
from bot.state.outputs_api import OutputsStore
from bot.state.reports_api import ReportsStore

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_BUSY = mark("A new version of this text is being written already; please wait for it, or stop it.")
_HIDDEN = mark("This text was reported and is hidden, so nobody can go on with it now.")
_TWICE = mark(
    "You have asked for this a moment ago; to have it twice, click again in a few seconds."
)
_TWICE_MS = 3000  # of two clicks, the second one was no wish of its own
_MAX_CLICKS = 1000  # that are remembered
_DISCORD_BITS = 22  # of a snowflake; above them are milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """Somebody uses a finished text.

    Attributes:
        interaction_id: names the job that comes of it.
        asker: who, and where.
        reply: where a text goes.
        is_moderator: whether they moderate the place.
        is_age_restricted: whether the place is.
    """

    interaction_id: int
    asker: Asker
    reply: ReplyTarget
    is_moderator: bool = False
    is_age_restricted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A version as a message.

    Attributes:
        message: with its buttons.
        is_hidden: whether it is behind a click, and its file has to be so, too.
    """

    message: ReplyMessage
    is_hidden: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputParts:
    """What the service works with."""

    outputs: OutputsStore
    reports: ReportsStore
    texts: TextService
    servers: ServersService
    pools: Pools


class OutputsService:
    """What members do with finished texts.

    Args:
        parts: stores and other services.
        receipt_keys: sign the receipts that are shown, the newest first; none: they are unsigned.
    """

    def __init__(self, parts: OutputParts, *, receipt_keys: Sequence[bytes] = ()) -> None:
        self._parts = parts
        self._keys = receipt_keys
        # By what was clicked and by whom: the interaction's id, which has its time.
        self._clicks: OrderedDict[tuple[Action, str, int], int] = OrderedDict()

    async def at(self, root: str, index: int) -> Version:
        """A version by its place.

        Raises:
            OutputError: nothing is kept of the reply any more.
            QueueDownError: the store can't be reached.
        """
        return version_at(await self._parts.outputs.versions(root), index)

    async def of(self, root: str, code: str) -> Version:
        """A version by its code; else as `at`."""
        return version_of(await self._parts.outputs.versions(root), code)

    async def find(self, code: str) -> Output | None:
        """A text by its code.

        Raises:
            QueueDownError: the store can't be reached.
        """
        return await self._parts.outputs.find(code)

    async def first_of(self, root: str) -> Output | None:
        """The text that a reply shows, or None; of several nobody can tell."""
        versions = await self._parts.outputs.versions(root)
        return versions[0] if len(versions) == 1 else None

    async def page(self, version: Version) -> Page:
        """How a version looks: its line in its own language, its buttons in the public one.

        Raises:
            QueueDownError: a store can't be reached.
            SettingsError: the server's filter can't be read.
        """
        output = version.output
        mask = await self._parts.servers.mask(output.guild_id)
        is_hidden = await self._parts.reports.is_hidden(output.code)
        prompt, text = mask(output.prompt), mask(output.text)
        receipt = sign(shown_text(prompt, text), output.code, self._keys)
        with speaking(output.language):
            message = page(prompt, text, output.label(str(receipt)), is_hidden=is_hidden)
        with speaking(await self._parts.servers.public_language(output.guild_id)):
            rows = finished_rows(
                output.root, version.index, len(version.all), is_choice=version.is_choice
            )
        return Page(message=replace(message, components=rows), is_hidden=is_hidden)

    async def turn(self, root: str, index: int, click: Click) -> Page:
        """Shows another version.

        Raises:
            OutputError: nothing is kept of it, or it is not theirs.
            QueueDownError: a store can't be reached.
        """
        version = await self.at(root, index)
        check_may_use(version, click.asker.user_id, is_moderator=click.is_moderator)
        return await self.page(version)

    async def keep(self, root: str, index: int, click: Click) -> Page:
        """Picks a candidate; the others go. Else as `turn`."""
        version = await self.at(root, index)
        check_may_use(version, click.asker.user_id, is_moderator=click.is_moderator)
        code = version.output.code
        await self._parts.outputs.keep(root, code)
        return await self.page(await self.of(root, code))

    async def may_change(self, version: Version, click: Click) -> None:
        """Whether they may go on with a version, or make another.

        Raises:
            OutputError: they may not.
        """
        check_may_use(version, click.asker.user_id, is_moderator=click.is_moderator)
        check_is_chosen(version)

    @contextmanager
    def once(self, action: Action, output: Output, click: Click) -> Generator[None]:
        """Lets one of two quick clicks on a button through; what is refused inside did not count.

        Known by this process alone: Discord sends a channel's clicks to one at a time.

        Raises:
            OutputError: the same member has clicked it a moment ago.
        """
        key = (action, output.code, click.asker.user_id)
        before = self._clicks.get(key)
        if (
            before not in {None, click.interaction_id}
            and _apart_ms(before or 0, click.interaction_id) < _TWICE_MS
        ):
            raise OutputError(tr(_TWICE))
        self._clicks[key] = click.interaction_id
        self._clicks.move_to_end(key)
        if len(self._clicks) > _MAX_CLICKS:
            self._clicks.popitem(last=False)
        try:
            yield
        except BaseException:
            self._clicks.pop(key, None)
            raise

    async def continue_request(self, output: Output, click: Click) -> CompletionRequest:
        """A new reply that goes on with the whole text, drawn as it was.

        Raises:
            OutputError: the text is hidden.
            QueueDownError: a store can't be reached.
        """
        if await self._parts.reports.is_hidden(output.code) and not click.is_moderator:
            raise OutputError(tr(_HIDDEN))
        return replace(
            self._request(output, click), prompt=output.whole, is_dream=False, origin=output.code
        )

    async def retry(self, root: str, index: int, click: Click) -> str:
        """A new version with another seed, in the same reply.

        Returns:
            The model that will write it.

        Raises:
            RequestError: it is refused; the reply stays as it is.
        """
        version = await self.at(root, index)
        await self.may_change(version, click)
        return await self._new_version(replace(self._request(version.output, click), root=root))

    async def edit(self, version: Version, edited: Edited, click: Click) -> str:
        """A new version of another prompt or other settings; else as `retry`."""
        await self.may_change(version, click)
        output = version.output
        request = replace(
            self._request(output, click),
            prompt=edited.prompt,
            is_dream=not (output.prompt or edited.prompt.strip()),
            # What stands there already was let through when it came.
            is_typed=edited.prompt != output.prompt,
            max_new_tokens=edited.max_new_tokens,
            base=edited.sampling,
            seed=None if edited.is_new_seed else edited.sampling.seed,
            root=output.root,
        )
        return await self._new_version(request)

    async def further_messages(self, root: str) -> list[int]:
        """Messages beside the reply that long versions took, those that are deleted included.

        Raises:
            QueueDownError: the store can't be reached.
        """
        outputs = self._parts.outputs
        versions = await outputs.versions(root)
        return [id_ for one in versions for id_ in await outputs.messages(one.code)]

    def _request(self, output: Output, click: Click) -> CompletionRequest:
        """A text like this one, with a seed of its own."""
        return CompletionRequest(
            interaction_id=click.interaction_id,
            asker=click.asker,
            reply=click.reply,
            prompt=output.prompt,
            max_new_tokens=output.max_new_tokens,
            model=output.model,
            base=output.sampling,
            language=output.language,
            prompt_limit=MAX_FILE_CHARACTERS,
            is_dream=not output.prompt,
            is_typed=False,
            is_age_restricted=click.is_age_restricted,
        )

    async def _new_version(self, request: CompletionRequest) -> str:
        root, job_id = request.root, str(request.interaction_id)
        self._parts.texts.prepare(request)  # before anything is noted
        await self._begin(root, job_id)
        try:
            return await self._parts.texts.ask(request)
        except BaseException:
            await self._end(root, job_id)
            raise

    async def _begin(self, root: str, job_id: str) -> None:
        """Raises OutputError where somebody else is at it."""
        other = await self._parts.outputs.begin(root, job_id)
        if other not in {None, job_id} and await self._is_over(other or ""):
            await self._parts.outputs.end(root, other or "")
            other = await self._parts.outputs.begin(root, job_id)
        if other not in {None, job_id}:
            raise OutputError(tr(_BUSY))

    async def _is_over(self, job_id: str) -> bool:
        """Whether a job ended without a version: stopped in line, or given up."""
        queue = await self._parts.pools.find(job_id)
        if queue is None:  # the click that began it may be about to put it
            return False
        return await queue.state(job_id) in END_STATES

    async def _end(self, root: str, job_id: str) -> None:
        """The job was refused; what Redis does not hear of ends with time."""
        try:
            await self._parts.outputs.end(root, job_id)
        except QueueDownError:
            _log.warning("version not ended", job_id=job_id)


def _apart_ms(first_id: int, second_id: int) -> int:
    """Milliseconds between two interactions."""
    return abs((second_id >> _DISCORD_BITS) - (first_id >> _DISCORD_BITS))
