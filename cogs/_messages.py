"""Which finished text a message of the bot shows, for the menus on messages.

Not an extension.
"""

import discord

from bot.core.buttons import shown_version
from bot.core.outputs import Output
from bot.core.receipts import read_receipt, split_label
from bot.core.replies import UNFINISHED_MARK
from bot.errors import OutputError
from bot.language import mark, tr
from bot.services.outputs import OutputsService
from cogs._texts import rows_of

_Interaction = discord.Interaction[discord.Client]
_GONE = mark("Nothing is kept of this message any more, or it never was a finished text of mine.")
_UNFINISHED = mark("This text is still being written; please wait until it is finished.")


def is_own(message: discord.Message, interaction: _Interaction) -> bool:
    """Whether the bot wrote it."""
    user = interaction.client.user
    return message.application_id == interaction.application_id or (
        user is not None and message.author.id == user.id
    )


async def output_of(message: discord.Message, outputs: OutputsService) -> Output:
    """The text that a message of the bot shows, or a part of it.

    Found by its buttons, the receipt in its last line, or the command that it answers.

    Raises:
        OutputError: it is not finished, or nothing is kept of it.
        QueueDownError: the store can't be reached.
    """
    if message.content.endswith(UNFINISHED_MARK):
        raise OutputError(tr(_UNFINISHED))
    if shown := shown_version(rows_of(message)):
        return (await outputs.at(*shown)).output
    receipt = split_label(message.content)[1] or read_receipt(message.content.rpartition(" · ")[2])
    found = await outputs.find(receipt.code) if receipt else None
    if found is None and (command := message.interaction_metadata):
        found = await outputs.first_of(str(command.id))
    if found is None:
        raise OutputError(tr(_GONE))
    return found


def reply_id_of(message: discord.Message) -> int:
    """The message that has the buttons: of a further one, the reply that it belongs to."""
    command = message.interaction_metadata
    return (command.original_response_message_id if command else None) or message.id
