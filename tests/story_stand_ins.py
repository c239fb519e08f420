"""Stories for tests of what is around their rules: a store that can be told to conflict, and rules
that are as small as they can be. The real ones have suites of their own.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.core.jobs import Job
from bot.core.replies import Picture
from bot.errors import PromptError, QueueDownError, StoryError
from bot.services.story_tools import Beginning, StoryTools
from bot.state.stories_api import Created, Loaded, Saved, Summary
from bot.stories.moves import (
    Actor,
    AddLore,
    Alter,
    Ballot,
    Continue,
    Join,
    Kick,
    Leave,
    Load,
    Lock,
    Move,
    Near,
    Pause,
    Remember,
    Resume,
    Retry,
    Rewind,
    Settings,
    Skip,
    Step,
    Tick,
    Undo,
    Wanted,
    Write,
    WritingFailed,
    Written,
)
from bot.stories.passages import THE_MODEL, Kind, Passage
from bot.stories.story import (
    ContextUse,
    LoreEntry,
    Mode,
    Pending,
    Player,
    Status,
    Story,
    Vote,
)
from bot.stories.task import StoryTask


class StandInStore:
    """A StoriesStore; `between` runs once, between a load and the save that follows it.

    Attributes:
        saves: how many went through.
        is_down: whether it can't be reached.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.stories: dict[str, tuple[Story, int]] = {}
        self.trees: dict[str, dict[int, Passage]] = {}
        self.between: Callable[[], Awaitable[object]] | None = None
        self.saves = 0
        self.is_down = False
        self.cut_after_save = False  # the next save is made, and its answer gets lost

    def _check(self) -> None:
        if self.is_down:
            raise QueueDownError("The store can't be reached.")

    def _taken(self, story: Story) -> bool:
        return any(
            one.channel_id == story.channel_id and one.status is not Status.ENDED
            for one, _ in self.stories.values()
            if one.id != story.id
        )

    async def create(self, story: Story, passages: Sequence[Passage], *, most: int) -> Created:
        self._check()
        if self._taken(story):
            return Created.OCCUPIED
        if sum(one.guild_id == story.guild_id for one, _ in self.stories.values()) >= most:
            return Created.FULL
        self.stories[story.id] = (story, 1)
        self.trees[story.id] = {one.number: one for one in passages}
        return Created.DONE

    async def load(self, story_id: str, *, numbers: Collection[int] = ()) -> Loaded | None:
        self._check()
        if story_id not in self.stories:
            return None
        story, revision = self.stories[story_id]
        tree, known = self.trees[story_id], dict[int, Passage]()
        for number in (story.head, *numbers):
            place = number
            while place in tree and place not in known:
                known[place] = tree[place]
                place = tree[place].parent
        return Loaded(story=story, revision=revision, near=Near(passages=known))

    async def save(self, story: Story, passages: Sequence[Passage], *, revision: int) -> Saved:
        self._check()
        if self.between is not None:
            between, self.between = self.between, None
            await between()
        if story.id not in self.stories:
            return Saved.GONE
        if self.stories[story.id][1] != revision:
            return Saved.CONFLICT
        if story.status is not Status.ENDED and self._taken(story):
            return Saved.OCCUPIED
        self.stories[story.id] = (story, revision + 1)
        self.trees[story.id] |= {one.number: one for one in passages}
        self.saves += 1
        if self.cut_after_save:
            self.cut_after_save = False
            raise QueueDownError("The connection was cut.")
        return Saved.DONE

    async def in_channel(self, channel_id: int) -> str | None:
        self._check()
        return next(
            (
                one.id
                for one, _ in self.stories.values()
                if one.channel_id == channel_id and one.status is not Status.ENDED
            ),
            None,
        )

    async def of_guild(self, guild_id: int, *, limit: int = 100) -> list[Summary]:
        self._check()
        found = [one for one, _ in self.stories.values() if one.guild_id == guild_id]
        return [_summary(one) for one in found[:limit]]

    async def of_owner(self, user_id: int, *, limit: int = 100) -> list[Summary]:
        self._check()
        found = [one for one, _ in self.stories.values() if one.guild_id is None]
        return [_summary(one) for one in found if one.owner_id == user_id][:limit]

    async def passages(self, story_id: str) -> AsyncIterator[list[Passage]]:
        tree = self.trees.get(story_id, {})
        for number in sorted(tree):
            yield [tree[number]]

    async def claim_due(self, *, limit: int = 20, lease_s: float = 30.0) -> list[str]:
        del lease_s
        self._check()
        due = [
            one.id
            for one, _ in self.stories.values()
            if one.due_at_s is not None and one.due_at_s <= self._clock()
        ]
        return due[:limit]

    async def delete(self, story_id: str) -> bool:
        self.trees.pop(story_id, None)
        return self.stories.pop(story_id, None) is not None

    async def n_of_author(self, user_id: int) -> int:
        return sum(
            story.owner_id == user_id or story.player(user_id) is not None
            for story, _ in self.stories.values()
        )

    async def forget_author(self, user_id: int) -> int:
        count = await self.n_of_author(user_id)
        for story_id, (story, revision) in self.stories.items():
            players = tuple(one for one in story.players if one.user_id != user_id)
            owner_id = 0 if story.owner_id == user_id else story.owner_id
            after = replace(story, players=players, owner_id=owner_id)
            self.stories[story_id] = (after, revision + 1)
        return count

    async def forget_guild(self, guild_id: int) -> int:
        del guild_id
        raise NotImplementedError


def _summary(story: Story) -> Summary:
    return Summary(
        story_id=story.id,
        title=story.title,
        mode=story.mode.value,
        status=story.status.value,
        channel_id=story.channel_id,
        owner_id=story.owner_id,
        n_passages=story.n_passages,
        changed_at_s=story.changed_at_s,
    )


def stand_in_play(story: Story, move: Move, actor: Actor, near: Near) -> Step:
    """Takes nearly every move of anybody; the source of each one once."""
    if actor.source in story.recent:
        return Step(story=story)
    step = _played(story, move, actor, near)
    if step.story is story:
        return step
    return replace(step, story=step.story.having_made(actor.source, actor.at_s))


def _played(story: Story, move: Move, actor: Actor, near: Near) -> Step:  # noqa: PLR0911
    is_stopped = story.status in {Status.PAUSED, Status.LOCKED, Status.ENDED}
    if is_stopped and isinstance(move, Write | Continue | Retry | Undo | Ballot | Skip):
        raise StoryError("The story waits.")
    match move:
        case Write(kind=kind, text=text):
            return _written_by_player(story, kind, text, actor)
        case Continue() | Retry():
            _check_idle(story)
            head = near.passages.get(story.head)
            parent = head.parent if isinstance(move, Retry) and head else story.head
            n_options = story.n_options if story.mode is Mode.BRANCHES else 1
            return _wanting(replace(story, head=parent), actor, n_options)
        case Alter(text=text, number=number):
            old = near.passages[number or story.head]
            new = _passage(story, replace(old, kind=old.kind), text, actor)
            return _adding(story, new)
        case Undo():
            head = near.passages[story.head]
            after = replace(story, head=head.parent, redo=(*story.redo, story.head))
            return Step(story=after, shown=(head.parent,))
        case Rewind(number=number):
            if number not in near.passages:
                raise StoryError("There is no such passage.")
            return Step(story=replace(story, head=number), shown=(number,))
        case Join():
            player = Player(user_id=actor.user_id, name=actor.name)
            return Step(story=replace(story, players=(*story.players, player)))
        case Leave() | Kick():
            gone = move.user_id if isinstance(move, Kick) else actor.user_id
            players = tuple(one for one in story.players if one.user_id != gone)
            return Step(story=replace(story, players=players))
        case _:
            return _of_the_table(story, move, actor, near)


def _of_the_table(  # noqa: C901, PLR0911, PLR0912  # a line for each move
    story: Story, move: Move, actor: Actor, near: Near
) -> Step:
    match move:
        case Pause():
            return Step(story=replace(story, status=Status.PAUSED))
        case Resume():
            return Step(story=replace(story, status=Status.ACTIVE))
        case Lock(is_on=is_on):
            if not actor.is_moderator:
                raise StoryError("Only moderators may do that.")
            return Step(story=replace(story, status=Status.LOCKED if is_on else Status.ACTIVE))
        case Load(channel_id=channel_id):
            return Step(story=replace(story, channel_id=channel_id, status=Status.ACTIVE))
        case Remember(text=text):
            return Step(story=replace(story, memory=text))
        case AddLore(entry=entry):
            return Step(story=replace(story, lore=(*story.lore, entry)))
        case Settings(title=title, length=length):
            after = replace(story, title=title or story.title, length=length or story.length)
            return Step(story=after)
        case Skip():
            return Step(story=replace(story, turn=story.turn + 1))
        case Ballot(option=option):
            return _ballot(story, option, actor)
        case Tick() if story.due_at_s is None or story.due_at_s > actor.at_s:
            return Step(story=story)
        case Tick():
            if story.vote is not None:
                return _winner(story)
            after = replace(story, turn=story.turn + 1, turn_until_s=actor.at_s + story.turn_s)
            return Step(story=after)
        case Written() | WritingFailed():
            return _model_is_done(story, move, actor)
        case _:
            del near
            return Step(story=replace(story, changed_at_s=actor.at_s))


def _ballot(story: Story, option: int, actor: Actor) -> Step:
    if story.vote is None:
        raise StoryError("There is no vote.")
    others = tuple(one for one in story.vote.ballots if one[0] != actor.user_id)
    vote = replace(story.vote, ballots=(*others, (actor.user_id, option)))
    after = replace(story, vote=vote)
    return _winner(after) if len(vote.ballots) >= story.quorum else Step(story=after)


def _winner(story: Story) -> Step:
    assert story.vote is not None
    tally = story.vote.tally()
    best = max(tally, key=lambda option: tally[option])
    return Step(story=replace(story, vote=None, head=best), shown=(best,))


def _model_is_done(story: Story, move: Written | WritingFailed, actor: Actor) -> Step:
    pending = story.pending
    if pending is None or pending.job_id != move.job_id:
        return Step(story=story)
    if isinstance(move, WritingFailed):
        return Step(story=replace(story, pending=None))
    passages = tuple(
        Passage(
            number=story.n_passages + 1 + place, parent=pending.parent,
            kind=Kind.MODEL if len(move.texts) == 1 else Kind.OPTION, author_id=THE_MODEL,
            author="", text=one.text, at_s=actor.at_s, offset=0, source=actor.source,
            receipt=one.receipt,
        )
        for place, one in enumerate(move.texts)
    )  # fmt: skip
    numbers = tuple(one.number for one in passages)
    after = replace(
        story, pending=None, n_passages=story.n_passages + len(passages),
        context=move.context or ContextUse(window=1024),
    )  # fmt: skip
    if len(passages) == 1:
        return Step(story=replace(after, head=numbers[0]), passages=passages, shown=numbers)
    vote = Vote(options=numbers, closes_at_s=actor.at_s + story.vote_s)
    return Step(story=replace(after, vote=vote), passages=passages, shown=numbers)


def _written_by_player(story: Story, kind: Kind, text: str, actor: Actor) -> Step:
    _check_idle(story)
    if story.mode is Mode.RELAY and story.players:
        now = story.players[story.turn % len(story.players)]
        if now.user_id != actor.user_id:
            raise StoryError("It is not your turn.")
    if story.player(actor.user_id) is None:
        player = Player(user_id=actor.user_id, name=actor.name)
        story = replace(story, players=(*story.players, player))
    like = Passage(
        number=0, parent=story.head, kind=kind, author_id=actor.user_id, author=actor.name,
        text=text, at_s=actor.at_s, offset=0, source=actor.source,
    )  # fmt: skip
    step = _adding(replace(story, turn=story.turn + 1), _passage(story, like, text, actor))
    if story.mode is not Mode.ADVENTURE:
        return step
    return replace(_wanting(step.story, actor, 1), passages=step.passages)


def _passage(story: Story, like: Passage, text: str, actor: Actor) -> Passage:
    return replace(like, number=story.n_passages + 1, text=text, source=actor.source)


def _adding(story: Story, passage: Passage) -> Step:
    after = replace(story, head=passage.number, n_passages=passage.number)
    return Step(story=after, passages=(passage,), shown=(passage.number,))


def _wanting(story: Story, actor: Actor, n_options: int) -> Step:
    pending = Pending(job_id=actor.source, parent=story.head, since_s=actor.at_s)
    wanted = Wanted(parent=story.head, n_options=n_options)
    return Step(story=replace(story, pending=pending), wanted=wanted)


def _check_idle(story: Story) -> None:
    if story.pending is not None:
        raise StoryError("The model is writing.")


def stand_in_begin(beginning: Beginning) -> tuple[Story, tuple[Passage, ...]]:
    """A story, with its opening if there is one."""
    owner = beginning.owner
    story = Story(
        id=beginning.story_id, mode=beginning.mode, guild_id=beginning.guild_id,
        channel_id=beginning.channel_id, owner_id=owner.user_id,
        title=beginning.title or "A story", language=beginning.language,
        created_at_s=owner.at_s, changed_at_s=owner.at_s, memory=beginning.memory,
        note=beginning.note, lore=beginning.lore,
        players=(Player(user_id=owner.user_id, name=owner.name),),
    )  # fmt: skip
    if not beginning.opening:
        return story, ()
    opening = Passage(
        number=1, parent=0, kind=Kind.OPENING, author_id=THE_MODEL, author="",
        text=beginning.opening, at_s=owner.at_s, offset=0, source=owner.source,
    )  # fmt: skip
    return replace(story, head=1, n_passages=1), (opening,)


@dataclass(frozen=True, kw_only=True)
class StandInPrompt:
    """As `stories.prompt.StoryPrompt`."""

    prompt: str
    pinned: str
    task: StoryTask


def stand_in_build(story: Story, path: Sequence[Passage], lead: Sequence[Passage]) -> StandInPrompt:
    """All of the path."""
    del lead
    prompt = "\n".join(one.text for one in path)
    task = StoryTask(story_id=story.id, mode=story.mode)
    return StandInPrompt(prompt=prompt, pinned=story.memory, task=task)


def stand_in_read(text: str) -> tuple[Story, list[Passage]]:
    """A story as `Story.to_json`, then a passage a line.

    Raises:
        PromptError: it is nothing of the kind.
    """
    try:
        first, *rest = text.splitlines()
        return Story.from_json(first), [Passage.from_json(line) for line in rest]
    except ValueError as error:
        raise PromptError("This is no story.") from error


def stand_in_write(story: Story, passages: Sequence[Passage]) -> str:
    """What `stand_in_read` reads."""
    return "\n".join((story.to_json(), *(one.to_json() for one in passages)))


@dataclass(frozen=True, kw_only=True)
class StandInScenario:
    """As `stories.scenarios.Scenario`."""

    title: str
    description: str
    opening: str = "It was dark."
    memory: str = "You are an owl."
    note: str = "Quiet."
    lore: tuple[LoreEntry, ...] = (LoreEntry(keys=("owl",), text="Owls see in the dark."),)


SCENARIOS: Mapping[str, StandInScenario] = {
    "owl": StandInScenario(title="The owl", description="A night in the wood"),
    "sea": StandInScenario(title="The sea", description="A ship, and no wind"),
}


def _drawn(story: Story, passages: Sequence[Passage] = ()) -> Picture:
    description = f"{story.title}: {len(passages)}"
    return Picture(png=b"\x89PNG", name="x.png", description=description)


def stand_in_tools(**changes: Any) -> StoryTools:
    """All tools, each as small as it can be."""
    tools = StoryTools(
        play=stand_in_play,
        begin=stand_in_begin,
        build=stand_in_build,
        draw_map=_drawn,
        draw_context=_drawn,
        exports={
            "json": stand_in_write,
            "md": lambda story, passages: "\n".join(
                (f"# {story.title}", *(f"{one.author}: {one.text}" for one in passages))
            ),
        },
        read=stand_in_read,
        recap=lambda path: " / ".join(one.text for one in path),
        scenarios=SCENARIOS,
    )
    return replace(tools, **changes)


@dataclass
class ChannelEdits:
    """What a clock's channels were made to look like; `fault` is raised in place of an edit."""

    edits: list[tuple[int, int, Any]] = field(default_factory=list[tuple[int, int, Any]])
    fault: Exception | None = None

    async def edit(self, channel_id: int, message_id: int, message: Any, *, tries: int = 5) -> int:
        del tries
        if self.fault is not None:
            raise self.fault
        self.edits.append((channel_id, message_id, message))
        return message_id


def task_of(job: Job) -> StoryTask:
    """What a story's job carries."""
    return StoryTask.from_json(job.task)
