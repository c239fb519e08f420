"""How stories begin: from an opening, a scenario, or an exported file. Part of `stories`.

Pure rules make the story (`rules.start`); here it gets its place, within what a server may keep.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from bot.errors import StoryError
from bot.language import public_language, spoken, tr_n
from bot.services.servers import ServersService
from bot.services.story_hands import Hand, Played
from bot.services.story_looks import StoryLooks
from bot.services.story_saves import Taken, occupied
from bot.services.story_tools import Beginning, Plan, StoryTools
from bot.state.stories_api import Created, Loaded, StoriesStore
from bot.stories.moves import Near, Step
from bot.stories.passages import Passage
from bot.stories.story import Story

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartParts:
    """What beginnings are made with.

    Attributes:
        store: where stories are.
        servers: what a server's admins decide.
        looks: renders the first message.
        tools: makes stories, reads exported ones.
    """

    store: StoriesStore
    servers: ServersService
    looks: StoryLooks
    tools: StoryTools


class StoryStarts:
    """Begins stories.

    Args:
        parts: store, servers, rules.
        clock: gives Unix time in seconds.
        most: stories that a server may keep; in direct messages each user.
    """

    def __init__(self, parts: StartParts, *, clock: Callable[[], float], most: int) -> None:
        self._parts = parts
        self._clock = clock
        self._most = most

    async def start(self, plan: Plan, hand: Hand, channel_id: int | None = None) -> Played:
        """Begins a story, or goes on with an exported one.

        Args:
            plan: what it is to be.
            hand: who begins it.
            channel_id: where it is played; None = where the hand is.

        Raises:
            RequestError: it is refused; there is no story then.
            QueueDownError: the store can't be reached.
        """
        await self.check_start(plan, hand)
        place = hand.channel_id if channel_id is None else channel_id
        beginning = Beginning(
            story_id=str(hand.click.interaction_id),
            mode=plan.mode,
            guild_id=hand.asker.guild_id,
            channel_id=place,
            owner=hand.actor(self._clock()),
            title=plan.title,
            language=await self._language(hand),
            opening=plan.opening,
            memory=plan.memory,
            note=plan.note,
            lore=plan.lore,
        )
        if plan.file_text:
            return await self._take_in(plan.file_text, beginning, hand)
        story, passages = self._parts.tools.begin(beginning)
        return await self._create(story, passages, hand)

    async def check_start(self, plan: Plan, hand: Hand) -> None:
        """Whether a story may be begun, before a thread is made for it; else as `start`."""
        words = (plan.title, plan.opening, plan.memory, plan.note)
        lore = (text for one in plan.lore for text in (*one.keys, one.text))
        await self._parts.servers.check(hand.asker, "\n".join((*words, *lore)))
        if await self._count(hand) >= self._most:
            raise self._full()

    async def _take_in(self, text: str, beginning: Beginning, hand: Hand) -> Played:
        """The tree of an exported story; nothing that it says of people or votes is believed."""
        read, passages = self._parts.tools.read(text)
        words = "\n".join((read.title, read.memory, read.note, *(one.text for one in passages)))
        await self._parts.servers.check(hand.asker, words)
        title = beginning.title or read.title
        empty, _ = self._parts.tools.begin(replace(beginning, title=title, opening=""))
        story = replace(
            empty,
            mode=read.mode,
            head=read.head,
            n_passages=read.n_passages,
            memory=read.memory,
            note=read.note,
            note_depth=read.note_depth,
            lore=read.lore,
        )
        source = f"import-{beginning.story_id}"
        own = tuple(_own(one, hand.asker.user_id, source) for one in passages)
        return await self._create(story, own, hand)

    async def _create(self, story: Story, passages: tuple[Passage, ...], hand: Hand) -> Played:
        story = replace(story, message_id=hand.message_id)
        created = await self._parts.store.create(story, passages, most=self._most)
        if created is Created.OCCUPIED:
            raise occupied()
        if created is Created.FULL:
            raise self._full()
        _log.info("story begun", story_id=story.id, mode=story.mode.value)
        near = Near(passages={one.number: one for one in passages})
        loaded = Loaded(story=story, revision=0, near=near)
        return await self._parts.looks.played(Taken(loaded, Step(story=story), near))

    async def _count(self, hand: Hand) -> int:
        store, asker = self._parts.store, hand.asker
        if asker.guild_id is None:
            return len(await store.of_owner(asker.user_id, limit=self._most))
        return len(await store.of_guild(asker.guild_id, limit=self._most))

    async def _language(self, hand: Hand) -> str:
        """The language of the words around a new story's text."""
        settings = await self._parts.servers.settings(hand.asker.guild_id)
        return public_language(spoken(), settings.language)

    def _full(self) -> StoryError:
        return StoryError(
            tr_n(
                "There is {n} story here already, and that is the most; delete it first.",
                "There are {n} stories here already, and that is the most; delete one first.",
                self._most,
            )
        )


def _own(passage: Passage, owner_id: int, source: str) -> Passage:
    """A passage of a file; whose it is, and what it got, nobody can tell by that."""
    return replace(
        passage,
        author_id=passage.author_id if passage.is_the_models else owner_id,
        receipt="",
        voters=(),
        source=source,
    )
