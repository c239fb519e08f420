"""What the model wrote, or that it did not: the end of its turn in any mode."""

from dataclasses import replace

from bot.stories.moves import Actor, Continuation, Near, Step, WritingFailed, Written
from bot.stories.passages import Kind, Passage
from bot.stories.rules.branches import opened
from bot.stories.rules.common import Words, new_passage, with_passage
from bot.stories.story import Mode, Story


def play(story: Story, move: Written | WritingFailed, actor: Actor, near: Near) -> Step:
    """Takes what the story waits for, and nothing else."""
    pending = story.pending
    if pending is None or pending.job_id != move.job_id:
        return Step(story=story)
    story = replace(story, pending=None, turn_until_s=_turn_until(story, actor.at_s))
    if isinstance(move, WritingFailed):
        return Step(story=story)
    story = replace(story, context=move.context or story.context)
    first = next(iter(move.texts), None)
    if first is None:
        return Step(story=story)
    if story.mode is Mode.BRANCHES and len(move.texts) > 1:
        return _offered(story, move, actor, near, pending.parent)
    words = _words(Kind.MODEL, first, move, actor)
    story, passage = with_passage(story, near, words, parent=pending.parent)
    passage = _signed(passage, first)
    return Step(story=replace(story, since_model=0), passages=(passage,), shown=(passage.number,))


def _turn_until(story: Story, at_s: float) -> float | None:
    """Nobody's time runs while the model writes."""
    return None if story.turn_until_s is None else at_s + story.turn_s


def _offered(story: Story, move: Written, actor: Actor, near: Near, parent: int) -> Step:
    options: list[Passage] = []
    for text in move.texts:
        option = new_passage(story, near, _words(Kind.OPTION, text, move, actor), parent=parent)
        options.append(_signed(option, text))
        story = replace(story, n_passages=option.number)
    numbers = tuple(option.number for option in options)
    return Step(story=opened(story, numbers, actor.at_s), passages=tuple(options), shown=numbers)


def _words(kind: Kind, text: Continuation, move: Written, actor: Actor) -> Words:
    # Of the same source as the player's words that brought it about: one turn, one message.
    return Words(kind=kind, text=text.text, source=move.job_id, at_s=actor.at_s)


def _signed(passage: Passage, text: Continuation) -> Passage:
    settings = tuple(text.settings.items())
    return replace(passage, receipt=text.receipt, settings=settings, label=text.label)
