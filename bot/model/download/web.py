"""Requests of downloads: proxies, the token, redirects, time-outs, and trying again.

Used by `download_file` and `download_plan`. Each hop of a redirect is a request of its own, so that
what belongs to one host (the token, a proxy) never reaches another. Logs nothing.
"""

import asyncio
import random
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import TypeVar
from urllib.parse import urlsplit

import aiohttp
import aiohttp_socks

from bot import __version__
from bot.errors import DownloadError, UnreachableError
from bot.model.download.proxies import Proxy, ProxyRules
from bot.model.download.rules import (
    MAX_WAIT_S,
    REDIRECTS,
    RETRIED,
    follow,
    may_carry_token,
    parse_retry_after,
    refusal,
    retry_wait_s,
)

_MAX_HOPS = 6
_PROGRESS_BYTES = 1 << 20  # fewer bytes than these do not count as an end of the trouble
_USER_AGENT = f"bardling/{__version__}"
_SOCKS = {
    "socks4": aiohttp_socks.ProxyType.SOCKS4,
    "socks4a": aiohttp_socks.ProxyType.SOCKS4,
    "socks5": aiohttp_socks.ProxyType.SOCKS5,
    "socks5h": aiohttp_socks.ProxyType.SOCKS5,
}
Result = TypeVar("Result")


class BrokenOffError(Exception):
    """A request came to nothing, and trying again may help; never leaves this room.

    Attributes:
        reason: a clause.
        retry_after_s: what the server asks to wait, if it does.
        gained: bytes that came before.
    """

    def __init__(self, reason: str, retry_after_s: float | None = None, gained: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.gained = gained


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Time and chance, handed in by tests.

    Attributes:
        sleep: waits some seconds.
        jitter: a number from 0 to 1.
        now: the time of day.
        connect_s: the longest wait for a connection.
        silence_s: the longest wait for the next byte.
    """

    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    connect_s: float = 30.0
    silence_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A token and the only place it belongs to."""

    token: str = field(repr=False)
    url: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its body still to come.

    Attributes:
        first: headers of the first hop, the source's own.
        response: the last hop's.
    """

    first: Mapping[str, str]
    response: aiohttp.ClientResponse


class Web:
    """Opens addresses; used as a context manager, which closes all connections."""

    def __init__(self, proxies: ProxyRules, credential: Credential | None, pace: Pace) -> None:
        self._proxies = proxies
        self._credential = credential
        self._sessions: dict[Proxy | None, aiohttp.ClientSession] = {}
        self._closing = AsyncExitStack()
        self.pace = pace

    async def __aenter__(self) -> "Web":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._closing.aclose()

    @asynccontextmanager
    async def get(
        self, name: str, url: str, headers: Mapping[str, str], accepted: frozenset[int]
    ) -> AsyncGenerator[Answer]:
        """The answer to a GET; its body is read within.

        Args:
            name: what a message calls it.
            url: where it is; redirects are followed.
            headers: sent to every hop.
            accepted: the statuses that are an answer.

        Raises:
            BrokenOffError: trying again may help.
            DownloadError: it would not.
        """
        host = urlsplit(url).hostname
        try:
            first: Mapping[str, str] | None = None
            for _ in range(_MAX_HOPS):
                async with await self._send(url, headers) as response:
                    first = response.headers if first is None else first
                    if response.status in accepted:
                        yield Answer(first, response)
                        return
                    if response.status not in REDIRECTS:
                        raise self._refused(name, url, response)
                    url = follow(url, response.headers.get("Location", ""))
            raise DownloadError(name, f"{host} redirects without end")
        except aiohttp.ClientHttpProxyError as error:
            if error.status in RETRIED:
                raise BrokenOffError(f"the proxy answers {error.status}") from error
            reason = refusal(error.status, has_token=False).replace("the server", "the proxy")
            raise DownloadError(name, reason) from error
        except (aiohttp.ClientSSLError, ValueError) as error:
            raise DownloadError(name, _plain(error)) from error
        except (
            aiohttp.ClientError,
            aiohttp_socks.ProxyError,
            aiohttp_socks.ProxyConnectionError,
            aiohttp_socks.ProxyTimeoutError,
            TimeoutError,
            OSError,
        ) as error:
            raise BrokenOffError(_plain(error)) from error

    async def _send(self, url: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        """One request; nothing is followed, and only the credential's own host sees it."""
        proxy = self._proxies.choose(url)
        sent = dict(headers) | {"User-Agent": _USER_AGENT}
        if self._credential and may_carry_token(url, self._credential.url):
            sent["Authorization"] = f"Bearer {self._credential.token}"
        session = self._session(proxy)
        if proxy is None or proxy.is_socks:
            return await session.get(url, headers=sent, allow_redirects=False)
        if url.startswith("http:"):  # no tunnel, the proxy reads the request itself
            sent |= proxy.headers
        return await session.get(
            url, headers=sent, allow_redirects=False, proxy=proxy.url, proxy_headers=proxy.headers
        )

    def _session(self, proxy: Proxy | None) -> aiohttp.ClientSession:
        key = proxy if proxy and proxy.is_socks else None
        if key not in self._sessions:
            timeout = aiohttp.ClientTimeout(
                total=None,  # a download may take hours; silence ends it
                connect=self.pace.connect_s,
                sock_connect=self.pace.connect_s,
                sock_read=self.pace.silence_s,
            )
            session = aiohttp.ClientSession(
                connector=_connector(key),
                timeout=timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
            self._closing.push_async_callback(session.close)
            self._sessions[key] = session
        return self._sessions[key]

    def _refused(
        self, name: str, url: str, response: aiohttp.ClientResponse
    ) -> BrokenOffError | DownloadError:
        if response.status in RETRIED:
            wait_s = parse_retry_after(response.headers.get("Retry-After"), self.pace.now())
            return BrokenOffError(f"{urlsplit(url).hostname} answers {response.status}", wait_s)
        has_token = bool(self._credential and may_carry_token(url, self._credential.url))
        return DownloadError(name, refusal(response.status, has_token=has_token))


async def persist(
    name: str, attempt: Callable[[], Awaitable[Result]], pace: Pace, note: Callable[[str], None]
) -> Result:
    """Tries until it works, within bounds.

    Raises:
        UnreachableError: it did not, too often in a row.
        DownloadError: it never will.
    """
    failures = 0
    while True:
        try:
            return await attempt()
        except BrokenOffError as error:
            failures = 1 if error.gained >= _PROGRESS_BYTES else failures + 1
            wait_s = retry_wait_s(failures, error.retry_after_s, pace.jitter())
            if wait_s is None:
                raise UnreachableError(_given_up(name, error)) from error
            note(f"{name}: {error.reason}; trying again in {wait_s:.0f} s")
            await pace.sleep(wait_s)


def _given_up(name: str, error: BrokenOffError) -> str:
    reason = error.reason
    if error.retry_after_s and error.retry_after_s > MAX_WAIT_S:
        reason += f" and asks to wait {error.retry_after_s / 60:.0f} min"
    return f"{name} can't be downloaded now: {reason}; the same command goes on with what is there."


def _connector(proxy: Proxy | None) -> aiohttp.TCPConnector:
    # Its own, as aiohttp makes one when it is imported: SSL_CERT_FILE may be set later.
    trust = ssl.create_default_context()
    if proxy is None:
        return aiohttp.TCPConnector(ssl=trust)
    return aiohttp_socks.ProxyConnector(
        host=proxy.host,
        port=proxy.port,
        proxy_type=_SOCKS[proxy.scheme],
        username=proxy.user,
        password=proxy.password,
        rdns=proxy.scheme != "socks4",  # the proxy looks names up, but in the protocol that can't
        ssl=trust,
    )


def _plain(error: BaseException) -> str:
    """A clause without addresses: those of redirects may hold signatures."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            text = f"the certificate of {error.host} can't be trusted (SSL_CERT_FILE names others)"
        case ssl.SSLCertVerificationError():  # as it comes through SOCKS
            text = "the server's certificate can't be trusted (SSL_CERT_FILE names others)"
        case aiohttp.ClientProxyConnectionError() | aiohttp_socks.ProxyConnectionError():
            text = "the proxy can't be reached"
        case aiohttp_socks.ProxyError():
            text = f"the proxy refuses ({error})"
        case aiohttp.ClientConnectorError():
            text = f"{error.host} can't be reached ({error.strerror or error.os_error})"
        case TimeoutError() | aiohttp_socks.ProxyTimeoutError():
            text = "nothing came for too long"
        case aiohttp.ClientConnectionError() | aiohttp.ClientPayloadError() | OSError():
            text = "the connection broke off"
        case ValueError() if not isinstance(error, aiohttp.ClientError):
            text = str(error)
        case _:
            text = f"the answer makes no sense ({type(error).__name__})"
    return text
