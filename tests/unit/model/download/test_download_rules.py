"""What downloads decide and say, apart from any I/O; and that the catalogue holds together."""

import io
import re
from datetime import UTC, datetime

import pytest

from bot.errors import DownloadError, ModelFileError
from bot.model.download.catalogue import CATALOGUE, find_entry
from bot.model.download.plan import read_listing
from bot.model.download.progress import Progress, Rate, Reporter, bar_text, left_text, progress_text
from bot.model.download.proxies import ProxyRules
from bot.model.download.rules import (
    Checksum,
    Resume,
    Saved,
    follow,
    may_carry_token,
    parse_retry_after,
    place_body,
    plan_resume,
    promised_checksum,
    retry_wait_s,
    strong_etag,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SAVED = Saved(url="https://a/x", etag='"1"', checksum=None)


@pytest.mark.parametrize(
    ("size", "saved", "url", "is_summed", "resume"),
    [
        (0, None, "https://a/x", True, Resume(0, None)),
        (5, SAVED, "https://a/x", False, Resume(5, '"1"')),
        (5, SAVED, "https://b/x", True, Resume(5, None)),
        (5, SAVED, "https://b/x", False, Resume(0, None)),
        (5, None, "https://a/x", False, Resume(0, None)),
    ],
)
def test_part_is_used_where_a_mistake_would_show(
    size: int, saved: Saved | None, url: str, is_summed: bool, resume: Resume
):
    """By the same file's etag, or by the checksum at the end; else from the start."""
    assert resume == plan_resume(size, saved, url, is_summed=is_summed)


def test_weak_etags_join_nothing():
    """They promise the same meaning, not the same bytes."""
    assert '"a"' == strong_etag({"ETag": '"a"'})
    assert strong_etag({"ETag": 'W/"a"'}) is None
    assert strong_etag({}) is None


def test_packed_answer_is_refused():
    """Its bytes are not the file's."""
    with pytest.raises(ValueError, match="packs"):
        place_body(200, {"Content-Encoding": "gzip"}, Resume(0, None))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("-5", None),
        ("soon", None),
        (None, None),
    ],
)
def test_retry_after_in_both_forms(text: str | None, seconds: float | None):
    """RFC 9110: seconds or a date; what is neither says nothing."""
    assert seconds == parse_retry_after(text, NOW)


def test_waits_grow_and_end():
    """Doubling with chance in it, bounded in number and by reason."""
    assert [0.5, 1.0, 2.0, 4.0, 8.0, None] == [retry_wait_s(n, None, 0.0) for n in range(1, 7)]
    assert 1.0 == retry_wait_s(1, None, 1.0)
    assert 600.5 == retry_wait_s(1, 600.0, 0.5)
    assert retry_wait_s(1, 601.0, 0.0) is None


def test_token_goes_to_its_own_origin_only():
    """Host, port and scheme; in the clear to this machine at most."""
    hub = "https://huggingface.co"
    assert may_carry_token(f"{hub}/x", hub)
    assert not may_carry_token("https://cdn.huggingface.co/x", hub)
    assert not may_carry_token("https://huggingface.co:444/x", hub)
    assert not may_carry_token("http://huggingface.co/x", hub)
    assert not may_carry_token("http://mirror.lan/x", "http://mirror.lan")
    assert may_carry_token("http://127.0.0.1:8/x", "http://127.0.0.1:8")


def test_redirects_lead_to_the_web_and_not_out_of_https():
    """Relative ones are joined."""
    assert "https://a/y" == follow("https://a/x", "/y")
    for location in ("", "file:///etc/passwd", "http://a/x", "ftp://b/x"):
        with pytest.raises(ValueError, match="redirects"):
            follow("https://a/x", location)


def test_checksums_that_servers_promise():
    """The hub's sha256 of large files and git's sum of small ones, Azure's MD5 of the whole."""
    sha256, blob, md5 = "a" * 64, "b" * 40, "kAFQmDzST7DWlj99KOF/cg=="
    whole = Checksum(algorithm="md5", digest="900150983cd24fb0d6963f7d28e17f72")
    assert Checksum(algorithm="sha256", digest=sha256) == promised_checksum(
        200, {"X-Linked-Etag": f'"{sha256}"'}, {}
    )
    assert Checksum(algorithm="git-sha1", digest=blob) == promised_checksum(
        200, {"X-Repo-Commit": "c", "ETag": f'"{blob}"'}, {}
    )
    assert promised_checksum(200, {"ETag": f'"{blob}"'}, {}) is None
    assert whole == promised_checksum(200, {}, {"Content-MD5": md5})
    assert promised_checksum(206, {}, {"Content-MD5": md5}) is None
    assert whole == promised_checksum(206, {}, {"x-ms-blob-content-md5": md5})


def test_progress_says_how_far_how_fast_how_long():
    """Each part only where it is known."""
    assert "x: 0 B" == progress_text(Progress("x", 0, None, None))
    assert "x: 42%, 231.0 MB of 548.1 MB, 12.3 MB/s, 26 s left" == progress_text(
        Progress("x", 231_000_000, 548_105_171, 12_300_000)
    )
    assert ["1 s", "3 min 20 s", "1 h 05 min"] == [left_text(s) for s in (0.2, 200, 3900)]
    bar = bar_text(Progress("x", 1, 2, None), 30)
    assert "[##########..........] x: 50%" == bar[:29]
    assert len(bar) <= 29


def test_terminal_gets_a_bar_and_a_file_gets_lines():
    """A log without control characters, a bar that is redrawn a few times a second."""
    told: list[str] = []
    for columns in (80, None):
        times = iter([0.0, 0.0, 0.05, 1.0, 1.0, 20.0, 20.0, 20.0])
        stream = io.StringIO()
        reporter = Reporter(stream, columns=columns, now=lambda times=times: next(times))
        reporter.start("x", 0, 4000)
        for done in (1000, 2000, 3000):
            reporter.advance("x", done, 4000)
        reporter.note("y")
        told.append(stream.getvalue())

    bar, lines = told
    assert "\r" in bar
    assert "x: 50%, 2.0 kB of 4.0 kB, 2.0 kB/s, 1 s left" in bar
    assert bar.endswith("\ny\n")
    assert "\r" not in lines
    assert lines.startswith("x: 0%, 0 B of 4.0 kB\n")
    assert lines.endswith("y\n")


def test_rate_is_that_of_the_last_seconds():
    """A stall long ago does not slow it, a first moment says nothing."""
    rate = Rate()
    assert rate.add(0.0, 0) is None
    assert rate.add(0.1, 100) is None
    assert rate.add(100.0, 100) is None  # a stall
    assert 50.0 == rate.add(102.0, 200)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://x.org/", "http://secure:1"),
        ("http://x.org/", "http://all:1"),
        ("https://local.lan/", None),
        ("https://a.local.lan:444/", None),
        ("https://notlocal.lan/", "http://secure:1"),
    ],
)
def test_proxy_by_scheme_and_exception(url: str, expected: str | None):
    """HTTPS_PROXY before ALL_PROXY, NO_PROXY before both; lower case wins."""
    environment = {"HTTPS_PROXY": "http://never", "https_proxy": "secure:1"}
    environment |= {"ALL_PROXY": "http://all:1", "NO_PROXY": ".local.lan"}

    proxy = ProxyRules.of(None, environment).choose(url)

    assert expected == (proxy and proxy.url)


def test_catalogue_is_whole():
    """True sizes, sums that are sums, names that no two models share."""
    names = [name for entry in CATALOGUE for name in (entry.name, *entry.aliases)]
    assert len(names) == len(set(names))
    assert ["124M", "355M", "774M", "1558M", "distilgpt2"] == [entry.name for entry in CATALOGUE]
    for paper, name in {"117M": "124M", "345M": "355M", "762M": "774M", "1542m": "1558M"}.items():
        assert name == find_entry(paper).name
    for entry in CATALOGUE:
        assert re.fullmatch(r"[0-9a-f]{40}", entry.revision)
        assert len(entry.openai_files) == (7 if entry.openai_folder else 0)
        for file in (*entry.huggingface_files, *entry.openai_files):
            assert file.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", file.sha256)
    with pytest.raises(ModelFileError, match="it has 124M, 355M, 774M, 1558M, distilgpt2"):
        find_entry("125M")


def test_listing_gives_the_files_of_an_import():
    """Safetensors before pickles, nothing out of subfolders, nothing out of the folder."""
    names = ["config.json", "README.md", "a.safetensors", "pytorch_model.bin", "vocab.json"]
    names += ["onnx/x.safetensors", "../y.safetensors"]
    entries = ", ".join(f'{{"rfilename": "{name}", "size": -1}}' for name in names)
    revision, files = read_listing("x", f'{{"sha": "c", "siblings": [{entries}]}}'.encode())

    assert "c" == revision
    assert ["config.json", "vocab.json", "a.safetensors"] == [file.name for file in files]
    for body in (b"", b"[]", b'{"sha": 1, "siblings": [1]}', b'{"sha": "c", "siblings": []}'):
        with pytest.raises(DownloadError):
            read_listing("x", body)
