"""`/verify` and `/replay`, from what the gateway says to what Discord gets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

import pytest

from bot.core.jobs import JobKind
from bot.core.receipts import code_of, sign
from bot.core.replies import final, shown_text
from bot.services import Services
from bot.services.receipts import ReceiptsService
from bot.state.memory_outputs import MemoryOutputs
from cogs.receipts import Receipts
from tests.contract.outputs_backends import make_output
from tests.unit.cogs.front import (
    CHANNEL,
    DEFER_THINKING,
    GUILD,
    NOW_S,
    STRANGER,
    Call,
    Front,
    Wire,
    _Answer,
    _message,
)

KEYS = (b"the only key there is",)
CODE = code_of("1")
OUTPUT = make_output(CODE, text=" <@5> a fox.", user_id=STRANGER)
RECEIPT = sign(shown_text(OUTPUT.prompt, OUTPUT.text), CODE, KEYS)
[CONTENT] = final(OUTPUT.prompt, OUTPUT.text, OUTPUT.label(str(RECEIPT))).parts


@dataclass(frozen=True, slots=True, kw_only=True)
class _WithReceipts(Services):
    """The services of a bot that has receipts."""

    receipts: ReceiptsService


@dataclass
class _MessageWire(Wire):
    """A wire at whose other end messages can be fetched; others are forbidden."""

    messages: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])

    @asynccontextmanager
    async def request(
        self, method: str, url: str, *, data: str | None = None, **options: object
    ) -> AsyncIterator[_Answer]:
        parts = urlsplit(url).path.split("/")
        if method == "GET" and parts[-2] == "messages":
            found = self.messages.get(int(parts[-1]))
            yield _Answer(200, found) if found else _Answer(403, {"code": 50001, "message": "no"})
            return
        async with super().request(method, url, data=data, **options) as answer:
            yield answer


class ReceiptFront(Front):
    """A front with the two commands, and a text that is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs = MemoryOutputs(clock=lambda: NOW_S)
        receipts = ReceiptsService(
            self.outputs, self.services.servers, keys=KEYS, clock=lambda: NOW_S
        )
        known = {one.name: getattr(self.services, one.name) for one in fields(Services)}
        self.services = _WithReceipts(**(known | {"receipts": receipts}))
        self.bot.services = self.services
        self.wire = _MessageWire(self.queue)

    async def say(self, name: str, **options: object) -> list[Call]:
        """Somebody types one of the two."""
        given = [{"name": key, "type": 3, "value": value} for key, value in options.items()]
        data = {"id": "5", "name": name, "type": 1, "options": given}
        return await self.command(payload={"data": data})


@pytest.fixture
async def receipts() -> AsyncIterator[ReceiptFront]:
    """A bot that keeps the text."""
    front = ReceiptFront()
    async with front.running():
        if front.bot.get_cog("Receipts") is None:
            await front.bot.add_cog(Receipts(front.services))
        # What a log-in would leave behind, for requests that are no answers to interactions.
        front.bot.http._global_over = asyncio.Event()
        front.bot.http._global_over.set()
        await front.outputs.save([OUTPUT])
        yield front


def message(**changes: object) -> dict[str, Any]:
    """One of the bot's, as Discord has it."""
    return _message(**({"content": CONTENT} | changes))


async def test_verdict_is_for_the_asker_alone(receipts: ReceiptFront):
    """And pings nobody."""
    first, last = await receipts.say("verify", text=CONTENT)

    assert DEFER_THINKING == first.kind
    assert first.is_private
    assert "it is unaltered" in last.message["content"]
    assert last.pings_nobody


async def test_altered_text_is_shown_harmlessly(receipts: ReceiptFront):
    """With the place."""
    *_, last = await receipts.say("verify", text=CONTENT.replace("fox", "cat"))

    assert "it was altered" in last.message["content"]
    assert "\\<@5\\> a **fox.**" in last.message["content"]


async def test_link_is_followed_to_the_bots_own_message(receipts: ReceiptFront):
    """By REST."""
    assert isinstance(receipts.wire, _MessageWire)
    receipts.wire.messages[900] = message()

    for link in (f"https://discord.com/channels/{GUILD}/{CHANNEL}/900", "900"):
        *_, last = await receipts.say("verify", link=link)
        assert "it is unaltered" in last.message["content"]


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (None, "I can't see that message"),
        (
            message(author={"id": "7", "username": "eve", "discriminator": "0", "avatar": None}),
            "not mine",
        ),
    ],
)
async def test_other_messages_get_a_sentence(
    receipts: ReceiptFront, found: dict[str, Any] | None, says: str
):
    """For the asker alone."""
    assert isinstance(receipts.wire, _MessageWire)
    if found:
        receipts.wire.messages[900] = found

    calls = await receipts.say("verify", link="900")

    assert says in calls[-1].message["content"]
    assert calls[0].is_private


@pytest.mark.parametrize("options", [{}, {"text": CONTENT, "link": "900"}])
async def test_text_or_link_is_needed(receipts: ReceiptFront, options: dict[str, object]):
    """Exactly one."""
    [call] = await receipts.say("verify", **options)

    assert "either a text or the link" in call.message["content"]
    assert call.is_private


async def test_replay_is_put(receipts: ReceiptFront):
    """Publicly, in line with the others."""
    [first] = await receipts.say("replay", code=str(RECEIPT))

    assert (DEFER_THINKING, False) == (first.kind, first.is_private)
    [job] = await receipts.jobs_put()
    assert (JobKind.REPLAY, CODE, OUTPUT.prompt) == (job.kind, job.origin, job.prompt)


async def test_replay_that_is_refused_leaves_a_private_sentence(receipts: ReceiptFront):
    """The public one goes."""
    calls = await receipts.say("replay", code="0123456789")

    assert "I keep no text with this receipt" in calls[-1].message["content"]
    assert calls[-1].is_private
    assert [] == await receipts.jobs_put()
