"""Puts the services together over their stores. Called by `app`, and by tests over memory twins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.core.limits import HostLimits
from bot.services import Services
from bot.services.farewells import Farewells, Replies
from bot.services.host import HostService
from bot.services.ledger import Ledger
from bot.services.limits import LimitsService
from bot.services.outputs import OutputParts, OutputsService
from bot.services.play import PlayParts, PlayService
from bot.services.play_data import KeptResults
from bot.services.pools import Pools
from bot.services.privacy import (
    KeptOutputs,
    KeptReports,
    KeptXrays,
    LimitCounters,
    NotedRequests,
    PrivacyService,
)
from bot.services.receipts import ReceiptsService
from bot.services.reports import ReportsService
from bot.services.servers import ServersService
from bot.services.stories import StoriesService, StoryParts
from bot.services.story_data import KeptStories
from bot.services.story_toolbox import story_tools
from bot.services.texts import TextParts, TextService
from bot.services.usage import UsageService
from bot.services.waiting import Pace, WaitingBoard
from bot.services.xrays import XrayService
from bot.state.limits_api import LimitsStore
from bot.state.outputs_api import OutputsStore
from bot.state.reports_api import ReportsStore
from bot.state.sessions_api import SessionsStore
from bot.state.settings_api import SettingsStore
from bot.state.stories_api import StoriesStore
from bot.state.usage_api import UsageStore
from bot.state.xray_texts_api import XrayTextsStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Where everything is kept.

    Attributes:
        pools: the queues of all models.
        limits: rules and how much of them is used.
        settings: what servers and the host decide.
        usage: what was used.
        outputs: finished texts.
        reports: which of them should not be there.
        sessions: scored games.
        stories: story games.
        xray_texts: X-rays as text.
    """

    pools: Pools
    limits: LimitsStore
    settings: SettingsStore
    usage: UsageStore
    outputs: OutputsStore
    reports: ReportsStore
    sessions: SessionsStore
    stories: StoriesStore
    xray_texts: XrayTextsStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """What the host decides about what is kept.

    Attributes:
        receipt_keys: sign the receipts under them, the newest first.
        keep_days: how long they are kept.
        privacy_url: of the host's own privacy policy, or "".
        stories_per_server: that are kept; in direct messages of each user.
    """

    receipt_keys: Sequence[bytes] = ()
    keep_days: int = 30
    privacy_url: str = ""
    stories_per_server: int = 50


_USUAL = Keeping()


def build_services(
    stores: Stores,
    host_limits: HostLimits,
    *,
    clock: Callable[[], float],
    new_seed: Callable[[], int],
    replies: Replies,
    pace: Pace | None = None,
    keeping: Keeping = _USUAL,
) -> Services:
    """All services of a bot process.

    Args:
        stores: where everything is kept.
        host_limits: what the host sets for all servers.
        clock: gives Unix time in seconds.
        new_seed: gives a random seed for a request that names none.
        replies: edits replies that another process may look after.
        pace: how often the replies of waiting texts are edited; None = as usual.
        keeping: what becomes of finished texts.
    """
    limits = LimitsService(stores.limits, host_limits)
    servers = ServersService(stores.settings, clock, stores.pools.served)
    usage = UsageService(stores.usage, clock=clock)
    ledger = Ledger(stores.limits, stores.usage)
    farewells = Farewells(ledger, replies)
    parts = TextParts(
        pools=stores.pools,
        servers=servers,
        limits=limits,
        usage=usage,
        ledger=ledger,
    )
    texts = TextService(parts, clock=clock, new_seed=new_seed)
    output_parts = OutputParts(
        outputs=stores.outputs,
        reports=stores.reports,
        texts=texts,
        servers=servers,
        pools=stores.pools,
    )
    play_parts = PlayParts(store=stores.sessions, texts=texts, servers=servers, pools=stores.pools)
    story_parts = StoryParts(store=stores.stories, texts=texts, servers=servers, pools=stores.pools)
    return Services(
        texts=texts,
        board=WaitingBoard(stores.pools, pace=pace),
        farewells=farewells,
        limits=limits,
        servers=servers,
        usage=usage,
        host=HostService(stores.pools, servers, farewells),
        outputs=OutputsService(output_parts, receipt_keys=keeping.receipt_keys),
        play=PlayService(play_parts, clock=clock, new_seed=new_seed),
        reports=ReportsService(stores.reports, stores.outputs, servers, clock),
        stories=StoriesService(
            story_parts,
            story_tools(),
            clock=clock,
            new_seed=new_seed,
            most_per_guild=keeping.stories_per_server,
        ),
        xrays=XrayService(texts, stores.xray_texts, clock=clock),
        receipts=ReceiptsService(stores.outputs, servers, keys=keeping.receipt_keys, clock=clock),
        privacy=PrivacyService(
            (
                KeptOutputs(stores.outputs),
                KeptXrays(stores.xray_texts, keeping.keep_days),
                KeptReports(stores.reports),
                KeptStories(stores.stories),
                KeptResults(stores.sessions),
                NotedRequests(stores.usage),
                LimitCounters(stores.limits),
            ),
            clock=clock,
            keep_days=keeping.keep_days,
            privacy_url=keeping.privacy_url,
        ),
    )
