"""Which files of which place make a model: by the catalogue, or by what a repository holds.

Used by `download`. The listing is asked of the hub; the rest is pure.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlsplit

import aiohttp

from bot.errors import DownloadError, ModelFileError, SettingError
from bot.model.download.catalogue import (
    HUGGINGFACE,
    OPENAI_STORE,
    CatalogueEntry,
    RemoteFile,
    find_entry,
)
from bot.model.download.web import BrokenOffError, Credential, Web, persist

SOURCES = ("huggingface", "openai")
_MAX_LISTING = 8 << 20
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
# A tokenizer.json, where there is one, holds what the others say.
_TEXTS = (
    "config.json", "tokenizer.json", "vocab.json", "merges.txt", "added_tokens.json", "vocab.txt",
    "tokenizer_config.json",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for.

    Attributes:
        name: of the catalogue, or a repository's OWNER/NAME.
        source: "huggingface" or "openai".
        base: the address of the hub or the store, perhaps a mirror's.
    """

    name: str
    source: str
    base: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The files and their place.

    Attributes:
        name: how the model will be called.
        folder: its name in `home/downloads`.
        base: before each file's name.
        estimate: how many bytes the files have together, about.
    """

    name: str
    folder: str
    base: str
    files: tuple[RemoteFile, ...]
    estimate: int
    licence: str | None


def base_of(source: str, mirror: str | None, environment: Mapping[str, str]) -> str:
    """The hub's or the store's address.

    Raises:
        SettingError: a mirror's address makes no sense.
    """
    if mirror is not None:
        return _checked(mirror, "--mirror", "the command line")
    if source == "openai":
        return OPENAI_STORE
    if endpoint := environment.get("HF_ENDPOINT"):
        return _checked(endpoint, "HF_ENDPOINT", "the environment")
    return HUGGINGFACE


def credential_of(wanted: Wanted, environment: Mapping[str, str]) -> Credential | None:
    """The token of HF_TOKEN or the file HF_TOKEN_FILE, for the hub alone.

    Raises:
        SettingError: it can't be read, or is none.
    """
    if wanted.source != "huggingface":
        return None
    token, name = environment.get("HF_TOKEN", "").strip(), "HF_TOKEN"
    path = environment.get("HF_TOKEN_FILE", "")
    if not token and path:
        name = "HF_TOKEN_FILE"
        try:
            token = Path(path).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(name, path, "the environment", "the file can't be read") from error
    if not token:
        return None
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        raise SettingError(name, "(not shown)", "the environment", "must be one word")
    return Credential(token=token, url=wanted.base)


async def make_plan(web: Web, wanted: Wanted) -> Plan:
    """What to download.

    Raises:
        ModelFileError: there is no such model.
        DownloadError: the repository has no files of a GPT-2.
    """
    if "/" in wanted.name and wanted.source == "huggingface":
        return await _list_repository(web, wanted)
    entry = find_entry(wanted.name)
    return from_openai(entry, wanted.base) if wanted.source == "openai" else _hub(entry, wanted)


def from_openai(entry: CatalogueEntry, base: str) -> Plan:
    """The seven files of a checkpoint.

    Raises:
        ModelFileError: the store does not have it.
    """
    if entry.openai_folder is None:
        raise ModelFileError(entry.name, "OpenAI's store does not have it; Hugging Face does")
    return Plan(
        name=entry.name,
        folder=f"{entry.name}-openai",  # apart from the other form: one folder, one form
        base=f"{base}/{entry.openai_folder}",
        files=entry.openai_files,
        estimate=4 * entry.parameters,
        licence=entry.licence,
    )


def _hub(entry: CatalogueEntry, wanted: Wanted) -> Plan:
    return Plan(
        name=entry.name,
        folder=entry.name,
        base=f"{wanted.base}/{entry.repository}/resolve/{entry.revision}",
        files=entry.huggingface_files,
        estimate=4 * entry.parameters,
        licence=entry.licence,
    )


async def _list_repository(web: Web, wanted: Wanted) -> Plan:
    """https://huggingface.co/docs/hub/api: GET /api/models/{repository}/revision/{revision}."""
    if not _REPOSITORY.fullmatch(wanted.name):
        raise ModelFileError(wanted.name, "a repository of Hugging Face is named OWNER/NAME")
    url = f"{wanted.base}/api/models/{wanted.name}/revision/main?blobs=true"

    async def ask() -> bytes:
        try:
            async with web.get(wanted.name, url, {}, frozenset({200})) as answer:
                body = await answer.response.content.read(_MAX_LISTING)
                while piece := await answer.response.content.read(_MAX_LISTING):
                    body += piece
                    if len(body) > _MAX_LISTING:
                        raise DownloadError(wanted.name, "its list of files is too long")
                return body
        except aiohttp.ClientError as error:
            raise BrokenOffError("the connection broke off") from error

    body = await persist(wanted.name, ask, web.pace, lambda _: None)
    revision, files = read_listing(wanted.name, body)
    return Plan(
        name=wanted.name.split("/")[1],
        folder=wanted.name.replace("/", "--"),
        base=f"{wanted.base}/{wanted.name}/resolve/{quote(revision, safe='')}",
        files=files,
        estimate=sum(file.size or 0 for file in files),
        licence=None,
    )


def read_listing(name: str, body: bytes) -> tuple[str, tuple[RemoteFile, ...]]:
    """The commit and the files that an import needs, of the hub's answer.

    Raises:
        DownloadError: the answer makes no sense, or there is no GPT-2 in it.
    """
    try:
        listing = cast(dict[str, Any], json.loads(body))
        revision = str(listing["sha"])
        there = {str(entry["rfilename"]): _remote(entry) for entry in listing["siblings"]}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DownloadError(name, "the hub's list of its files makes no sense") from error
    root = {file: known for file, known in there.items() if re.fullmatch(r"\w[\w.-]*", file)}
    weights = [file for file in root if file.endswith(".safetensors")]
    weights = weights or [file for file in root if file == "pytorch_model.bin"]
    if "config.json" not in root or not weights:
        reason = "it holds no config.json with model.safetensors or pytorch_model.bin"
        raise DownloadError(name, reason)
    chosen = [file for file in _TEXTS if file in root] + sorted(weights)
    return revision, tuple(root[file] for file in chosen)


def _remote(entry: dict[str, Any]) -> RemoteFile:
    lfs: dict[str, Any] = entry.get("lfs") or {}
    size, sha256 = lfs.get("size", entry.get("size")), lfs.get("sha256")
    if not isinstance(size, int) or size < 0:
        size = None
    if not isinstance(sha256, str) or not re.fullmatch(r"[0-9a-f]{64}", sha256):
        sha256 = None
    return RemoteFile(str(entry["rfilename"]), size, sha256)


def _checked(text: str, name: str, origin: str) -> str:
    try:
        parts = urlsplit(text.strip())
        is_plain = parts.username is None and not parts.query and parts.port != 0
    except ValueError:
        parts, is_plain = urlsplit(""), False
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_plain:
        reason = "must be an address that starts with https://, without a password"
        raise SettingError(name, "(not shown)", origin, reason)
    return text.strip().rstrip("/")
