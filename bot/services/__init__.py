"""What the cogs may ask for: rules and stores behind one object, without Discord or Redis in sight.

Built by `app` around the queues and the stores; called by cogs. Each part is one topic.
"""

from dataclasses import dataclass

from bot.services.farewells import Farewells
from bot.services.host import HostService
from bot.services.limits import LimitsService
from bot.services.outputs import OutputsService
from bot.services.play import PlayService
from bot.services.privacy import PrivacyService
from bot.services.receipts import ReceiptsService
from bot.services.reports import ReportsService
from bot.services.servers import ServersService
from bot.services.stories import StoriesService
from bot.services.texts import TextService
from bot.services.usage import UsageService
from bot.services.waiting import WaitingBoard
from bot.services.xrays import XrayService


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The operations behind the commands.

    Attributes:
        texts: ask for a text, stop one.
        board: keeps the replies of waiting texts up to date.
        farewells: tells askers whose waiting texts the host had dropped.
        limits: who may use how much.
        servers: what a server's admins decide.
        usage: what was used.
        host: what the bot's owners decide.
        outputs: what members do with finished texts.
        play: scored games.
        reports: texts that should not be there.
        stories: story games.
        xrays: how predictable texts are.
        receipts: whether a text is the bot's, and what makes it again.
        privacy: what is kept of a member.
    """

    texts: TextService
    board: WaitingBoard
    farewells: Farewells
    limits: LimitsService
    servers: ServersService
    usage: UsageService
    host: HostService
    outputs: OutputsService
    play: PlayService
    reports: ReportsService
    stories: StoriesService
    xrays: XrayService
    receipts: ReceiptsService
    privacy: PrivacyService
