"""Addresses of Redis: what is read of them, and what may be shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import UnreachableError
from bot.storage.addresses import Kind, read_address, shown_address


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://", "localhost:6379"),
        ("redis://:geheim@[::1]:7000/0", "[::1]:7000"),
        ("redis+sentinel://u:geheim@a,b:1/main?sentinel_password=geheim", "a:26379,b:1"),
        ("rediss+cluster://u:geheim@a:7000,b/?ssl_password=geheim", "a:7000,b:6379"),
        ("redis+cluster://u:geheim/@a:7000", "(an address that can't be understood)"),
        ("redis://u:1234?geheim@a:7000", "(an address that can't be understood)"),
        ("redis://u:1234#geheim@a:7000", "(an address that can't be understood)"),
        ("redis://u:x@geheim?=x@a:7000", "(an address that can't be understood)"),
        ("redis://u:geheim[@a:7000", "(an address that can't be understood)"),
    ],
)
def test_shown_address_names_hosts_only(url: str, shown: str):
    """Every form, and forms that a sign in the password broke."""
    assert shown == shown_address(url)


@given(
    scheme=st.sampled_from(["redis", "rediss", "redis+sentinel", "rediss+cluster"]),
    password=st.text("geheim/?#@:,[]%&=", min_size=1),
)
def test_no_password_is_ever_shown(scheme: str, password: str):
    """Quoted or not: an address is shown without it, or not at all."""
    shown = shown_address(f"{scheme}://user:X{password}X@example.org:7000/0")

    # A question mark after an @ ends the address before its host: then that is the default one.
    hosts = ("example.org:7000", "localhost:6379")
    assert shown in (*hosts, "(an address that can't be understood)")


def test_sentinels_in_full():
    """Login, hosts, service, database and options each go where they belong."""
    address = read_address(
        "rediss+sentinel://bot:p%40ss@a:1,[::1],b/main/2"
        "?sentinel_username=watch&sentinel_password=geheim&ssl_check_hostname=no"
    )

    assert Kind.SENTINEL is address.kind
    assert (("a", 1), ("::1", 26379), ("b", 26379)) == address.hosts
    assert ("main", True) == (address.service, address.tls)
    assert address.options == {
        "username": "bot",
        "password": "p@ss",
        "db": 2,
        "ssl_check_hostname": False,
    }
    assert {"username": "watch", "password": "geheim"} == address.sentinel_login
    assert "geheim" not in repr(address)
    assert "p@ss" not in repr(address)


def test_cluster_in_full():
    """A cluster has hosts and a login, and no database."""
    address = read_address("redis+cluster://:pw@a,b:7001")

    assert Kind.CLUSTER is address.kind
    assert (("a", 6379), ("b", 7001)) == address.hosts
    assert {"password": "pw"} == address.options
    assert not address.tls


@pytest.mark.parametrize(
    "url",
    [
        "http://a",
        "redis+sentinel://a",
        "redis+sentinel://a/main/two",
        "redis+sentinel://a/main/0/1",
        "redis+sentinel:///main",
        "redis+cluster://a,/",
        "redis+cluster://a:port",
        "redis+cluster://a/1",
        "redis://a,b",
        "redis+cluster://u:p/w@a",
    ],
)
def test_nonsense_is_one_sentence(url: str):
    """Without a word of the address."""
    with pytest.raises(UnreachableError) as caught:
        read_address(url)

    assert "The address of Redis can't be understood." == str(caught.value)
    assert caught.value.__suppress_context__


def test_missing_certificate_file_is_named():
    """Redis would seem to be away otherwise."""
    with pytest.raises(UnreachableError, match=r"/no/ca\.pem \(ssl_ca_certs"):
        read_address("rediss://a?ssl_ca_certs=/no/ca.pem")
