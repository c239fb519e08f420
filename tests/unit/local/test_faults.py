"""Faults wait for the requests they are meant for."""

from bot.local.faults import Fault, FaultKind, Faults


def test_a_fault_hits_only_what_matches_and_only_so_often() -> None:
    """Method and path pattern must fit; each use is counted."""
    faults = Faults()
    fault = Fault(kind=FaultKind.STATUS, method="PATCH", path="/webhooks/*", status=502)
    faults.add(fault, times=2)
    assert faults.take("POST", "/webhooks/1/a") is None
    assert faults.take("PATCH", "/channels/1") is None
    assert [fault, fault, None] == [faults.take("PATCH", "/webhooks/1/a") for _ in range(3)]
    assert 0 == len(faults)


def test_faults_can_be_called_off() -> None:
    """A test that ends early leaves nothing behind."""
    faults = Faults()
    faults.add(Fault(kind=FaultKind.DROP), times=3)
    faults.clear()
    assert faults.take("GET", "/users/@me") is None
