"""Downloads a model into `home/downloads`, ready to be imported.

Used by `bardling models download`. One download of a model at a time, by a lock that goes with its
process; a second one is told so and harms nothing.
"""

import os
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from bot.errors import DownloadError
from bot.model.download.file import Source, check_space, fetch_file
from bot.model.download.plan import Plan, Wanted, base_of, credential_of, make_plan
from bot.model.download.progress import Reporter
from bot.model.download.proxies import ProxyRules
from bot.model.download.web import Pace, Web
from bot.model.quantize import Quantization, find_quantization
from bot.model.sizes import bytes_text
from bot.model.store import check_name
from bot.model.whole_file import alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded:
    """A folder with all files of a model, and how the model is called."""

    folder: Path
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the command line says.

    Attributes:
        called: how to call the model, instead of its own name.
        quantization: checked before hours of download, not after.
    """

    name: str
    called: str | None = None
    quantization: str = "q8_0"
    source: str = "huggingface"
    mirror: str | None = None
    proxy: str | None = None


async def download(
    order: Order,
    environment: Mapping[str, str],
    home: Path,
    reporter: Reporter,
    pace: Pace | None = None,
) -> Downloaded:
    """Makes sure that all files of a model are there.

    Args:
        order: what to download, and from where.
        environment: for HF_ENDPOINT, HF_TOKEN, HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY.
        home: where `downloads` lies.
        reporter: is told how it goes.
        pace: waits and time-outs; tests shorten them.

    Raises:
        StartupError: it can't be done; the message says why.
    """
    base = base_of(order.source, order.mirror, environment)
    wanted = Wanted(name=order.name, source=order.source, base=base)
    credential = credential_of(wanted, environment)
    proxies = ProxyRules.of(order.proxy, environment)
    async with Web(proxies, credential, pace or Pace()) as web:
        plan = await make_plan(web, wanted)
        name = order.called or plan.name
        quantization = _check_import(name, order.quantization)
        folder = home / "downloads" / plan.folder
        with _locked(plan.name, folder):
            await _fetch_all(web, plan, folder, quantization, reporter)
    return Downloaded(folder=folder, name=name)


async def _fetch_all(
    web: Web, plan: Plan, folder: Path, quantization: Quantization, reporter: Reporter
) -> None:
    imported = round(plan.estimate * quantization.share_of_f32)
    check_space(plan.name, folder, max(0, plan.estimate - _bytes_in(folder)) + imported)
    licence = f", licence {plan.licence}" if plan.licence else ""
    size = f"about {bytes_text(plan.estimate)}" if plan.estimate else "of unknown size"
    reporter.note(f"{plan.name}: {len(plan.files)} files, {size}{licence}, into {folder}")
    try:
        for file in plan.files:
            url = f"{plan.base}/{file.name}"
            await fetch_file(web, Source(file=file, url=url, target=folder / file.name), reporter)
    finally:
        reporter.end()


def _check_import(name: str, quantization: str) -> Quantization:
    """Refuses before the download what the import would refuse after it."""
    check_name(name)
    return find_quantization(name, quantization)


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


@contextmanager
def _locked(name: str, folder: Path) -> Generator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(alone(folder))
        except BlockingIOError as error:
            reason = "another process is downloading it; wait for that one to end"
            raise DownloadError(name, reason) from error
        except OSError as error:
            reason = f"{folder} can't be written ({error.strerror or error})"
            raise DownloadError(name, reason) from error
        yield


def reporter_for(stream: TextIO) -> Reporter:
    """A bar if the stream is a terminal, else plain lines."""
    columns = None
    if stream.isatty():
        try:
            columns = os.get_terminal_size(stream.fileno()).columns or 80
        except OSError:
            columns = 80
    return Reporter(stream, columns=columns, now=time.monotonic)
