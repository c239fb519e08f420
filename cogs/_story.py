"""What the `/story` commands and buttons share: who acts where, and how what comes of it is shown.

Not an extension (the name starts with an underscore).
"""

import discord
import structlog

from bot.core.replies import ReplyMessage
from bot.errors import RequestError, StoryError
from bot.language import tr
from bot.services.story_hands import Faded, Hand, Played, Seen, unknown_story
from bot.stories.moves import Move
from cogs._access import NO_MENTIONS, services_of
from cogs._first_answer import defer
from cogs._pages import view_of
from cogs._story_answers import Interaction, edit_answer, files_of, stories_of
from cogs._texts import click_of, notice_in, watch, watch_version

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def hand_of(interaction: Interaction, message_id: int = 0) -> Hand:
    """Who acts; `message_id` is of their public answer, where it is to be the living message."""
    return Hand(
        click=click_of(interaction), name=interaction.user.display_name, message_id=message_id
    )


async def story_here(interaction: Interaction) -> str:
    """The story of this channel or thread.

    Raises:
        StoryError: none is played here.
    """
    return await stories_of(interaction.client).here(interaction.channel_id or 0)


async def story_named(interaction: Interaction, named: str | None) -> str:
    """A story by its id or title, as the list has it; None = the one that is played here.

    Raises:
        StoryError: there is none, or it is played where they may not read.
    """
    if named is None:
        return await story_here(interaction)
    wanted = " ".join(named.split()).casefold()
    for one in await stories_of(interaction.client).summaries(hand_of(interaction)):
        if wanted in {one.story_id, one.title.casefold()} and may_see(
            interaction, one.channel_id, one.owner_id
        ):
            return one.story_id
    raise unknown_story()


def may_see(interaction: Interaction, channel_id: int, owner_id: int) -> bool:
    """Whether they may read what was written in a channel.

    Where it is gone, or not known to this process, those may who began the story or moderate.
    """
    if channel_id == interaction.channel_id or owner_id == interaction.user.id:
        return True
    guild, member = interaction.guild, interaction.user
    place = guild.get_channel_or_thread(channel_id) if guild is not None else None
    if place is None or not isinstance(member, discord.Member):
        return interaction.guild_id is not None and interaction.permissions.manage_messages
    try:
        return place.permissions_for(member).view_channel
    except discord.ClientException:  # a thread whose channel is not known
        return False


async def answer_id(interaction: Interaction) -> int:
    """The id of the public answer that was deferred."""
    return (await interaction.original_response()).id


async def play_publicly(
    interaction: Interaction, move: Move, *, story_id: str | None = None, seen: Seen | None = None
) -> None:
    """A move that makes a new turn: its answer becomes the living message."""
    await defer(interaction)
    found = story_id or await story_here(interaction)
    structlog.contextvars.bind_contextvars(job_id=str(interaction.id), story_id=found)
    hand = hand_of(interaction, await answer_id(interaction))
    played = await stories_of(interaction.client).move(found, move, hand, seen=seen)
    await show_turn(interaction, played)


async def show_turn(interaction: Interaction, played: Played) -> None:
    """Shows a new turn in the deferred answer; what is for its maker alone comes apart."""
    if played.message is not None:
        await edit_answer(interaction, played.message)
    elif played.model:
        notice = notice_in(interaction, str(interaction.id))
        await watch(interaction, services_of(interaction.client), played.model, notice)
    else:
        await say(interaction, tr("The model is writing; its text comes where it was asked for."))
    if played.faded is not None:
        await fade(interaction.client, played.faded)
    told = str(played.refusal) if played.refusal is not None else played.notice
    if told:
        await interaction.followup.send(told, ephemeral=True, allowed_mentions=NO_MENTIONS)


async def play_quietly(
    interaction: Interaction, move: Move, done: str, *, story_id: str | None = None
) -> None:
    """A move that makes no text: its maker alone is answered, and the living message edited."""
    await defer(interaction, ephemeral=True)
    found = story_id or await story_here(interaction)
    played = await stories_of(interaction.client).move(found, move, hand_of(interaction))
    await refresh(interaction.client, played)
    await say(interaction, played.notice or done)


async def play_by_click(
    interaction: Interaction, story_id: str, move: Move, *, seen: Seen | None, done: str = ""
) -> None:
    """A click that makes no text: the living message changes in place.

    Args:
        interaction: nothing has answered it yet.
        story_id: of the button.
        move: what it means.
        seen: where the story stood when it was shown, where that matters.
        done: for the one who clicked, or "" where the message says enough.
    """
    await interaction.response.defer()
    played = await stories_of(interaction.client).move(
        story_id, move, hand_of(interaction), seen=seen
    )
    clicked = interaction.message.id if interaction.message else 0
    if clicked == played.story.message_id and played.message is not None:
        await edit_answer(interaction, played.message)
    else:
        await refresh(interaction.client, played)
    if told := played.notice or done:
        await interaction.followup.send(told, ephemeral=True, allowed_mentions=NO_MENTIONS)


async def play_in_place(interaction: Interaction, story_id: str, move: Move, seen: Seen) -> None:
    """A click that has the model write anew into the message that was clicked."""
    await interaction.response.defer()
    services = services_of(interaction.client)
    hand = hand_of(interaction, interaction.message.id if interaction.message else 0)
    played = await stories_of(interaction.client).move(story_id, move, hand, seen=seen)
    if played.message is not None:
        await edit_answer(interaction, played.message)
    if played.model:
        await watch_version(interaction, services, played.model)
    if told := played.notice:
        await interaction.followup.send(told, ephemeral=True, allowed_mentions=NO_MENTIONS)


async def refresh(client: discord.Client, played: Played) -> None:
    """Edits the living message by the bot's own token, where it can."""
    story = played.story
    if played.message is not None and story.message_id:
        await _edit(client, story.channel_id, story.message_id, played.message)
    if played.faded is not None:
        await fade(client, played.faded)


async def fade(client: discord.Client, faded: Faded) -> None:
    """Takes status lines and buttons off a message, where the bot can."""
    await _edit(client, faded.channel_id, faded.message_id, faded.message)


async def _edit(
    client: discord.Client, channel_id: int, message_id: int, message: ReplyMessage
) -> None:
    """What fails is left: the story is saved, and the next turn has a message of its own."""
    partial = client.get_partial_messageable(channel_id).get_partial_message(message_id)
    try:
        await partial.edit(
            content=message.content,
            view=view_of(message.components) if message.components else None,
            attachments=files_of(message),
            allowed_mentions=NO_MENTIONS,
        )
    except (discord.DiscordException, OSError) as error:
        _log.info("living message not edited", reason=type(error).__name__)


async def say(interaction: Interaction, text: str, *files: discord.File) -> None:
    """Answers a deferred command."""
    await interaction.edit_original_response(
        content=text, attachments=list(files), allowed_mentions=NO_MENTIONS
    )


async def story_choices(
    interaction: Interaction, current: str
) -> list[discord.app_commands.Choice[str]]:
    """Stories of this place whose title has what was typed."""
    try:
        found = await stories_of(interaction.client).summaries(hand_of(interaction))
    except RequestError:
        return []
    typed = current.casefold()
    return [
        discord.app_commands.Choice(name=(one.title or one.story_id)[:100], value=one.story_id)
        for one in found
        if (typed in one.title.casefold() or typed == one.story_id)
        and may_see(interaction, one.channel_id, one.owner_id)
    ][:25]


def letters_error() -> StoryError:
    """There is no such option."""
    return StoryError(tr("There is no such option in this vote."))
