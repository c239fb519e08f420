"""Where Discord is: the real one, or a local one that speaks the same protocol."""

from urllib.parse import urlsplit

import discord.gateway
import discord.http
import yarl


def use_endpoints(api_url: str, gateway_url: str | None) -> None:
    """Points discord.py of this process at an API and a gateway.

    discord.py has no setting for either; both are class attributes that its REST client, its
    webhooks and its gateway read at every use.

    Args:
        api_url: ends in `/api/v10`.
        gateway_url: a WebSocket address, or None for Discord's own.
    """
    discord.http.Route.BASE = api_url
    if gateway_url is not None:
        discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)


def host_of(url: str) -> str:
    """The host and port of an address, to name it in a sentence without any secret."""
    return urlsplit(url).netloc.rpartition("@")[2]
