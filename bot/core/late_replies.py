"""What is said where Discord has closed a reply before its text was there.

The worker posts it to the channel, see `bot.worker.late_reply`.
"""

from bot.core.replies import ReplyMessage
from bot.language import mark, tr

# Translated where it is used.
MOVED = mark("This text took longer than Discord keeps a reply open; it is further below.")


def late_lead(user_id: int) -> ReplyMessage:
    """Says whom the messages below are for. Apart from them: a receipt signs all that they say."""
    lead = tr("For {member}, whose reply Discord had closed before:", member=f"<@{user_id}>")
    return ReplyMessage(content=f"-# {lead}")
