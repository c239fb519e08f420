"""What every store of stories does: in memory, on Redis, on Redis 6.2, in a cluster."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from bot.state.stories_api import WINDOW_CHARACTERS, Created, Saved, StoriesStore
from bot.stories.passages import Kind
from bot.stories.story import ContextUse, LoreEntry, Mode, Pending, Player, Status, Vote
from tests.contract.stories_backends import (
    CHANNEL,
    GUILD,
    OWNER,
    StoriesBackend,
    chain,
    make_passage,
    make_story,
)

SHORT_DAYS = 0.4 / 86_400
OTHER = 200


@pytest.fixture(params=["memory", "redis", "redis-6.2", "redis-cluster", "valkey-8"])
async def stories_backend(request: pytest.FixtureRequest) -> AsyncIterator[StoriesBackend]:
    """Each test runs on all of them."""
    fixtures = {
        "redis": "path_server",
        "redis-6.2": "old_server",
        "redis-cluster": "cluster_server",
        "valkey-8": "other_server",
    }
    server = None if request.param == "memory" else request.getfixturevalue(fixtures[request.param])
    async with AsyncExitStack() as stack:
        yield StoriesBackend(server, stack)


@pytest.fixture
async def store(stories_backend: StoriesBackend) -> StoriesStore:
    """An empty one."""
    return await stories_backend.store()


async def all_numbers(store: StoriesStore, story_id: str = "1") -> list[int]:
    return [one.number async for batch in store.passages(story_id) for one in batch]


async def test_story_is_loaded_as_it_was_created(store: StoriesStore):
    """With ids as large as Discord's, characters of all kinds, and every part filled."""
    story = make_story(
        guild_id=2**62 + 1, channel_id=2**61 + 3, title="\ud800 é \U0001f98a", head=2,
        n_passages=2, mode=Mode.BRANCHES, kicked=(5,), redo=(1,), memory="m\n", note="n",
        lore=(LoreEntry(keys=("fox", "Füchse"), text="clever"),), turn_until_s=5.5,
        vote=Vote(options=(1, 2), ballots=((OTHER, 2),), closes_at_s=7.25),
        pending=Pending(job_id="9", parent=2, since_s=1.5),
        context=ContextUse(window=1024, memory=3, lore_keys=("fox",)), recent=("a", "b"),
    )  # fmt: skip
    option = make_passage(
        2, kind=Kind.OPTION, author_id=0, voters=(OTHER,), text="\u2028 \ud800",
        settings=(("seed", 7),), receipt="AB",
    )  # fmt: skip

    assert await store.create(story, [make_passage(1), option], most=5) is Created.DONE

    loaded = await store.load("1")
    assert loaded is not None
    assert loaded.story == story
    assert loaded.near.path(2) == [make_passage(1), option]


async def test_unknown_story_is_none(store: StoriesStore):
    """Nor has it passages."""
    assert await store.load("9") is None
    assert await all_numbers(store, "9") == []
    assert await store.delete("9") is False


async def test_creating_again_changes_nothing(store: StoriesStore):
    """A command that arrives twice."""
    await store.create(make_story(head=1, n_passages=1), chain(1), most=5)
    assert await store.create(make_story(title="other"), [], most=5) is Created.DONE

    loaded = await store.load("1")
    assert loaded is not None
    assert loaded.story.title == "The fox"


async def test_channel_has_one_story_at_a_time(store: StoriesStore):
    """Until that one ends, or is played elsewhere."""
    await store.create(make_story(), [], most=5)
    assert await store.create(make_story("2"), [], most=5) is Created.OCCUPIED
    assert await store.in_channel(CHANNEL) == "1"
    assert await store.in_channel(CHANNEL + 1) is None

    assert await store.save(make_story(status=Status.ENDED), [], revision=1) is Saved.DONE
    assert await store.in_channel(CHANNEL) is None
    assert await store.create(make_story("2"), [], most=5) is Created.DONE

    assert await store.save(make_story(), [], revision=2) is Saved.OCCUPIED
    assert await store.save(make_story(channel_id=21), [], revision=2) is Saved.DONE
    assert await store.in_channel(21) == "1"
    assert await store.in_channel(CHANNEL) == "2"


async def test_server_has_so_many_stories(store: StoriesStore):
    """Others have their own count; who plays alone has one, too."""
    for number in (1, 2):
        await store.create(make_story(str(number), channel_id=number), [], most=2)

    assert await store.create(make_story("3", channel_id=3), [], most=2) is Created.FULL
    assert await store.create(make_story("4", channel_id=4, guild_id=11), [], most=2) is (
        Created.DONE
    )
    assert await store.create(make_story("5", channel_id=5, guild_id=None), [], most=1) is (
        Created.DONE
    )
    assert await store.create(make_story("6", channel_id=6, guild_id=None), [], most=1) is (
        Created.FULL
    )
    assert [one.story_id for one in await store.of_owner(OWNER)] == ["5"]


async def test_of_two_saves_on_one_state_one_counts(store: StoriesStore):
    """The other has to decide anew."""
    await store.create(make_story(), [], most=5)
    moves = [
        store.save(make_story(title=str(n), n_passages=1), [make_passage(1)], revision=1)
        for n in range(5)
    ]
    results = await asyncio.gather(*moves)

    assert sorted(results) == [Saved.CONFLICT] * 4 + [Saved.DONE]
    loaded = await store.load("1")
    assert loaded is not None
    assert loaded.revision == 2
    assert loaded.story.title == str(results.index(Saved.DONE))


async def test_saving_what_is_gone_brings_nothing_back(store: StoriesStore):
    """Deleted in the same moment."""
    await store.create(make_story(), chain(3), most=5)
    assert await store.delete("1") is True

    assert await store.save(make_story(), chain(3), revision=1) is Saved.GONE
    assert await store.load("1") is None
    assert await all_numbers(store) == []
    assert await store.in_channel(CHANNEL) is None
    assert await store.of_guild(GUILD) == []


async def test_a_move_loads_the_newest_text_only(store: StoriesStore):
    """And what it names, with the parents."""
    passages = chain(2000)
    await store.create(make_story(head=2000, n_passages=2000), passages, most=5)
    loaded = await store.load("1", numbers=(7, 2500))

    assert loaded is not None
    path = loaded.near.path(2000)
    assert path == passages[-len(path) :]
    assert len(path) <= WINDOW_CHARACTERS / 20 + 1
    assert {6, 7} <= set(loaded.near.passages)
    assert len(loaded.near.passages) <= len(path) + 2
    assert await all_numbers(store) == list(range(1, 2001))


async def test_long_passages_leave_some_before_the_head(store: StoriesStore):
    """An undo needs the head's parent, however long the texts are."""
    passages = [make_passage(n, offset=10 * WINDOW_CHARACTERS * n) for n in (1, 2, 3)]
    await store.create(make_story(head=3, n_passages=3), passages, most=5)
    loaded = await store.load("1")

    assert loaded is not None
    assert loaded.near.path(3) == passages


async def test_a_path_leaves_siblings_out(store: StoriesStore):
    """Only what leads to the head is on it."""
    tree = [make_passage(1), make_passage(2), make_passage(3, parent=1)]
    await store.create(make_story(head=3, n_passages=3), tree, most=5)
    loaded = await store.load("1")

    assert loaded is not None
    assert [one.number for one in loaded.near.path(3)] == [1, 3]


async def test_lists_have_the_last_changed_first(store: StoriesStore):
    """With what a line needs."""
    for number in (1, 2, 3):
        await store.create(make_story(str(number), channel_id=number), [], most=9)
        await asyncio.sleep(0.01)
    changed = make_story("1", channel_id=1, title="new", n_passages=4, changed_at_s=time.time())
    await store.save(changed, [], revision=1)
    listed = await store.of_guild(GUILD, limit=2)

    assert listed[0].title == "new"
    assert listed[0].n_passages == 4
    assert len(listed) == 2
    assert await store.of_guild(GUILD + 1) == []


async def test_what_is_due_goes_to_one_caller(store: StoriesStore):
    """Again after its lease, unless it was saved."""
    now_s = time.time()
    for number, due_s in (("1", now_s - 5), ("2", now_s - 9), ("3", now_s + 900), ("4", None)):
        story = make_story(number, channel_id=int(number), turn_until_s=due_s)
        await store.create(story, [], most=9)

    assert await store.claim_due(lease_s=0.2) == ["2", "1"]
    assert await store.claim_due() == []
    await store.save(make_story("2", channel_id=2, turn_until_s=None), [], revision=1)
    await asyncio.sleep(0.3)
    assert await store.claim_due() == ["1"]


async def test_member_is_taken_out_of_all_stories(store: StoriesStore):
    """Their words stay; others' names, too."""
    players = (Player(user_id=OTHER, name="Ben"), Player(user_id=OWNER, name="Anna"))
    vote = Vote(options=(2,), ballots=((OTHER, 2), (OWNER, 2)), closes_at_s=9.0)
    story = make_story(players=players, owner_id=OTHER, kicked=(OTHER, 3), vote=vote, turn=1)
    mine = make_passage(1, author_id=OTHER, author="Ben", text="mine")
    option = make_passage(2, kind=Kind.OPTION, author_id=0, voters=(OTHER, OWNER))
    await store.create(replace(story, head=2, n_passages=2), [mine, option], most=5)
    await store.create(make_story("2", channel_id=2), [], most=5)

    assert await store.n_of_author(OTHER) == 1
    assert await store.forget_author(OTHER) == 1
    assert await store.n_of_author(OTHER) == 0
    assert await store.n_of_author(OWNER) == 2

    loaded = await store.load("1")
    assert loaded is not None
    left = loaded.story
    assert [one.name for one in left.players] == ["Anna"]
    assert (left.turn, left.owner_id, left.kicked) == (0, 0, (3,))
    assert left.vote is not None
    assert left.vote.ballots == ((OWNER, 2),)
    first, second = loaded.near.path(2)
    assert (first.author_id, first.author, first.text) == (0, "", "mine")
    assert second.voters == (OWNER,)


async def test_who_only_wrote_is_known_as_an_author(store: StoriesStore):
    """Also after they have left the game."""
    await store.create(make_story(), [], most=5)
    await store.save(
        make_story(n_passages=1, head=1), [make_passage(1, author_id=OTHER)], revision=1
    )
    await store.save(make_story(n_passages=1, head=1), [], revision=2)

    assert await store.n_of_author(OTHER) == 1


async def test_a_server_is_forgotten_with_all_its_stories(store: StoriesStore):
    """Others' stay."""
    for number in (1, 2, 3):
        guild = GUILD if number < 3 else GUILD + 1
        await store.create(make_story(str(number), channel_id=number, guild_id=guild), [], most=9)

    assert await store.forget_guild(GUILD) == 2
    assert await store.load("1") is None
    assert await store.load("3") is not None
    assert await store.in_channel(1) is None


async def test_stories_go_when_their_time_is_over(stories_backend: StoriesBackend):
    """Reckoned from the last change."""
    store = await stories_backend.store(SHORT_DAYS)
    await store.create(make_story(turn_until_s=time.time()), chain(2), most=1)
    await asyncio.sleep(0.6)

    assert await store.load("1") is None
    assert await store.in_channel(CHANNEL) is None
    assert await store.of_guild(GUILD) == []
    assert await store.n_of_author(OWNER) == 0
    assert await store.claim_due() == []
    assert await store.create(make_story("2"), [], most=1) is Created.DONE
