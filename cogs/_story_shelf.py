"""`/story map`, `context`, `recap`, `list`, `load`, `export`: stories to read and to go on with.

A part of the `/story` cog. Not an extension.
"""

import io

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.replies import Picture
from bot.stories.show_lists import Entry, stories_text
from cogs._access import NO_MENTIONS
from cogs._first_answer import defer
from cogs._story import (
    answer_id,
    hand_of,
    may_see,
    say,
    show_turn,
    story_choices,
    story_here,
    story_named,
)
from cogs._story_answers import Interaction, stories_of

_KINDS = [
    app_commands.Choice(name="Markdown", value="md"),
    app_commands.Choice(name="plain text", value="txt"),
    app_commands.Choice(name="a web page with all branches", value="html"),
    app_commands.Choice(name="JSON, to go on with it elsewhere", value="json"),
]


class StoryShelfCommands(commands.Cog):
    """Commands of the group."""

    @app_commands.command(name="map", description="Shows all passages and branches as a picture")
    @app_commands.describe(public="Whether all may see it here")
    async def map_(self, interaction: Interaction, public: bool = False) -> None:
        """The tree, each passage with the number for `rewind` and `alter`."""
        await defer(interaction, ephemeral=not public)
        story_id = await story_here(interaction)
        shelf = stories_of(interaction.client).shelf
        await _show(interaction, await shelf.map(story_id, hand_of(interaction)))

    @app_commands.command(description="Shows what the model read at its last turn")
    async def context(self, interaction: Interaction) -> None:
        """Memory, lore, note and story as a picture."""
        await defer(interaction, ephemeral=True)
        story_id = await story_here(interaction)
        shelf = stories_of(interaction.client).shelf
        await _show(interaction, await shelf.context(story_id, hand_of(interaction)))

    @app_commands.command(description="Tells the story so far in short")
    @app_commands.describe(public="Whether all may see it here")
    async def recap(self, interaction: Interaction, public: bool = False) -> None:
        """An extract."""
        await defer(interaction, ephemeral=not public)
        story_id = await story_here(interaction)
        shelf = stories_of(interaction.client).shelf
        await say(interaction, await shelf.recap(story_id, hand_of(interaction)))

    @app_commands.command(name="list", description="Shows the stories of this server")
    async def list_(self, interaction: Interaction) -> None:
        """Those that the asker may read; in direct messages one's own."""
        await defer(interaction, ephemeral=True)
        stories, hand = stories_of(interaction.client), hand_of(interaction)
        entries = [
            Entry(
                story_id=one.story_id,
                title=one.title,
                mode=one.mode,
                status=one.status,
                channel_id=one.channel_id,
                n_passages=one.n_passages,
                changed_at_s=one.changed_at_s,
            )
            for one in await stories.summaries(hand)
            if may_see(interaction, one.channel_id, one.owner_id)
        ]
        await say(interaction, stories_text(entries, await stories.mask(hand.asker.guild_id)))

    @app_commands.command(description="Goes on with a story, here")
    @app_commands.describe(story="Which one, by title")
    @app_commands.autocomplete(story=story_choices)
    async def load(self, interaction: Interaction, story: app_commands.Range[str, 1, 100]) -> None:
        """The answer becomes its living message."""
        story_id = await story_named(interaction, story)
        await defer(interaction)
        hand = hand_of(interaction, await answer_id(interaction))
        played = await stories_of(interaction.client).load(story_id, hand)
        await show_turn(interaction, played)

    @app_commands.command(description="Gives a story as a file")
    @app_commands.describe(
        format="What kind of file", story="Which one, by title; without it, the one played here"
    )
    @app_commands.choices(format=_KINDS)
    @app_commands.autocomplete(story=story_choices)
    async def export(
        self,
        interaction: Interaction,
        format: str = "md",  # the option's name
        story: app_commands.Range[str, 1, 100] | None = None,
    ) -> None:
        """Whoever may read it."""
        await defer(interaction, ephemeral=True)
        story_id = await story_named(interaction, story)
        shelf = stories_of(interaction.client).shelf
        made = await shelf.export(story_id, format, hand_of(interaction))
        await say(interaction, "", discord.File(io.BytesIO(made.data), made.name))


async def _show(interaction: Interaction, picture: Picture) -> None:
    """The picture, and in words what it shows."""
    file = discord.File(io.BytesIO(picture.png), picture.name, description=picture.description)
    await interaction.edit_original_response(
        content="", attachments=[file], allowed_mentions=NO_MENTIONS
    )
