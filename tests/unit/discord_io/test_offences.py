"""Discord bans who makes too many calls that it refuses."""

from bot.discord_io.offences import MANY, Offences


def test_refusals_of_ten_minutes_count():
    """As many as are many; older ones are forgotten."""
    offences = Offences()
    for n in range(MANY - 1):
        offences.note(429, "user", n / 100)
    assert not offences.are_many(20.0)
    offences.note(403, None, 20.0)
    assert offences.are_many(20.0)
    assert not offences.are_many(601.0)


def test_what_is_nobodys_fault_does_not_count():
    """Good answers, missing messages, server errors, limits that others use up."""
    offences = Offences()
    for _ in range(MANY):
        for status, scope in ((200, None), (404, None), (500, None), (429, "shared")):
            offences.note(status, scope, 1.0)
    assert not offences.are_many(1.0)
