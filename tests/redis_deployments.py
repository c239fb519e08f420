"""Real deployments of several Redis processes for tests: a cluster, and sentinels with a replica.

All of them listen on 127.0.0.1 only, on free ports, and end with the test.
"""

import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from redis import Redis

from tests.redis_servers import RedisServer, running_server

SETTLE_FOR_S = 20.0
SERVICE = "bardling"
_SLOTS = 16384
_BUS_OFFSET = 10_000  # where the nodes of a cluster talk to each other, above their ports


@dataclass(frozen=True)
class Node:
    """A server and the port it listens on, besides its socket."""

    server: RedisServer
    port: int
    login: tuple[str, str] | None = None

    def admin(self) -> Redis:
        """A client that may do everything."""
        user, password = self.login or (None, None)
        return Redis(
            unix_socket_path=str(self.server.socket),
            username=user,
            password=password,
            decode_responses=True,
        )


class ClusterServer:
    """A cluster behind one address; stands in for a RedisServer where only that is asked for."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = nodes
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
        self.url = f"redis+cluster://{hosts}"

    def primary_of(self, key: str) -> Node:
        """The node that takes writes for a key."""
        with self.nodes[0].admin() as admin:
            slot = admin.execute_command("CLUSTER", "KEYSLOT", key)
            for first, last, primary, *_ in _slots(admin):
                if first <= slot <= last:
                    return next(node for node in self.nodes if node.port == primary)
        raise AssertionError("nobody has the slot")


@dataclass(frozen=True)
class Watched:
    """A primary and its replica, watched by three sentinels."""

    primary: Node
    replica: Node
    sentinels: tuple[int, ...]

    @property
    def url(self) -> str:
        """The address that names the sentinels."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.sentinels)
        return f"redis+sentinel://{hosts}/{SERVICE}"


def free_port() -> int:
    """One that nobody has now, and whose companion for a cluster's bus is free too."""
    while True:
        port = 20_000 + secrets.randbelow(10_000)  # below the kernel's own choices
        with socket.socket() as one, socket.socket() as other:
            try:
                one.bind(("127.0.0.1", port))
                other.bind(("127.0.0.1", port + _BUS_OFFSET))
            except OSError:
                continue
            return port


@contextmanager
def running_node(program: Path, *options: str) -> Iterator[Node]:
    """A server that listens on a port too."""
    port = free_port()
    with running_server(program, "--port", str(port), "--bind", "127.0.0.1", *options) as server:
        try:
            yield Node(server, port)
        finally:
            server.kill()  # asked nicely, a primary would wait for its replica


@contextmanager
def running_cluster(
    program: Path,
    *,
    primaries: int = 1,
    replicas: int = 0,
    options: Sequence[str] = (),
    login: tuple[str, str] | None = None,
) -> Iterator[ClusterServer]:
    """A cluster whose slots are shared by the primaries; replicas belong to the last of them.

    One primary can't be replaced where it is lost: that takes the votes of two others.

    Args:
        program: to start.
        primaries: how many.
        replicas: how many, of the last primary.
        options: more of every node's command line.
        login: user and password of one who may do everything.
    """
    every = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000", *options]
    every += ["--cluster-config-file", "nodes.conf", "--cluster-announce-ip", "127.0.0.1"]
    with ExitStack() as stack:
        nodes = [
            replace(stack.enter_context(running_node(program, *every)), login=login)
            for _ in range(primaries + replicas)
        ]
        bounds = [_SLOTS * n // primaries for n in range(primaries + 1)]
        for n, node in enumerate(nodes):
            with node.admin() as admin:
                admin.execute_command("CLUSTER", "SET-CONFIG-EPOCH", n + 1)
                if n < primaries:
                    admin.execute_command("CLUSTER", "ADDSLOTS", *range(bounds[n], bounds[n + 1]))
                if n > 0:
                    admin.execute_command("CLUSTER", "MEET", "127.0.0.1", nodes[0].port)
        for node in nodes:
            wait_until(lambda node=node: _info(node, "cluster_state") == "ok")
            wait_until(lambda node=node: _info(node, "cluster_known_nodes") == str(len(nodes)))
        for node in nodes[primaries:]:
            _replicate(node, nodes[primaries - 1])
        yield ClusterServer(nodes)


@contextmanager
def running_sentinels(program: Path) -> Iterator[Watched]:
    """Three sentinels that need a second to believe that the primary is gone."""
    with ExitStack() as stack:
        primary = stack.enter_context(running_node(program))
        replica = stack.enter_context(
            running_node(program, "--replicaof", "127.0.0.1", str(primary.port))
        )
        wait_until(lambda: _is_in_step(replica))
        ports = tuple(
            stack.enter_context(running_sentinel(program, primary.port, quorum=2)) for _ in range(3)
        )
        for port in ports:
            wait_until(lambda port=port: _knows_all(port))
        yield Watched(primary, replica, ports)


def wait_until(condition: Callable[[], bool]) -> None:
    """Returns once the condition holds; fails the test where it never does."""
    give_up_at = time.monotonic() + SETTLE_FOR_S
    while not condition():
        assert time.monotonic() < give_up_at, "the deployment does not settle"
        time.sleep(0.05)


@contextmanager
def running_sentinel(
    program: Path, primary_port: int, *lines: str, quorum: int = 1
) -> Iterator[int]:
    """One sentinel's port.

    Args:
        program: to start.
        primary_port: of the primary to watch.
        lines: more of its configuration.
        quorum: how many must believe that the primary is gone.
    """
    port = free_port()
    listen = [f"tls-port {port}", "port 0"] if any("tls" in x for x in lines) else [f"port {port}"]
    with tempfile.TemporaryDirectory(prefix="bardling-test-") as folder:
        config = Path(folder, "sentinel.conf")
        config.write_text(
            "\n".join(
                [
                    *listen,
                    *lines,
                    f"bind 127.0.0.1\ndir {folder}",
                    f"sentinel monitor {SERVICE} 127.0.0.1 {primary_port} {quorum}",
                    f"sentinel down-after-milliseconds {SERVICE} 1000",
                    f"sentinel failover-timeout {SERVICE} 5000\n",
                ]
            ),
            encoding="utf-8",
        )
        process = subprocess.Popen([program, config, "--sentinel"], stdout=subprocess.DEVNULL)
        try:
            wait_until(lambda: _listens(port))
            yield port
        finally:
            process.terminate()
            process.wait(timeout=10)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _knows_all(port: int) -> bool:
    with Redis(port=port, decode_responses=True) as sentinel:
        state = sentinel.sentinel_master(SERVICE)
    return (state["num-other-sentinels"], state["num-slaves"]) == (2, 1)


def _is_in_step(replica: Node) -> bool:
    with replica.admin() as admin:
        return admin.info("replication").get("master_link_status") == "up"


def _replicate(node: Node, primary: Node) -> None:
    with primary.admin() as admin:
        primary_id = admin.execute_command("CLUSTER", "MYID")
    with node.admin() as admin:
        admin.execute_command("CLUSTER", "REPLICATE", primary_id)
    wait_until(lambda: _is_in_step(node))


def _info(node: Node, name: str) -> str:
    with node.admin() as admin:
        return str(admin.cluster("INFO")[name])


def _slots(admin: Redis) -> Iterator[tuple[int, int, int]]:
    for first, last, (_, port, *_), *_ in admin.execute_command("CLUSTER", "SLOTS"):
        yield first, last, port
