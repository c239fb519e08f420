"""The Edit button under a finished text, and its form."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.buttons import Action
from bot.core.edit_form import edit_id
from bot.core.markdown import length
from tests.catalogues import only_catalogues, po
from tests.unit.cogs.front import DEFER_UPDATE, DRAWN_SEED, GUILD
from tests.unit.cogs.output_front import PROMPT, ROOT, OutputFront, make_output

FORM = 9


@pytest.fixture
async def front() -> AsyncIterator[OutputFront]:
    """A bot with its cogs."""
    async with OutputFront().running() as front:
        yield front


async def test_edit_form_is_prefilled_and_makes_a_version(front: OutputFront):
    """What is changed is changed; the seed stays unless it is cleared."""
    [output] = await front.save()
    [form] = await front.press(Action.EDIT)

    assert FORM == form.kind
    shown = form.body["data"]
    assert edit_id(output) == shown["custom_id"]
    values = {
        one["component"]["custom_id"]: one["component"].get("value", "")
        for one in shown["components"]
    }
    assert PROMPT == values["prompt"]

    [defer] = await front.submit(shown["custom_id"], values | {"prompt": "Once there", "seed": ""})

    assert DEFER_UPDATE == defer.kind
    [job] = await front.jobs_put()
    assert ("Once there", ROOT, 33) == (job.prompt, job.root, job.max_new_tokens)
    assert replace(output.sampling, seed=DRAWN_SEED) == job.sampling


async def test_wrong_values_in_the_form_are_a_sentence(front: OutputFront):
    """And no version is being written then."""
    [output] = await front.save()

    _, sentence = await front.submit(edit_id(output), {"prompt": "x", "length": "many"})

    assert sentence.is_private
    assert "length must be a whole number up to 500" in sentence.message["content"]
    assert 1 == len(await front.press(Action.RETRY))


async def test_edited_prompt_is_filtered(front: OutputFront):
    """A form is no way around the server's words; a prompt that stands there passes."""
    [output] = await front.save(make_output(prompt="A fox"))
    await front.services.servers.change(GUILD, 5, filter_words=("fox",))

    _, sentence = await front.submit(edit_id(output), {"prompt": "Two fox", "seed": "1"})
    fine = await front.submit(edit_id(output), {"prompt": "A fox", "seed": "1"})

    assert "filter" in sentence.message["content"]
    assert [DEFER_UPDATE] == [call.kind for call in fine]


async def test_form_that_is_sent_twice_makes_one_version(front: OutputFront):
    """As two clicks on Retry."""
    [output] = await front.save()

    await asyncio.gather(
        front.submit(edit_id(output), {"prompt": "x"}),
        front.submit(edit_id(output), {"prompt": "x"}),
    )
    _, sentence = await front.submit(edit_id(output), {"prompt": "y"})

    assert sentence.is_private
    assert "being written already" in sentence.message["content"]
    assert ["x"] == [job.prompt for job in await front.jobs_put()]


async def test_form_has_room_for_its_words_in_any_language(front: OutputFront, tmp_path: Path):
    """Discord refuses a form whose title or labels are too long."""
    words = ("Edit this text", "Length in tokens", "The text to go on with", "Settings", "Seed")
    clear = "The same one makes the same text; clear it for a new one"
    german = po({**dict.fromkeys(words, "Wörter 🦊 " * 20), clear: "lang " * 50, "Seed": "Saat"})
    await front.save()
    front.locale = "de"

    with only_catalogues(tmp_path, de=german):
        [form] = await front.press(Action.EDIT)

    shown = form.body["data"]
    labels = [one["label"] for one in shown["components"]]
    assert 5 == len(labels)
    assert all(length(one) <= 45 for one in (shown["title"], *labels))
    assert shown["title"].startswith("Wörter 🦊 Wörter")
    assert shown["title"].endswith("…")
    assert "Saat" == labels[-1]
    assert all(length(one.get("description") or "") <= 100 for one in shown["components"])
