"""Who may use the page's own addresses: only the page itself.

Used by the live page's front and the files'. Pure looks at a request's headers.
"""

from urllib.parse import urlsplit

from aiohttp import web

_LOCAL_HOSTS = {"127.0.0.1", "localhost"}  # anything else is another site's name for this machine


def require_local_host(request: web.Request) -> None:
    """Refuses names that another site made point here (DNS rebinding).

    Raises:
        HTTPForbidden: the request came under a foreign name.
    """
    if request.host.rpartition(":")[0] not in _LOCAL_HOSTS:
        raise web.HTTPForbidden(text="This page is only served under 127.0.0.1 and localhost.")


def require_own_page(request: web.Request) -> None:
    """Refuses pages of other sites, which could otherwise act as a member.

    Raises:
        HTTPForbidden: the request is not from a page of this server.
    """
    require_local_host(request)
    if urlsplit(request.headers.get("Origin", "")).netloc != request.host:
        raise web.HTTPForbidden(text="Only the page of this server may connect.")
