"""`/story invite`, `leave`, `end` and `/story table …`: who plays, and whether it goes on.

A part of the `/story` cog. Not an extension.
"""

import discord
from discord import app_commands
from discord.ext import commands

from bot.language import tr
from bot.services.story_hands import Played
from bot.stories.buttons import invite_rows
from bot.stories.moves import End, Join, Kick, Leave, Lock, Pause, Resume, Skip
from bot.stories.show_lists import help_text, order_text
from cogs._access import NO_MENTIONS
from cogs._first_answer import defer
from cogs._pages import view_of
from cogs._story import (
    answer_id,
    fade,
    hand_of,
    play_quietly,
    say,
    show_turn,
    story_choices,
    story_here,
    story_named,
)
from cogs._story_answers import Interaction, stories_of
from cogs._story_start import invitation

_Named = app_commands.Range[str, 1, 100]


class StoryTable(commands.Cog):
    """Commands of the group."""

    table = app_commands.Group(name="table", description="Who plays, and whether it goes on")

    @app_commands.command(description="Posts a button to join a story, and the way there")
    @app_commands.describe(story="Which one, by title; without it, the one played here")
    @app_commands.autocomplete(story=story_choices)
    async def invite(self, interaction: Interaction, story: _Named | None = None) -> None:
        """In a thread of the story, to the channel above it."""
        story_id = await story_named(interaction, story)
        stories = stories_of(interaction.client)
        found, _ = await stories.look(story_id, hand_of(interaction))
        channel = interaction.channel
        is_inside = isinstance(channel, discord.Thread) and channel.id == found.channel_id
        await defer(interaction, ephemeral=is_inside)
        text = await invitation(interaction, Played(story=found, message=None))
        view = view_of(invite_rows(found))
        if isinstance(channel, discord.Thread) and is_inside:
            above = interaction.client.get_partial_messageable(channel.parent_id)
            await above.send(text, view=view, allowed_mentions=NO_MENTIONS)
            await say(interaction, tr("The invitation is posted in the channel above."))
            return
        await interaction.edit_original_response(
            content=text, view=view, allowed_mentions=NO_MENTIONS
        )

    @app_commands.command(description="You play no more; what you wrote stays")
    async def leave(self, interaction: Interaction) -> None:
        """Leaves."""
        await play_quietly(interaction, Leave(), tr("You play no more; what you wrote stays."))

    @app_commands.command(description="Ends the story; it can be read and loaded again")
    async def end(self, interaction: Interaction) -> None:
        """Ends."""
        await play_quietly(interaction, End(), tr("The story is over."))

    @table.command(description="You play from now on")
    async def join(self, interaction: Interaction) -> None:
        """Joins."""
        await play_quietly(interaction, Join(), tr("You play along now."))

    @table.command(description="The turn passes to the next player")
    async def skip(self, interaction: Interaction) -> None:
        """One's own; for moderators anybody's."""
        await play_quietly(interaction, Skip(), tr("The turn has passed."))

    @table.command(description="No time runs, and nobody can write")
    async def pause(self, interaction: Interaction) -> None:
        """Pauses."""
        await play_quietly(interaction, Pause(), tr("The story waits."))

    @table.command(description="The story goes on after a pause")
    async def resume(self, interaction: Interaction) -> None:
        """Goes on."""
        await play_quietly(interaction, Resume(), tr("The story goes on."))

    @table.command(description="Removes a player, who may not come back")
    @app_commands.describe(member="Who")
    async def kick(self, interaction: Interaction, member: discord.User) -> None:
        """For moderators, and the one who began the story."""
        await play_quietly(interaction, Kick(member.id), tr("They play no more."))

    @table.command(description="For moderators: nobody can do anything in the story")
    async def lock(self, interaction: Interaction) -> None:
        """Locks."""
        await play_quietly(interaction, Lock(True), tr("The story is locked."))

    @table.command(description="For moderators: the story goes on")
    async def unlock(self, interaction: Interaction) -> None:
        """Unlocks."""
        await play_quietly(interaction, Lock(False), tr("The story is unlocked."))

    @table.command(description="Shows who plays, whose turn it is, and who may do what")
    async def status(self, interaction: Interaction) -> None:
        """As text, to the asker alone."""
        await defer(interaction, ephemeral=True)
        stories = stories_of(interaction.client)
        story, _ = await stories.look(await story_here(interaction), hand_of(interaction))
        mask = await stories.mask(story.guild_id)
        await say(interaction, mask(order_text(story)))
        await interaction.followup.send(
            help_text(story), ephemeral=True, allowed_mentions=NO_MENTIONS
        )

    @table.command(description="Posts the newest turn with its buttons anew")
    async def show(self, interaction: Interaction) -> None:
        """For when its message was deleted, or is far up."""
        await defer(interaction)
        story_id = await story_here(interaction)
        hand = hand_of(interaction, await answer_id(interaction))
        await show_turn(interaction, await stories_of(interaction.client).shown(story_id, hand))

    @table.command(description="Deletes a story with all its text, for good")
    @app_commands.describe(story="Which one, by title")
    @app_commands.autocomplete(story=story_choices)
    async def delete(self, interaction: Interaction, story: _Named) -> None:
        """For moderators, and the one who began it."""
        await defer(interaction, ephemeral=True)
        story_id = await story_named(interaction, story)
        faded = await stories_of(interaction.client).delete(story_id, hand_of(interaction))
        if faded is not None:
            await fade(interaction.client, faded)
        await say(interaction, tr("The story is deleted."))
