"""**branches**: the model offers several ways to go on, and the channel votes.

Anybody who may read along may vote. A vote closes with the quorum or when its time is over; of ways
with as many votes the one that was offered first wins, and that is said. Where nobody voted, the
story pauses. The ways that lost stay in the tree.
"""

from collections.abc import Sequence
from dataclasses import replace

from bot.errors import StoryError
from bot.language import tr
from bot.stories.moves import Actor, Ballot, Near, Step, Write
from bot.stories.passages import Passage
from bot.stories.rules import free
from bot.stories.rules.common import asking, check_player
from bot.stories.story import Status, Story, Vote


def write(story: Story, move: Write, actor: Actor, near: Near) -> Step:
    """A player's own words, between two votes.

    Raises:
        StoryError: a vote is open.
    """
    _check_no_vote(story)
    return free.write(story, move, actor, near)


def go_on(story: Story, actor: Actor) -> Step:
    """The model offers ways to go on.

    Raises:
        StoryError: a vote is open.
    """
    _check_no_vote(story)
    check_player(story, actor)
    return asking(story, actor, n_options=story.n_options)


def opened(story: Story, options: Sequence[int], at_s: float) -> Story:
    """With a vote on these passages."""
    return replace(story, vote=Vote(options=tuple(options), closes_at_s=at_s + story.vote_s))


def vote(story: Story, move: Ballot, actor: Actor, near: Near) -> Step:
    """Somebody is for an option; with enough of them, the vote closes.

    Raises:
        StoryError: no vote is open, or it is not on this.
    """
    if story.vote is None:
        raise StoryError(tr("No vote is open now."))
    if move.option not in story.vote.options:
        raise StoryError(tr("The vote is on other texts now; look at the newest message."))
    before = dict(story.vote.ballots)
    if before.get(actor.user_id) == move.option:
        return Step(story=story, notice=tr("You are for this one already."))
    ballots = {**before, actor.user_id: move.option}
    story = replace(story, vote=replace(story.vote, ballots=tuple(ballots.items())))
    if len(ballots) >= story.quorum:
        return close(story, near)
    return Step(story=story)


def close(story: Story, near: Near, *, is_late: bool = False) -> Step:
    """Ends the vote: the story goes on from the option with the most votes.

    Args:
        story: with a vote.
        near: knows the options.
        is_late: whether its time was over; without a single vote the story pauses then.
    """
    assert story.vote is not None
    if not story.vote.ballots:
        return Step(story=replace(story, status=Status.PAUSED) if is_late else story)
    tally = story.vote.tally()
    most = max(tally.values())
    best = [option for option, count in tally.items() if count == most]
    winner = best[0]
    voted = tuple(_with_voters(near.passages[one], story.vote) for one in story.vote.options
                  if one in near.passages)  # fmt: skip
    notice = ""
    if len(best) > 1:
        notice = tr("It was a tie; of equals, the one that was offered first wins.")
    return Step(
        story=replace(story, vote=None, head=winner, redo=()),
        passages=voted,
        notice=notice,
        shown=(winner,),
    )


def _with_voters(option: Passage, vote: Vote) -> Passage:
    voters = tuple(voter for voter, choice in vote.ballots if choice == option.number)
    return replace(option, voters=voters)


def _check_no_vote(story: Story) -> None:
    if story.vote is not None:
        raise StoryError(tr("A vote is open; the story goes on when it has closed."))
