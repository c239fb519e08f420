"""Puts the services together over their stores. Called by `app`, and by tests over memory twins."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.core.limits import HostLimits
from bot.services import Services
from bot.services.farewells import Farewells, Replies
from bot.services.host import HostService
from bot.services.ledger import Ledger
from bot.services.limits import LimitsService
from bot.services.pools import Pools
from bot.services.servers import ServersService
from bot.services.texts import TextParts, TextService
from bot.services.usage import UsageService
from bot.services.waiting import Pace, WaitingBoard
from bot.state.limits_api import LimitsStore
from bot.state.settings_api import SettingsStore
from bot.state.usage_api import UsageStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Where everything is kept.

    Attributes:
        pools: the queues of all models.
        limits: rules and how much of them is used.
        settings: what servers and the host decide.
        usage: what was used.
    """

    pools: Pools
    limits: LimitsStore
    settings: SettingsStore
    usage: UsageStore


def build_services(
    stores: Stores,
    host_limits: HostLimits,
    *,
    clock: Callable[[], float],
    new_seed: Callable[[], int],
    replies: Replies,
    pace: Pace | None = None,
) -> Services:
    """All services of a bot process.

    Args:
        stores: where everything is kept.
        host_limits: what the host sets for all servers.
        clock: gives Unix time in seconds.
        new_seed: gives a random seed for a request that names none.
        replies: edits replies that another process may look after.
        pace: how often the replies of waiting texts are edited; None = as usual.
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
    return Services(
        texts=TextService(parts, clock=clock, new_seed=new_seed),
        board=WaitingBoard(stores.pools, pace=pace),
        farewells=farewells,
        limits=limits,
        servers=servers,
        usage=usage,
        host=HostService(stores.pools, servers, farewells),
    )
