"""`/story remember`, `note`, `lore` and `settings`: what the writers keep beside the text.

A part of the `/story` cog. Not an extension.
"""

from typing import Any

from discord import app_commands
from discord.ext import commands

from bot.core.jobs import MAX_CANDIDATES
from bot.core.presets import PRESETS
from bot.errors import RequestError
from bot.language import tr
from bot.services.story_jobs import check_preset
from bot.stories.buttons import StoryForm, story_form_id
from bot.stories.lore_lines import lore_of
from bot.stories.moves import AddLore, RemoveLore, Settings
from bot.stories.show_lists import kept_text, lore_text
from bot.stories.story import (
    MAX_LORE_CHARACTERS,
    MAX_MEMORY_CHARACTERS,
    MAX_NOTE_CHARACTERS,
    MAX_TITLE_CHARACTERS,
)
from cogs._access import services_of
from cogs._asker import is_age_restricted
from cogs._first_answer import defer
from cogs._forms import Field, show_form
from cogs._story import hand_of, play_quietly, say, story_here
from cogs._story_answers import Interaction, stories_of

_MAX_CHOICES, _MAX_CHOICE = 25, 100
_MAX_LENGTH = 300
_PRESETS = [
    app_commands.Choice(name=f"{preset.name}: {preset.line}"[:_MAX_CHOICE], value=preset.name)
    for preset in PRESETS.values()
]


class StoryKeeping(commands.Cog):
    """Commands of the group."""

    lore = app_commands.Group(name="lore", description="What the model is told of some words")

    @app_commands.command(description="What the model is always told, in a form")
    async def remember(self, interaction: Interaction) -> None:
        """Opens a form with what is remembered."""
        story_id = await story_here(interaction)
        story, _ = await stories_of(interaction.client).look(story_id, hand_of(interaction))
        field = Field(
            id="text",
            label=tr("Always remembered"),
            value=story.memory,
            description=tr("Who is who, where we are, what must not be forgotten"),
            is_long=True,
            max_length=MAX_MEMORY_CHARACTERS,
        )
        form_id = story_form_id(StoryForm.REMEMBER, story_id)
        await show_form(interaction, tr("The story's memory"), form_id, [field])

    @app_commands.command(description="The author's note, in a form: how the story is to be told")
    async def note(self, interaction: Interaction) -> None:
        """Opens a form with the note."""
        story_id = await story_here(interaction)
        story, _ = await stories_of(interaction.client).look(story_id, hand_of(interaction))
        fields = [
            Field(
                id="text",
                label=tr("The author's note"),
                value=story.note,
                description=tr("Such as: dark, slow, with many smells"),
                is_long=True,
                max_length=MAX_NOTE_CHARACTERS,
            ),
            Field(
                id="depth",
                label=tr("Lines of the story that follow it"),
                value=str(story.note_depth),
                max_length=2,
            ),
        ]
        form_id = story_form_id(StoryForm.NOTE, story_id)
        await show_form(interaction, tr("The author's note"), form_id, fields)

    @lore.command(name="add", description="Adds an entry, or replaces one")
    @app_commands.describe(
        words="Words that pull it in, between commas", text="What the model is told then"
    )
    async def lore_add(
        self,
        interaction: Interaction,
        words: app_commands.Range[str, 1, 200],
        text: app_commands.Range[str, 1, MAX_LORE_CHARACTERS],
    ) -> None:
        """Keeps an entry."""
        await play_quietly(interaction, AddLore(lore_of(words, text)), tr("The entry is kept."))

    @lore.command(name="remove", description="Removes an entry")
    @app_commands.describe(word="One of its words")
    async def lore_remove(
        self, interaction: Interaction, word: app_commands.Range[str, 1, 100]
    ) -> None:
        """Removes an entry."""
        await play_quietly(interaction, RemoveLore(word), tr("The entry is gone."))

    @lore_remove.autocomplete("word")
    async def _lore_words(
        self, interaction: Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        """The first word of each entry."""
        try:
            story_id = await story_here(interaction)
            story, _ = await stories_of(interaction.client).look(story_id, hand_of(interaction))
        except RequestError:
            return []
        keys = [entry.keys[0] for entry in story.lore if entry.keys]
        found = [key for key in keys if current.casefold() in key.casefold()]
        return [
            app_commands.Choice(name=key[:_MAX_CHOICE], value=key[:_MAX_CHOICE])
            for key in found[:_MAX_CHOICES]
        ]

    @lore.command(name="list", description="Shows all entries")
    async def lore_list(self, interaction: Interaction) -> None:
        """Answers whoever asks."""
        await defer(interaction, ephemeral=True)
        stories = stories_of(interaction.client)
        story, _ = await stories.look(await story_here(interaction), hand_of(interaction))
        await say(interaction, lore_text(story, await stories.mask(story.guild_id)))

    @app_commands.command(description="Shows or changes how the story is played")
    @app_commands.describe(
        title="Its title",
        preset="How the model chooses words",
        model="Which model writes",
        length="Tokens of the model's turns",
        turn="Relay: seconds of a turn",
        every="Relay: passages until the model writes",
        vote="Branches: seconds of a vote",
        quorum="Branches: votes that close it at once",
        options="Branches: continuations to choose from",
    )
    @app_commands.choices(preset=_PRESETS)
    async def settings(  # noqa: PLR0913, PLR0917  # as many options as the command has
        self,
        interaction: Interaction,
        title: app_commands.Range[str, 1, MAX_TITLE_CHARACTERS] | None = None,
        preset: str | None = None,
        model: app_commands.Range[str, 1, 100] | None = None,
        length: app_commands.Range[int, 10, _MAX_LENGTH] | None = None,
        turn: app_commands.Range[int, 30, 604_800] | None = None,
        every: app_commands.Range[int, 1, 25] | None = None,
        vote: app_commands.Range[int, 30, 604_800] | None = None,
        quorum: app_commands.Range[int, 1, 100] | None = None,
        options: app_commands.Range[int, 2, MAX_CANDIDATES] | None = None,
    ) -> None:
        """Without any option, shows them."""
        if preset is not None:
            check_preset(preset, is_age_restricted=is_age_restricted(interaction))
        given: dict[str, Any] = {
            "title": title, "preset": preset, "model": model, "length": length, "turn_s": turn,
            "every": every, "vote_s": vote, "quorum": quorum, "n_options": options,
        }  # fmt: skip
        if all(value is None for value in given.values()):
            await self._show_settings(interaction)
            return
        await play_quietly(interaction, Settings(**given), tr("The settings are kept."))

    async def _show_settings(self, interaction: Interaction) -> None:
        await defer(interaction, ephemeral=True)
        stories = stories_of(interaction.client)
        story, _ = await stories.look(await story_here(interaction), hand_of(interaction))
        await say(interaction, kept_text(story, await stories.mask(story.guild_id)))

    @settings.autocomplete("model")
    async def _models(
        self, interaction: Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        """Models that are served now."""
        try:
            served = await services_of(interaction.client).servers.models()
        except RequestError:
            return []
        found = [name for name in served if current.casefold() in name.casefold()]
        return [app_commands.Choice(name=name, value=name) for name in found[:_MAX_CHOICES]]
