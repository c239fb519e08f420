"""Back and forth in the tree: undo, redo, rewind, alter, retry. Nothing is ever destroyed."""

from dataclasses import replace

from bot.errors import StoryError
from bot.language import number, slash, tr
from bot.stories.moves import Actor, Alter, Near, Redo, Retry, Rewind, Step, Undo
from bot.stories.passages import NO_PASSAGE, Kind, Passage
from bot.stories.rules.common import (
    Words,
    asking,
    check_player,
    clean_words,
    is_master,
    joined,
    n_options_of,
    name_of,
    with_passage,
)  # fmt: skip
from bot.stories.story import MAX_REDO, Mode, Story


def play(
    story: Story, move: Undo | Redo | Rewind | Alter | Retry, actor: Actor, near: Near
) -> Step:
    """One of these moves; see `dispatch.play`."""
    match move:
        case Undo():
            return _undo(story, actor, near)
        case Redo():
            return _redo(story, actor)
        case Rewind():
            return _rewind(story, move, actor, near)
        case Alter():
            return _alter(story, move, actor, near)
        case Retry():
            return _retry(story, actor, near)


def _undo(story: Story, actor: Actor, near: Near) -> Step:
    head = _standing(story, near)
    _check_may_rewrite(story, actor, head)
    if head.parent == NO_PASSAGE:
        raise StoryError(tr("The story begins here; there is nothing before it."))
    redo = (*story.redo, head.number)[-MAX_REDO:]
    story = replace(_given_back(story, head, actor), head=head.parent, redo=redo, vote=None)
    return Step(story=story, shown=(head.parent,))


def _given_back(story: Story, undone: Passage, actor: Actor) -> Story:
    """In a relay, who wrote what is undone has the turn again."""
    if story.mode is not Mode.RELAY or undone.is_the_models:
        return story
    places = [place for place, one in enumerate(story.players) if one.user_id == undone.author_id]
    if not places:
        return story
    since_model = max(0, story.since_model - 1)
    until_s = actor.at_s + story.turn_s
    return replace(story, turn=places[0], turn_until_s=until_s, since_model=since_model)


def _redo(story: Story, actor: Actor) -> Step:
    check_player(story, actor)
    if not story.redo:
        raise StoryError(tr("There is nothing to redo: no undo was made since the last words."))
    head = story.redo[-1]
    return Step(story=replace(story, head=head, redo=story.redo[:-1], vote=None), shown=(head,))


def _rewind(story: Story, move: Rewind, actor: Actor, near: Near) -> Step:
    check_player(story, actor)
    if story.mode is Mode.RELAY and not is_master(story, actor):
        raise StoryError(tr("In a relay only the one who began it, or a moderator, rewinds."))
    if move.number not in near.passages:
        raise StoryError(_no_passage(story))
    if move.number == story.head and story.vote is None:
        return Step(story=story, notice=tr("The story stands there already."))
    story = replace(story, head=move.number, redo=(), vote=None)
    return Step(story=story, shown=(move.number,))


def _alter(story: Story, move: Alter, actor: Actor, near: Near) -> Step:
    """A sibling with other words; of the model's words, it is the player's then."""
    target = near.passages.get(story.head if move.number is None else move.number)
    if target is None:
        raise StoryError(_no_passage(story))
    _check_may_rewrite(story, actor, target)
    text = clean_words(move.text)
    story = joined(story, actor) if story.mode is not Mode.RELAY else story
    words = Words(
        kind=Kind.TELL if target.is_the_models else target.kind,
        text=text,
        author_id=actor.user_id,
        author=name_of(story, actor),
        source=actor.source,
        at_s=actor.at_s,
    )
    story, passage = with_passage(replace(story, vote=None), near, words, parent=target.parent)
    return Step(story=story, passages=(passage,), shown=(passage.number,))


def _retry(story: Story, actor: Actor, near: Near) -> Step:
    """The model writes anew in place of its last words or options, or for the first time."""
    check_player(story, actor)
    head = _standing(story, near)
    if story.vote is None and head.is_the_models and head.parent != NO_PASSAGE:
        story = replace(story, head=head.parent, redo=())
    return asking(story, actor, n_options=n_options_of(story))


def _standing(story: Story, near: Near) -> Passage:
    head = near.passages.get(story.head)
    if head is None:
        raise StoryError(tr("The story has no words yet; write the first ones."))
    return head


def _check_may_rewrite(story: Story, actor: Actor, passage: Passage) -> None:
    """In a relay everybody's passage is their own; in the other games all write together.

    Raises:
        StoryError: it is not theirs.
    """
    check_player(story, actor)
    if story.mode is not Mode.RELAY or is_master(story, actor):
        return
    if passage.author_id != actor.user_id:
        raise StoryError(
            tr("In a relay you can only change what you wrote yourself, or ask a moderator.")
        )


def _no_passage(story: Story) -> str:
    return tr(
        "There is no such passage; {map} shows their numbers, from 1 to {last}.",
        map=slash("story map"),
        last=number(story.n_passages),
    )
