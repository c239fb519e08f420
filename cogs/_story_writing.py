"""`/story say`, `do`, `tell`, `continue` and what goes back: the moves that make the text.

A part of the `/story` cog. Not an extension.
"""

from discord import app_commands
from discord.ext import commands

from bot.errors import StoryError
from bot.language import tr
from bot.stories.buttons import LETTERS, StoryForm, story_form_id
from bot.stories.moves import Ballot, Continue, Redo, Retry, Rewind, Undo, Write
from bot.stories.passages import MAX_PASSAGE_CHARACTERS, Kind
from cogs._forms import Field, show_form
from cogs._story import hand_of, letters_error, play_publicly, play_quietly, story_here
from cogs._story_answers import Interaction, stories_of

_Text = app_commands.Range[str, 1, MAX_PASSAGE_CHARACTERS]
_MAX_NUMBER = 999_999
_LETTERS = [app_commands.Choice(name=letter, value=letter) for letter in LETTERS]


class StoryWriting(commands.Cog):
    """Commands of the group."""

    @app_commands.command(description="Your character says something")
    @app_commands.describe(text="Their words")
    async def say(self, interaction: Interaction, text: _Text) -> None:
        """Writes a passage."""
        await play_publicly(interaction, Write(Kind.SAY, text))

    @app_commands.command(name="do", description="Your character does something")
    @app_commands.describe(text='What they do, such as "open the door"')
    async def do_(self, interaction: Interaction, text: _Text) -> None:
        """Writes a passage."""
        await play_publicly(interaction, Write(Kind.DO, text))

    @app_commands.command(description="Writes the story's own text")
    @app_commands.describe(text="The next words of the story")
    async def tell(self, interaction: Interaction, text: _Text) -> None:
        """Writes a passage."""
        await play_publicly(interaction, Write(Kind.TELL, text))

    @app_commands.command(name="continue", description="The model goes on with the story")
    async def go_on(self, interaction: Interaction) -> None:
        """Asks the model."""
        await play_publicly(interaction, Continue())

    @app_commands.command(description="The model writes its last passage anew")
    async def retry(self, interaction: Interaction) -> None:
        """Asks the model again."""
        await play_publicly(interaction, Retry())

    @app_commands.command(description="Puts other words in place of a passage")
    @app_commands.describe(passage="Its number on the map; without it, the newest")
    async def alter(
        self,
        interaction: Interaction,
        passage: app_commands.Range[int, 1, _MAX_NUMBER] | None = None,
    ) -> None:
        """Opens a form with the passage's words."""
        story_id = await story_here(interaction)
        numbers = () if passage is None else (passage,)
        stories = stories_of(interaction.client)
        story, near = await stories.look(story_id, hand_of(interaction), numbers)
        found = near.passages.get(story.head if passage is None else passage)
        if found is None:
            raise _no_passage()
        mask = await stories.mask(story.guild_id)
        await show_form(
            interaction,
            tr("Passage {number}", number=found.number),
            story_form_id(StoryForm.ALTER, story_id, found.number),
            [_words(mask(found.text))],
        )

    @app_commands.command(description="Goes back by one passage; nothing is lost")
    async def undo(self, interaction: Interaction) -> None:
        """Moves back."""
        await play_quietly(interaction, Undo(), tr("One passage back."))

    @app_commands.command(description="Takes the last undo back")
    async def redo(self, interaction: Interaction) -> None:
        """Moves forth."""
        await play_quietly(interaction, Redo(), tr("One passage forth."))

    @app_commands.command(description="The story goes on from any passage, wherever it is")
    @app_commands.describe(passage="Its number on the map")
    async def rewind(
        self, interaction: Interaction, passage: app_commands.Range[int, 1, _MAX_NUMBER]
    ) -> None:
        """Moves anywhere."""
        told = tr("The story goes on from passage {number}.", number=passage)
        await play_quietly(interaction, Rewind(passage), told)

    @app_commands.command(description="Votes on how the story goes on")
    @app_commands.describe(option="Which of the continuations; a new vote replaces the old one")
    @app_commands.choices(option=_LETTERS)
    async def vote(self, interaction: Interaction, option: str) -> None:
        """As the buttons do."""
        story_id = await story_here(interaction)
        story, _ = await stories_of(interaction.client).look(story_id, hand_of(interaction))
        if story.vote is None:
            raise StoryError(tr("There is no vote open now."))
        index = LETTERS.find(option)
        if not 0 <= index < len(story.vote.options):
            raise letters_error()
        move = Ballot(story.vote.options[index])
        await play_quietly(
            interaction, move, tr("Your vote is for {letter}.", letter=option), story_id=story_id
        )


def _words(value: str) -> Field:
    return Field(
        id="text",
        label=tr("The words"),
        value=value[:MAX_PASSAGE_CHARACTERS],
        is_long=True,
        is_required=True,
        max_length=MAX_PASSAGE_CHARACTERS,
    )


async def show_write_form(interaction: Interaction, form: StoryForm, story_id: str) -> None:
    """The form behind the buttons Do, Say, Tell and Write."""
    titles = {
        StoryForm.DO: tr("What do you do?"),
        StoryForm.SAY: tr("What do you say?"),
        StoryForm.TELL: tr("How does the story go on?"),
    }
    await show_form(interaction, titles[form], story_form_id(form, story_id), [_words("")])


def _no_passage() -> StoryError:
    return StoryError(tr("The story has no such passage; the map shows their numbers."))
