"""Whatever fails between a move and its answer, no passage is lost or doubled."""

import asyncio
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from bot.errors import RequestError
from bot.stories.moves import Continue, Join, Move, Redo, Retry, Undo, Write
from bot.stories.passages import Kind
from bot.stories.story import Mode
from tests.story_table import ANN, BEN, STORY, Table

FAULTS = ("", "", "", "overtaken", "down", "cut", "answered", "late")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("write", "continue", "retry", "undo", "join", "redo")),
        st.sampled_from((ANN, BEN)),
        st.sampled_from(FAULTS),
    ),
    max_size=25,
)


def move_of(name: str, text: str) -> Move:
    """A move by its name."""
    moves: dict[str, Move] = {
        "write": Write(Kind.TELL, text), "continue": Continue(), "retry": Retry(),
        "undo": Undo(), "join": Join(), "redo": Redo(),
    }  # fmt: skip
    return moves[name]


async def act(table: Table, place: int, name: str, user_id: int, fault: str) -> str:
    """One move with a fault; what became of the words that were typed: in, out or unknown."""

    async def overtake() -> None:
        await table.stories.move(STORY, Join(), table.hand(BEN))

    if fault == "overtaken":
        table.store.between = overtake
    table.store.is_down = fault == "down"
    table.store.cut_after_save = fault == "cut"
    if fault == "late":
        table.now_s += 100
    message_id = 1_000 + place if name in {"write", "continue", "retry"} else 0
    try:
        await table.stories.move(
            STORY, move_of(name, f"Words {place}."), table.hand(user_id, message_id)
        )
    except (RequestError, KeyError):  # the stand-in rules know no bounds of undo
        return "unknown" if fault == "cut" else "out"
    finally:
        table.store.is_down = table.store.cut_after_save = False
        table.store.between = None
    if fault == "answered" and table.story.pending is not None:
        await table.answer(f"Model {place}.")
    return "in"


@given(steps=STEPS, mode=st.sampled_from((Mode.ADVENTURE, Mode.FREE)))
def test_no_passage_is_lost_or_doubled(steps: list[tuple[str, int, str]], mode: Mode) -> None:
    async def play() -> None:
        table = Table(max_queued=2)
        await table.begin(mode)
        ends = {place: await act(table, place, *step) for place, step in enumerate(steps)}
        passages = await table.stories.all_passages(STORY)
        assert [one.number for one in passages] == list(range(1, len(passages) + 1))
        assert table.story.n_passages == len(passages)
        assert all(one.parent < one.number for one in passages)
        found = Counter(one.text for one in passages)
        for place, (name, _, _) in enumerate(steps):
            count = found[f"Words {place}."]
            if name == "write" and ends[place] == "in":
                assert count == 1
            elif ends[place] == "out":
                assert count == 0
            else:
                assert count <= 1
        # Whatever happened, after a while somebody can go on.
        table.now_s += 1_000
        await table.end_jobs()
        await table.stories.move(STORY, Write(Kind.TELL, "On."), table.hand(message_id=1))

    asyncio.run(play())
