"""What is said where Discord has closed a reply before its text was there.

The worker posts it to the channel, see `bot.worker.late_reply`.
"""

from dataclasses import replace

from bot.core.markdown import MAX_MESSAGE, length
from bot.core.replies import ReplyMessage

MOVED = "This text took longer than Discord keeps a reply open; it is further below."


def for_asker(user_id: int, message: ReplyMessage) -> tuple[ReplyMessage, ...]:
    """A message that names whom it is for: one, or two where there is no room for the name."""
    lead = f"-# For <@{user_id}>, whose reply Discord had closed before this was there."
    content = f"{lead}\n{message.content}"
    if length(content) <= MAX_MESSAGE:
        return (replace(message, content=content),)
    return ReplyMessage(content=lead), message
