"""`/play` as Discord tells of it: the message, its buttons and forms, and who is told what."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.core.jobs import Job, JobKind
from bot.play.api import Answered, Game, Player, Result, Scored, Session, WroteTexts
from bot.play.games import move_on
from tests.unit.cogs.front import ASKER, CHANNEL, GUILD, NOW_S, STRANGER, Call, _option_type
from tests.unit.cogs.output_front import OutputFront

MODAL = 9


class PlayFront(OutputFront):
    """A bot with games."""

    async def game(self, path: str, *, user_id: int = ASKER, **options: object) -> list[Call]:
        given = [
            {"name": name, "type": _option_type(value), "value": value}
            for name, value in options.items()
        ]
        inner = {"name": path, "type": 1, "options": given}
        data = {"id": "5", "name": "play", "type": 1, "options": [inner]}
        return await self._act(2, data, user_id, GUILD)

    async def answered(self, answer: Any) -> Job:
        """A worker brings what the model said."""
        (job,) = await self.jobs_put()
        loaded = await self.stores.sessions.load(self.session.id)
        assert loaded is not None
        nobody = Player(user_id=0, name="", at_s=NOW_S)
        moved = move_on(
            loaded.session, Answered(answer), nobody, source=f"w{job.id}", job_id=job.id
        )
        await self.stores.sessions.save(moved.session, revision=loaded.revision)
        return job

    @property
    def session(self) -> Session:
        sessions: Any = self.stores.sessions
        (kept,) = sessions._kept.values()
        return kept.session

    async def press_game(self, action: str, value: str = "", user_id: int = ASKER) -> list[Call]:
        end = f":{value}" if value else ""
        return await self.press_id(f"bardling:play:{action}:{self.session.id}{end}", user_id)


@pytest.fixture
async def front() -> AsyncIterator[PlayFront]:
    async with PlayFront().running() as running:
        assert isinstance(running, PlayFront)
        yield running


def shown(calls: list[Call]) -> dict[str, Any]:
    """What the message was made to be last."""
    return [one for one in calls if one.method == "PATCH"][-1].body


def told(calls: list[Call]) -> list[str]:
    """What the one who acted was told alone."""
    return [one.message["content"] for one in calls if one.method == "POST" and one.is_private
            and one.message.get("content")]  # fmt: skip


async def test_a_game_begins_with_a_message_and_a_job(front: PlayFront):
    """The message is remembered, so that it can be edited when nobody clicks."""
    calls = await front.game("imposter", opening="The door opened.")
    assert "The model writes its texts" in shown(calls)["content"]
    (job,) = await front.jobs_put()
    assert (job.kind, job.prompt) == (JobKind.GAME, "The door opened.")
    assert front.session.message_id
    assert (front.session.channel_id, front.session.guild_id) == (CHANNEL, GUILD)


async def test_a_button_opens_a_form_whose_text_makes_the_move(front: PlayFront):
    """And its maker alone is told of it."""
    await front.game("imposter")
    await front.answered(WroteTexts((" One.", " Two.", " Three.")))
    (form,) = await front.press_game("write", user_id=STRANGER)
    assert form.kind == MODAL
    calls = await front.submit(form.body["data"]["custom_id"], {"field0": "A goat came in."},
                               user_id=STRANGER)  # fmt: skip
    assert "1 text by people" in shown(calls)["content"]
    assert told(calls) == ["Your text is hidden; until writing ends you can replace it."]
    assert any(one["text"] == "A goat came in." for one in front.session.state["entries"])


async def test_a_letter_and_a_number_make_a_guess(front: PlayFront):
    """The button's value and the form's text arrive together."""
    await front.game("imposter")
    await front.answered(WroteTexts((" One.", " Two.", " Three.")))
    (form,) = await front.press_game("write")
    await front.submit(form.body["data"]["custom_id"], {"field0": "Mine."})
    await front.press_game("close")
    await front.answered(Scored((-1.0, -2.0, -3.0, -4.0)))
    letter = "ABCD"[[one["user_id"] for one in front.session.state["entries"]].index(0)]
    (form,) = await front.press_game("guess", letter, STRANGER)
    await front.submit(form.body["data"]["custom_id"], {"field0": "80"}, user_id=STRANGER)
    assert front.session.state["guesses"] == {str(STRANGER): {letter: 0.8}}


async def test_a_click_without_a_form_changes_the_message(front: PlayFront):
    """Bets of two are both counted."""
    await front.game("nextword", rounds=1)
    await front.answered(Scored((-1.0, -1.0, -1.0, -1.0)))
    await front.press_game("sure", "A")
    calls = await front.press_game("sure", "B", STRANGER)
    assert "2 bets so far" in shown(calls)["content"]
    assert told(calls)[0].startswith("Your bet:")


async def test_a_button_of_before_tells_who_clicked(front: PlayFront):
    """The game is not changed."""
    await front.game("nextword")
    before = front.session
    calls = await front.press_game("sure", "A")
    assert "newest state" in told(calls)[0]
    assert front.session == before


async def test_what_is_refused_by_the_queue_can_be_tried_again(front: PlayFront):
    """The message says so, and the asker why."""
    front.queue._limits = front.queue._limits.__class__(max_queued=0)
    calls = await front.game("lastword")
    assert "can be tried again" in shown(calls)["content"]
    assert any("waiting already" in one for one in told(calls))


async def test_end_is_for_its_host(front: PlayFront):
    """By the command, too."""
    await front.game("lastword")
    refused = await front.game("end", user_id=STRANGER)
    assert "Only the one who began" in told(refused)[0]
    await front.game("end")
    assert front.session.is_over


async def test_table_shows_rated_games(front: PlayFront):
    """Names can't be markup."""
    empty = await front.game("table", game="nextword")
    assert "No rated game" in shown(empty)["content"]
    session = Session(
        id="77", game=Game.NEXTWORD, guild_id=GUILD, channel_id=5, owner_id=1, language="en",
        created_at_s=1.0, changed_at_s=1.0, is_rated=True,
    )  # fmt: skip
    await front.stores.sessions.create(session)
    results = [Result(user_id=1, name="*Ann*", points=40.4, bits=1.5)]
    await front.stores.sessions.save(session, revision=1, results=results)
    calls = await front.game("table", game="nextword")
    assert "1. **\\*Ann\\*** · 1 game · 40 points · 1.5 bits per word" in shown(calls)["content"]


async def test_two_clicks_at_once_both_count(front: PlayFront):
    """And the message that stays is the newest."""
    await front.game("nextword")
    await front.answered(Scored((-1.0, -1.0, -1.0, -1.0)))
    await asyncio.gather(front.press_game("sure", "A"), front.press_game("sure", "B", STRANGER))
    assert len(front.session.state["bets"]) == 2


async def test_nothing_pings(front: PlayFront):
    """Whatever is shown."""
    calls = await front.game("imposter", opening="@everyone look")
    assert all(one.pings_nobody for one in calls if "content" in one.message)
