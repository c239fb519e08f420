"""Stories on Redis: one method, one script; `scripts/stories_*.lua` say what each does.

Built by `app` around a client; used by services and by the worker through the StoriesStore
protocol. A story expires some days after its last change, its tree with it.

    key             type    content
    story:<id>      HASH    json: `Story.to_json`; revision, head, owner, channel, summary,
                            renewed (ms)
    tree:<id>       HASH    number of a passage -> "<parent>:<offset>:<Passage.to_json>"
    channel:<id>    STRING  the story that is played there
    of:<owner>      ZSET    "guild:<id>" or "user:<id>": stories -> when each expires (ms)
    author:<user>   ZSET    stories that name a user -> when the entry goes (ms)
    writers:<id>    SET     users whose index knows the story
    due             ZSET    stories -> when something happens in them by itself (ms)

All keys share the hash tag `{<pool>-stories}`. A move reads and writes what it needs, however large
the tree is.
"""

from collections.abc import AsyncIterator, Awaitable, Collection, Sequence
from typing import Any, cast

import structlog
from redis.exceptions import RedisError

from bot.state.stories_api import WINDOW_CHARACTERS, Created, Loaded, Saved, Summary
from bot.state.story_records import (
    due_ms,
    flat,
    owner_of,
    read_passage,
    read_summary,
    summary_json,
    taken_channel,
)
from bot.storage.cancellation import heed_cancel
from bot.storage.clients import RedisClient
from bot.storage.scripts import Scripts, down_error
from bot.stories.forgetting import authors_of, passage_without_user, without_user
from bot.stories.moves import Near
from bot.stories.passages import Passage
from bot.stories.story import Story

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_SCRIPTS = (
    "stories_create", "stories_load", "stories_save", "stories_list", "stories_due",
    "stories_delete", "stories_of_author", "stories_not_of_author",
)  # fmt: skip
_DAY_MS = 86_400_000
_WINDOW_PASSAGES = 200  # of empty ones a window would hold any number
_BATCH = 200  # passages that are read at once, and stories that are removed at once
_TRIES = 20  # of a story that others go on changing


class RedisStories:
    """A StoriesStore whose stories lie in Redis: any number of processes may share a pool.

    Args:
        client: answers at once; no retries of its own.
        pool: names the keys; processes that share stories share this name.
        keep_days: how long a story is kept after its last change.
    """

    def __init__(self, client: RedisClient, *, pool: str, keep_days: float = 365) -> None:
        self._client = client
        self._keep_ms = round(keep_days * _DAY_MS)
        self._prefix = f"{{{pool}-stories}}:"
        kinds = ("story:", "tree:", "channel:", "of:", "due", "author:", "writers:")
        self._scripts = Scripts(
            client,
            package="bot.state",
            names=_SCRIPTS,
            keys=[self._prefix + kind for kind in kinds],
            shared=("common", "stories_common"),
        )

    async def create(self, story: Story, passages: Sequence[Passage], *, most: int) -> Created:
        """Keeps a new story; see `StoriesStore.create`."""
        return Created(await self._write("stories_create", story, passages, most))

    async def save(self, story: Story, passages: Sequence[Passage], *, revision: int) -> Saved:
        """Keeps a story after a move; see `StoriesStore.save`."""
        return Saved(await self._write("stories_save", story, passages, revision))

    async def load(self, story_id: str, *, numbers: Collection[int] = ()) -> Loaded | None:
        """A story with its newest passages; None where there is none."""
        found = await self._scripts.run(
            "stories_load", story_id, WINDOW_CHARACTERS, _WINDOW_PASSAGES, *sorted(numbers)
        )
        if not found:
            return None
        read = [read_passage(text) for text in found[2:]]
        near = Near(passages={passage.number: passage for passage in read})
        return Loaded(story=Story.from_json(found[0]), revision=int(found[1]), near=near)

    async def in_channel(self, channel_id: int) -> str | None:
        """The story that is played in a channel or thread, or None."""
        return await self._ask(self._client.get(f"{self._prefix}channel:{channel_id}"))

    async def of_guild(self, guild_id: int, *, limit: int = 100) -> list[Summary]:
        """A server's stories, the last changed first."""
        return await self._list(f"guild:{guild_id}", limit)

    async def of_owner(self, user_id: int, *, limit: int = 100) -> list[Summary]:
        """The stories that a user began in direct messages, the last changed first."""
        return await self._list(f"user:{user_id}", limit)

    async def passages(self, story_id: str) -> AsyncIterator[list[Passage]]:
        """The whole tree in order of numbers, a batch at a time."""
        key = f"{self._prefix}tree:{story_id}"
        count = int(await self._ask(self._client.hlen(key)))
        for first in range(1, count + 1, _BATCH):
            numbers = [str(one) for one in range(first, min(first + _BATCH, count + 1))]
            texts = await self._ask(self._client.hmget(key, numbers))
            yield [read_passage(text) for text in texts if text is not None]

    async def claim_due(self, *, limit: int = 20, lease_s: float = 30.0) -> list[str]:
        """Stories where something is due by now, each given to one caller."""
        return await self._scripts.run("stories_due", limit, round(lease_s * 1000))

    async def delete(self, story_id: str) -> bool:
        """Removes a story and all its text; False where there was none."""
        return await self._scripts.run("stories_delete", story_id) == ["1"]

    async def n_of_author(self, user_id: int) -> int:
        """In how many stories a user plays or has written."""
        return len(await self._scripts.run("stories_of_author", user_id))

    async def forget_author(self, user_id: int) -> int:
        """Takes a user's id and name out of all stories; how many that were."""
        ids = await self._scripts.run("stories_of_author", user_id)
        for story_id in ids:
            await self._forget_author(story_id, user_id)
        return len(ids)

    async def forget_guild(self, guild_id: int) -> int:
        """Removes all stories of a server; how many."""
        total = 0
        while found := await self._list(f"guild:{guild_id}", _BATCH):
            ids = [one.story_id for one in found]
            (count,) = await self._scripts.run("stories_delete", *ids)
            total += int(count)
        return total

    async def _write(
        self, script: str, story: Story, passages: Sequence[Passage], number: int
    ) -> str:
        authors = ",".join(str(one) for one in sorted(authors_of(story, passages)))
        (result,) = await self._scripts.run(
            script,
            story.id,
            self._keep_ms,
            number,
            owner_of(story),
            taken_channel(story),
            story.head,
            due_ms(story),
            authors,
            summary_json(story),
            story.to_json(),
            *flat(passages),
        )
        return result

    async def _list(self, owner: str, limit: int) -> list[Summary]:
        texts = await self._scripts.run("stories_list", owner, limit)
        return [read_summary(text) for text in texts]

    async def _forget_author(self, story_id: str, user_id: int) -> None:
        """Anew while others change the story; the user's entry goes last, so that no part stays.

        Raises:
            QueueDownError: the store can't be reached.
        """
        for _ in range(_TRIES):
            loaded = await self.load(story_id)
            if loaded is None:
                break
            changed: list[Passage] = []
            async for batch in self.passages(story_id):
                pairs = ((one, passage_without_user(one, user_id)) for one in batch)
                changed += [after for before, after in pairs if after is not before]
            story = without_user(loaded.story, user_id)
            if await self.save(story, changed, revision=loaded.revision) is not Saved.CONFLICT:
                break
        else:
            _log.warning("author not forgotten yet", story_id=story_id)
            return
        await self._scripts.run("stories_not_of_author", user_id, story_id)

    async def _ask(self, call: object) -> Any:
        try:
            return await heed_cancel(cast("Awaitable[Any]", call))
        except (RedisError, OSError) as error:
            raise down_error(error) from error
