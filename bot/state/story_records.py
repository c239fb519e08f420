"""How stories lie in a store, whatever it is built on. Used by `redis_stories`."""

import json
from collections.abc import Iterable
from dataclasses import asdict

from bot.state.stories_api import Summary
from bot.stories.passages import Passage
from bot.stories.story import Status, Story


def owner_of(story: Story) -> str:
    """Whose list a story is in: the server's, or of the one who began it."""
    if story.guild_id is None:
        return f"user:{story.owner_id}"
    return f"guild:{story.guild_id}"


def taken_channel(story: Story) -> str:
    """The channel that a story takes, or "" where it has ended."""
    return "" if story.status is Status.ENDED else str(story.channel_id)


def due_ms(story: Story) -> str:
    """When something is due in it, or ""."""
    return "" if story.due_at_s is None else str(round(story.due_at_s * 1000))


def summary_of(story: Story) -> Summary:
    """Its line in a list."""
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


def summary_json(story: Story) -> str:
    """The stored form of that line."""
    return json.dumps(asdict(summary_of(story)), separators=(",", ":"))


def read_summary(text: str) -> Summary:
    """Reads it; fields it does not know are ignored.

    Raises:
        ValueError: it is damaged.
    """
    try:
        data = json.loads(text)
        return Summary(**{name: data[name] for name in Summary.__dataclass_fields__})
    except (KeyError, TypeError) as error:
        raise ValueError(f"damaged summary: {error!r}") from error


def flat(passages: Iterable[Passage]) -> list[str | int]:
    """Number and stored text of each passage: parent and offset go before the JSON."""
    found: list[str | int] = []
    for one in passages:
        found += (one.number, f"{one.parent}:{one.offset}:{one.to_json()}")
    return found


def read_passage(text: str) -> Passage:
    """Reads a stored passage.

    Raises:
        ValueError: it is damaged.
    """
    return Passage.from_json(text.split(":", 2)[2])
