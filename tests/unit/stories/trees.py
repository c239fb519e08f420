"""Trees of passages for tests of exports and maps."""

import random

from bot.stories.passages import Kind, Passage
from bot.stories.story import Mode, Player, Story

NAMES = ("Anna", "Ben", "Cleo", "Dora")


def passage(number: int, parent: int, *, kind: Kind = Kind.TELL, author: str = "Anna",
            text: str | None = None, voters: tuple[int, ...] = ()) -> Passage:  # fmt: skip
    """A passage; one of the model's has no author."""
    is_model = kind in {Kind.MODEL, Kind.OPTION}
    return Passage(
        number=number,
        parent=parent,
        kind=kind,
        author_id=0 if is_model else 100 + len(author),
        author="" if is_model else author,
        text=text or f"Passage {number} of the tale.",
        at_s=1_000.0 + number,
        offset=0,
        source=f"s{number}",
        receipt=f"R{number}" if is_model else "",
        voters=voters,
    )


def story(head: int, count: int, *, title: str = "The fox") -> Story:
    """A story that stands at a passage."""
    return Story(
        id="1", mode=Mode.FREE, guild_id=10, channel_id=20, owner_id=100, title=title,
        language="en", created_at_s=1.0, changed_at_s=2.0, head=head, n_passages=count,
        players=(Player(user_id=100, name="Anna"),),
    )  # fmt: skip


def random_tree(count: int, seed: int = 1, *, branching: float = 0.15) -> list[Passage]:
    """Mostly a line, with branches here and there."""
    rng = random.Random(seed)
    made = [passage(1, 0, kind=Kind.OPENING)]
    for number in range(2, count + 1):
        parent = rng.randint(1, number - 1) if rng.random() < branching else number - 1
        is_model = rng.random() < 0.5
        made.append(
            passage(
                number,
                parent,
                kind=Kind.MODEL if is_model else Kind.TELL,
                author=rng.choice(NAMES),
                voters=tuple(range(rng.randint(0, 3))) if is_model else (),
            )
        )
    return made
