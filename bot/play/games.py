"""All scored games by name, and how any of them moves on and looks. Used by services and workers.

The session around a game is the same for all: a source makes one move only, and what the model
says counts only for the job that the game waits for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.core.replies import ReplyMessage
from bot.errors import StoryError
from bot.language import speaking, tr
from bot.play.api import Answered, AskFailed, Button, Game, Player, PlayMove, Rules, Session, Turn
from bot.play.imposter import Imposter
from bot.play.lastword import LastWord
from bot.play.nextword import NextWord

RULES: Mapping[Game, Rules] = {
    Game.IMPOSTER: Imposter(),
    Game.NEXTWORD: NextWord(),
    Game.LASTWORD: LastWord(),
}
# `value` may be missing; see `Button`.
PLAY_TEMPLATE = (
    r"bardling:play:(?P<action>[a-z]{1,12}):(?P<session>[0-9]{1,20})(:(?P<value>[^:]{1,20}))?"
)
PLAY_FORM_TEMPLATE = PLAY_TEMPLATE.replace("bardling:play:", "bardling:playform:")
_ACTION_ROW, _BUTTON, _PRIMARY, _SECONDARY = 1, 2, 1, 2  # Discord's numbers


@dataclass(frozen=True, slots=True)
class Moved:
    """A session after a move; the very same object where nothing changed."""

    session: Session
    turn: Turn


def move_on(session: Session, move: PlayMove, player: Player, *, source: str, job_id: str) -> Moved:
    """Makes a move.

    Args:
        session: of the game.
        move: what is done.
        player: who does it.
        source: the interaction or job; the same one again changes nothing.
        job_id: of the job that is put where the game asks for something; of an answer, the job
            that it is of.

    Raises:
        StoryError: it is not taken now, or not of this person.
    """
    unchanged = Moved(session, Turn(state=session.state, due_at_s=session.due_at_s))
    is_answer = isinstance(move, Answered | AskFailed)
    if source in session.recent or (is_answer and job_id != session.pending):
        return unchanged
    if session.is_over:
        if player.user_id:
            raise StoryError(tr("This game is over; begin a new one."))
        return unchanged
    turn = RULES[session.game].play(session.state, move, player)
    waits = session.pending if turn.ask is None and not is_answer else ""
    after = session.after(turn, source, player.at_s, job_id=job_id)
    if waits and not turn.is_over:  # what others do meanwhile does not end the waiting
        after = replace(after, pending=waits)
    return Moved(after, turn)


def message_of(session: Session, mask: Callable[[str], str] = str) -> ReplyMessage:
    """How a game looks now, in its own language; `mask` hides what the server's filter finds."""
    with speaking(session.language):
        view = RULES[session.game].view(session.state)
    rows = [
        {"type": _ACTION_ROW, "components": [_button(session, one) for one in row]}
        for row in view.rows
    ]
    return ReplyMessage(content=mask(view.text), components=rows)


def button_of(session: Session, action: str, value: str) -> Button:
    """The button that was clicked, in the language that is spoken.

    Raises:
        StoryError: the game shows no such button now.
    """
    for row in RULES[session.game].view(session.state).rows:
        for one in row:
            if (one.action, one.value) == (action, value):
                return one
    raise StoryError(tr("That is over; look at the newest state of the game."))


def custom_id(session_id: str, button: Button, *, is_form: bool = False) -> str:
    """Of a button (`PLAY_TEMPLATE`) or of its form (`PLAY_FORM_TEMPLATE`)."""
    kind = "playform" if is_form else "play"
    end = f":{button.value}" if button.value else ""
    return f"bardling:{kind}:{button.action}:{session_id}{end}"


def _button(session: Session, button: Button) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": _BUTTON,
        "style": _PRIMARY if button.is_main else _SECONDARY,
        "custom_id": custom_id(session.id, button),
        "label": button.label[:80],
    }
    if button.emoji:
        found["emoji"] = {"name": button.emoji}
    return found
