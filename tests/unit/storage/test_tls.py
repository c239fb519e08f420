"""Encrypted connections to real servers, and what a person reads where a certificate is wrong."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import trustme

from bot.errors import UnreachableError
from bot.jobqueue.connect import open_queue
from tests.redis_deployments import (
    SERVICE,
    free_port,
    running_cluster,
    running_node,
    running_sentinel,
)
from tests.redis_servers import server_on_path


class Certificates:
    """An authority, and a certificate of it for one name."""

    def __init__(self, folder: Path, name: str) -> None:
        authority = trustme.CA()
        issued = authority.issue_cert(name)
        self.authority = folder / "ca.pem"
        certificate, key = folder / "redis.crt", folder / "redis.key"
        authority.cert_pem.write_to_path(self.authority)
        issued.cert_chain_pems[0].write_to_path(certificate)
        issued.private_key_pem.write_to_path(key)
        self.settings = {
            "tls-cert-file": str(certificate),
            "tls-key-file": str(key),
            "tls-ca-cert-file": str(self.authority),
            "tls-auth-clients": "no",
        }

    def options(self, port: int, **more: str) -> list[str]:
        """A server's command line for a port that speaks TLS only."""
        settings = {"tls-port": str(port), **self.settings, **more}
        return [text for name, value in settings.items() for text in (f"--{name}", value)]


@contextmanager
def deployment(kind: str, certificates: Certificates) -> Iterator[str]:
    """An address that begins with rediss, without its options."""
    program, port = server_on_path(), free_port()
    options = certificates.options(port)
    with ExitStack() as stack:
        if kind == "node":
            stack.enter_context(running_node(program, *options))
            yield f"rediss://127.0.0.1:{port}/0"
        elif kind == "cluster":
            stack.enter_context(
                running_cluster(program, options=[*options, "--tls-cluster", "yes"])
            )
            yield f"rediss+cluster://127.0.0.1:{port}/"
        else:
            options += ["--tls-replication", "yes"]
            stack.enter_context(running_node(program, *options))
            lines = [f"{name} {value}" for name, value in certificates.settings.items()]
            lines.append("tls-replication yes")
            watching = stack.enter_context(running_sentinel(program, port, *lines))
            yield f"rediss+sentinel://127.0.0.1:{watching}/{SERVICE}"


@pytest.mark.parametrize("kind", ["node", "sentinel", "cluster"])
async def test_queue_works_over_tls(kind: str, tmp_path: Path):
    """The authority is named in the address, and nothing is left unchecked."""
    certificates = Certificates(tmp_path, "127.0.0.1")
    with deployment(kind, certificates) as url:
        async with open_queue(f"{url}?ssl_ca_certs={certificates.authority}") as queue:
            assert 0 == (await queue.load()).queued


@pytest.mark.parametrize("kind", ["node", "sentinel", "cluster"])
async def test_unknown_authority_is_one_sentence(kind: str, tmp_path: Path):
    """It says what to name, at once."""
    certificates = Certificates(tmp_path, "127.0.0.1")
    with deployment(kind, certificates) as url, pytest.raises(UnreachableError) as caught:
        async with open_queue(url):
            pass

    assert "shows a certificate of an unknown authority; name" in str(caught.value)


async def test_certificate_for_another_name_is_one_sentence(tmp_path: Path):
    """The authority is right, the server may be somebody else's."""
    certificates = Certificates(tmp_path, "redis.example.org")
    with deployment("node", certificates) as url, pytest.raises(UnreachableError) as caught:
        async with open_queue(f"{url}?ssl_ca_certs={certificates.authority}"):
            pass

    assert "shows a certificate for another name" in str(caught.value)


async def test_tls_to_a_plain_port_is_one_sentence():
    """Somebody wrote rediss where the port speaks plainly: it waits for a line that never ends."""
    with running_node(server_on_path()) as node, pytest.raises(UnreachableError) as caught:
        async with open_queue(f"rediss://127.0.0.1:{node.port}", start_for_s=0.3):
            pass

    assert f"Redis can't be reached at 127.0.0.1:{node.port} over TLS." == str(caught.value)
