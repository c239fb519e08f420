"""How cogs show a version of a finished text, and take away what belonged to another one.

Not an extension.
"""

import contextlib
import io
from collections import deque

import discord

from bot.core.buttons import Rows
from bot.services.outputs import OutputsService, Page
from cogs._access import NO_MENTIONS

_Interaction = discord.Interaction[discord.Client]
# Messages that are deleted already: the record of a text goes on naming them.
_deleted: deque[int] = deque(maxlen=1000)


def view_of(rows: Rows) -> discord.ui.View:
    """Rows of buttons for discord.py, which is not to keep them: extensions catch the clicks."""
    view = discord.ui.View(timeout=None)
    for index, row in enumerate(rows):
        for one in row["components"]:
            emoji: dict[str, str] = one.get("emoji", {})
            view.add_item(
                discord.ui.Button(
                    style=discord.ButtonStyle(one["style"]),
                    label=one.get("label"),
                    emoji=emoji.get("name"),
                    custom_id=one["custom_id"],
                    disabled=one.get("disabled", False),
                    row=index,
                )
            )
    view.stop()
    return view


async def show_page(interaction: _Interaction, page: Page) -> None:
    """Makes the message that was clicked look like a version."""
    await interaction.edit_original_response(
        content=page.message.content,
        view=view_of(page.message.components),
        attachments=_files(page),
        allowed_mentions=NO_MENTIONS,
    )


async def edit_page(client: discord.Client, channel_id: int, message_id: int, page: Page) -> None:
    """Makes any message of the bot look like a version; its buttons stay.

    Raises:
        DiscordException: it can't be edited.
    """
    message = client.get_partial_messageable(channel_id).get_partial_message(message_id)
    await message.edit(
        content=page.message.content, attachments=_files(page), allowed_mentions=NO_MENTIONS
    )


async def drop_further(interaction: _Interaction, outputs: OutputsService, root: str) -> None:
    """Deletes the messages beside a reply that a long version took, where the bot can.

    What fails is left: a later click on the reply tries again.
    """
    if interaction.guild_id is not None and not interaction.is_guild_integration():
        return  # the bot is not in this server
    channel = interaction.client.get_partial_messageable(interaction.channel_id or 0)
    for message_id in await outputs.further_messages(root):
        if message_id in _deleted:
            continue
        with contextlib.suppress(discord.NotFound):
            try:
                await channel.get_partial_message(message_id).delete()
            except (discord.Forbidden, discord.DiscordServerError, OSError):
                continue
        _deleted.append(message_id)


def _files(page: Page) -> list[discord.File]:
    text = page.message.file_text
    if text is None:
        return []
    content = io.BytesIO(text.encode())
    return [discord.File(content, FILE_NAME, spoiler=page.is_hidden)]
