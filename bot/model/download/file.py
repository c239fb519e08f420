"""Downloads one file: goes on with a part, checks length and checksum, renames at the end.

Used by `download`. Never leaves a file under its name that is not whole and right.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bot.errors import DownloadError
from bot.model.download.catalogue import RemoteFile
from bot.model.download.part import Part, hash_file, write
from bot.model.download.progress import Reporter
from bot.model.download.rules import (
    Body,
    Checksum,
    Resume,
    Saved,
    place_body,
    plan_resume,
    promised_checksum,
    promised_size,
    range_headers,
    strong_etag,
    told_total,
)
from bot.model.download.web import Answer, BrokenOffError, Web, persist
from bot.model.whole_file import too_little_space

_OK, _PARTIAL, _RANGE_BEYOND = 200, 206, 416
_PIECE = 1 << 18
_MAX_UNTOLD = 1 << 30  # a file whose length nobody tells may not fill the disk


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file and where it comes from and goes to."""

    file: RemoteFile
    url: str
    target: Path


async def fetch_file(web: Web, source: Source, reporter: Reporter) -> None:
    """Makes sure that the file is there, whole and right.

    Raises:
        DownloadError: it can't be got, or is not what it should be.
        UnreachableError: the server can't be reached, too often in a row.
    """
    name = source.file.name
    if await _is_there(source):
        reporter.note(f"{name}: there already")
        return
    part = Part(source.target)
    was_resumed = part.size > 0
    is_right = await _fetch_right(web, source, part, reporter)
    if not is_right and was_resumed:
        reporter.note(f"{name}: the part of an earlier download does not fit; starting anew")
        is_right = await _fetch_right(web, source, part, reporter)
    if not is_right:
        raise DownloadError(name, "what came is not what it should be (its checksum is wrong)")
    part.become_file()


async def _fetch_right(web: Web, source: Source, part: Part, reporter: Reporter) -> bool:
    """All bytes into the part, however often the connection breaks; wrong ones are dropped."""
    attempt = _Attempt(web, source, part, reporter)
    checksum = await persist(source.file.name, attempt.run, web.pace, reporter.note)
    reporter.end()
    if await _is_right(part, checksum, reporter, source.file.name):
        return True
    part.drop()
    return False


class _Attempt:
    """Gets the rest of a file by one request; `run` may be called again."""

    def __init__(self, web: Web, source: Source, part: Part, reporter: Reporter) -> None:
        self._web = web
        self._source = source
        self._part = part
        self._reporter = reporter

    async def run(self) -> Checksum | None:
        """The rest; what the whole must hash to, if anybody says."""
        file = self._source.file
        saved = self._part.saved()
        resume = plan_resume(
            self._part.size, saved, self._source.url, is_summed=file.sha256 is not None
        )
        accepted = frozenset({_OK, _PARTIAL, _RANGE_BEYOND} if resume.offset else {_OK})
        async with self._web.get(
            file.name, self._source.url, range_headers(resume), accepted
        ) as answer:
            if answer.response.status == _RANGE_BEYOND:
                return self._beyond(answer, resume, saved)
            return await self._receive(answer, resume, saved)

    def _beyond(self, answer: Answer, resume: Resume, saved: Saved | None) -> Checksum | None:
        """There is nothing behind our last byte: all is there, or it is another file."""
        total = told_total(answer.response.headers) or self._source.file.size
        if total == resume.offset:
            return self._sum(saved.checksum if saved else None)
        self._part.drop()
        raise BrokenOffError("the part of an earlier download is too long")

    async def _receive(
        self, answer: Answer, resume: Resume, saved: Saved | None
    ) -> Checksum | None:
        headers, status = answer.response.headers, answer.response.status
        body = place_body(status, headers, resume)
        total = self._total(body, promised_size(answer.first))
        checksum = promised_checksum(status, answer.first, headers)
        if checksum is None and saved and body.offset:
            checksum = saved.checksum
        self._check_space(body, total)
        noted = Saved(url=self._source.url, etag=strong_etag(headers), checksum=checksum)
        with self._part.open_at(body.offset, noted) as out:
            done = body.offset
            self._reporter.start(self._source.file.name, done, total)
            try:
                async for piece in answer.response.content.iter_chunked(_PIECE):
                    done += len(piece)
                    if done > (_MAX_UNTOLD if total is None else total):
                        self._part.drop()
                        raise DownloadError(
                            self._source.file.name, "more came than there should be"
                        )
                    write(out, piece, self._source.target)
                    self._reporter.advance(self._source.file.name, done, total)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise BrokenOffError(
                    "the connection broke off", None, done - body.offset
                ) from error
        if total is not None and done < total:
            raise BrokenOffError("the server sent too little", None, done - body.offset)
        return self._sum(checksum)

    def _total(self, body: Body, promised: int | None) -> int | None:
        """The file's length: as published, as the hub says, as the answer says; they must agree."""
        told = [size for size in (self._source.file.size, promised, body.total) if size is not None]
        if len(set(told)) > 1:
            reason = f"it has {body.total or promised} bytes there instead of {told[0]}"
            raise DownloadError(self._source.file.name, reason)
        return told[0] if told else None

    def _check_space(self, body: Body, total: int | None) -> None:
        there = self._part.size
        needed = max(0, (total or 0) - there)
        check_space(self._source.file.name, self._source.target.parent, needed)

    def _sum(self, promised: Checksum | None) -> Checksum | None:
        """What is published goes before what the server promises."""
        sha256 = self._source.file.sha256
        return Checksum(algorithm="sha256", digest=sha256) if sha256 else promised


def check_space(name: str, folder: Path, needed: int) -> None:
    """Refuses what the disk has no room for.

    Raises:
        DownloadError: there is too little.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if reason := too_little_space(folder, needed):
        raise DownloadError(name, reason)


async def _is_there(source: Source) -> bool:
    """Whether an earlier download left the file, whole and right."""
    if not source.target.exists():
        return False
    size, sha256 = source.file.size, source.file.sha256
    if size is not None and source.target.stat().st_size != size:
        return False
    return sha256 is None or sha256 == await _sum_up(hash_file(source.target, "sha256"))


async def _is_right(part: Part, checksum: Checksum | None, reporter: Reporter, name: str) -> bool:
    if checksum is None:
        reporter.note(f"{name}: whole by its length; no checksum of it is known")
        return True
    return checksum.digest == await _sum_up(part.hashed(checksum.algorithm))


async def _sum_up(pieces: Iterator[str | None]) -> str | None:
    """Hashes piece by piece in a thread, so that Ctrl-C does not wait for gigabytes."""
    found: str | None = None
    while found is None:
        found = await asyncio.to_thread(next, pieces)
    return found
