"""Downloads against real servers and proxies on loopback: what breaks, lies, or leads elsewhere."""

import asyncio
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections import namedtuple
from pathlib import Path

import pytest
from aiohttp import web

from bot.errors import DownloadError, ModelFileError, SettingError, StartupError, UnreachableError
from bot.model.download.order import Downloaded
from tests.model_files import make_huggingface_folder
from tests.unit.model.download.conftest import CONTENT, OTHER, TOKEN, Run
from tests.unit.model.download.servers import (
    COMMIT,
    Hub,
    answers,
    breaks_off,
    etag_of,
    ranged,
    serving,
)


async def test_files_of_a_repository_arrive(hub: Hub, run: Run):
    """Of the commit that the listing names; a second call gets nothing again."""
    got = await run(hub)

    assert Downloaded(folder=run.folder, name="tiny") == got
    run.assert_whole()
    assert f"/acme/tiny/resolve/{COMMIT}/model.safetensors" == hub.requests()[0].path
    await run(hub)
    assert 1 == len(hub.requests())


async def test_broken_connection_goes_on_where_it_broke(hub: Hub, run: Run):
    """By a range, bound to the same file by its etag."""
    hub.faults = [breaks_off(CONTENT, 100_000)]

    await run(hub)

    run.assert_whole()
    again = hub.requests()[1].headers
    assert again["Range"].startswith("bytes=")
    assert 0 < int(again["Range"][6:-1]) <= 100_000
    assert etag_of(CONTENT) == again["If-Range"]
    assert 1 == len(run.waits)


async def test_part_of_an_earlier_call_is_used(hub: Hub, run: Run):
    """Whatever ended that one."""
    run.leave_part(CONTENT[:1000], None)

    await run(hub)

    run.assert_whole()
    assert "bytes=1000-" == hub.requests()[0].headers["Range"]


async def test_file_that_changed_meanwhile_is_begun_anew(hub: Hub, run: Run):
    """If-Range fails, the server sends all, and no halves are joined."""
    url = f"{hub.url}/acme/tiny/resolve/{COMMIT}/model.safetensors"
    run.leave_part(OTHER[:1000], {"url": url, "etag": etag_of(OTHER), "checksum": None})

    await run(hub)

    run.assert_whole()
    assert 1 == len(hub.requests())


async def test_part_that_does_not_fit_is_begun_anew(hub: Hub, run: Run):
    """The checksum tells; one more try without the part."""
    run.leave_part(OTHER[:1000], None)

    await run(hub)

    run.assert_whole()
    assert "does not fit" in run.told.getvalue()


async def test_whole_part_only_has_to_be_checked(hub: Hub, run: Run):
    """Killed between the last byte and the rename: 416, and it is all there."""
    run.leave_part(CONTENT, None)

    await run(hub)

    run.assert_whole()
    assert 1 == len(hub.requests())


async def test_wrong_bytes_never_become_a_file(hub: Hub, run: Run):
    """Right in length, wrong in content: nothing is kept of them."""
    hub.faults = [answers(200, {}, OTHER)]

    with pytest.raises(DownloadError, match="its checksum is wrong") as caught:
        await run(hub)

    assert 69 == caught.value.exit_code
    assert not run.target.exists()
    assert not run.part.exists()


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1])
async def test_length_that_is_not_the_published_one_is_refused(hub: Hub, run: Run, size: int):
    """Before a byte is kept."""
    hub.sizes["model.safetensors"] = size

    with pytest.raises(DownloadError, match=f"{len(CONTENT)} bytes there instead of {size}"):
        await run(hub)

    assert not run.target.exists()


async def test_range_that_was_not_asked_for_is_refused(hub: Hub, run: Run):
    """Joined, it would be rubbish."""
    run.leave_part(CONTENT[:1000], None)
    wrong = {"Content-Range": f"bytes 5-{len(CONTENT) - 1}/{len(CONTENT)}"}
    hub.faults = [answers(206, wrong, CONTENT[5:])]

    with pytest.raises(DownloadError, match="another part of the file"):
        await run(hub)

    assert CONTENT[:1000] == run.part.read_bytes()


async def test_more_bytes_than_there_should_be_are_not_written(hub: Hub, run: Run):
    """A body without a length may not fill the disk."""

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(CONTENT + OTHER)
        return response

    hub.faults = [endless]

    with pytest.raises(DownloadError, match="more came than there should be"):
        await run(hub)

    assert not run.part.exists()


@pytest.mark.parametrize("status", [429, 503])
async def test_busy_server_is_given_the_time_it_asks_for(hub: Hub, run: Run, status: int):
    """In seconds or as a date, never less, a little more by chance."""
    hub.faults = [
        answers(status, {"Retry-After": "7"}),
        answers(status, {"Retry-After": "Thu, 01 Jan 2026 00:00:30 GMT"}),
        answers(status),
    ]

    await run(hub)

    run.assert_whole()
    assert [7.5, 30.5, 3.0] == run.waits


async def test_server_that_stays_busy_is_given_up(hub: Hub, run: Run):
    """After a bounded number of tries, as one sentence."""
    hub.faults = [answers(503)] * 20

    with pytest.raises(UnreachableError, match=r"answers 503; the same command goes on") as caught:
        await run(hub)

    assert 69 == caught.value.exit_code
    assert 6 == len(hub.requests())


async def test_wait_beyond_reason_is_not_waited(hub: Hub, run: Run):
    """An hour is the person's to decide."""
    hub.faults = [answers(429, {"Retry-After": "3600"})]

    with pytest.raises(UnreachableError, match="asks to wait 60 min"):
        await run(hub)

    assert [] == run.waits


async def test_silent_server_is_not_waited_for_endlessly(hub: Hub, run: Run):
    """A time-out breaks the silence, and the next try gets the rest."""

    async def silent(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(CONTENT))})
        await response.prepare(request)
        await response.write(CONTENT[:1000])
        with pytest.raises((ConnectionError, asyncio.CancelledError)):
            await asyncio.sleep(3)
            await response.write(CONTENT[1000:])
        return response

    hub.faults = [silent]

    await run(hub)

    run.assert_whole()
    assert "bytes=1000-" == hub.requests()[1].headers["Range"]


async def test_token_stays_with_its_host(hub: Hub, run: Run):
    """A redirect to a store of files elsewhere does not take it along; the bytes come."""
    seen: list[web.Request] = []

    async def store(request: web.Request) -> web.StreamResponse | None:
        seen.append(request)
        return ranged(request, CONTENT)

    async with serving(Hub(files={}, file="blob", faults=[store])) as elsewhere:
        hub.faults = [answers(302, {"Location": f"{elsewhere.url}/blob?signature=x"})]
        await run(hub, environment={"HF_TOKEN": TOKEN})

    run.assert_whole()
    assert f"Bearer {TOKEN}" == hub.requests()[0].headers["Authorization"]
    assert "Authorization" not in seen[0].headers
    assert TOKEN not in run.told.getvalue()


async def test_gated_model_says_what_is_needed(hub: Hub, run: Run):
    """Without a token, how to give one; with one, where to ask. Never the token itself."""
    hub.faults = [answers(401), answers(403)]

    with pytest.raises(DownloadError, match="set HF_TOKEN"):
        await run(hub)
    with pytest.raises(DownloadError, match="HF_TOKEN has no access") as caught:
        await run(hub, environment={"HF_TOKEN": TOKEN})

    assert TOKEN not in str(caught.value)


async def test_endless_redirects_end(hub: Hub, run: Run):
    """As a sentence."""
    hub.faults = [answers(302, {"Location": "model.safetensors"})] * 20

    with pytest.raises(DownloadError, match="redirects without end"):
        await run(hub)


async def test_missing_file_is_not_asked_for_again(hub: Hub, run: Run):
    """404 is an answer."""
    hub.faults = [answers(404)]

    with pytest.raises(DownloadError, match="there is no such file"):
        await run(hub)

    assert 1 == len(hub.requests())


async def test_full_disk_is_told_before_anything_comes(
    hub: Hub, run: Run, monkeypatch: pytest.MonkeyPatch
):
    """With what is needed and what there is."""
    usage = namedtuple("usage", "total used free")(10, 9, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)

    with pytest.raises(DownloadError, match=r"67\.5 MB of disk are needed in .*1\.0 kB are free"):
        await run(hub)

    assert [] == hub.requests()


async def test_second_download_of_a_model_leaves_the_first_alone(hub: Hub, run: Run):
    """It is told so; the first one ends well."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> None:
        begun.set()
        await go_on.wait()

    hub.faults = [slow]
    first = asyncio.create_task(run(hub))
    await begun.wait()

    with pytest.raises(DownloadError, match="another process is downloading it"):
        await run(hub)
    go_on.set()
    await first

    run.assert_whole()


async def test_checkpoint_of_openai_arrives(run: Run, monkeypatch: pytest.MonkeyPatch):
    """All seven files under the true name of the paper's 762M, checked by the store's MD5."""
    usage = namedtuple("usage", "total used free")(10**12, 0, 10**12)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    data = "model.ckpt.data-00000-of-00001"
    names = ["checkpoint", "encoder.json", "hparams.json", data, "vocab.bpe"]
    names += ["model.ckpt.index", "model.ckpt.meta"]
    md5 = b64encode(hashlib.md5(CONTENT).digest()).decode()
    async with serving(Hub(files=dict.fromkeys(names, b"x") | {data: CONTENT}, file=data)) as hub:
        hub.faults = [answers(200, {"Content-MD5": md5}, OTHER)]
        with pytest.raises(DownloadError, match="checksum"):
            await run(hub, "762M", source="openai", environment={"HF_TOKEN": TOKEN})
        got = await run(hub, "762M", source="openai", environment={"HF_TOKEN": TOKEN})

    assert run.home / "downloads" / "774M-openai" == got.folder
    assert {*names, ".lock"} == {path.name for path in got.folder.iterdir()}
    assert all(f"/774M/{r.path.split('/')[-1]}" == r.path for r in hub.seen)
    assert not any("Authorization" in request.headers for request in hub.seen)


@pytest.mark.parametrize(
    ("order", "environment", "error"),
    [
        ({"proxy": "ftp://u:hunter2@x"}, {}, SettingError),
        ({"proxy": "http://x:port"}, {}, SettingError),
        ({"mirror": "ftp://x"}, {}, SettingError),
        ({"mirror": "https://u:hunter2@x"}, {}, SettingError),
        ({"mirror": None}, {"HF_ENDPOINT": "hunter2"}, SettingError),
        ({}, {"HF_TOKEN": "hunter2 \n x"}, SettingError),
        ({}, {"HF_TOKEN_FILE": "/nowhere"}, SettingError),
        ({"name": "125M"}, {}, ModelFileError),
        ({"name": "../x"}, {}, ModelFileError),
        ({"name": "117M", "called": "../x"}, {}, ModelFileError),
        ({"name": "117M", "quantization": "q9"}, {}, ModelFileError),
        ({"name": "a/b/c"}, {}, ModelFileError),
        ({"name": "distilgpt2", "source": "openai"}, {}, ModelFileError),
    ],
)
async def test_what_makes_no_sense_is_one_sentence(
    hub: Hub, run: Run, order: dict, environment: dict[str, str], error: type[StartupError]
):
    """Exit code 78, no secret repeated, nothing asked, nothing written."""
    with pytest.raises(error) as caught:
        await run(hub, environment=environment, **order)

    assert 78 == caught.value.exit_code
    assert "hunter2" not in str(caught.value)
    assert [] == hub.seen


def _command(hub: Hub, home: Path, *more: str) -> tuple[list[str], dict[str, str]]:
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from bot.__main__ import main; sys.exit(main())"
    )
    line = [sys.executable, "-c", program, "models", "download", "acme/tiny", *more]
    ours = ("BARDLING_", "HF_", "HTTP", "ALL_", "NO_", "http", "all_", "no_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return line, environment | {"BARDLING_HOME": str(home), "HF_ENDPOINT": hub.url}


async def test_ctrl_c_leaves_a_part_that_the_next_call_uses(run: Run, tmp_path: Path):
    """A real process: exit code 130, no traceback; then the model is made and named."""
    folder = make_huggingface_folder(tmp_path / "tiny")
    files = {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "vocab.json"}
    weights = files["model.safetensors"]

    async def stalls(request: web.Request) -> web.StreamResponse:
        headers = {"ETag": etag_of(weights), "Content-Length": str(len(weights))}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        await response.write(weights[:1000])
        await asyncio.sleep(20)
        return response

    async with serving(Hub(files=files, faults=[stalls])) as hub:
        line, environment = _command(hub, run.home)
        process = await asyncio.to_thread(
            subprocess.Popen, line, env=environment, stderr=subprocess.PIPE, text=True
        )
        try:
            deadline = time.monotonic() + 20
            while not (run.part.exists() and run.part.stat().st_size):
                assert process.poll() is None
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
            process.send_signal(signal.SIGINT)
            _, errors = await asyncio.to_thread(process.communicate, timeout=20)
        finally:
            process.kill()
            process.wait()
            process.stderr.close()
        again = await asyncio.to_thread(
            subprocess.run, line, env=environment, capture_output=True, text=True, check=False
        )

    assert 130 == process.returncode
    assert errors.endswith("stopped; the same command goes on with what is there\n")
    assert "Traceback" not in errors
    assert "bytes=1000-" == hub.requests()[-1].headers["Range"]
    assert (0, f"{run.home / 'models' / 'tiny.gguf'}\n") == (again.returncode, again.stdout)
