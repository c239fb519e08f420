"""What members do with stories, and what Discord gets: the cogs' front with a table of stories."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from bot.services.stories import StoriesService, StoryParts
from bot.stories.buttons import StoryAction, story_custom_id, story_rows
from bot.stories.moves import Continuation, Written
from bot.stories.rules import play
from bot.stories.story import Story
from tests.story_stand_ins import FaultyStories, tools_of_tests
from tests.unit.cogs.front import (
    ASKER,
    CHANNEL,
    GUILD,
    NOW_S,
    Call,
    _Answer,
    _interaction,
    _message,
    _option_type,
)
from tests.unit.cogs.output_front import FileWire, OutputFront

THREAD, POSTED = 777, 778


class StoryWire(FileWire):
    """Answers as Discord does where threads and messages are made, and gives answers ids.

    Attributes:
        forbidden: whether the bot may not make threads.
    """

    forbidden = False

    @asynccontextmanager
    async def request(self, method: str, url: str, **options: Any) -> AsyncIterator[_Answer]:
        async with super().request(method, url, **options) as answer:
            path = urlsplit(url).path
            if path.endswith("/threads"):
                thread = {
                    "id": str(THREAD), "type": 11, "name": "x", "guild_id": str(GUILD),
                    "parent_id": str(CHANNEL), "owner_id": "1", "message_count": 0,
                    "member_count": 1, "rate_limit_per_user": 0, "thread_metadata": {
                        "archived": False, "auto_archive_duration": 1440, "locked": False,
                        "archive_timestamp": "2024-01-01T00:00:00+00:00",
                    },
                }  # fmt: skip
                refused = {"code": 50013, "message": "Missing Permissions"}
                yield _Answer(403, refused) if self.forbidden else _Answer(200, thread)
            elif method == "POST" and re.search(r"/channels/\d+/messages$", path):
                yield _Answer(200, _message(id=str(POSTED), channel_id=path.split("/")[-2]))
            elif found := re.search(r"/token-(\d+)/messages/@original$", path):
                yield _Answer(200, _message(id=str(answer_id(int(found[1])))))
            else:
                yield answer


def answer_id(interaction_id: int) -> int:
    """The id of the message that answers an interaction."""
    return 100_000 + interaction_id


@dataclass
class Seen:
    """What Discord got, of one act."""

    calls: list[Call]

    @property
    def first(self) -> Call:
        """The first answer."""
        return self.calls[0]

    @property
    def answer(self) -> dict[str, Any]:
        """The newest message that the answer was made to be."""
        edits = [one for one in self.calls if one.method == "PATCH" and "@original" in one.path]
        return edits[-1].body

    @property
    def told(self) -> list[str]:
        """What the one who acted was told apart and alone."""
        return [
            one.message["content"]
            for one in self.calls
            if one.method == "POST" and one.is_private and "content" in one.message
        ]

    def in_channel(self, method: str) -> list[Call]:
        """What was done by the bot's own token."""
        return [one for one in self.calls if one.method == method and "/channels/" in one.path]


class StoryFront(OutputFront):
    """A bot with stories.

    Attributes:
        store: where they are.
        stories: the service.
        channel: where whoever acts is, as Discord says it; None: a text channel.
    """

    def __init__(self) -> None:
        super().__init__()
        self.wire = StoryWire(self.queue)
        self.wire.contents, self.wire.posted = {}, []
        self.store = FaultyStories(lambda: NOW_S)
        self.stories = StoriesService(
            StoryParts(
                store=self.store,
                texts=self.services.texts,
                servers=self.services.servers,
                pools=self.stores.pools,
            ),
            tools_of_tests(),
            clock=lambda: NOW_S,
            new_seed=lambda: 7,
        )
        self.bot.services = replace(self.services, stories=self.stories)
        self.channel: dict[str, Any] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator["StoryFront"]:
        async with super().running():
            yield self

    @property
    def last_id(self) -> int:
        """Of the newest interaction."""
        return self._next_id

    async def story(
        self, path: str, /, *, user_id: int = ASKER, guild_id: int | None = GUILD,
        files: dict[str, dict[str, Any]] | None = None, **options: object,
    ) -> Seen:  # fmt: skip
        """Somebody types "/story <path>"."""
        given: list[dict[str, Any]] = [
            {"name": name, "type": _option_type(value), "value": value}
            for name, value in options.items()
        ]
        data: dict[str, Any] = {"id": "5", "name": "story", "type": 1}
        for name, file in (files or {}).items():
            given.append({"name": name, "type": 11, "value": file["id"]})
            data["resolved"] = {"attachments": {file["id"]: file}}
        *groups, last = path.split()
        inner: dict[str, Any] = {"name": last, "type": 1, "options": given}
        for group in reversed(groups):
            inner = {"name": group, "type": 2, "options": [inner]}
        data["options"] = [inner]
        return Seen(await self._act(2, data, user_id, guild_id))

    async def offered_for(self, path: str, option: str, text: str = "") -> dict[str, str]:
        """What Discord would offer for an option: values and names."""
        focused = {"name": option, "type": 3, "value": text, "focused": True}
        *groups, last = path.split()
        inner: dict[str, Any] = {"name": last, "type": 1, "options": [focused]}
        for group in reversed(groups):
            inner = {"name": group, "type": 2, "options": [inner]}
        data = {"id": "5", "name": "story", "type": 1, "options": [inner]}
        (call,) = await self._act(4, data, ASKER, GUILD)
        return {choice["value"]: choice["name"] for choice in call.body["data"]["choices"]}

    async def button(
        self, action: StoryAction, arg: int | None = None, *, story: Story | None = None,
        user_id: int = ASKER, message_id: int | None = None,
    ) -> Seen:  # fmt: skip
        """Somebody clicks a button under the living message, or under a message as it was."""
        shown = story or self.kept
        rows = json.loads(json.dumps(story_rows(shown)))
        message = _message(id=str(message_id or shown.message_id), components=rows)
        custom_id = story_custom_id(action, shown, arg)
        return Seen(await self.press_id(custom_id, user_id, GUILD, message))

    async def send(self, custom_id: str, user_id: int = ASKER, **values: str) -> Seen:
        """Somebody sends a form."""
        return Seen(await self.submit(custom_id, values, user_id=user_id))

    async def written(self, *texts: str) -> None:
        """A worker adds what the model wrote."""
        (job,) = await self.jobs_put()
        move = Written(
            job_id=job.id,
            texts=tuple(Continuation(text=text, receipt="R", settings={}) for text in texts),
        )
        loaded = await self.store.load(self.kept.id)
        assert loaded is not None
        actor = self.actor(f"w{job.id}")
        step = play(loaded.story, move, actor, loaded.near)
        await self.store.save(step.story, step.passages, revision=loaded.revision)

    def actor(self, source: str) -> Any:
        """Nobody in particular."""
        from bot.stories.moves import Actor

        return Actor(user_id=0, name="", source=source, at_s=NOW_S)

    @property
    def kept(self) -> Story:
        """The one story, as it is kept."""
        ((story, _),) = self.store.stories.values()
        return story

    async def texts(self) -> list[str]:
        """All passages of the one story."""
        return [one.text for one in await self.stories.all_passages(self.kept.id)]

    async def _act(
        self, kind: int, data: dict[str, Any], user_id: int, guild_id: int | None,
        *, message: dict[str, Any] | None = None,
    ) -> list[Call]:  # fmt: skip
        if self.channel is None:
            return await super()._act(kind, data, user_id, guild_id, message=message)
        self._next_id += 1
        payload = _interaction(
            kind, data, interaction_id=self._next_id, user_id=user_id, guild_id=guild_id,
            permissions=self.permissions,
        )  # fmt: skip
        payload |= {"channel": self.channel, "channel_id": self.channel["id"]}
        if message is not None:
            payload["message"] = message | {"channel_id": self.channel["id"]}
        return await self._tell(payload)


def thread_data() -> dict[str, Any]:
    """A thread as the gateway tells it."""
    return {
        "id": str(THREAD), "type": 11, "name": "x", "guild_id": str(GUILD),
        "parent_id": str(CHANNEL), "owner_id": "1", "message_count": 0, "member_count": 1,
        "rate_limit_per_user": 0, "permissions": "0", "thread_metadata": {
            "archived": False, "auto_archive_duration": 1440, "locked": False,
            "archive_timestamp": "2024-01-01T00:00:00+00:00",
        },
    }  # fmt: skip
