"""What a download decides, apart from any I/O: ranges, retries, checksums, redirects.

Used by `download_web` and `download_file`. HTTP semantics: RFC 9110, sections 13.1.5 (If-Range),
14 (ranges), 10.2.3 (Retry-After).
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_FAILURES = 6  # in a row, without progress between them
MAX_WAIT_S = 600.0  # a server that asks for more is answered by giving up

_FIRST_WAIT_S = 1.0
_MAX_BACKOFF_S = 60.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checksum:
    """What a file must hash to; `algorithm` is sha256, md5 or git-sha1 (of a git blob)."""

    algorithm: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What is remembered of a part beside it.

    Attributes:
        url: what was asked for; not where a redirect led to, which may hold a signature.
        etag: strong, of the answer the bytes came from, or None.
        checksum: what that answer promised, or None.
    """

    url: str
    etag: str | None
    checksum: Checksum | None


@dataclass(frozen=True, slots=True)
class Resume:
    """From which byte to go on, and if the file still is the one with this etag."""

    offset: int
    if_range: str | None


def plan_resume(part_size: int, saved: Saved | None, url: str, *, is_summed: bool) -> Resume:
    """How to ask for the rest of a part.

    Args:
        part_size: bytes there are.
        saved: what is remembered of them.
        url: what is asked now; perhaps another mirror.
        is_summed: whether a sha256 will tell if the halves do not fit.
    """
    if part_size > 0 and saved and saved.url == url and saved.etag:
        return Resume(part_size, saved.etag)
    return Resume(part_size if is_summed else 0, None)


def range_headers(resume: Resume) -> dict[str, str]:
    """The request's headers; never packed, as bytes of a packed body can't be counted."""
    headers = {"Accept-Encoding": "identity"}
    if resume.offset:
        headers["Range"] = f"bytes={resume.offset}-"
        if resume.if_range:
            headers["If-Range"] = resume.if_range
    return headers


@dataclass(frozen=True, slots=True)
class Body:
    """Where an answer's bytes belong, and how long the whole file is, if told."""

    offset: int
    total: int | None


def place_body(status: int, headers: Mapping[str, str], resume: Resume) -> Body:
    """Where the body of a 200 or a 206 belongs.

    Raises:
        ValueError: the answer makes no sense; the message says why.
    """
    if headers.get("Content-Encoding", "identity") != "identity":
        raise ValueError("the server packs the file though asked not to")
    if status == 200:
        length = headers.get("Content-Length", "")
        return Body(0, int(length) if length.isdigit() else None)
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", headers.get("Content-Range", "").strip())
    if not match or int(match[1]) != resume.offset:
        raise ValueError("the server sends another part of the file than was asked for")
    return Body(resume.offset, None if match[3] == "*" else int(match[3]))


def told_total(headers: Mapping[str, str]) -> int | None:
    """The whole file's length as a 416 tells it."""
    match = re.fullmatch(r"bytes \*/(\d+)", headers.get("Content-Range", "").strip())
    return int(match[1]) if match else None


def strong_etag(headers: Mapping[str, str]) -> str | None:
    """The etag, if bytes may be joined by it: a weak one promises no equal bytes."""
    etag = headers.get("ETag", "")
    return etag if re.fullmatch(r'"[\x21\x23-\x7e]*"', etag) else None


def promised_size(first: Mapping[str, str]) -> int | None:
    """The whole file's length as Hugging Face tells it before it redirects."""
    size = first.get("X-Linked-Size", "")
    return int(size) if size.isdigit() else None


def promised_checksum(
    status: int, first: Mapping[str, str], last: Mapping[str, str]
) -> Checksum | None:
    """What the server says that the whole file hashes to.

    Args:
        status: of the last answer.
        first: headers of the first answer, the hub's own, before any redirect.
        last: headers of the answer with the body.
    """
    linked = first.get("X-Linked-Etag", "").strip('"')
    if re.fullmatch(r"[0-9a-f]{64}", linked):
        return Checksum(algorithm="sha256", digest=linked)
    blob = first.get("ETag", "").removeprefix("W/").strip('"')
    if "X-Repo-Commit" in first and re.fullmatch(r"[0-9a-f]{40}", blob):
        return Checksum(algorithm="git-sha1", digest=blob)
    md5 = last.get("x-ms-blob-content-md5") or (last.get("Content-MD5") if status == 200 else None)
    try:
        digest = base64.b64decode(md5 or "", validate=True).hex()
    except (binascii.Error, ValueError):
        return None
    return Checksum(algorithm="md5", digest=digest) if len(digest) == 32 else None


def parse_retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds to wait, of a number or a date; None where nothing (sensible) is said."""
    if text is None:
        return None
    if re.fullmatch(r"\s*\d{1,9}(\.\d+)?\s*", text):
        return float(text)
    try:
        until = parsedate_to_datetime(text)
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):  # no date, or one without a zone
        return None


def retry_wait_s(failures: int, retry_after_s: float | None, jitter: float) -> float | None:
    """How long to wait before the next try; None to give up.

    Args:
        failures: so far, in a row, at least 1.
        retry_after_s: what the server asks for, which is never undercut.
        jitter: from 0 to 1, so that many who failed at once do not come back at once.
    """
    if failures >= MAX_FAILURES or (retry_after_s or 0) > MAX_WAIT_S:
        return None
    if retry_after_s is not None:
        return retry_after_s + jitter
    return min(_MAX_BACKOFF_S, _FIRST_WAIT_S * 2 ** (failures - 1)) * (0.5 + jitter / 2)


def origin_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: what a secret is bound to."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, parts.hostname or "", port


def may_carry_token(url: str, token_url: str) -> bool:
    """Whether a request may carry the token: to where it belongs, and not in the clear."""
    scheme, host, _ = origin_of(url)
    return origin_of(url) == origin_of(token_url) and (scheme == "https" or host in _LOOPBACK)


def follow(url: str, location: str) -> str:
    """Where a redirect leads.

    Raises:
        ValueError: nowhere a download may go.
    """
    target = urljoin(url, location)
    scheme = urlsplit(target).scheme
    if not location or scheme not in ("http", "https") or not urlsplit(target).hostname:
        raise ValueError("the server redirects to what is no web address")
    if scheme == "http" and urlsplit(url).scheme == "https":
        raise ValueError("the server redirects from https to http")
    return target


def refusal(status: int, *, has_token: bool) -> str:
    """A clause for an answer that trying again would not better."""
    if status in (401, 403):
        if has_token:
            return "HF_TOKEN has no access to it; ask for access on the model's page"
        return "access is refused; if the model is gated, set HF_TOKEN"
    if status in (404, 410):
        return "there is no such file"
    if status == 407:
        return "the proxy wants a name and a password"
    return f"the server answers {status}"
