"""Who makes a move in a story, what comes of it for those who see it, and who may act where.

Used by `stories`, its clock and the cogs. Pure.
"""

from collections.abc import Collection
from dataclasses import dataclass

from bot.core.asker import Asker
from bot.core.replies import ReplyMessage
from bot.errors import RequestError, StoryError
from bot.language import mark, tr
from bot.services.outputs import Click
from bot.stories.moves import (
    Actor,
    AddLore,
    Alter,
    Ballot,
    Join,
    Leave,
    Load,
    Move,
    Note,
    Remember,
    Rewind,
    Settings,
    Write,
)
from bot.stories.story import Story

_UNKNOWN = mark("There is no such story here (any more).")
_ELSEWHERE = mark("This story is played in another place now: {place}.")
_GONE_ON = mark("The story has gone on since; please use the buttons of its newest message.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Somebody who acts in a story, and the answer that they get.

    Attributes:
        click: who, where, and what names it.
        name: how Discord shows them.
        message_id: the public answer, which becomes the living message; 0 = they are answered
            alone, and the living message stays where it is.
    """

    click: Click
    name: str
    message_id: int = 0

    @property
    def asker(self) -> Asker:
        """Who asks, for limits and settings."""
        return self.click.asker

    @property
    def channel_id(self) -> int:
        """Where: the very thread, if it is one."""
        return self.click.reply.channel_id

    def actor(self, at_s: float) -> Actor:
        """As the rules know them."""
        return Actor(
            user_id=self.asker.user_id,
            name=self.name,
            source=str(self.click.interaction_id),
            at_s=at_s,
            is_moderator=self.click.is_moderator,
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """Where the story stood when a button was shown.

    Attributes:
        head: the passage's number.
        turn: whose turn it was (index), where that matters; None = it does not.
    """

    head: int
    turn: int | None = None


@dataclass(frozen=True, slots=True)
class Faded:
    """A message that is the living one no more: what it is to look like from now on."""

    channel_id: int
    message_id: int
    message: ReplyMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What comes of a move.

    Attributes:
        story: afterwards.
        message: the living message as it is now; None while the model writes to it.
        notice: for the one who made the move, or "".
        model: which model writes now, or "".
        faded: the living message of before, where there is a new one.
        refusal: why the model does not write; the move itself was made.
    """

    story: Story
    message: ReplyMessage | None
    notice: str = ""
    model: str = ""
    faded: Faded | None = None
    refusal: RequestError | None = None


def check_place(story: Story, hand: Hand, move: Move, seen: Seen | None) -> None:
    """Whether somebody may act on this story from where they are.

    Raises:
        StoryError: they may not, or they saw it as it was some time ago.
    """
    check_reach(story, hand)
    if not isinstance(move, Join | Leave | Load) and story.channel_id != hand.channel_id:
        raise StoryError(tr(_ELSEWHERE, place=f"<#{story.channel_id}>"))
    if seen is None:
        return
    if seen.head != story.head or seen.turn not in {None, story.turn}:
        raise StoryError(tr(_GONE_ON))


def check_reach(story: Story, hand: Hand) -> None:
    """Whether this story exists for somebody at all.

    Raises:
        StoryError: it is another server's, or in somebody's direct messages.
    """
    is_owner = story.owner_id == hand.asker.user_id
    if story.guild_id != hand.asker.guild_id or (
        story.guild_id is None and story.channel_id != hand.channel_id and not is_owner
    ):
        raise unknown_story()


def check_master(story: Story, hand: Hand) -> None:
    """Whether somebody rules over a story.

    Raises:
        StoryError: they neither began it nor moderate the place.
    """
    check_reach(story, hand)
    if hand.asker.user_id != story.owner_id and not hand.click.is_moderator:
        raise StoryError(tr("Only the one who began this story, or a moderator, may do that."))


def unknown_story() -> StoryError:
    """There is none, or it is not to be known here."""
    return StoryError(tr(_UNKNOWN))


def typed_in(move: Move) -> str:
    """What of a move somebody typed, for the server's filter."""
    match move:
        case Write(text=text) | Alter(text=text) | Remember(text=text) | Note(text=text):
            return text
        case AddLore(entry=entry):
            return "\n".join((*entry.keys, entry.text))
        case Settings(title=title):
            return title or ""
        case _:
            return ""


def numbers_in(move: Move) -> Collection[int]:
    """Passages that a move names."""
    match move:
        case Alter(number=number) if number is not None:
            return (number,)
        case Rewind(number=number):
            return (number,)
        case Ballot(option=number):
            return (number,)
        case _:
            return ()
