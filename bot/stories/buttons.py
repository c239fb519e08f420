"""The buttons under a story's living message, and what their ids and those of its forms mean.

A button's whole state is in its `custom_id`: which story, where it stood, and what is chosen. So it
works after a restart, and a click on an old message is known for one. Used by `show` and the cogs.
"""

from enum import StrEnum
from typing import Any

from bot.language import mark, tr
from bot.stories.passages import Kind
from bot.stories.story import Mode, Status, Story

Rows = list[dict[str, Any]]

LETTERS = "ABCD"  # of the options of a vote
_ACTION_ROW, _BUTTON = 1, 2
_PRIMARY, _SECONDARY = 1, 2


class StoryAction(StrEnum):
    """What a button does; each name is part of a `custom_id`."""

    DO = "do"  # opens a form
    SAY = "say"  # opens a form
    TELL = "tell"  # opens a form
    CONTINUE = "continue"
    RETRY = "retry"
    UNDO = "undo"
    JOIN = "join"
    LEAVE = "leave"
    SKIP = "skip"  # `arg`: index of whose turn it was
    VOTE = "vote"  # `arg`: number of the option
    PAUSE = "pause"
    RESUME = "resume"


FORM_KINDS = {
    StoryAction.DO: Kind.DO,
    StoryAction.SAY: Kind.SAY,
    StoryAction.TELL: Kind.TELL,
}


class StoryForm(StrEnum):
    """What a form is for; each name is part of a `custom_id`."""

    DO = "do"
    SAY = "say"
    TELL = "tell"
    ALTER = "alter"  # `arg`: number of the passage
    REMEMBER = "remember"
    NOTE = "note"


STORY_TEMPLATE = (
    rf"bardling:story:(?P<action>{'|'.join(StoryAction)})"
    r":(?P<story_id>[0-9]{1,20}):(?P<head>[0-9]{1,9})(?::(?P<arg>[0-9]{1,9}))?"
)
STORY_FORM_TEMPLATE = (
    rf"bardling:storyform:(?P<form>{'|'.join(StoryForm)})"
    r":(?P<story_id>[0-9]{1,20}):(?P<arg>[0-9]{1,9})"
)
# A story that is begun with a scenario of one's own: the form has its words.
STORY_START_TEMPLATE = rf"bardling:storystart:(?P<mode>{'|'.join(Mode)}):(?P<is_here>[01])"


def story_custom_id(action: StoryAction, story: Story, arg: int | None = None) -> str:
    """The id of a button; matches `STORY_TEMPLATE`, at most 100 characters."""
    return f"bardling:story:{action}:{story.id}:{story.head}" + (
        f":{arg}" if arg is not None else ""
    )


def story_form_id(form: StoryForm, story_id: str, arg: int = 0) -> str:
    """The id of a form; matches `STORY_FORM_TEMPLATE`."""
    return f"bardling:storyform:{form}:{story_id}:{arg}"


def story_start_id(mode: Mode, *, is_here: bool) -> str:
    """The id of the form for a scenario of one's own; matches `STORY_START_TEMPLATE`."""
    return f"bardling:storystart:{mode}:{int(is_here)}"


def story_rows(story: Story) -> Rows:
    """The buttons under a living message, by mode and status; at most two rows of five."""
    if story.status is Status.PAUSED:
        return [_row(story, StoryAction.RESUME, *_comings(story))]
    if story.status is not Status.ACTIVE or story.pending is not None:
        return []
    if story.vote is not None:
        return [_ballots(story), _row(story, StoryAction.PAUSE)]
    return [_row(story, *actions) for actions in _ROWS[story.mode]]


def invite_rows(story: Story) -> Rows:
    """The button under an invitation, wherever it is posted."""
    return [_row(story, StoryAction.JOIN)]


_COMINGS = (StoryAction.JOIN, StoryAction.LEAVE)
_WRITES = (StoryAction.DO, StoryAction.SAY, StoryAction.TELL)
_GO_ON = (StoryAction.CONTINUE, StoryAction.RETRY)
_ROWS: dict[Mode, tuple[tuple[StoryAction, ...], ...]] = {
    Mode.ADVENTURE: ((*_WRITES, *_GO_ON), (StoryAction.UNDO, *_COMINGS, StoryAction.PAUSE)),
    Mode.RELAY: (
        (StoryAction.TELL, StoryAction.SKIP, StoryAction.RETRY, StoryAction.UNDO),
        (*_COMINGS, StoryAction.PAUSE),
    ),
    Mode.BRANCHES: ((StoryAction.TELL, *_GO_ON, StoryAction.UNDO, StoryAction.PAUSE),),
    Mode.FREE: ((StoryAction.TELL, *_GO_ON, StoryAction.UNDO, StoryAction.PAUSE),),
}
_LOOKS = {
    StoryAction.DO: (mark("Do…"), "✊"),
    StoryAction.SAY: (mark("Say…"), "💬"),
    StoryAction.TELL: (mark("Write…"), "✍️"),
    StoryAction.CONTINUE: (mark("Continue"), "▶️"),
    StoryAction.RETRY: (mark("Retry"), "🔁"),
    StoryAction.UNDO: (mark("Undo"), "↩️"),
    StoryAction.JOIN: (mark("Join"), "🙋"),
    StoryAction.LEAVE: (mark("Leave"), "👋"),
    StoryAction.SKIP: (mark("Skip this turn"), "⏭️"),
    StoryAction.PAUSE: (mark("Pause"), "⏸️"),
    StoryAction.RESUME: (mark("Go on"), "▶️"),
}


def _comings(story: Story) -> tuple[StoryAction, ...]:
    return _COMINGS if story.mode in {Mode.ADVENTURE, Mode.RELAY} else ()


def _ballots(story: Story) -> dict[str, Any]:
    """One button for each option; the letter is also before its text."""
    assert story.vote is not None
    buttons = [
        _button(story_custom_id(StoryAction.VOTE, story, option), letter, None, _PRIMARY)
        for letter, option in zip(LETTERS, story.vote.options, strict=False)
    ]
    return {"type": _ACTION_ROW, "components": buttons}


def _row(story: Story, *actions: StoryAction) -> dict[str, Any]:
    buttons: list[dict[str, Any]] = []
    for action in actions:
        label, emoji = _LOOKS[action]
        if action is StoryAction.TELL and story.mode is Mode.ADVENTURE:
            label = mark("Tell…")
        # Two people who skip at once would otherwise skip two turns.
        arg = story.turn if action is StoryAction.SKIP else None
        buttons.append(_button(story_custom_id(action, story, arg), tr(label), emoji))
    return {"type": _ACTION_ROW, "components": buttons}


def _button(
    custom_id: str, label: str, emoji: str | None, style: int = _SECONDARY
) -> dict[str, Any]:
    button: dict[str, Any] = {
        "type": _BUTTON, "style": style, "custom_id": custom_id, "label": label,
    }  # fmt: skip
    if emoji:
        button["emoji"] = {"name": emoji}
    return button
