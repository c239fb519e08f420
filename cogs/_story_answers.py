"""How cogs get at the stories, and make an answer look like a living message.

Not an extension (the name starts with an underscore). Apart from `_story`, because the Stop button
needs it, too.
"""

import contextlib
import io

import discord

from bot.core.replies import FILE_NAME, ReplyMessage
from bot.errors import StoryError
from bot.services.stories import StoriesService
from cogs._access import NO_MENTIONS, services_of
from cogs._pages import view_of

Interaction = discord.Interaction[discord.Client]


def stories_of(client: discord.Client) -> StoriesService:
    """The stories that `app` handed to the bot.

    Raises:
        TypeError: the cog was loaded into a bot that has none.
    """
    return services_of(client).stories


async def edit_answer(interaction: Interaction, message: ReplyMessage) -> None:
    """Makes the answer, or the message that was clicked, look like this one."""
    await interaction.edit_original_response(
        content=message.content,
        view=view_of(message.components),
        attachments=files_of(message),
        allowed_mentions=NO_MENTIONS,
    )


def files_of(message: ReplyMessage) -> list[discord.File]:
    """The files of a message."""
    files: list[discord.File] = []
    if message.file_text is not None:
        content = io.BytesIO(message.file_text.encode(errors="replace"))
        files.append(discord.File(content, FILE_NAME))
    if (picture := message.picture) is not None:
        shown = io.BytesIO(picture.png)
        files.append(discord.File(shown, picture.name, description=picture.description))
    return files


async def show_stopped_story(interaction: Interaction, job_id: str) -> bool:
    """A job was stopped in line: shows its story again, if it was one's; else False."""
    try:
        stories = stories_of(interaction.client)
    except TypeError:
        return False
    played = None
    with contextlib.suppress(StoryError):
        played = await stories.events.stopped(interaction.channel_id or 0, job_id)
    if played is None or played.message is None:
        return False
    await edit_answer(interaction, played.message)
    return True
