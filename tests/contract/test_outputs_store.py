"""What every store of finished texts does: in memory, on Redis, on Redis 6.2, in a cluster."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from bot.core.outputs import MAX_VERSIONS
from bot.state.outputs_api import KeptTexts, OutputsStore
from tests.contract.outputs_backends import GUILD, USER, OutputsBackend, make_output

SHORT_DAYS = 0.4 / 86_400


@pytest.fixture(params=["memory", "redis", "redis-6.2", "redis-cluster", "valkey-8"])
async def outputs_backend(request: pytest.FixtureRequest) -> AsyncIterator[OutputsBackend]:
    """Each test runs on all of them."""
    fixtures = {
        "redis": "path_server",
        "redis-6.2": "old_server",
        "redis-cluster": "cluster_server",
        "valkey-8": "other_server",
    }
    server = None if request.param == "memory" else request.getfixturevalue(fixtures[request.param])
    async with AsyncExitStack() as stack:
        yield OutputsBackend(server, stack)


@pytest.fixture
async def store(outputs_backend: OutputsBackend) -> OutputsStore:
    """An empty one."""
    return await outputs_backend.store()


async def codes(store: OutputsStore, root: str = "1") -> list[str]:
    return [output.code for output in await store.versions(root)]


async def test_text_is_found_as_it_was_saved(store: OutputsStore):
    """With ids as large as Discord's, and characters of all kinds."""
    output = make_output(
        user_id=2**62 + 1, guild_id=2**61 + 3, text="\ud800 é \U0001f98a\n", notes=("a", "b"),
        pinned="p\n", weights="ab" * 32, language="ja",
    )  # fmt: skip
    await store.save([output])

    assert output == await store.find("A")
    assert await store.find("B") is None


async def test_versions_stand_in_the_order_in_which_they_were_saved(store: OutputsStore):
    """Each in its own reply."""
    for code, job_id in (("B", "1"), ("A", "2"), ("C", "3")):
        await store.save([make_output(code, job_id=job_id)])
    await store.save([make_output("X", root="9", job_id="9")])

    assert ["B", "A", "C"] == await codes(store)
    assert ["X"] == await codes(store, "9")
    assert [] == await codes(store, "5")


async def test_second_attempt_replaces_what_the_first_saved(store: OutputsStore):
    """In its place, whatever was saved after it; messages stay noted."""
    await store.save([make_output("A"), make_output("B")])
    await store.note_messages("A", [5])
    await store.save([make_output("C", job_id="2")])

    await store.save([make_output("A"), make_output("B", notes=("again",))])

    assert ["A", "B", "C"] == await codes(store)
    assert ("again",) == (await store.versions("1"))[1].notes
    assert [5] == await store.messages("A")
    assert 3 == (await store.kept_of_user(USER)).count


async def test_oldest_versions_make_room(store: OutputsStore):
    """And leave nothing, by no way."""
    for number in range(MAX_VERSIONS + 1):
        await store.save([make_output(f"V{number}", job_id=str(number))])

    assert [f"V{number}" for number in range(1, MAX_VERSIONS + 1)] == await codes(store)
    assert await store.find("V0") is None
    assert MAX_VERSIONS == len(await store.of_user(USER)) == await store.forget_guild(GUILD)


async def test_kept_candidate_stays_alone_of_its_job(store: OutputsStore):
    """What other jobs wrote stays; keeping it twice changes nothing."""
    await store.save([make_output("A")])
    await store.save([make_output(code, job_id="2") for code in "BCD"])

    assert await store.keep("1", "C")
    assert await store.keep("1", "C")

    assert ["A", "C"] == await codes(store)
    assert await store.find("B") is None
    assert 2 == (await store.kept_of_user(USER)).count


async def test_only_what_is_there_can_be_kept(store: OutputsStore):
    """Not a text of another reply, which stays as it is."""
    await store.save([make_output("A"), make_output("B")])
    await store.save([make_output("X", root="9", job_id="9")])

    assert not await store.keep("1", "X")
    assert not await store.keep("1", "Z")
    assert ["A", "B"] == await codes(store)


async def test_one_job_at_a_time_writes_a_version(store: OutputsStore):
    """Of many that begin at once, one may; it may be told so twice."""
    answers = await asyncio.gather(*(store.begin("1", str(n)) for n in range(8)))

    [first] = [n for n, answer in enumerate(answers) if answer is None]
    assert {None, str(first)} == set(answers)
    assert await store.begin("1", str(first)) is None
    assert await store.begin("2", "other reply") is None


async def test_only_the_job_that_began_ends_it(store: OutputsStore):
    """By saying so."""
    await store.begin("1", "2")

    await store.end("1", "3")
    assert "2" == await store.begin("1", "3")
    await store.end("1", "2")
    assert await store.begin("1", "3") is None


async def test_saved_version_ends_what_its_job_began(store: OutputsStore):
    """A late save of another one does not."""
    await store.begin("1", "2")

    await store.save([make_output("A", job_id="1")])
    assert "2" == await store.begin("1", "3")
    await store.save([make_output("B", job_id="2")])
    assert await store.begin("1", "3") is None


async def test_messages_are_noted_once_each(store: OutputsStore):
    """As numbers of Discord's size, in order; of a text that is not there none."""
    await store.save([make_output()])
    await store.note_messages("A", [2**62 + 1, 7])
    await store.note_messages("A", [7, 2**62, 7])
    await store.note_messages("A", [])
    await store.note_messages("B", [1])

    assert [2**62 + 1, 7, 2**62] == await store.messages("A")
    assert [] == await store.messages("B")


async def test_users_texts_are_found_the_oldest_first(store: OutputsStore):
    """In all servers and in none; more than are read at a time."""
    for number in range(230):
        await store.save(
            [
                make_output(
                    f"T{number}", root=str(number), job_id=str(number),
                    created_at_s=1_000.0 - number, guild_id=None if number % 3 else number,
                )
            ]
        )  # fmt: skip
    await store.save([make_output("X", root="x", job_id="x", user_id=101)])

    found = await store.of_user(USER)

    assert [f"T{number}" for number in reversed(range(230))] == [one.code for one in found]
    assert 230 == (await store.kept_of_user(USER)).count


async def test_forgotten_user_leaves_others_alone(store: OutputsStore):
    """Also in the same reply."""
    for number in range(230):
        await store.save([make_output(f"T{number}", root=f"r{number}", job_id=str(number))])
    await store.save([make_output("A", user_id=101)])
    await store.save([make_output("B", job_id="2")])

    assert 231 == await store.forget_user(USER)

    assert ["A"] == await codes(store)
    assert ([], KeptTexts(0, None)) == (await store.of_user(USER), await store.kept_of_user(USER))
    assert await store.find("T0") is None
    assert 0 == await store.forget_user(USER)
    assert 1 == await store.forget_guild(GUILD)


async def test_forgotten_server_leaves_others_alone(store: OutputsStore):
    """What a member wrote elsewhere stays."""
    await store.save([make_output("A")])
    await store.save([make_output("B", root="2", job_id="2", guild_id=11)])
    await store.save([make_output("C", root="3", job_id="3", guild_id=None)])

    assert 1 == await store.forget_guild(GUILD)

    assert ["B", "C"] == sorted(output.code for output in await store.of_user(USER))
    assert 0 == await store.forget_guild(GUILD)


async def test_texts_go_when_their_time_is_over(outputs_backend: OutputsBackend):
    """From wherever they were found."""
    store = await outputs_backend.store(SHORT_DAYS)
    await store.save([make_output()])
    await store.note_messages("A", [5])
    assert 1 == (await store.kept_of_user(USER)).count

    await asyncio.sleep(0.5)

    assert await store.find("A") is None
    assert ([], [], []) == (
        await store.versions("1"), await store.of_user(USER), await store.messages("A"),
    )  # fmt: skip
    assert KeptTexts(0, None) == await store.kept_of_user(USER)
    assert (0, 0) == (await store.forget_user(USER), await store.forget_guild(GUILD))
    assert not await store.keep("1", "A")


async def test_new_version_keeps_the_old_ones(outputs_backend: OutputsBackend):
    """A reply goes as a whole."""
    store = await outputs_backend.store(4 / 86_400)
    await store.save([make_output("A", user_id=101)])
    await asyncio.sleep(2.1)
    await store.save([make_output("B", job_id="2")])
    await asyncio.sleep(2.1)  # past the end of A alone, far from the end of both

    assert ["A", "B"] == await codes(store)
    assert ["A"] == [output.code for output in await store.of_user(101)]


async def test_sweep_ends(outputs_backend: OutputsBackend):
    """It says that nothing is left to do, and takes nothing that is still kept."""
    store = await outputs_backend.store(SHORT_DAYS)
    for number in range(120):
        await store.save(
            [make_output(f"T{number}", root=str(number), job_id=str(number), user_id=number % 70)]
        )
    await asyncio.sleep(0.5)
    later = await outputs_backend.store()
    await later.save([make_output("kept", root="k", job_id="k")])

    rounds = 0
    while await store.sweep():
        rounds += 1
        assert rounds < 100

    assert 0 == await store.sweep()
    assert 1 == (await later.kept_of_user(USER)).count
