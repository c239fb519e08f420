"""The menus on messages: **Continue this** and **Report this**."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.core.replies import UNFINISHED_MARK
from tests.unit.cogs.front import (
    ASKER,
    DEFER_THINKING,
    DRAWN_SEED,
    GUILD,
    STRANGER,
    _message,
)
from tests.unit.cogs.output_front import (
    PROMPT,
    ROOT,
    TEXT,
    OutputFront,
    make_output,
    others_message,
    reply_of,
    rows,
    text_file,
)

CONTINUE, REPORT = "Continue this", "Report this"


@pytest.fixture
async def front() -> AsyncIterator[OutputFront]:
    """A bot with its cogs."""
    async with OutputFront().running() as front:
        yield front


async def test_menus_work_everywhere(front: OutputFront):
    """In servers, direct messages and group messages; installed by a server or by a user."""
    for command in front.bot.tree.get_commands():
        payload = command.to_dict(front.bot.tree)
        if payload["type"] == 3:
            assert ([0, 1, 2], [0, 1]) == (payload["contexts"], payload["integration_types"])


async def test_anybodys_message_is_gone_on_with(front: OutputFront):
    """What is written in it; no message-content intent is needed."""
    [defer] = await front.menu(CONTINUE, others_message("It was a dark night"))

    assert (DEFER_THINKING, False) == (defer.kind, defer.is_private)
    [job] = await front.jobs_put()
    assert ("It was a dark night", DRAWN_SEED) == (job.prompt, job.sampling.seed)
    assert not front.bot.intents.message_content


async def test_long_message_is_gone_on_with(front: OutputFront):
    """Subscribers of Discord write up to 4,000 characters."""
    await front.menu(CONTINUE, others_message("word " * 800))

    [job] = await front.jobs_put()
    assert ("word " * 800).rstrip() == job.prompt


async def test_attached_text_is_gone_on_with(front: OutputFront):
    """Where the message itself is empty."""
    file = text_file("Füchse".encode(), front)

    await front.menu(CONTINUE, others_message("", attachments=[file]))

    [job] = await front.jobs_put()
    assert "Füchse" == job.prompt


async def test_message_without_text_is_a_sentence(front: OutputFront):
    """A picture can't be gone on with."""
    file = text_file(b"x", front, filename="a.png", content_type="image/png")

    [refused] = await front.menu(CONTINUE, others_message("", attachments=[file]))

    assert refused.is_private
    assert "no text" in refused.message["content"]


@pytest.mark.parametrize("how", ["buttons", "receipt", "command"])
async def test_own_text_is_gone_on_with_as_it_was(front: OutputFront, how: str):
    """Whole and without its line, by any of the messages that it took; by anybody."""
    [output] = await front.save(make_output(text=TEXT + " characters and everything."))
    message = {
        "buttons": reply_of(output, content="whatever", components=rows()),
        "receipt": reply_of(output),
        "command": reply_of(output, content="the middle part") | {
            "interaction_metadata": {
                "id": ROOT, "type": 2, "authorizing_integration_owners": {},
                "user": {"id": "100", "username": "a", "discriminator": "0", "avatar": None},
            }
        },
    }[how]  # fmt: skip

    await front.menu(CONTINUE, message, user_id=STRANGER)

    [job] = await front.jobs_put()
    assert output.whole == job.prompt
    assert (output.code, STRANGER) == (job.origin, job.user_id)
    assert replace(output.sampling, seed=DRAWN_SEED) == job.sampling


async def test_unfinished_or_forgotten_text_is_a_sentence(front: OutputFront):
    """There is nothing to go on with."""
    output = make_output()

    [growing] = await front.menu(CONTINUE, reply_of(output, content="Once" + UNFINISHED_MARK))
    [gone] = await front.menu(CONTINUE, reply_of(output))

    assert "still being written" in growing.message["content"]
    assert "Nothing is kept" in gone.message["content"]
    assert [] == await front.jobs_put()


async def test_hidden_text_is_not_shown_again_by_going_on(front: OutputFront):
    """Its text would stand in bold in the new reply."""
    [output] = await front.save()
    await front.stores.reports.hide(output.code)

    [refused] = await front.menu(CONTINUE, reply_of(output))

    assert "hidden" in refused.message["content"]


async def test_dream_is_gone_on_with(front: OutputFront):
    """What the model began becomes the prompt."""
    await front.save(make_output(prompt=""))

    await front.menu(CONTINUE, _message(content="", components=rows(), application_id="1"))

    [job] = await front.jobs_put()
    assert TEXT == job.prompt


async def test_report_menu_shows_the_form(front: OutputFront):
    """Of the reply that has the buttons."""
    [output] = await front.save()

    [form] = await front.menu(REPORT, reply_of(output), user_id=STRANGER)
    [refused] = await front.menu(REPORT, others_message("rude"))

    assert f"bardling:reported:{output.code}:20:900" == form.body["data"]["custom_id"]
    assert "what I wrote myself" in refused.message["content"]


async def test_server_may_refuse_what_is_gone_on_with(front: OutputFront):
    """Others' messages are as typed as a prompt."""
    await front.services.servers.change(GUILD, ASKER, filter_words=("night",))

    *_, refused = await front.menu(CONTINUE, others_message("A night"))

    assert "filter" in refused.message["content"]
    assert PROMPT not in refused.message["content"]
