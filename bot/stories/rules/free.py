"""**free**: anybody writes, and the model goes on when it is asked to."""

from bot.stories.moves import Actor, Near, Step, Write
from bot.stories.rules.common import (
    Words,
    asking,
    check_player,
    clean_words,
    joined,
    name_of,
    with_passage,
)  # fmt: skip
from bot.stories.story import Story


def write(story: Story, move: Write, actor: Actor, near: Near) -> Step:
    """A passage, and nothing else happens."""
    story = joined(story, actor)
    story, passage = with_passage(story, near, words_of(story, move, actor))
    return Step(story=story, passages=(passage,), shown=(passage.number,))


def go_on(story: Story, actor: Actor) -> Step:
    """The model writes."""
    check_player(story, actor)
    return asking(story, actor)


def words_of(story: Story, move: Write, actor: Actor) -> Words:
    """What a player writes."""
    return Words(
        kind=move.kind,
        text=clean_words(move.text),
        author_id=actor.user_id,
        author=name_of(story, actor),
        source=actor.source,
        at_s=actor.at_s,
    )
