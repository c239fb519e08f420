"""Faults wait for the requests they are meant for."""

import pytest

from bot.local.faults import NAMED_FAULTS, Fault, FaultKind, Faults


def test_a_fault_hits_only_what_matches_and_only_so_often() -> None:
    """Method and path pattern must fit; each use is counted."""
    faults = Faults()
    fault = Fault(kind=FaultKind.STATUS, method="PATCH", path="/webhooks/*", status=502)
    faults.add(fault, times=2)
    assert 2 == len(faults)
    assert faults.take("POST", "/webhooks/1/a") is None
    assert faults.take("PATCH", "/channels/1") is None
    assert [fault, fault, None] == [faults.take("PATCH", "/webhooks/1/a") for _ in range(3)]
    assert 0 == len(faults)


def test_faults_can_be_called_off() -> None:
    """A test that ends early leaves nothing behind."""
    faults = Faults()
    faults.add(Fault(kind=FaultKind.DROP), times=None)
    assert [(Fault(kind=FaultKind.DROP), None)] == faults.waiting()
    faults.clear()
    assert faults.take("GET", "/users/@me") is None


def test_every_second_request_is_hit_for_good() -> None:
    """What is passed over may be hit by another fault."""
    faults = Faults()
    second = Fault(kind=FaultKind.STATUS, every=2)
    third = Fault(kind=FaultKind.DROP, every=3)
    faults.add(second, times=None)
    faults.add(third, times=None)
    taken = [faults.take("PATCH", "/webhooks/1/a") for _ in range(12)]
    assert all(taken[n] == second for n in range(1, 12, 2))
    assert [third, None] == [taken[4], taken[0]]


def test_delays_are_drawn_between_their_bounds() -> None:
    """The same ones in each run."""
    fault = Fault(kind=FaultKind.SLOW, delay_s=1.0, longest_delay_s=10.0)

    def drawn() -> list[float]:
        faults = Faults()
        faults.add(fault, times=30)
        return [taken.delay_s for _ in range(30) if (taken := faults.take("GET", "/"))]

    delays = drawn()
    assert delays == drawn()
    assert 1.0 <= min(delays) < 3.0
    assert 8.0 < max(delays) <= 10.0


@pytest.mark.parametrize("name", NAMED_FAULTS)
def test_each_named_fault_hits_a_reply_or_a_channel(name: str) -> None:
    """And goes on doing so."""
    faults = Faults()
    faults.add_named(name)
    paths = ("/webhooks/1/abc/messages/@original", "/channels/5/messages")
    for _ in range(2):
        assert any(faults.take(m, p) for _ in range(20) for m in ("PATCH", "POST") for p in paths)
