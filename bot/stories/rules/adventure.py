"""**adventure**: players say and do, in the second person, and the model tells what happens."""

from bot.stories.moves import Actor, Near, Step, Write
from bot.stories.rules import free
from bot.stories.rules.common import asking, joined, with_passage
from bot.stories.story import Story


def write(story: Story, move: Write, actor: Actor, near: Near) -> Step:
    """A player's turn; the model's follows at once."""
    story = joined(story, actor)
    story, passage = with_passage(story, near, free.words_of(story, move, actor))
    return asking(story, actor, passages=(passage,))


def go_on(story: Story, actor: Actor) -> Step:
    """The model tells more, without a player's move."""
    return free.go_on(story, actor)
