"""`/xray`, the menu and the button as Discord sees them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import discord
import pytest

from bot.core.buttons import Action, finished_rows, output_custom_id, xray_rows
from bot.core.jobs import Job, JobKind
from bot.core.xray_texts import XrayText
from bot.services.servers import ServersService
from tests.contract.outputs_backends import make_output
from tests.unit.cogs.front import (
    ASKER,
    CHANNEL,
    DEFER_THINKING,
    EPHEMERAL,
    GUILD,
    MESSAGE_ANSWER,
    STRANGER,
    Call,
    Front,
    _interaction,
    _message,
)

FILE_URL = "https://cdn.discordapp.com/attachments/1/2/story.txt"


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    """A bot with its cogs, this one among them."""
    async with Front().running() as front:
        if "cogs.xray" not in front.bot.extensions:
            await front.bot.load_extension("cogs.xray")
        yield front


async def xray(front: Front, *, attachment: dict[str, Any] | None = None, **options: str) -> Any:
    """Somebody types `/xray`."""
    given: list[dict[str, Any]] = [
        {"name": name, "type": 3, "value": value} for name, value in options.items()
    ]
    data: dict[str, Any] = {"id": "5", "name": "xray", "type": 1, "options": given}
    if attachment is not None:
        given.append({"name": "file", "type": 11, "value": attachment["id"]})
        data["resolved"] = {"attachments": {attachment["id"]: attachment}}
    return await tell(front, data)


async def menu(front: Front, **changes: object) -> list[Call]:
    """Somebody chooses **X-ray this** on a message."""
    message = _message(**({"author": author(STRANGER)} | changes))
    data = {
        "id": "5", "name": "X-ray this", "type": 3, "target_id": message["id"],
        "resolved": {"messages": {message["id"]: message}},
    }  # fmt: skip
    return await tell(front, data)


async def tell(front: Front, data: dict[str, Any], kind: int = 2, **more: object) -> list[Call]:
    payload = _interaction(kind, data, interaction_id=1, user_id=ASKER, guild_id=GUILD)
    return await front._tell(payload | more)


def author(user_id: int, *, is_bot: bool = False) -> dict[str, Any]:
    return {
        "id": str(user_id), "username": "ben", "discriminator": "0", "avatar": None, "bot": is_bot,
    }  # fmt: skip


def text_file(**changes: object) -> dict[str, Any]:
    return {
        "id": "77", "filename": "story.txt", "size": 20, "url": FILE_URL, "proxy_url": FILE_URL,
        "content_type": "text/plain; charset=utf-8",
    } | changes  # fmt: skip


def serve_file(front: Front, data: bytes) -> None:
    """What Discord's file server has at that address."""

    class Answer:
        status = 200

        async def read(self) -> bytes:
            return data

    @asynccontextmanager
    async def get(url: str, **_options: object) -> AsyncIterator[Answer]:
        assert FILE_URL == url
        yield Answer()

    vars(front.wire)["get"] = get


async def put(front: Front) -> Job:
    """The one job that was put."""
    [job] = await front.jobs_put()
    assert JobKind.XRAY is job.kind
    return job


async def test_command_asks_for_a_public_picture(front: Front):
    """Deferred for all to see; the text and the colors reach the job."""
    [first, *_] = await xray(front, text="Once upon a time", colors="bits")

    assert (DEFER_THINKING, False, 0) == (first.kind, first.is_private, first.queued)
    job = await put(front)
    assert ("Once upon a time", "bits", ASKER) == (job.prompt, job.colors, job.user_id)
    assert ("token-1", CHANNEL) == (job.reply.interaction_token, job.reply.channel_id)


async def test_command_and_menu_work_everywhere(front: Front):
    """In servers and direct messages; installed by a server or a user."""
    for kind, name in ((1, "xray"), (3, "X-ray this")):
        command = front.bot.tree.get_command(name, type=discord.AppCommandType(kind))
        assert command is not None
        payload = command.to_dict(front.bot.tree)
        assert ([0, 1, 2], [0, 1]) == (payload["contexts"], payload["integration_types"])


async def test_command_takes_a_file(front: Front):
    """Fetched after the defer."""
    serve_file(front, "Es war einmal, ü 🦊".encode())
    [first, *_] = await xray(front, attachment=text_file())

    assert DEFER_THINKING == first.kind
    assert "Es war einmal, ü 🦊" == (await put(front)).prompt


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "nothing to look at"),
        ({"text": " \u200b"}, "prompt is empty"),
        ({"text": "a", "attachment": text_file()}, "not both"),
    ],
    ids=["nothing", "blank", "both"],
)
async def test_what_can_not_be_looked_at_is_said_to_the_asker_alone(
    front: Front, options: dict[str, Any], said: str
):
    """At once, without any job."""
    [only] = await xray(front, **options)

    assert (MESSAGE_ANSWER, True, True) == (only.kind, only.is_private, only.pings_nobody)
    assert said in only.message["content"]
    assert [] == await front.jobs_put()


async def test_file_that_is_no_text_is_refused(front: Front):
    """And so is one that is too long; what was public is taken back."""
    for file in (text_file(filename="a.png", content_type="image/png"), text_file(size=70_000)):
        *_, last = await xray(front, attachment=file)
        assert last.is_private
        assert "file" in last.message["content"]
    assert [] == await front.jobs_put()


async def test_menu_looks_at_a_message_of_somebody_else_in_private(front: Front):
    """Nobody is put on the spot."""
    [first, *_] = await menu(front, content="Hello <@100>, how are you")

    assert (DEFER_THINKING, True) == (first.kind, first.is_private)
    job = await put(front)
    assert job.prompt.startswith("Hello ")
    assert (ASKER, "rank") == (job.user_id, job.colors)


async def test_menu_on_an_own_message_answers_in_public(front: Front):
    """It is theirs to show."""
    [first, *_] = await menu(front, content="I wrote this", author=author(ASKER))
    assert not first.is_private


async def test_menu_takes_an_attached_text(front: Front):
    """Where the message itself has none."""
    serve_file(front, b"From a file.")
    [first, *_] = await menu(front, attachments=[text_file()])

    assert (DEFER_THINKING, True) == (first.kind, first.is_private)
    assert "From a file." == (await put(front)).prompt


async def test_menu_on_a_message_without_text_says_so(front: Front):
    """What is in embeds is not looked at."""
    for changes in (
        {"content": ""},
        {"embeds": [{"type": "rich", "description": "not this"}]},
        {"attachments": [text_file(filename="a.png", content_type="image/png")]},
    ):
        [only] = await menu(front, **changes)
        assert (MESSAGE_ANSWER, True) == (only.kind, only.is_private)
        assert "no text" in only.message["content"]
    assert [] == await front.jobs_put()


async def test_server_that_does_not_want_the_bot_gets_no_xray(
    front: Front, monkeypatch: pytest.MonkeyPatch
):
    """The same rules hold as for texts."""
    servers: ServersService = front.services.servers
    await servers.change(GUILD, ASKER, paused=True)
    *_, last = await xray(front, text="Once upon a time")

    assert "paused" in last.message["content"]
    assert last.is_private
    assert [] == await front.jobs_put()


async def click(front: Front, xray_id: str = "7") -> list[Call]:
    """Somebody clicks "As text" under an X-ray."""
    row = xray_rows(xray_id)
    data = {"custom_id": row[0]["components"][0]["custom_id"], "component_type": 2}
    message = _message(components=row)
    payload = _interaction(3, data, interaction_id=2, user_id=STRANGER, guild_id=GUILD)
    return await front._tell(payload | {"message": message})


async def test_button_gives_the_text_to_the_one_who_clicked(front: Front):
    """In as many messages as it takes; whoever it is, and after a restart."""
    text = XrayText(id="7", user_id=ASKER, guild_id=GUILD, parts=("one", "two", "three"))
    await front.stores.xray_texts.save(text)
    calls = await click(front)

    assert ["one", "two", "three"] == [call.message["content"] for call in calls]
    assert all(call.is_private and call.pings_nobody for call in calls)
    assert all(call.message["flags"] & EPHEMERAL for call in calls)


async def test_button_of_an_xray_that_is_gone_says_so(front: Front):
    """In one sentence."""
    [only] = await click(front)

    assert (MESSAGE_ANSWER, True) == (only.kind, only.is_private)
    assert "not kept any more" in only.message["content"]


async def test_button_under_a_text_asks_for_its_xray_in_private(front: Front):
    """By anybody, of prompt and text together, and by the model that wrote it."""
    output = make_output("CODE", root="1", job_id="1", text=" there was a fox.")
    await front.stores.outputs.save([output])
    data = {"custom_id": output_custom_id(Action.XRAY, "1", 0), "component_type": 2}
    payload = _interaction(3, data, interaction_id=2, user_id=STRANGER, guild_id=GUILD)
    message = _message(components=finished_rows("1", 0, 1))
    [first, *_] = await front._tell(payload | {"message": message})

    assert (DEFER_THINKING, True) == (first.kind, first.is_private)
    job = await put(front)
    assert ("Once upon a time there was a fox.", "CODE") == (job.prompt, job.origin)
    assert (STRANGER, "token-2") == (job.user_id, job.reply.interaction_token)


async def test_menu_on_a_text_of_the_bot_looks_at_all_of_it(front: Front):
    """Not at its label, and not only at this message."""
    output = make_output("CODE", root="1", job_id="1", text=" there was a fox.")
    await front.stores.outputs.save([output])
    rows = finished_rows("1", 0, 1)
    await menu(front, author=author(1, is_bot=True), content="x", components=rows)

    job = await put(front)
    assert ("Once upon a time there was a fox.", "CODE") == (job.prompt, job.origin)
