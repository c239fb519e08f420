"""Members are answered in their own language, and everybody in the server's."""

from pathlib import Path

import pytest

from bot.language import spoken
from tests.catalogues import only_catalogues, po
from tests.unit.cogs.front import GUILD, STRANGER, Front

GERMAN = po(
    {
        "Only the owners of this bot can do that.": "Das dürfen nur die Besitzer dieses Bots.",
        "Only the one who asked for this text, or a moderator, can stop it.": "Nicht deiner.",
        "There are no limits for you here.": "Für dich gibt es hier keine Limits.",
        "Stop": "Halt",
    }
)
FRENCH = po(
    {
        "Stop": "Arrêter",
        "Stopped before it began.": "Arrêté avant de commencer.",
        "All hands are writing. Your text is number {place} in line.": "Ton texte est le {place}e.",
    }
)


@pytest.fixture(autouse=True)
def catalogues(tmp_path: Path):
    """What these tests say."""
    with only_catalogues(tmp_path, de=GERMAN, fr=FRENCH):
        yield


async def fix_language(front: Front, language: str) -> None:
    """The server's admins choose what the bot speaks there."""
    await front.services.servers.change(GUILD, 1, language=language)


async def test_commands_answer_in_the_members_language():
    """And English to those whose language it does not speak."""
    async with Front().running() as front:
        for locale, said in (("de", "Für dich gibt"), ("sv-SE", "There are no limits")):
            calls = await front.command(
                name="limits",
                payload={
                    "locale": locale,
                    "data": {
                        "id": "5", "name": "limits", "type": 1,
                        "options": [{"name": "mine", "type": 1, "options": []}],
                    },
                },
            )  # fmt: skip
            assert calls[-1].message["content"].startswith(said)


async def test_clicks_and_their_errors_are_answered_in_the_language_of_who_clicks():
    """Whatever the one who asked speaks, or the server."""
    async with Front().running() as front:
        await fix_language(front, "fr")
        await front.command()

        calls = await front.click(user_id=STRANGER, locale="de")

        assert calls[-1].is_private
        assert calls[-1].message["content"].startswith("Nicht deiner.")


async def test_public_replies_are_in_the_servers_language_where_it_has_one():
    """Notice, button, and the end of a text that was stopped in line."""
    async with Front().running() as front:
        await fix_language(front, "fr")
        await front.set_free_slots(0)
        await front.command(payload={"locale": "de"})

        notice = (await front.notices(at_least=1))[-1].message
        stopped = (await front.click(locale="de"))[-1].message

        assert "Arrêter" == notice["components"][0]["components"][0]["label"]
        assert "Arrêté avant de commencer." == stopped["content"]


async def test_public_replies_are_in_the_members_language_where_the_server_has_none():
    """The board's own task speaks none."""
    async with Front().running() as front:
        await front.command(payload={"locale": "de"})

        notice = (await front.notices(at_least=1))[-1].message

        assert "Halt" == notice["components"][0]["components"][0]["label"]
    assert "en" == spoken()
