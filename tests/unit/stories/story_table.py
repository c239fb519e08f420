"""A table at which a story is played in memory: moves in, what the rules make of them out."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.stories.moves import Actor, Continuation, Move, Near, Step, WritingFailed, Written
from bot.stories.passages import Passage
from bot.stories.rules import play
from bot.stories.rules.start import Outset, Place, begin
from bot.stories.story import Mode, Story

ANNA, BEN, CLEO, MOD = 1, 2, 3, 9
NAMES = {ANNA: "Anna", BEN: "Ben", CLEO: "Cleo", MOD: "Mo"}


@dataclass
class Table:
    """Who plays it calls `move`; passages are kept as a store keeps them."""

    story: Story
    passages: dict[int, Passage] = field(default_factory=dict[int, Passage])
    now_s: float = 1000.0
    n_moves: int = 0

    @classmethod
    def of(cls, mode: Mode, *, opening: str = "Once upon a time.", owner: int = ANNA) -> "Table":
        """A new story, whose owner plays."""
        actor = Actor(user_id=owner, name=NAMES[owner], source="start", at_s=1000.0)
        place = Place(guild_id=10, channel_id=20)
        story, passages = begin("1", mode, place, actor, Outset(title="Fox", opening=opening))
        return cls(story, {one.number: one for one in passages})

    def actor(self, user_id: int, source: str | None = None) -> Actor:
        self.n_moves += 1
        return Actor(
            user_id=user_id,
            name=NAMES.get(user_id, ""),
            source=source or f"m{self.n_moves}",
            at_s=self.now_s,
            is_moderator=user_id == MOD,
        )

    def move(self, move: Move, user_id: int = ANNA, *, source: str | None = None) -> Step:
        """Makes a move; what it is refused with is raised."""
        step = play(self.story, move, self.actor(user_id, source), Near(passages=self.passages))
        self.story = step.story
        self.passages |= {one.number: one for one in step.passages}
        return step

    def writes(self, *texts: str) -> Step:
        """The model's turn ends with these texts."""
        pending = self.story.pending
        assert pending is not None, "the model was not asked"
        written = tuple(
            Continuation(text=text, receipt=f"R{place}", settings={"seed": place})
            for place, text in enumerate(texts)
        )
        return self.move(Written(job_id=pending.job_id, texts=written), 0)

    def fails(self) -> Step:
        """The model's turn ends without a text."""
        assert self.story.pending is not None, "the model was not asked"
        return self.move(WritingFailed(job_id=self.story.pending.job_id), 0)

    def path(self) -> list[Passage]:
        """To where the story stands."""
        return Near(passages=self.passages).path(self.story.head)

    def texts(self) -> Sequence[str]:
        """Of the path."""
        return [one.text for one in self.path()]

    def set(self, **changes: object) -> None:
        """Changes the story by hand."""
        self.story = replace(self.story, **changes)  # pyright: ignore[reportArgumentType]
