"""Random moves by several people, with doubled clicks, late jobs and time that jumps."""

import itertools
from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.errors import RequestError
from bot.stories.frame import framed
from bot.stories.moves import (
    AddLore,
    Alter,
    Ballot,
    Continuation,
    Continue,
    End,
    Join,
    Kick,
    Leave,
    Load,
    Lock,
    Move,
    Note,
    Pause,
    Redo,
    Remember,
    Resume,
    Retry,
    Rewind,
    Skip,
    Step,
    Tick,
    Undo,
    Write,
    WritingFailed,
    Written,
)  # fmt: skip
from bot.stories.passages import Kind, Passage
from bot.stories.story import LoreEntry, Mode, Status, Story
from tests.unit.stories.story_table import ANNA, BEN, CLEO, MOD, Table

USERS = st.sampled_from([ANNA, BEN, CLEO, MOD])
TEXTS = st.text(min_size=1, max_size=20)
NUMBERS = st.integers(1, 30)
MOVES: st.SearchStrategy[Move] = st.one_of(
    st.builds(Write, st.sampled_from([Kind.SAY, Kind.DO, Kind.TELL]), TEXTS),
    st.builds(Alter, TEXTS, st.none() | NUMBERS),
    st.builds(Rewind, NUMBERS),
    st.builds(Ballot, NUMBERS),
    st.builds(Kick, USERS),
    st.builds(Lock, st.booleans()),
    st.builds(Load, st.integers(20, 21)),
    st.builds(Remember, TEXTS),
    st.builds(Note, TEXTS, st.integers(0, 5)),
    st.builds(lambda key: AddLore(LoreEntry(keys=(key,), text="x")), TEXTS),
    st.sampled_from(
        [Continue(), Retry(), Undo(), Redo(), Join(), Leave(), Skip(), Pause(), Resume(), End()]
    ),
)


class StoryMachine(RuleBasedStateMachine):
    """Whatever is done, the tree only grows, and the story makes sense."""

    def __init__(self) -> None:
        super().__init__()
        self.table = Table.of(Mode.FREE)
        self.jobs: list[str] = []
        self.done: list[tuple[Move, int, str]] = []
        self.before: dict[int, Passage] = {}

    @initialize(mode=st.sampled_from(list(Mode)), has_opening=st.booleans())
    def begin(self, mode: Mode, has_opening: bool) -> None:
        self.table = Table.of(mode, opening="Once." if has_opening else "")

    def _try(self, move: Move, user_id: int, source: str) -> Step | None:
        self.before = dict(self.table.passages)
        story = self.table.story
        try:
            step = self.table.move(move, user_id, source=source)
        except RequestError:
            assert self.table.story is story
            return None
        if step.wanted is not None:
            assert step.story.pending is not None
            assert step.story.pending.job_id == source
            assert step.wanted.parent == step.story.head
            self.jobs.append(source)
        return step

    @rule(move=MOVES, user_id=USERS)
    def move(self, move: Move, user_id: int) -> None:
        source = f"s{len(self.done)}"
        self.done.append((move, user_id, source))
        self._try(move, user_id, source)

    @rule(data=st.data())
    def same_move_again(self, data: Any) -> None:
        made = [one for one in self.done if one[2] in self.table.story.recent]
        if made:
            move, user_id, source = data.draw(st.sampled_from(made))
            story = self.table.story
            step = self._try(move, user_id, source)
            assert step is None or step.story is story

    @rule(data=st.data(), n=st.integers(0, 3), fails=st.booleans())
    def job_ends(self, data: Any, n: int, fails: bool) -> None:
        """The one that is waited for, or any of before, once more."""
        if not self.jobs:
            return
        job_id = data.draw(st.sampled_from(self.jobs))
        texts = tuple(Continuation(text=f" T{i}.", receipt="R", settings={}) for i in range(n))
        move = WritingFailed(job_id=job_id) if fails else Written(job_id=job_id, texts=texts)
        waited = self.table.story.pending
        step = self._try(move, 0, f"w{job_id}")
        assert step is not None
        if waited is None or waited.job_id != job_id:
            assert not step.passages

    @rule(seconds=st.integers(0, 2000))
    def time_goes_by(self, seconds: int) -> None:
        self.table.now_s += seconds
        self._try(Tick(), 0, f"t{self.table.n_moves}")

    @rule()
    def stored_and_loaded(self) -> None:
        """As between two moves in two processes."""
        self.table.story = Story.from_json(self.table.story.to_json())

    @invariant()
    def tree_only_grows(self) -> None:
        after = self.table.passages
        for number, passage in self.before.items():
            assert replace(after[number], voters=passage.voters) == passage
        assert sorted(after) == list(range(1, self.table.story.n_passages + 1))
        for passage in after.values():
            assert passage.parent in {0, *range(1, passage.number)}

    @invariant()
    def path_is_whole(self) -> None:
        story, path = self.table.story, self.table.path()
        assert (story.head == 0) == (not path)
        if path:
            assert path[0].parent == 0
            assert path[-1].number == story.head
        for above, below in itertools.pairwise(path):
            lengths = {
                above.offset + len(framed(above, story.mode, party)) for party in (True, False)
            }
            assert below.offset in lengths

    @invariant()
    def story_makes_sense(self) -> None:
        story, passages = self.table.story, self.table.passages
        assert all(number in passages for number in story.redo)
        assert not set(story.kicked) & {one.user_id for one in story.players}
        names = [one.name.casefold() for one in story.players]
        assert len(set(names)) == len(names)
        assert story.turn < max(1, len(story.players))
        if story.pending is not None:
            assert story.pending.parent in passages
            assert story.vote is None
        if story.vote is not None:
            assert story.mode is Mode.BRANCHES
            assert set(story.vote.options) <= set(passages)
            assert all(choice in story.vote.options for _, choice in story.vote.ballots)
            assert len(story.vote.ballots) < story.quorum
        if story.status is Status.ENDED:
            assert story.due_at_s is None
            assert story.pending is None
        if story.mode is Mode.RELAY and story.players and story.status is Status.ACTIVE:
            assert story.turn_until_s is not None


TestStories = StoryMachine.TestCase
TestStories.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
