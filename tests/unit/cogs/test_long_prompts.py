"""`/complete` by form and by file, its candidates and presets, and `/dream`."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import discord
import pytest

from bot.core.presets import PRESETS
from bot.core.prompts import KEPT_CHARACTERS, MAX_FILE_BYTES
from bot.core.sampling import MAX_SEED
from tests.catalogues import only_catalogues, po
from tests.unit.cogs.front import (
    CHANNEL,
    DEFER_THINKING,
    DRAWN_SEED,
    GUILD,
    MESSAGE_ANSWER,
)
from tests.unit.cogs.output_front import OutputFront, text_file

FORM = 9
OPTIONS = {"length": 44, "temperature": 0.1 + 0.2, "top_p": 0.5, "seed": MAX_SEED, "top_k": 0}


@pytest.fixture
async def front() -> AsyncIterator[OutputFront]:
    """A bot with its cogs."""
    async with OutputFront().running() as front:
        yield front


async def test_without_a_prompt_a_form_opens(front: OutputFront):
    """Its answer knows every option, though another process may get it."""
    [form] = await front.ask(**OPTIONS, preset="story", model="small")

    assert FORM == form.kind
    shown = form.body["data"]
    assert len(shown["custom_id"]) <= 100
    [prompt, model] = [one["component"] for one in shown["components"]]
    assert (4000, "small") == (prompt["max_length"], model["value"])

    async with OutputFront().running() as later:
        values = {"prompt": "A long text. " * 300, "model": "small"}
        [defer] = await later.submit(shown["custom_id"], values, is_click=False)

        assert (DEFER_THINKING, False) == (defer.kind, defer.is_private)
        [job] = await later.jobs_put()
    sampling = job.sampling
    assert ("A long text. " * 300).rstrip() == job.prompt
    assert OPTIONS == {
        "length": job.max_new_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
        "top_k": sampling.top_k,
    }
    assert 128 == sampling.repetition_window  # the preset's


async def test_wrong_option_is_told_before_the_form(front: OutputFront):
    """Nobody writes 4,000 characters for nothing."""
    [refused] = await front.ask(preset="loud")

    assert (MESSAGE_ANSWER, True) == (refused.kind, refused.is_private)
    assert "no such preset" in refused.message["content"]


async def test_refused_form_is_taken_back(front: OutputFront):
    """The public "thinking…" goes, and the sentence is private."""
    [form] = await front.ask()
    await front.services.servers.change(GUILD, 5, paused=True)

    calls = await front.submit(form.body["data"]["custom_id"], {"prompt": "x"}, is_click=False)

    assert ["POST callback", "PATCH @original", "DELETE @original", "POST followup"] == [
        call.route for call in calls
    ]
    assert calls[-1].is_private


async def test_form_of_another_version_is_a_sentence(front: OutputFront):
    """An id that this program did not write."""
    [refused] = await front.submit("bardling:form:1,2", {"prompt": "x"}, is_click=False)

    assert "type /complete again" in refused.message["content"]


@pytest.mark.parametrize(
    ("content", "prompt"),
    [
        (b"\xef\xbb\xbfOnce", "Once"),
        ("Füchse\r\n\r\nund".encode(), "Füchse\n\nund"),
        (b"x" * MAX_FILE_BYTES, "x" * KEPT_CHARACTERS),
    ],
    ids=["byte-order-mark", "windows", "longest"],
)
async def test_file_is_the_prompt(front: OutputFront, content: bytes, prompt: str):
    """Of a long one the end is what counts, and the note under the text says so."""
    [defer] = await front.ask(file=text_file(content, front))

    assert DEFER_THINKING == defer.kind
    [job] = await front.jobs_put()
    assert prompt == job.prompt
    assert (len(content) > KEPT_CHARACTERS) == bool(job.notes)
    assert job.cost <= 1024 + 120


async def test_note_on_a_cut_prompt_is_in_the_servers_language(front: OutputFront, tmp_path: Path):
    """All can read it."""
    french = po({"only the last {kept} letters of the prompt were taken": "{kept} lettres lues"})
    await front.services.servers.change(GUILD, 1, language="fr")

    with only_catalogues(tmp_path, fr=french):
        await front.ask(file=text_file(b"x" * MAX_FILE_BYTES, front))

    [job] = await front.jobs_put()
    assert ("16\u202f000 lettres lues",) == job.notes


@pytest.mark.parametrize(
    ("changes", "content", "words"),
    [
        ({"filename": "a.png", "content_type": "image/png"}, b"x", "plain text only"),
        ({"size": MAX_FILE_BYTES + 1}, b"x", "64 KB"),
        ({}, b"x" * (MAX_FILE_BYTES + 1), "64 KB"),
        ({}, b"\xff\xfe\x00", "UTF-8"),
        ({"url": "https://cdn.example/gone", "proxy_url": ""}, b"x", "attach it again"),
        ({}, b"\n\n", "Write a few words"),
    ],
    ids=["picture", "too-long-by-name", "too-long", "utf-16", "gone", "blank"],
)
async def test_wrong_file_is_a_sentence(
    front: OutputFront, changes: dict[str, object], content: bytes, words: str
):
    """To the asker alone; no job is left."""
    calls = await front.ask(file=text_file(content, front, **changes))

    assert calls[-1].is_private
    assert words in calls[-1].message["content"]
    assert [] == await front.jobs_put()


async def test_prompt_and_file_are_one_too_many(front: OutputFront):
    """Said before anything is read."""
    [refused] = await front.ask(prompt="x", file=text_file(b"y", front))

    assert "not both" in refused.message["content"]


async def test_candidates_reach_the_job_and_are_paid(front: OutputFront):
    """All of them at the greatest length."""
    await front.ask(prompt="Once", candidates=4, length=100)

    [job] = await front.jobs_put()
    assert (4, 402) == (job.candidates, job.cost)


async def test_last_seeds_leave_room_for_candidates(front: OutputFront):
    """Each has the next seed, and the largest has none."""
    [refused] = await front.ask(prompt="Once", candidates=2, seed=MAX_SEED)

    assert "too large" in refused.message["content"]


async def test_presets_are_offered_with_what_they_are_for(front: OutputFront):
    """Those that the place allows; Discord takes 25 choices of 1 to 100 characters."""
    usual = await front.offered("preset")
    front.nsfw = True
    all_of_them = await front.offered("preset")

    assert [name for name in PRESETS if name != "openai"] == list(usual)
    assert list(PRESETS) == list(all_of_them)
    for name, line in all_of_them.items():
        assert line == f"{name}: {PRESETS[name].line}"
        assert len(line) <= 100
    assert ["focused"] == list(await front.offered("preset", "LISTS"))


async def test_age_restricted_preset_is_for_such_channels(front: OutputFront):
    """In others, and in direct messages, it is a sentence."""
    [here] = await front.ask(prompt="Once", preset="openai")
    [direct] = await front.ask(prompt="Once", preset="openai", guild_id=None)
    front.nsfw = True
    [there] = await front.ask(prompt="Once", preset="openai")

    for refused in (here, direct):
        assert refused.is_private
        assert "age-restricted channels only" in refused.message["content"]
    assert DEFER_THINKING == there.kind


async def test_age_restricted_default_is_for_such_channels_too(front: OutputFront):
    """Whatever the server's admins chose."""
    await front.services.servers.change(GUILD, 5, preset="openai")

    *_, refused = await front.ask(prompt="Once")
    front.nsfw = True
    await front.ask(prompt="Once")

    assert "age-restricted channels only" in refused.message["content"]
    [job] = await front.jobs_put()
    assert job.sampling.openai_semantics


async def test_dream_has_no_prompt(front: OutputFront):
    """Drawn as the published samples: from 40 tokens, or from all in age-restricted channels."""
    await front.ask("dream", length=300, seed=4)
    front.nsfw = True
    await front.ask("dream")

    first, second = await front.jobs_put()
    assert ("", 300, 4, 40, 1.0) == (
        first.prompt,
        first.max_new_tokens,
        first.sampling.seed,
        first.sampling.top_k,
        first.sampling.temperature,
    )
    assert not first.sampling.openai_semantics
    assert ("", DRAWN_SEED, 0) == (second.prompt, second.sampling.seed, second.sampling.top_k)
    assert second.sampling.openai_semantics


async def test_dream_ignores_the_servers_preset(front: OutputFront):
    """It is the same everywhere."""
    await front.services.servers.change(GUILD, 5, preset="focused")

    await front.ask("dream")

    [job] = await front.jobs_put()
    assert 1.0 == job.sampling.temperature


async def test_thread_is_as_restricted_as_its_channel(front: OutputFront):
    """Discord tells no more of a thread than who its parent is."""
    state = front.bot._connection
    channel = {"id": str(CHANNEL), "type": 0, "name": "c", "position": 0, "nsfw": True}
    guild = {"id": str(GUILD), "name": "g", "roles": [], "member_count": 1,
             "channels": [channel | {"permission_overwrites": []}]}  # fmt: skip
    state._add_guild(discord.Guild(data=cast(Any, guild), state=state))
    meta = {"archived": False, "auto_archive_duration": 60, "locked": False,
            "archive_timestamp": "2024-01-01T00:00:00+00:00"}  # fmt: skip
    thread = {"id": "21", "type": 11, "name": "t", "parent_id": str(CHANNEL), "owner_id": "5",
              "guild_id": str(GUILD), "thread_metadata": meta, "member_count": 1,
              "message_count": 0}  # fmt: skip

    await front.command(payload={"channel": thread, "channel_id": "21"}, preset="openai")

    [job] = await front.jobs_put()
    assert job.sampling.openai_semantics
