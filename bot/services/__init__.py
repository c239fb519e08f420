"""What the cogs may ask for: rules and stores behind one object, without Discord or Redis in sight.

Built by `app` around the queue and the stores; called by cogs. Each part is one topic.
"""

from dataclasses import dataclass

from bot.services.texts import TextService


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The operations behind the commands.

    Attributes:
        texts: put a text's job, say how busy it is, stop one.
    """

    texts: TextService
