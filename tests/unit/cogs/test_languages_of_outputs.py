"""Finished texts, X-rays and reports in the language of those who see them."""

from pathlib import Path
from typing import Any

import pytest

from bot.core.buttons import Action
from tests.catalogues import only_catalogues, po
from tests.unit.cogs.front import GUILD, STRANGER, Call
from tests.unit.cogs.output_front import OutputFront, make_output

NO_WORKER = (
    "No worker is running right now. Your text is number {place} in line and starts as soon as "
    "one is back."
)
GERMAN = po(
    {
        "Retry": "Nochmal",
        "machine-written": "maschinell",
        "Stop": "Halt",
        NO_WORKER: "Du bist Nummer {place}.",
        "Thank you. The moderators here and the host of this bot were told.": "Danke.",
        "Hide it": "Verbergen",
        ("choice", "story: for tales: many words to choose from, no loops, whole sentences"): (
            "story: für Geschichten"
        ),
    }
)
FRENCH = po(
    {
        "Retry": "Encore",
        "machine-written": "écrit par une machine",
        "Stop": "Arrêter",
        NO_WORKER: "Tu es le {place}e.",
        "Hide it": "Cacher",
    }
)


@pytest.fixture
async def front(tmp_path: Path):
    """A bot in a server that speaks French in public, used by people who speak German."""
    with only_catalogues(tmp_path, de=GERMAN, fr=FRENCH):
        async with OutputFront().running() as front:
            await front.services.servers.change(GUILD, 1, language="fr", log_channel=30)
            front.locale = "de"
            yield front


def buttons(call: Call) -> list[Any]:
    """The labels of a message's buttons."""
    return [one.get("label") for row in call.message["components"] for one in row["components"]]


@pytest.mark.parametrize(
    ("written_in", "line"), [("fr", "écrit par une machine"), ("de", "maschinell")]
)
async def test_page_keeps_the_language_it_was_written_in(
    front: OutputFront, written_in: str, line: str
):
    """Its line is the text's; its buttons are for everybody."""
    await front.save(make_output())
    await front.save(make_output(1, language=written_in))

    *_, shown = await front.press(Action.PAGE, 1)

    assert line in shown.message["content"].rpartition("\n")[2]
    assert "Encore" in buttons(shown)


async def test_private_xray_waits_in_the_language_of_the_asker(front: OutputFront):
    """And its job is done in it."""
    await front.save()
    await front.press(Action.XRAY)

    notice = (await front.notices(at_least=1))[-1]

    assert "Du bist Nummer 1." == notice.message["content"]
    assert ["Halt"] == buttons(notice)
    assert ["de"] == [job.language for job in await front.jobs_put()]


async def test_public_reply_waits_in_the_language_of_the_server(front: OutputFront):
    """Everybody sees it."""
    await front.save()
    await front.press(Action.CONTINUE)

    notice = (await front.notices(at_least=1))[-1]

    assert "Tu es le 1e." == notice.message["content"]
    assert ["fr"] == [job.language for job in await front.jobs_put()]


async def test_moderators_read_a_report_in_the_language_of_the_server(front: OutputFront):
    """Who reports is thanked in their own."""
    [output] = await front.save()
    [form] = await front.press(Action.REPORT, root=output.root, user_id=STRANGER)

    _, posted, thanks = await front.submit(
        form.body["data"]["custom_id"], {"reason": "rude"}, user_id=STRANGER
    )

    assert ["Cacher"] == buttons(posted)
    assert "Danke." == thanks.message["content"]


async def test_presets_are_offered_in_the_members_language(front: OutputFront):
    """They are found by their names and by what is said of them."""
    assert {"story": "story: für Geschichten"} == await front.offered("preset", "Geschichten")
    assert "story" in await front.offered("preset", "STORY")
    assert "paper: as in" in (await front.offered("preset"))["paper"]
