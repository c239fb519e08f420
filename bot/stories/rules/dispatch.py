"""Which rule a move is for, and whether the story takes moves at all."""

from dataclasses import replace

from bot.errors import StoryError
from bot.language import slash, tr
from bot.stories.moves import (
    Actor,
    AddLore,
    Alter,
    Ballot,
    Continue,
    End,
    Join,
    Kick,
    Leave,
    Load,
    Lock,
    Move,
    Near,
    Note,
    Redo,
    Remember,
    RemoveLore,
    Resume,
    Retry,
    Rewind,
    Settings,
    Skip,
    Step,
    Tick,
    Undo,
    Write,
    WritingFailed,
    Written,
)  # fmt: skip
from bot.stories.rules import adventure, branches, free, keeping, path, relay, table, writing
from bot.stories.story import Mode, Status, Story

_MODES = {
    Mode.ADVENTURE: adventure,
    Mode.RELAY: relay,
    Mode.BRANCHES: branches,
    Mode.FREE: free,
}
# What changes where the story stands, or what the model is asked.
_OF_THE_TEXT = Write | Continue | Retry | Alter | Undo | Redo | Rewind | Ballot | Skip
_OF_TIME = Tick | Written | WritingFailed  # nobody's moves
_WHILE_PAUSED = (
    Resume | Join | Leave | Kick | Lock | End | Remember | Note | AddLore | RemoveLore | Settings
)


def play(story: Story, move: Move, actor: Actor, near: Near) -> Step:
    """Makes a move.

    Args:
        story: as it stands.
        move: what is done.
        actor: who does it; of `Tick`, `Written` and `WritingFailed` nobody.
        near: the newest passages on the path, and those that the move names.

    Returns:
        What comes of it; with the very same story where nothing changes, such as by a move that
        was made already.

    Raises:
        StoryError: it is not taken now, or not of this person; the message says why.
        PromptError: its text can't be used.
    """
    if actor.source in story.recent:
        return Step(story=story)
    if not isinstance(move, _OF_TIME):
        _check_status(story, move, actor)
    step = _played(story, move, actor, near)
    if step.story is story:
        return step
    return replace(step, story=step.story.having_made(actor.source, actor.at_s))


def _check_status(story: Story, move: Move, actor: Actor) -> None:
    """Whether the story takes this move now.

    Raises:
        StoryError: it does not.
    """
    if actor.user_id in story.kicked:
        raise StoryError(tr("You were taken out of this story and can't come back to it."))
    if story.status is Status.ENDED and not isinstance(move, Load):
        raise StoryError(tr("This story is over; {load} brings it back.", load=slash("story load")))
    if story.status is Status.LOCKED and not actor.is_moderator:
        raise StoryError(tr("A moderator has locked this story; ask one to unlock it."))
    if story.status is Status.LOCKED and not isinstance(move, Lock | Kick | End | Load):
        raise StoryError(tr("This story is locked; unlock it first."))
    if story.status is Status.PAUSED and not isinstance(move, _WHILE_PAUSED | Load):
        raise StoryError(tr("This story is paused; resume it first."))
    if story.pending is not None and isinstance(move, _OF_THE_TEXT | Load):
        raise StoryError(tr("The model is writing; please wait for its text, or stop it."))


def _played(story: Story, move: Move, actor: Actor, near: Near) -> Step:
    match move:
        case Write() | Continue() | Ballot() | Skip() | Tick():
            return _of_mode(story, move, actor, near)
        case Written() | WritingFailed():
            return writing.play(story, move, actor, near)
        case Undo() | Redo() | Rewind() | Alter() | Retry():
            return path.play(story, move, actor, near)
        case Remember() | Note() | AddLore() | RemoveLore() | Settings():
            return keeping.play(story, move, actor)
        case _:
            return table.play(story, move, actor)


def _of_mode(
    story: Story, move: Write | Continue | Ballot | Skip | Tick, actor: Actor, near: Near
) -> Step:
    rules = _MODES[story.mode]
    match move:
        case Write():
            return rules.write(story, move, actor, near)
        case Continue():
            return rules.go_on(story, actor)
        case Ballot():
            if story.mode is not Mode.BRANCHES:
                raise StoryError(tr("There is no vote in this game."))
            return branches.vote(story, move, actor, near)
        case Skip():
            if story.mode is not Mode.RELAY:
                raise StoryError(tr("There are no turns in this game; anybody can write."))
            return relay.skip(story, actor)
        case Tick():
            return _tick(story, actor, near)


def _tick(story: Story, actor: Actor, near: Near) -> Step:
    due_s = story.due_at_s
    if due_s is None or actor.at_s < due_s:
        return Step(story=story)
    if story.vote is not None:
        return branches.close(story, near, is_late=True)
    return relay.pass_turn_of_absent(story, actor)
