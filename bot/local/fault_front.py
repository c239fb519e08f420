"""The fault switch for other processes: `/faults` on the local Discord's own port.

Mounted by `discord_server`. Takes the bot's token, so that no page in a browser can use it.

    GET /faults      what waits, as JSON
    POST /faults     {"name": "storm"}, or a fault's fields with "times" (null: until called off)
    DELETE /faults   calls all of them off
"""

import json
from dataclasses import asdict, fields
from typing import Any, cast

from aiohttp import web

from bot.local.faults import NAMED_FAULTS, Fault, FaultKind, Faults, LimitScope

FAULTS_PATH = "/faults"
_MAX_TIMES = 1_000_000


class FaultFront:
    """Answers `/faults`."""

    def __init__(self, faults: Faults, *, token: str) -> None:
        self._faults = faults
        self._token = token

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        return [
            web.get(FAULTS_PATH, self._show),
            web.post(FAULTS_PATH, self._add),
            web.delete(FAULTS_PATH, self._clear),
        ]

    async def _show(self, request: web.Request) -> web.Response:
        self._check(request)
        waiting = [asdict(fault) | {"times": left} for fault, left in self._faults.waiting()]
        return web.json_response({"waiting": waiting, "names": list(NAMED_FAULTS)})

    async def _add(self, request: web.Request) -> web.Response:
        self._check(request)
        try:
            self._switch_on(json.loads(await request.read()))
        except (KeyError, TypeError, ValueError) as error:
            raise web.HTTPBadRequest(text=f"No such fault: {error}.") from error
        return web.Response(status=204)

    async def _clear(self, request: web.Request) -> web.Response:
        self._check(request)
        self._faults.clear()
        return web.Response(status=204)

    def _switch_on(self, wanted: object) -> None:
        if not isinstance(wanted, dict):
            raise TypeError("a fault is a JSON object")
        said = cast("dict[str, Any]", wanted)
        if "name" in said:
            self._faults.add_named(said["name"])
            return
        times = said.pop("times", 1)
        if times is not None and not 1 <= int(times) <= _MAX_TIMES:
            raise ValueError("times is a number from 1, or null")
        self._faults.add(_fault_of(said), None if times is None else int(times))

    def _check(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"Bot {self._token}":
            raise web.HTTPUnauthorized(text="The fault switch takes the bot's token.")


def _fault_of(said: dict[str, Any]) -> Fault:
    """The fault with these fields.

    Raises:
        TypeError: a field is unknown, or of the wrong type.
        ValueError: a value is out of its bounds.
    """
    longest = said.get("longest_delay_s")
    made: dict[str, Any] = dict(said)
    made["kind"] = FaultKind(said["kind"])
    made["scope"] = LimitScope(said.get("scope", LimitScope.USER))
    for field in fields(Fault):
        if field.type in (int, float, bool, str) and field.name in said:
            made[field.name] = field.type(said[field.name])
    fault = Fault(**made)
    if fault.every < 1 or not 200 <= fault.status < 600:
        raise ValueError("every is at least 1, and a status has three digits")
    if fault.delay_s < 0 or (longest is not None and float(longest) < fault.delay_s):
        raise ValueError("delays go up from 0")
    return fault
