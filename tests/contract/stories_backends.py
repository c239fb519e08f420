"""One way to make a store of stories, whatever it is built on, and stories to put into it."""

import secrets
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from bot.state.memory_stories import MemoryStories
from bot.state.redis_stories import RedisStories
from bot.state.stories_api import StoriesStore
from bot.storage.connect import ANSWER_TIMEOUT_S, open_client
from bot.stories.passages import Kind, Passage
from bot.stories.story import Mode, Player, Story
from tests.redis_servers import RedisServer

GUILD, CHANNEL, OWNER = 10, 20, 100
_STORY = Story(
    id="1",
    mode=Mode.FREE,
    guild_id=GUILD,
    channel_id=CHANNEL,
    owner_id=OWNER,
    title="The fox",
    language="en",
    created_at_s=1_000.0,
    changed_at_s=1_000.0,
    players=(Player(user_id=OWNER, name="Anna"),),
)


def make_story(id_: str = "1", **changes: Any) -> Story:
    """A valid story; `changes` replace its fields."""
    return replace(_STORY, id=id_, **changes)


def make_passage(number: int, parent: int | None = None, **changes: Any) -> Passage:
    """A valid passage, the child of the one before it unless `parent` says otherwise."""
    passage = Passage(
        number=number,
        parent=number - 1 if parent is None else parent,
        kind=Kind.TELL,
        author_id=OWNER,
        author="Anna",
        text=f"Passage {number}.",
        at_s=1_000.0,
        offset=20 * (number - 1),
        source=f"s{number}",
    )
    return replace(passage, **changes)


def chain(length: int, **changes: Any) -> list[Passage]:
    """Passages that follow each other."""
    return [make_passage(number, **changes) for number in range(1, length + 1)]


class StoriesBackend:
    """Makes stores of one kind."""

    def __init__(self, server: RedisServer | None, stack: AsyncExitStack) -> None:
        self.server = server
        self.pool = f"test-{secrets.token_hex(6)}"
        self._stack = stack

    async def store(self, keep_days: float = 30) -> StoriesStore:
        """A store; on Redis all of one backend share their stories."""
        if self.server is None:
            return MemoryStories(clock=time.time, keep_days=keep_days)
        client = await self._stack.enter_async_context(
            open_client(self.server.url, ANSWER_TIMEOUT_S)
        )
        return RedisStories(client, pool=self.pool, keep_days=keep_days)
