"""Takes a member out of a story: their id and name go, their words stay as nobody's.

Called by the stores of stories, for `/privacy delete`. The model reads the same story as before
but for the name, so offsets are reckoned anew by whoever appends next; they only say where a
prompt may begin.
"""

from collections.abc import Iterable
from dataclasses import replace

from bot.stories.passages import Passage
from bot.stories.story import Story

NOBODY = 0  # as an author of words that are not the model's


def authors_of(story: Story, passages: Iterable[Passage] = ()) -> set[int]:
    """Everybody whose id a story and some of its passages hold."""
    found = {story.owner_id, *(player.user_id for player in story.players), *story.kicked}
    if story.vote is not None:
        found |= {voter for voter, _ in story.vote.ballots}
    for passage in passages:
        found |= {passage.author_id, *passage.voters}
    return found - {NOBODY}


def without_user(story: Story, user_id: int) -> Story:
    """The story without a member; whose turn it is stays with who has it."""
    places = [place for place, one in enumerate(story.players) if one.user_id == user_id]
    players = tuple(one for one in story.players if one.user_id != user_id)
    before = sum(place < story.turn for place in places)
    turn = (story.turn - before) % len(players) if players else 0
    vote = story.vote
    if vote is not None:
        ballots = tuple(one for one in vote.ballots if one[0] != user_id)
        vote = replace(vote, ballots=ballots)
    return replace(
        story,
        owner_id=NOBODY if story.owner_id == user_id else story.owner_id,
        players=players,
        kicked=tuple(one for one in story.kicked if one != user_id),
        turn=turn,
        vote=vote,
    )


def passage_without_user(passage: Passage, user_id: int) -> Passage:
    """A passage without a member; the very same object where they have no part in it."""
    if passage.author_id == user_id and not passage.is_the_models:
        passage = replace(passage, author_id=NOBODY, author="")
    if user_id in passage.voters:
        voters = tuple(one for one in passage.voters if one != user_id)
        passage = replace(passage, voters=voters)
    return passage
