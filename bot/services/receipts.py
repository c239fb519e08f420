"""What a receipt is good for: to verify a text, and to make it again.

Built by `app` around the store of outputs; called by cogs. Knows nothing of Discord's client: the
cog hands over what fetches a message.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from bot.core.asker import Asker
from bot.core.buttons import OUTPUT_TEMPLATE, Action
from bot.core.jobs import JOB_LIFETIME_S, Job, JobKind, ReplyTarget
from bot.core.outputs import Output
from bot.core.receipts import Receipt, read_receipt, split_label
from bot.core.replay import again
from bot.core.replies import shown_text
from bot.core.text_request import estimated_cost
from bot.core.verdicts import (
    Finding,
    MessagePlace,
    first_alteration,
    judge,
    read_message_link,
    verdict_words,
)
from bot.errors import NotAllowedError, NotHereError, OptionError, QueueDownError, RequestError
from bot.language import mark, slash, tr
from bot.services.servers import ServersService
from bot.state.outputs_api import OutputsStore

_NOT_SEEN = mark(
    "I can't see that message, or not all that belongs to it. Copy its text, with the small line "
    "under it, and give it to {command} as text."
)
_NO_RECEIPT = mark(
    "This is no receipt; one looks like 7G2M0ZKQ4T or 7G2M0ZKQ4T-0C5XW1RB, and stands in the small "
    "line under a text."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedMessage:
    """A message as Discord has it.

    Attributes:
        id: its own.
        is_ours: whether this bot wrote it, so that nobody else can have edited it.
        content: its text in Discord's markdown.
        file_text: of the text file at it, or "".
        original_id: of the reply that it follows up on, or None.
        custom_ids: of its buttons.
    """

    id: int
    is_ours: bool
    content: str = ""
    file_text: str = ""
    original_id: int | None = None
    custom_ids: tuple[str, ...] = ()


# Channel and message; None where the bot can't see it.
Fetch = Callable[[int, int], Awaitable[PostedMessage | None]]


class ReceiptsService:
    """Verifies texts, and prepares jobs that make one again.

    Args:
        outputs: texts that are kept.
        servers: what servers hide.
        keys: the host's receipt keys, the newest first.
        clock: gives Unix time in seconds.
    """

    def __init__(
        self,
        outputs: OutputsStore,
        servers: ServersService,
        *,
        keys: Sequence[bytes],
        clock: Callable[[], float],
    ) -> None:
        self._outputs = outputs
        self._servers = servers
        self._keys = tuple(keys)
        self._clock = clock

    async def verify_text(self, text: str, code: str | None, asker: Asker) -> str:
        """Says whether a copied text is the bot's and unaltered.

        Args:
            text: as it was copied, with or without the line under it.
            code: its receipt, where the text comes without.
            asker: who wants to know, and where.

        Raises:
            OptionError: there is no receipt.
            QueueDownError: the store can't be reached, and the signature alone says nothing.
        """
        body, receipt = split_label(text)
        typed = read_receipt(code) if code else None
        if code and typed is None:
            raise OptionError(tr(_NO_RECEIPT))
        if typed is not None and (receipt is None or receipt.code != typed.code or typed.tag):
            receipt = typed
        if receipt is None:
            raise OptionError(
                tr(
                    "I find no receipt in this text. Copy the small line under it too, or give "
                    "the receipt as code."
                )
            )
        return await self._verdict([body, text] if code else [body], receipt, asker)

    async def verify_link(self, link: str, asker: Asker, *, here: int, fetch: Fetch) -> str:
        """Says whether a message is a text of the bot's, and unaltered.

        Args:
            link: of the message, or its id.
            asker: who wants to know.
            here: the channel in which they ask.
            fetch: gets a message.

        Raises:
            OptionError: this is no link.
            NotHereError: the bot can't see the message, or it is no text with a receipt.
            QueueDownError: the store can't be reached.
        """
        place = read_message_link(link, here=here)
        if place is None:
            raise OptionError(tr("This is no link to a message; take it from the message's menu."))
        if place.guild_id not in (None, asker.guild_id):
            raise NotHereError(tr("That message is in another server; verify it there, please."))
        message = await fetch(place.channel_id, place.message_id)
        if message is None:
            raise NotHereError(tr(_NOT_SEEN, command=slash("verify")))
        if not message.is_ours:
            raise NotHereError(
                tr(
                    "That message is not mine. If somebody copied a text of mine into it, give it "
                    "to {command} as text.",
                    command=slash("verify"),
                )
            )
        body, receipt = await self._whole(message, place, fetch)
        return await self._verdict([body], receipt, asker)

    async def replay_job(
        self, code: str, asker: Asker, *, interaction_id: int, reply: ReplyTarget
    ) -> tuple[Job, str]:
        """The job that makes a text again, and the model that has to do it; nothing is put yet.

        Raises:
            OptionError: this is no receipt.
            NotHereError: the text is not kept (any more), or nothing was written.
            NotAllowedError: the asker may not see the text.
            QueueDownError: the store can't be reached.
        """
        receipt = read_receipt(code)
        if receipt is None:
            raise OptionError(tr(_NO_RECEIPT))
        output = await self._outputs.find(receipt.code)
        if output is None:
            raise NotHereError(tr("I keep no text with this receipt (any more)."))
        if not _may_see(output, asker):
            raise NotAllowedError(
                tr(
                    "This text was written elsewhere, so only the one who asked for it can have "
                    "it made again here."
                )
            )
        if not output.n_tokens:
            raise NotHereError(
                tr("Nothing was written for this receipt, so nothing can be repeated.")
            )
        max_new_tokens, sampling = again(output)
        now_s = self._clock()
        job = Job(
            id=str(interaction_id),
            tenant=asker.tenant,
            user_id=asker.user_id,
            prompt=output.prompt,
            pinned=output.pinned,
            max_new_tokens=max_new_tokens,
            sampling=sampling,
            reply=reply,
            created_at_s=now_s,
            deadline_at_s=now_s + JOB_LIFETIME_S,
            cost=estimated_cost(output.pinned + output.prompt, max_new_tokens),
            kind=JobKind.REPLAY,
            origin=output.code,
        )
        return job, output.model

    async def _verdict(self, bodies: Sequence[str], receipt: Receipt, asker: Asker) -> str:
        try:
            output = await self._outputs.find(receipt.code)
        except QueueDownError:
            if judge(bodies, receipt, kept=(), keys=self._keys) is not Finding.GENUINE:
                raise
            output = None
        plain, masked = await self._shown(output) if output else ("", None)
        kept = (plain, masked or plain) if output else ()
        finding = judge(bodies, receipt, kept=kept, keys=self._keys)
        altered_at = None
        if output and finding is Finding.ALTERED and masked is not None and _may_see(output, asker):
            altered_at = first_alteration(bodies[0], masked)
        return verdict_words(finding, output, altered_at)

    async def _shown(self, output: Output) -> tuple[str, str | None]:
        """A text as it is, and as it may be quoted now; None where nobody knows what to hide."""
        plain = shown_text(output.prompt, output.text)
        try:
            settings = await self._servers.settings(output.guild_id)
        except RequestError:
            return plain, None
        return plain, shown_text(output.prompt, settings.masked(output.text))

    async def _whole(
        self, message: PostedMessage, place: MessagePlace, fetch: Fetch
    ) -> tuple[str, Receipt]:
        """The text of all messages that belong to one, in their order, and its receipt."""
        parts = {message.id: message}

        async def add(message_id: int) -> None:
            if message_id not in parts:
                found = await fetch(place.channel_id, message_id)
                if found is None or not found.is_ours:
                    raise NotHereError(tr(_NOT_SEEN, command=slash("verify")))
                parts[message_id] = found

        if message.original_id is not None:
            await add(message.original_id)
        code = await self._code_of(parts.values())
        for message_id in await self._outputs.messages(code):
            await add(message_id)
        ordered = [parts[key] for key in sorted(parts)]
        split = [split_label(one.content) for one in ordered]
        receipts = [one for _, one in split if one is not None and one.code == code]
        body = "\n".join((*(text for text, _ in split), *(one.file_text for one in ordered)))
        return body, receipts[-1] if receipts else Receipt(code, "")

    async def _code_of(self, messages: Iterable[PostedMessage]) -> str:
        """By the receipt in one of the messages, or else by their buttons."""
        found = tuple(messages)
        for message in found:
            receipt = split_label(message.content)[1]
            if receipt is not None:
                return receipt.code
        for custom_id in (one for message in found for one in message.custom_ids):
            button = re.fullmatch(OUTPUT_TEMPLATE, custom_id)
            # The index of a pager's button is that of the version which it leads to.
            if button is not None and button["action"] != Action.PAGE:
                versions = await self._outputs.versions(button["root"])
                if (index := int(button["index"])) < len(versions):
                    return versions[index].code
        raise NotHereError(tr("That message of mine is no text with a receipt."))


def _may_see(output: Output, asker: Asker) -> bool:
    """Whether the asker can have seen the text: where it was made, or because it is theirs."""
    in_its_server = output.guild_id is not None and output.guild_id == asker.guild_id
    return in_its_server or output.user_id == asker.user_id
