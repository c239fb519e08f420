"""Downloads through proxies, with and without TLS, on loopback."""

import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from bot.errors import DownloadError, StartupError, UnreachableError
from tests.unit.model.download.conftest import CONTENT, Run
from tests.unit.model.download.servers import (
    Hub,
    ProxyLog,
    http_proxy,
    serving,
    socks_proxy,
)


@pytest.mark.parametrize("how", ["option", "HTTP_PROXY", "all_proxy"])
async def test_http_proxy_is_used(hub: Hub, run: Run, how: str):
    """With its password, which only the proxy sees."""
    async with http_proxy(user=b64encode(b"me:pass").decode()) as proxy:
        address = proxy.url.replace("//", "//me:pass@")
        if how == "option":
            await run(hub, proxy=address)
        else:
            await run(hub, environment={how: address})

    run.assert_whole()
    assert 3 == len(proxy.targets)
    assert not any("Proxy-Authorization" in request.headers for request in hub.seen)


async def test_http_proxy_that_wants_a_password_says_so(hub: Hub, run: Run):
    """As a sentence, at once."""
    async with http_proxy(user="x") as proxy:
        with pytest.raises(DownloadError, match="the proxy wants a name and a password"):
            await run(hub, proxy=proxy.url)


async def test_tunnel_is_asked_for_with_the_password(hub: Hub, run: Run):
    """https goes through CONNECT; a proxy that forbids it is named."""
    async with http_proxy(user=b64encode(b"me:pass").decode()) as proxy:
        address = proxy.url.replace("//", "//me:pass@")
        with pytest.raises(DownloadError):
            await run(hub, mirror="https://hub.invalid", proxy=address)

    assert proxy.heads[0].startswith(b"CONNECT hub.invalid:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic " in proxy.heads[0]


@pytest.fixture
async def tls_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Hub]:
    """A hub that only a host's own authority vouches for, as behind many a company's proxy."""
    authority = trustme.CA()
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("hub.invalid").configure_cert(served)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    files = {"config.json": b"{}", "model.safetensors": CONTENT}
    async with serving(Hub(files=files), served) as hub:
        yield hub


@pytest.mark.parametrize("open_proxy", [http_proxy, socks_proxy])
async def test_tls_through_a_proxy_is_checked_to_the_end(
    tls_hub: Hub, run: Run, open_proxy: Callable[..., AbstractAsyncContextManager[ProxyLog]]
):
    """By the name that was asked for, with the host's own authority."""
    port = urlsplit(tls_hub.url).port
    async with open_proxy(tunnel_port=port) as proxy:
        got = await run(tls_hub, mirror=f"https://hub.invalid:{port}", proxy=proxy.url)

    assert CONTENT == (got.folder / "model.safetensors").read_bytes()
    assert {("hub.invalid", port)} == set(proxy.targets)


async def test_certificate_that_nobody_vouches_for_is_refused(
    tls_hub: Hub, run: Run, monkeypatch: pytest.MonkeyPatch
):
    """And the sentence names what helps."""
    monkeypatch.delenv("SSL_CERT_FILE")
    port = urlsplit(tls_hub.url).port
    async with http_proxy(tunnel_port=port) as proxy:
        with pytest.raises(StartupError, match=r"certificate.*SSL_CERT_FILE"):
            await run(tls_hub, mirror=f"https://hub.invalid:{port}", proxy=proxy.url)

    assert not run.folder.exists() or not list(run.folder.glob("*.safetensors*"))


async def test_socks_proxy_is_used(hub: Hub, run: Run):
    """It looks names up itself: behind it there may be no DNS."""
    async with socks_proxy() as proxy:
        named = hub.url.replace("127.0.0.1", "hub.invalid")
        await run(hub, mirror=named, environment={"ALL_PROXY": proxy.url})

    run.assert_whole()
    assert {"hub.invalid"} == {host for host, _ in proxy.targets}


async def test_no_proxy_is_respected(hub: Hub, run: Run):
    """A proxy that is not there does not matter then."""
    environment = {"ALL_PROXY": "socks5://127.0.0.1:9", "NO_PROXY": "example.com, 127.0.0.1"}

    await run(hub, environment=environment)

    run.assert_whole()


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "socks5://u:hunter2@127.0.0.1:9"])
async def test_proxy_that_is_not_there_is_told(hub: Hub, run: Run, proxy: str):
    """After the tries of any other trouble; no password in it."""
    with pytest.raises(UnreachableError, match="the proxy can't be reached") as caught:
        await run(hub, proxy=proxy)

    assert "hunter2" not in str(caught.value) + run.told.getvalue()
