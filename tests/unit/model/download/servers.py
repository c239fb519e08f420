"""What downloads meet, on loopback: a hub with bad days, an HTTP proxy, a SOCKS proxy."""

import asyncio
import contextlib
import hashlib
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


@dataclass
class Hub:
    """Serves files by name with ranges, and its faults first, each once.

    Attributes:
        files: content by name.
        faults: taken from the front, one for each request of `file`.
        sizes: what the listing says instead of the truth.
        seen: method, path and headers of each request.
    """

    files: dict[str, bytes]
    file: str = "model.safetensors"
    faults: list[Fault] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    seen: list[web.Request] = field(default_factory=list)
    url: str = ""

    def requests(self, name: str | None = None) -> list[web.Request]:
        """Those of one file."""
        return [r for r in self.seen if r.path.endswith("/" + (name or self.file))]

    async def listing(self, request: web.Request) -> web.Response:
        """As the hub's API answers with `blobs=true`."""
        self.seen.append(request)
        siblings = [
            {
                "rfilename": name,
                "size": self.sizes.get(name, len(content)),
                "lfs": {
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "size": self.sizes.get(name, len(content)),
                },
            }
            for name, content in self.files.items()
        ]
        return web.json_response({"sha": COMMIT, "siblings": siblings})

    async def content(self, request: web.Request) -> web.StreamResponse:
        """A file or the rest of it."""
        self.seen.append(request)
        name = request.path.rsplit("/", 1)[1]
        if name == self.file and self.faults:
            answer = await self.faults.pop(0)(request)
            if answer is not None:
                return answer
        if name not in self.files:
            return web.Response(status=404)
        return ranged(request, self.files[name])


def etag_of(content: bytes) -> str:
    """A strong one."""
    return f'"{hashlib.md5(content).hexdigest()}"'


def ranged(request: web.Request, content: bytes) -> web.Response:
    """RFC 9110: 206 for a range whose If-Range still holds, 416 beyond the end, else 200."""
    headers = {"ETag": etag_of(content)}
    match = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
    condition = request.headers.get("If-Range", headers["ETag"])
    if not match or condition != headers["ETag"]:
        return web.Response(body=content, headers=headers)
    start = int(match[1])
    if start >= len(content):
        headers["Content-Range"] = f"bytes */{len(content)}"
        return web.Response(status=416, headers=headers)
    headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
    return web.Response(status=206, body=content[start:], headers=headers)


@asynccontextmanager
async def serving(hub: Hub, tls: ssl.SSLContext | None = None) -> AsyncIterator[Hub]:
    """The hub at `hub.url`."""
    app = web.Application()
    app.router.add_get("/api/models/{owner}/{name}/revision/main", hub.listing)
    app.router.add_get("/{path:.*}", hub.content)
    server = TestServer(app, scheme="https" if tls else "http")
    await server.start_server(ssl=tls)
    try:
        hub.url = str(server.make_url("")).rstrip("/")
        yield hub
    finally:
        await server.close()


def breaks_off(content: bytes, after: int) -> Fault:
    """Promises all, sends some, hangs up."""

    async def fault(request: web.Request) -> web.StreamResponse:
        headers = {"ETag": etag_of(content), "Content-Length": str(len(content))}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        await response.write(content[:after])
        await asyncio.sleep(0)
        assert request.transport is not None
        request.transport.close()
        return response

    return fault


def answers(status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> Fault:
    """One fixed answer."""

    async def fault(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers, body=body)

    return fault


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(ConnectionError, OSError):
        writer.close()


async def _join(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int, head: bytes
) -> None:
    there, back = await asyncio.open_connection(host, port)
    try:
        back.write(head)
        await asyncio.gather(_pump(reader, back), _pump(there, writer))
    finally:
        back.close()
        with contextlib.suppress(ConnectionError, OSError):
            await back.wait_closed()


@dataclass
class ProxyLog:
    """What a proxy was asked for."""

    url: str = ""
    heads: list[bytes] = field(default_factory=list)
    targets: list[tuple[str, int]] = field(default_factory=list)


@asynccontextmanager
async def _listening(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    tasks: set[asyncio.Task[None]] = set()

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await handle(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(run, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def http_proxy(
    user: str | None = None, tunnel_port: int | None = None
) -> AsyncIterator[ProxyLog]:
    """Forwards requests with an absolute address.

    Args:
        user: which user and password it wants, already in base64.
        tunnel_port: where on this machine each CONNECT leads; without one it is forbidden.
    """
    log = ProxyLog()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        log.heads.append(head)
        if user is not None and f"Proxy-Authorization: Basic {user}".encode() not in head:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        tunnel = re.match(rb"CONNECT ([^:]+):(\d+) HTTP/1.1\r\n", head)
        if tunnel and tunnel_port:
            log.targets.append((tunnel[1].decode(), int(tunnel[2])))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _join(reader, writer, "127.0.0.1", tunnel_port, b"")
            return
        match = re.match(rb"GET http://([^/:]+):(\d+)(/\S*) HTTP/1.1\r\n", head)
        if match is None:
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        log.targets.append((match[1].decode(), int(match[2])))
        rest = re.sub(rb"(?im)^Proxy-Authorization:.*\r\n", b"", head[match.end() :])
        forwarded = b"GET " + match[3] + b" HTTP/1.1\r\nConnection: close\r\n" + rest
        await _join(reader, writer, match[1].decode(), int(match[2]), forwarded)

    async with _listening(handle) as port:
        log.url = f"http://127.0.0.1:{port}"
        yield log


@asynccontextmanager
async def socks_proxy(tunnel_port: int | None = None) -> AsyncIterator[ProxyLog]:
    """SOCKS 5 without a password (RFC 1928); leads to the port asked for, on this machine."""
    log = ProxyLog()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, n_methods = await reader.readexactly(2)
        await reader.readexactly(n_methods)
        writer.write(b"\x05\x00")
        _, _, _, kind = await reader.readexactly(4)
        if kind == 3:
            (length,) = await reader.readexactly(1)
            host = (await reader.readexactly(length)).decode()
        else:
            host = ".".join(str(byte) for byte in await reader.readexactly(4))
        port = int.from_bytes(await reader.readexactly(2), "big")
        log.targets.append((host, port))
        writer.write(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
        await _join(reader, writer, "127.0.0.1", port, b"")

    async with _listening(handle) as port:
        log.url = f"socks5://127.0.0.1:{port}"
        yield log
