"""The buttons under a living message, and the answers to the forms of stories.

A part of the `/story` cog. Not an extension. A button's state is in its id: restarts are fine.
"""

import contextlib
import re

import discord
import structlog

from bot.core.markdown import MAX_MESSAGE, escape, length, shortened
from bot.errors import OptionError
from bot.language import tr
from bot.services.story_hands import Seen
from bot.stories.buttons import FORM_KINDS, STORY_TEMPLATE, StoryAction, StoryForm
from bot.stories.moves import (
    Alter,
    Ballot,
    Continue,
    Join,
    Leave,
    Move,
    Note,
    Pause,
    Remember,
    Resume,
    Retry,
    Skip,
    Undo,
    Write,
)
from bot.stories.passages import Kind
from cogs._access import NO_MENTIONS, answer_error
from cogs._forms import FormAnswer
from cogs._story import play_by_click, play_in_place, play_publicly, play_quietly
from cogs._story_answers import Interaction
from cogs._story_writing import show_write_form

_KINDS = {StoryForm.DO: Kind.DO, StoryForm.SAY: Kind.SAY, StoryForm.TELL: Kind.TELL}


class StoryButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=STORY_TEMPLATE
):
    """A button of a story, rebuilt from its `custom_id` whenever it is clicked."""

    def __init__(self, item: discord.ui.Button[discord.ui.View], match: re.Match[str]) -> None:
        super().__init__(item)
        self._action = StoryAction(match["action"])
        self._story_id = match["story_id"]
        self._head = int(match["head"])
        self._arg = int(match["arg"] or 0)

    @classmethod
    async def from_custom_id(
        cls, interaction: Interaction, item: discord.ui.Item[discord.ui.View],
        match: re.Match[str], /,
    ) -> "StoryButton":  # fmt: skip
        """Called by discord.py for a click on any button whose id matches the template."""
        assert isinstance(item, discord.ui.Button)
        return cls(item, match)

    async def callback(self, interaction: Interaction) -> None:
        """Does what the button says, or tells the one who clicked why not."""
        structlog.contextvars.bind_contextvars(
            story_id=self._story_id, guild_id=interaction.guild_id
        )
        try:
            await self._act(interaction)
        except Exception as error:  # discord.py would only log it, and the click stay unanswered
            await answer_error(interaction, error)

    async def _act(self, interaction: Interaction) -> None:
        seen = Seen(self._head)
        if self._action in FORM_KINDS:
            form = StoryForm(self._action.value)
            await show_write_form(interaction, form, self._story_id)
            return
        match self._action:
            case StoryAction.CONTINUE:
                await play_publicly(interaction, Continue(), story_id=self._story_id, seen=seen)
            case StoryAction.RETRY:
                await play_in_place(interaction, self._story_id, Retry(), seen)
            case StoryAction.UNDO:
                await self._click(interaction, Undo(), seen)
            case StoryAction.SKIP:
                await self._click(interaction, Skip(), Seen(self._head, self._arg))
            case StoryAction.VOTE:
                await self._click(interaction, Ballot(self._arg), seen)
            case StoryAction.JOIN:
                await self._click(interaction, Join(), None, tr("You play along now."))
            case StoryAction.LEAVE:
                done = tr("You play no more; what you wrote stays.")
                await self._click(interaction, Leave(), None, done)
            case StoryAction.PAUSE:
                await self._click(interaction, Pause(), None)
            case _:
                await self._click(interaction, Resume(), None)

    async def _click(
        self, interaction: Interaction, move: Move, seen: Seen | None, done: str = ""
    ) -> None:
        await play_by_click(interaction, self._story_id, move, seen=seen, done=done)


async def take_form(interaction: Interaction, answer: FormAnswer) -> None:
    """The answer to a form of a story that is being played.

    What a player typed is taken even where the story has gone on meanwhile: the rules say whether
    it still fits.
    """
    form, story_id = StoryForm(answer.id["form"]), answer.id["story_id"]
    structlog.contextvars.bind_contextvars(story_id=story_id, guild_id=interaction.guild_id)
    text = answer.values.get("text", "").strip()
    if form in _KINDS:
        await play_publicly(interaction, Write(_KINDS[form], text), story_id=story_id)
    elif form is StoryForm.ALTER:
        number = int(answer.id["arg"])
        told = tr("Passage {number} has other words now.", number=number)
        await play_quietly(interaction, Alter(text, number), told, story_id=story_id)
    elif form is StoryForm.REMEMBER:
        told = tr("The model is always told this from now on.") if text else tr("It is forgotten.")
        await play_quietly(interaction, Remember(text), told, story_id=story_id)
    else:
        told = tr("The note is kept.") if text else tr("There is no author's note any more.")
        note = Note(text, _depth(answer.values.get("depth", "")))
        await play_quietly(interaction, note, told, story_id=story_id)


async def give_back(interaction: Interaction, answer: FormAnswer) -> None:
    """A form that was refused is closed: what was typed is told, so that it is not lost."""
    words = answer.values.get("text", "").strip()
    if not words:
        return
    told = tr("So that they are not lost, your words were:")
    room = MAX_MESSAGE - length(told) - 1
    with contextlib.suppress(discord.HTTPException, OSError):
        await interaction.followup.send(
            f"{told}\n{shortened(escape(words), room)}",
            ephemeral=True,
            allowed_mentions=NO_MENTIONS,
        )


def _depth(typed: str) -> int:
    typed = typed.strip() or "3"
    if not typed.isdecimal():
        raise OptionError(tr("How many lines follow the note has to be a number, such as 3."))
    return int(typed)
