"""Which proxy a request goes through: --proxy, or HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY.

Used by `download_web`. Pure: reads the mapping it is given. A proxy's password is never shown.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from bot.errors import SettingError

_PORTS = {
    "http": 80,
    "https": 443,
    "socks4": 1080,
    "socks4a": 1080,
    "socks5": 1080,
    "socks5h": 1080,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """One proxy; its user and password are kept out of every text."""

    scheme: str
    host: str
    port: int
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Its address without user and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS and not HTTP."""
        return self.scheme.startswith("socks")

    @property
    def headers(self) -> dict[str, str]:
        """What an HTTP proxy wants to see."""
        if self.user is None:
            return {}
        pair = f"{self.user}:{self.password or ''}".encode()
        return {"Proxy-Authorization": f"Basic {base64.b64encode(pair).decode()}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyRules:
    """What was said about proxies, not yet parsed: one that is not used may be wrong.

    Attributes:
        given: on the command line; then for every address.
        environment: values by upper-case name.
    """

    given: str | None
    environment: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, given: str | None, environment: Mapping[str, str]) -> "ProxyRules":
        """Rules of a command line and an environment; lower-case names win, as with curl."""
        found: dict[str, str] = {}
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
            found[name] = environment.get(name.lower()) or environment.get(name) or ""
        return cls(given=given, environment=found)

    def choose(self, url: str) -> Proxy | None:
        """The proxy for an address, None for none.

        Raises:
            SettingError: the proxy's own address makes no sense.
        """
        if self.given is not None:
            return parse_proxy(self.given, "--proxy", "the command line")
        parts = urlsplit(url)
        if _is_excepted(parts, self.environment["NO_PROXY"]):
            return None
        for name in (f"{parts.scheme.upper()}_PROXY", "ALL_PROXY"):
            if text := self.environment.get(name):
                return parse_proxy(text, name, "the environment")
        return None


def parse_proxy(text: str, name: str, origin: str) -> Proxy:
    """A proxy of its address; one without a scheme is http.

    Raises:
        SettingError: it makes no sense; the message does not repeat it, as it may hold a password.
    """
    address = text.strip() if "://" in text else f"http://{text.strip()}"
    parts, port = _split(address)
    if parts is None or parts.scheme not in _PORTS or not parts.hostname:
        reason = "must be an address that starts with http://, https://, socks5:// or socks4://"
        raise SettingError(name, "(not shown)", origin, reason)
    return Proxy(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
    )


def _is_excepted(url: SplitResult, no_proxy: str) -> bool:
    """Whether NO_PROXY names the host, a domain above it, or everything by "*"."""
    host = (url.hostname or "").rstrip(".")
    for entry in no_proxy.lower().replace(",", " ").split():
        name = entry.removesuffix(f":{url.port}").strip("[]").lstrip("*").lstrip(".")
        if entry == "*" or (name and (host == name or host.endswith(f".{name}"))):
            return True
    return False


def _split(address: str) -> tuple[SplitResult | None, int | None]:
    try:
        parts = urlsplit(address)
        return parts, parts.port
    except ValueError:
        return None, None
