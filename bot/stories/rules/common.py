"""What the rules of all modes are made of: who may what, new passages, asking the model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core.prompts import clean_prompt
from bot.errors import StoryError
from bot.language import number, tr
from bot.stories.frame import framed, player_name
from bot.stories.moves import Actor, Near, Step, Wanted
from bot.stories.passages import (
    MAX_PASSAGE_CHARACTERS,
    NO_PASSAGE,
    THE_MODEL,
    Kind,
    Passage,
)
from bot.stories.story import MAX_PLAYERS, Mode, Pending, Player, Story


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A new passage's words, and whose they are.

    Attributes:
        kind: how they are meant.
        text: verbatim.
        author_id: who wrote them, or `THE_MODEL`.
        author: their name in the story.
        source: the interaction or job.
        at_s: now (Unix time).
    """

    kind: Kind
    text: str
    source: str
    at_s: float
    author_id: int = THE_MODEL
    author: str = ""


def is_master(story: Story, actor: Actor) -> bool:
    """Whether somebody rules over a story: who began it, and moderators."""
    return actor.is_moderator or actor.user_id == story.owner_id


def check_master(story: Story, actor: Actor) -> None:
    """Raises StoryError for all others."""
    if not is_master(story, actor):
        raise StoryError(tr("Only the one who began this story, or a moderator, can do that."))


def check_player(story: Story, actor: Actor) -> None:
    """Raises StoryError for who neither plays nor rules."""
    if story.player(actor.user_id) is None and not is_master(story, actor):
        raise StoryError(tr("Only players can do that; join first."))


def joined(story: Story, actor: Actor) -> Story:
    """With somebody among the players; the same story where they play already.

    Raises:
        StoryError: they were removed by a moderator, or there are enough.
    """
    if story.player(actor.user_id) is not None:
        return story
    if actor.user_id in story.kicked:
        raise StoryError(tr("You were taken out of this story and can't come back to it."))
    if len(story.players) >= MAX_PLAYERS:
        raise StoryError(
            tr("{most} people play already; wait until one leaves.", most=number(MAX_PLAYERS))
        )
    taken = [player.name for player in story.players]
    player = Player(user_id=actor.user_id, name=player_name(actor.name, taken, actor.user_id))
    story = replace(story, players=(*story.players, player))
    if len(story.players) == 1 and story.mode is Mode.RELAY:
        return replace(story, turn=0, turn_until_s=actor.at_s + story.turn_s)
    return story


def name_of(story: Story, actor: Actor) -> str:
    """How somebody is called in a story, who may not play."""
    player = story.player(actor.user_id)
    return player.name if player else player_name(actor.name, (), actor.user_id)


def clean_words(text: str) -> str:
    """What a player typed, verbatim but for what no later step could show.

    Raises:
        PromptError: nothing visible is left, or it is too long.
    """
    return clean_prompt(text, MAX_PASSAGE_CHARACTERS)


def with_passage(
    story: Story, near: Near, words: Words, *, parent: int | None = None
) -> tuple[Story, Passage]:
    """The story with one more passage, on which it stands now.

    Args:
        story: before.
        near: knows the parent.
        words: of the passage.
        parent: which passage it follows; None = where the story stands.
    """
    above = story.head if parent is None else parent
    passage = new_passage(story, near, words, parent=above)
    head = passage.number
    return replace(story, head=head, n_passages=passage.number, redo=()), passage


def new_passage(story: Story, near: Near, words: Words, *, parent: int) -> Passage:
    """The next passage of a story."""
    return Passage(
        number=story.n_passages + 1,
        parent=parent,
        kind=words.kind,
        author_id=words.author_id,
        author=words.author,
        text=words.text,
        at_s=words.at_s,
        offset=offset_after(story, near.passages.get(parent)),
        source=words.source,
    )


def offset_after(story: Story, passage: Passage | None) -> int:
    """Characters of the story up to the end of a passage."""
    if passage is None:
        return 0
    return passage.offset + len(framed(passage, story.mode, len(story.players) > 1))


def asking(
    story: Story, actor: Actor, *, n_options: int = 1, passages: Sequence[Passage] = ()
) -> Step:
    """The model is to go on from where the story stands.

    Raises:
        StoryError: there is nothing to go on with.
    """
    if story.head == NO_PASSAGE:
        raise StoryError(tr("The story has no words yet; write the first ones."))
    pending = Pending(job_id=actor.source, parent=story.head, since_s=actor.at_s)
    return Step(
        story=replace(story, pending=pending, vote=None),
        passages=tuple(passages),
        wanted=Wanted(parent=story.head, n_options=n_options),
    )


def n_options_of(story: Story) -> int:
    """How many texts the model writes at a turn."""
    return story.n_options if story.mode is Mode.BRANCHES else 1
