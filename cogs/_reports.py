"""What a report looks like on its way: its form, and the button with which a moderator undoes it.

Not an extension; `cogs.reports` takes the answers and catches the clicks.
"""

import discord

from bot.core.buttons import Rows
from bot.core.reports import MAX_REASON
from bot.language import tr
from cogs._forms import Field, show_form

_Interaction = discord.Interaction[discord.Client]
REPORT_TEMPLATE = (
    r"bardling:reported:(?P<code>[0-9A-Z]{1,20}):(?P<channel>[0-9]{1,20}):(?P<message>[0-9]{1,20})"
)
HIDDEN_TEMPLATE = (
    r"bardling:(?P<do>hide|show):(?P<code>[0-9A-Z]{1,20})"
    r":(?P<channel>[0-9]{1,20}):(?P<message>[0-9]{1,20})"
)


async def show_report_form(interaction: _Interaction, code: str, message_id: int) -> None:
    """Asks for a reason, which may be left out."""
    reason = Field(
        id="reason",
        label=tr("What is wrong with it?"),
        description=tr("The moderators here and the host of this bot read it. May be left empty"),
        is_long=True,
        max_length=MAX_REASON,
    )
    custom_id = f"bardling:reported:{code}:{interaction.channel_id or 0}:{message_id}"
    await show_form(interaction, tr("Report this text"), custom_id, [reason])


def hidden_row(code: str, channel_id: int, message_id: int, *, is_hidden: bool) -> Rows:
    """The button under a report in the log channel; its id matches `HIDDEN_TEMPLATE`."""
    do, label = ("show", tr("Show it again")) if is_hidden else ("hide", tr("Hide it"))
    button = {
        "type": 2,
        "style": 2,
        "label": label,
        "custom_id": f"bardling:{do}:{code}:{channel_id}:{message_id}",
    }
    return [{"type": 1, "components": [button]}]
