"""Asking for an X-ray, and reading one as text."""

import pytest

from bot.core.jobs import JobKind
from bot.core.prompts import MAX_FILE_CHARACTERS
from bot.core.xray import MAX_XRAY_TOKENS, Colors
from bot.core.xray_texts import XrayText
from bot.errors import LimitReachedError, ModelNotServedError, OutputError, PromptError
from bot.language import speaking
from bot.services.xrays import XrayRequest
from tests.unit.services.asking import ASKER, GUILD, MEMBER, OTHER_MODEL, Desk, make_request

TEXT = "Once upon a time"


@pytest.fixture
async def desk() -> Desk:
    """Members have 1,000 tokens an hour; nothing of it is used."""
    desk = Desk()
    await desk.limit(1_000)
    return desk


def request(text: str = TEXT, interaction_id: int = 1, **changes: object) -> XrayRequest:
    values: dict = {"asker": ASKER, "reply": make_request().reply, "text": text} | changes
    return XrayRequest(interaction_id=interaction_id, **values)


async def test_job_says_all_that_a_worker_needs(desk: Desk):
    """The text is cleaned as prompts are; the cost is about its tokens."""
    await desk.services.xrays.ask(
        request(TEXT + " \x00\r\n", colors=Colors.BITS, origin="ABC", model=OTHER_MODEL)
    )

    [job] = await desk.jobs()
    assert (JobKind.XRAY, TEXT, "bits", "ABC") == (job.kind, job.prompt, job.colors, job.origin)
    assert (5, "1", MEMBER) == (job.cost, job.id, job.user_id)
    assert job == type(job).from_json(job.to_json())
    assert "colors" not in desk.services.xrays.prepare(request()).to_json()


async def test_long_text_costs_no_more_than_what_is_looked_at(desk: Desk):
    """A file of 64 KB is taken."""
    job = desk.services.xrays.prepare(request("word " * (MAX_FILE_CHARACTERS // 5)))
    assert MAX_XRAY_TOKENS == job.cost


@pytest.mark.parametrize("text", ["", " \n", "\u200b", "x" * (MAX_FILE_CHARACTERS + 1)])
async def test_what_is_no_text_is_refused(desk: Desk, text: str):
    """Before anything is stored."""
    with pytest.raises(PromptError):
        await desk.services.xrays.ask(request(text))
    assert [] == await desk.jobs()


async def test_limits_hold_for_xrays(desk: Desk):
    """And a model that nobody serves can't look at anything."""
    with pytest.raises(LimitReachedError):
        await desk.services.xrays.ask(request("word " * 2000))
    with pytest.raises(ModelNotServedError):
        await desk.services.xrays.ask(request(model="none", interaction_id=2))
    assert [] == await desk.jobs()


async def test_finished_xray_is_given_as_text(desk: Desk):
    """As long as it is kept; then a sentence says so."""
    text = XrayText(id="7", user_id=MEMBER, guild_id=GUILD, parts=("one", "two"))
    await desk.stores.xray_texts.save(text)
    assert ("one", "two") == await desk.services.xrays.as_text("7")

    desk.now_s += 31 * 86_400
    with pytest.raises(OutputError, match="not kept any more"):
        await desk.services.xrays.as_text("7")


@pytest.mark.parametrize(("is_private", "language"), [(True, "de"), (False, "fr")])
async def test_what_only_the_asker_sees_is_in_their_language(
    desk: Desk, is_private: bool, language: str
):
    """Whatever the server speaks in public."""
    await desk.services.servers.change(GUILD, 1, language="fr")

    with speaking("de"):
        await desk.services.xrays.ask(request(is_private=is_private))

    [job] = await desk.jobs()
    assert language == job.language
