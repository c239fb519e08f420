"""Checks request bodies against Discord's API description (OpenAPI 3.1), where that is present.

The description is Discord's (MIT) and not part of this project; without it the check is skipped.
"""

import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from bot.local.recorder import Request

_URN = "urn:discord"
_GUILD_MEDIA = 16


def find_description() -> Path | None:
    """`shared/data/discord/openapi.json` beside the checkout, or None."""
    path = Path(__file__).parents[3] / "shared" / "data" / "discord" / "openapi.json"
    return path if path.exists() else None


class ApiDescription:
    """Discord's operations, ready to check bodies."""

    def __init__(self, path: Path) -> None:
        spec = json.loads(path.read_text())
        # discord.py sends ids in message references as numbers, and Discord takes them.
        spec["components"]["schemas"]["SnowflakeType"] = {"type": ["string", "integer"]}
        # Discord's documentation has media channels, its description does not yet.
        channel_types = spec["components"]["schemas"]["ChannelTypes"]["oneOf"]
        if all(kind["const"] != _GUILD_MEDIA for kind in channel_types):
            channel_types.append({"title": "GUILD_MEDIA", "const": _GUILD_MEDIA})
        self._spec = spec
        resource = Resource.from_contents(spec, default_specification=DRAFT202012)
        self._registry: Any = Registry().with_resource(_URN, resource)
        # Fixed segments before parameters: /messages/@original is no {message_id}.
        self._paths = sorted(spec["paths"], key=lambda path: path.count("{"))
        self._validator = cache(self._make_validator)

    def complaints(self, requests: Iterable[Request]) -> list[str]:
        """What Discord would refuse, one line each; bodies on unknown routes too."""
        lines: list[str] = []
        for request in requests:
            if request.body is None:
                continue
            validator = self._validator(request.method.lower(), request.path)
            if validator is None:
                lines.append(f"{request.method} {request.path}: no such operation with a body")
                continue
            lines += [
                f"{request.method} {request.path}: {error.json_path} {error.message}"
                for error in validator.iter_errors(request.body)
            ]
        return lines

    def _make_validator(self, method: str, path: str) -> Draft202012Validator | None:
        for template in self._paths:
            pattern = re.sub(r"\{[^}]+\}", "[^/]+", template)
            operation = self._spec["paths"][template].get(method)
            if operation is None or not re.fullmatch(pattern, path):
                continue
            content = operation.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema")
            if schema is not None:
                return Draft202012Validator(_absolute(schema), registry=self._registry)
        return None


def _absolute(node: Any) -> Any:
    """The schema with its references pointing into the description."""
    if isinstance(node, dict):
        return {
            key: _URN + value if key == "$ref" and value.startswith("#") else _absolute(value)
            for key, value in node.items()
        }
    return [_absolute(item) for item in node] if isinstance(node, list) else node
