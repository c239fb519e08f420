"""The pretended Discord behind the local one: every internal of SimCord is touched in this package.

`discord_server` and its fronts use `World`; it opens no socket. SimCord is young and none of this
is its public interface, so its version is pinned and nothing else in the project imports it.
"""

from bot.local.simcord_bridge.world import World

__all__ = ["World"]
