"""Who plays, and whether it is played at all: join, leave, kick, pause, lock, end, load."""

from dataclasses import replace

from bot.errors import StoryError
from bot.language import tr
from bot.stories.moves import Actor, End, Join, Kick, Leave, Load, Lock, Pause, Resume, Step
from bot.stories.rules.common import check_master, check_player, is_master, joined
from bot.stories.rules.relay import without_player
from bot.stories.story import Mode, Status, Story

_MAX_KICKED = 200


AtTheTable = Join | Leave | Kick | Pause | Resume | Lock | End | Load


def play(story: Story, move: AtTheTable, actor: Actor) -> Step:
    """One of these moves; see `dispatch.play`."""
    match move:
        case Join() | Leave() | Kick():
            return _seats(story, move, actor)
        case Pause():
            check_player(story, actor)
            return Step(story=replace(story, status=Status.PAUSED))
        case Resume():
            return _resume(story, actor)
        case Lock():
            return _lock(story, move, actor)
        case End() | Load():
            return _end(story, actor) if isinstance(move, End) else _load(story, move, actor)


def _seats(story: Story, move: Join | Leave | Kick, actor: Actor) -> Step:
    match move:
        case Join():
            return _join(story, actor)
        case Leave():
            return _leave(story, actor)
        case Kick():
            return _kick(story, move, actor)


def _end(story: Story, actor: Actor) -> Step:
    check_master(story, actor)
    ended = replace(story, status=Status.ENDED, vote=None, pending=None, turn_until_s=None)
    return Step(story=ended)


def _join(story: Story, actor: Actor) -> Step:
    if story.player(actor.user_id) is not None:
        raise StoryError(tr("You play already."))
    return Step(story=joined(story, actor))


def _leave(story: Story, actor: Actor) -> Step:
    if story.player(actor.user_id) is None:
        raise StoryError(tr("You don't play in this story."))
    return Step(story=_without(story, actor.user_id, actor.at_s))


def _without(story: Story, user_id: int, at_s: float) -> Story:
    if story.mode is Mode.RELAY:
        return without_player(story, user_id, at_s)
    return replace(story, players=tuple(one for one in story.players if one.user_id != user_id))


def _kick(story: Story, move: Kick, actor: Actor) -> Step:
    check_master(story, actor)
    if move.user_id == actor.user_id:
        raise StoryError(tr("You can't take yourself out this way; leave instead."))
    if move.user_id == story.owner_id and not actor.is_moderator:
        raise StoryError(tr("Only a moderator can take out the one who began the story."))
    if move.user_id in story.kicked:
        return Step(story=story, notice=tr("They were taken out already."))
    kicked = (*story.kicked, move.user_id)[-_MAX_KICKED:]
    story = replace(_without(story, move.user_id, actor.at_s), kicked=kicked)
    if story.vote is not None:
        ballots = tuple(one for one in story.vote.ballots if one[0] != move.user_id)
        story = replace(story, vote=replace(story.vote, ballots=ballots))
    return Step(story=story)


def _resume(story: Story, actor: Actor) -> Step:
    check_player(story, actor)
    if story.status is not Status.PAUSED:
        raise StoryError(tr("The story is not paused."))
    return Step(story=_going_on(story, actor.at_s))


def _going_on(story: Story, at_s: float) -> Story:
    """Active, with all times begun anew."""
    vote = story.vote
    if vote is not None:
        vote = replace(vote, closes_at_s=at_s + story.vote_s)
    is_timed = story.mode is Mode.RELAY and bool(story.players)
    until_s = at_s + story.turn_s if is_timed else None
    return replace(story, status=Status.ACTIVE, vote=vote, turn_until_s=until_s)


def _lock(story: Story, move: Lock, actor: Actor) -> Step:
    if not actor.is_moderator:
        raise StoryError(tr("Only a moderator can do that."))
    if move.is_on == (story.status is Status.LOCKED):
        return Step(story=story, notice=tr("It is so already."))
    if move.is_on:
        return Step(story=replace(story, status=Status.LOCKED))
    return Step(story=_going_on(story, actor.at_s))


def _load(story: Story, move: Load, actor: Actor) -> Step:
    was_there = story.player(actor.user_id) is not None
    if not was_there and not is_master(story, actor):
        raise StoryError(
            tr("Only who plays in this story, who began it, or a moderator can bring it back.")
        )
    is_here = story.channel_id == move.channel_id
    if is_here and story.status is Status.ACTIVE:
        raise StoryError(tr("This story is played here already."))
    if story.status is Status.LOCKED:
        raise StoryError(tr("This story is locked; unlock it first."))
    story = replace(story, channel_id=move.channel_id, message_id=0)
    return Step(story=_going_on(story, actor.at_s))
