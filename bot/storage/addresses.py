"""Reads the address of a Redis: one node, a set of sentinels, or a cluster.

Used by `connect`. What may be shown of an address is decided here too, for all of its forms.

    redis://[user:password@]host[:port][/db][?options]
    unix://[user:password@]/path/of/the.sock[?options]
    redis+sentinel://[user:password@]host[:port],host[:port]/service[/db][?options]
    redis+cluster://[user:password@]host[:port],host[:port][?options]

`rediss` in place of `redis` means TLS. Options are redis-py's, such as ssl_ca_certs; for sentinels
also sentinel_username and sentinel_password, where they want a login of their own.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, cast
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from redis.asyncio.connection import parse_url

from bot.errors import UnreachableError

_REDIS_PORT = 6379
_SENTINEL_PORT = 26379
_FILE_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_MADE_BY_US = ("host", "port", "connection_class")


class Kind(StrEnum):
    """How many servers there are, and who knows which one to ask."""

    NODE = "node"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


_KINDS = {
    "redis": Kind.NODE,
    "rediss": Kind.NODE,
    "unix": Kind.NODE,
    "redis+sentinel": Kind.SENTINEL,
    "rediss+sentinel": Kind.SENTINEL,
    "redis+cluster": Kind.CLUSTER,
    "rediss+cluster": Kind.CLUSTER,
}


@dataclass(frozen=True, slots=True)
class Address:
    """An address in its parts.

    Attributes:
        kind: of deployment.
        url: the whole address, secrets included.
        hosts: names and ports: of the node, the sentinels, or some nodes of the cluster; none for
            a unix socket.
        tls: whether connections are encrypted.
        service: what the sentinels call the primary; "" for other kinds.
        options: for redis-py's connections to Redis, login included.
        sentinel_login: username and password for the sentinels themselves.
    """

    kind: Kind
    url: str = field(repr=False)
    hosts: tuple[tuple[str, int], ...] = ()
    tls: bool = False
    service: str = ""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    sentinel_login: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


def read_address(url: str) -> Address:
    """The parts of an address.

    Raises:
        UnreachableError: it makes no sense, or names a file that can't be read; its text is not
            repeated, as it may hold a password.
    """
    try:
        parts, hosts = _parts(url)
        kind = _KINDS[parts.scheme]
        service, db = _path(kind, parts.path)
        options = _options(parts, hosts, db)
    except (ValueError, KeyError):  # its text may hold a piece of a password that broke the address
        raise UnreachableError("The address of Redis can't be understood.") from None
    _check_files(options)
    login = {name: options.pop(f"sentinel_{name}", None) for name in ("username", "password")}
    return Address(
        kind=kind,
        url=url,
        hosts=hosts,
        tls=parts.scheme.startswith("rediss"),
        service=service,
        options=options,
        sentinel_login={name: str(value) for name, value in login.items() if value is not None},
    )


def shown_address(url: str) -> str:
    """An address as it may be shown: no user, no password, no options."""
    try:
        parts, hosts = _parts(url)
    except ValueError:
        return "(an address that can't be understood)"
    if parts.scheme == "unix":
        return parts.path
    return ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in hosts)


def _parts(url: str) -> tuple[SplitResult, tuple[tuple[str, int], ...]]:
    """The address, split, and its hosts; ValueError where a sign in a password cut it short."""
    parts = urlsplit(url)
    if parts.query:
        parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
    if parts.scheme == "unix":
        return parts, ()
    if "@" in parts.path or "@" in parts.query or parts.fragment:
        raise ValueError("a sign in the password must be written as %XX")
    kind = _KINDS.get(parts.scheme, Kind.NODE)
    usual_port = _SENTINEL_PORT if kind is Kind.SENTINEL else _REDIS_PORT
    names = parts.netloc.rpartition("@")[2].split(",")
    if kind is Kind.NODE and len(names) > 1:
        raise ValueError("several hosts for one node")
    hosts: list[tuple[str, int]] = []
    for name in names:
        one = urlsplit(f"//{name}")
        host = one.hostname or ("localhost" if names == [""] and kind is Kind.NODE else "")
        if not host:
            raise ValueError("a host without a name")
        hosts.append((host, one.port or usual_port))
    return parts, tuple(hosts)


def _path(kind: Kind, path: str) -> tuple[str, str]:
    """The service and the number of the database, "" where not given."""
    if kind is Kind.NODE:
        return "", path.strip("/")
    pieces = [unquote(piece) for piece in path.strip("/").split("/")]
    if kind is Kind.CLUSTER:
        if pieces not in ([""], ["0"]):
            raise ValueError("a cluster has one database")
        return "", ""
    service, *rest = pieces
    if not service or len(rest) > 1 or not all(piece.isdigit() for piece in rest):
        raise ValueError("not a service and a database")
    return service, "".join(rest)


def _options(parts: SplitResult, hosts: tuple[tuple[str, int], ...], db: str) -> dict[str, Any]:
    """What redis-py makes of login, database and options."""
    if parts.scheme == "unix":
        single = parts.geturl()
    else:
        login, at, _ = parts.netloc.rpartition("@")
        host = f"[{hosts[0][0]}]" if ":" in hosts[0][0] else hosts[0][0]
        query = f"?{parts.query}" if parts.query else ""
        single = f"redis://{login}{at}{host}:{hosts[0][1]}/{db}{query}"
    options = cast("dict[str, Any]", parse_url(single))
    return {name: value for name, value in options.items() if name not in _MADE_BY_US}


def _check_files(options: Mapping[str, Any]) -> None:
    """Says which file is missing: redis-py would say that Redis is."""
    for name in _FILE_OPTIONS:
        path = options.get(name)
        if path is not None and not os.access(path, os.R_OK):
            raise UnreachableError(f"The file {path} ({name} of Redis' address) can't be read.")
