"""**relay**: players write in turns, which pass by themselves, and the model every n-th passage."""

from dataclasses import replace

from bot.errors import StoryError
from bot.language import tr
from bot.stories.moves import Actor, Near, Step, Write
from bot.stories.rules import free
from bot.stories.rules.common import asking, check_player, is_master, with_passage
from bot.stories.story import Player, Status, Story

MAX_ABSENCES = 3  # turns in a row that pass without a move; then the player is out


def current(story: Story) -> Player | None:
    """Whose turn it is, or None where nobody plays."""
    return story.players[story.turn % len(story.players)] if story.players else None


def write(story: Story, move: Write, actor: Actor, near: Near) -> Step:
    """The passage of whose turn it is; then the turn passes.

    Raises:
        StoryError: it is somebody else's turn.
    """
    player = current(story)
    if player is None or player.user_id != actor.user_id:
        raise StoryError(_not_yours(story, actor, player))
    story, passage = with_passage(story, near, free.words_of(story, move, actor))
    players = tuple(
        replace(one, absences=0) if one.user_id == actor.user_id else one for one in story.players
    )
    story = passed(replace(story, players=players, since_model=story.since_model + 1), actor.at_s)
    if story.since_model >= story.every:
        return asking(story, actor, passages=(passage,))
    return Step(story=story, passages=(passage,), shown=(passage.number,))


def go_on(story: Story, actor: Actor) -> Step:
    """The model writes out of turn: for whose turn it is, or for who rules.

    Raises:
        StoryError: it is somebody else's turn.
    """
    check_player(story, actor)
    player = current(story)
    is_theirs = player is not None and player.user_id == actor.user_id
    if not is_theirs and not is_master(story, actor):
        raise StoryError(_not_yours(story, actor, player))
    return asking(story, actor)


def skip(story: Story, actor: Actor) -> Step:
    """The turn passes, and nobody is held to have been away.

    Raises:
        StoryError: it is somebody else's turn, and they don't rule.
    """
    player = current(story)
    if player is None:
        raise StoryError(tr("Nobody plays yet; join to take the first turn."))
    if player.user_id != actor.user_id and not is_master(story, actor):
        raise StoryError(_not_yours(story, actor, player))
    return Step(story=passed(story, actor.at_s))


def pass_turn_of_absent(story: Story, actor: Actor) -> Step:
    """A turn's time is over: it passes, and who is away again and again is out of the order.

    Where nobody is left, the story pauses.
    """
    player = current(story)
    if player is None:
        return Step(story=replace(story, turn_until_s=None))
    if player.absences + 1 < MAX_ABSENCES:
        away = replace(player, absences=player.absences + 1)
        players = tuple(away if one.user_id == away.user_id else one for one in story.players)
        return Step(story=passed(replace(story, players=players), actor.at_s))
    return Step(story=without_player(story, player.user_id, actor.at_s))


def passed(story: Story, at_s: float) -> Story:
    """With the turn at the next player, and its time begun anew."""
    count = len(story.players)
    if not count:
        return replace(story, turn=0, turn_until_s=None)
    return replace(story, turn=(story.turn + 1) % count, turn_until_s=at_s + story.turn_s)


def without_player(story: Story, user_id: int, at_s: float) -> Story:
    """Without somebody; the order of the others stays, and a turn of theirs passes.

    Where nobody is left of a story that is played, it pauses.
    """
    places = [place for place, one in enumerate(story.players) if one.user_id == user_id]
    if not places:
        return story
    (place,) = places
    turn = story.turn % len(story.players)
    players = tuple(one for one in story.players if one.user_id != user_id)
    story = replace(story, players=players)
    if not players:
        status = Status.PAUSED if story.status is Status.ACTIVE else story.status
        return replace(story, turn=0, turn_until_s=None, status=status)
    if place == turn:
        return replace(story, turn=turn % len(players), turn_until_s=at_s + story.turn_s)
    return replace(story, turn=turn - (place < turn))


def _not_yours(story: Story, actor: Actor, player: Player | None) -> str:
    if player is None:
        return tr("Nobody plays yet; join to take the first turn.")
    if story.player(actor.user_id) is None:
        return tr("It is {name}'s turn; join to get one, too.", name=player.name)
    return tr("It is {name}'s turn; please wait for yours.", name=player.name)
