"""Files over HTTP: attachments that were stored, and uploads of the page that wait for a command.

Mounted by `discord_server`. The page sends a file first and names it in the command after that.
"""

import secrets
from collections.abc import Callable

from aiohttp import web

from bot.local.same_site import require_own_page
from bot.local.simcord_bridge import World
from bot.local.states import Upload

MAX_FILE_BYTES = 10 << 20  # Discord's bound for members without a subscription
_KEPT_UPLOADS = 8
_SHOWN_TYPES = {"image/png", "image/jpeg", "image/gif", "image/webp"}


class FileFront:
    """Serves `/attachments/*` and takes `/upload`."""

    def __init__(self, world: World, base_url: Callable[[], str]) -> None:
        self._world = world
        self._base_url = base_url
        self._uploads: dict[str, Upload] = {}

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        return [
            web.get("/attachments/{path:.*}", self._file),
            web.post("/upload", self._upload),
        ]

    def take(self, upload_id: str) -> Upload | None:
        """An uploaded file, once."""
        return self._uploads.pop(upload_id, None)

    async def _file(self, request: web.Request) -> web.Response:
        found = self._world.file(self._base_url() + request.path)
        if found is None:
            raise web.HTTPNotFound
        data, content_type = found
        headers = {
            "Content-Type": content_type,
            "Content-Disposition": "inline" if content_type in _SHOWN_TYPES else "attachment",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
        }
        return web.Response(body=data, headers=headers)

    async def _upload(self, request: web.Request) -> web.Response:
        require_own_page(request)
        if (request.content_length or 0) > MAX_FILE_BYTES:
            raise _too_large()
        data = await request.read()
        if len(data) > MAX_FILE_BYTES:
            raise _too_large()
        filename = request.query.get("name", "").rpartition("/")[2] or "file"
        upload_id = secrets.token_urlsafe(12)
        self._uploads[upload_id] = Upload(filename=filename, data=data)
        while len(self._uploads) > _KEPT_UPLOADS:  # of commands that were never sent
            del self._uploads[next(iter(self._uploads))]
        return web.json_response({"upload": upload_id})


def _too_large() -> web.HTTPRequestEntityTooLarge:
    text = f"Files of up to {MAX_FILE_BYTES >> 20} MB can be sent."
    return web.HTTPRequestEntityTooLarge(MAX_FILE_BYTES, 0, text=text)
