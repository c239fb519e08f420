"""A Redis Cluster that behaves like one node: the same errors, and a channel to listen to.

Made by `clients`. All keys of one script share a hash tag, so a call always has one node to go to.
"""

from typing import Any

from redis.asyncio.cluster import ClusterPubSub, RedisCluster
from redis.exceptions import (
    ClusterDownError,
    RedisClusterException,
    RedisError,
    SlotNotCoveredError,
)
from redis.exceptions import ConnectionError as RedisConnectionError


class ClusterClient(RedisCluster):
    """redis-py's cluster client, but every error is a RedisError.

    Its own error class is not one, and a cluster that has no primary for a slot just now is a
    server that is away: both would go past whoever tries again.
    """

    async def initialize(self, *args: Any, **kwargs: Any) -> "ClusterClient":
        """Asks the nodes which of them holds what, where that is not known."""
        try:
            await super().initialize(*args, **kwargs)
        except RedisClusterException as error:
            raise RedisConnectionError("no node of the cluster answers") from error
        return self

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """Sends a command to the node that holds its keys."""
        try:
            return await super().execute_command(*args, **kwargs)
        except (SlotNotCoveredError, ClusterDownError) as error:
            raise RedisConnectionError("no node of the cluster holds the key") from error
        except RedisClusterException as error:
            raise RedisError(str(error)) from error

    def pubsub(self, *args: Any, **kwargs: Any) -> ClusterPubSub:
        """A subscription at one node; what is published anywhere reaches all nodes."""
        return _Subscription(self, *args, **kwargs)


class _Subscription(ClusterPubSub):
    """Finds its node by itself, also before the first command and after a node was lost."""

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        if self.connection is None and len(args) > 1:
            # A command makes the client look for its nodes and notice that one is gone;
            # subscribing does neither.
            await self.cluster.execute_command("EXISTS", args[1])
        return await super().execute_command(*args, **kwargs)
