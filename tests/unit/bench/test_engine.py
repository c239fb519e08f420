"""The engine benchmark as a whole, on a tiny model: every engine that is installed, and peers."""

import argparse
import importlib.util
import json
import sys
from pathlib import Path

import pytest

from bot.bench import models
from bot.bench.bandwidth import read_bandwidth, weight_bytes
from bot.bench.contenders import all_contenders, chosen_contenders, find_environments
from bot.bench.engine import main
from bot.bench.machine import machine_facts
from bot.bench.options import Options, add_bench_engine, bench_engine_options
from bot.core.models import ModelShape
from bot.errors import SettingError
from bot.model.tensors import Q8_0

pytestmark = pytest.mark.timeout(150)  # a process for each measurement, on a machine of any speed

_TINY = ModelShape(n_vocab=320, n_ctx=64, n_embd=64, n_head=2, n_layer=2)
_OURS = ("bardling-llama_cpp", "bardling-ctransformers")
_PEERS = ("llama.cpp-loop", "llama.cpp-batched", "ctransformers", "llama-cpp-python",
          "transformers-f32", "xllamacpp-server", "ctranslate2")  # fmt: skip


@pytest.fixture(autouse=True)
def tiny_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shape that is made and run in no time, and no gigabyte read."""
    monkeypatch.setitem(models.SHAPES, "tiny", _TINY)
    monkeypatch.setattr("bot.bench.engine.read_bandwidth", lambda _: 1e9)


def _installed(keys: tuple[str, ...]) -> tuple[str, ...]:
    environments = find_environments(Path("no such Python"))
    return tuple(one.key for one in all_contenders() if environments.has(one) and one.key in keys)


def _options(tmp_path: Path, **more: object) -> Options:
    values = {
        "model": "small", "home": tmp_path, "shape": "tiny", "prompt_tokens": 6,
        "new_tokens": 4, "rounds": 1, "threads": 1, "streams": (2,),
        "peers_python": Path("no such Python"), "json_out": tmp_path / "figures.json",
    }  # fmt: skip
    return Options(**(values | more))


def _figures(tmp_path: Path) -> dict:
    return json.loads((tmp_path / "figures.json").read_text())


def test_our_engines_are_measured_with_all_that_is_told_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Speed, memory, what a step spends outside the model, what a kept prefix saves."""
    ours = _installed(_OURS)

    assert 0 == main(_options(tmp_path, contenders=ours, markdown_out=tmp_path / "table.md"))

    figures = _figures(tmp_path)
    assert len(ours) == len(figures["rows"]) == len(figures["outside"]) == len(figures["reuse"])
    for row in figures["rows"]:
        assert row["failure"] is None
        assert row["tokens_per_s"]["median"] > 0
        assert 0 < row["first_token_s"]["median"] < 8 / row["tokens_per_s"]["median"]
        assert row["peak_bytes"] is None or row["peak_bytes"] > 1_000_000
    for outside in figures["outside"]:
        assert 0 < outside["engine"] < 1
        assert 0 < outside["worker"] < 1
    for reuse in figures["reuse"]:
        assert 20 <= reuse["reused_tokens"] < reuse["prompt_tokens"] == 54
    assert 8 == figures["measurements"][0]["rounds"][0]["n_tokens"]
    assert "bardling" in capsys.readouterr().out
    assert "| **bardling" in (tmp_path / "table.md").read_text()


@pytest.mark.parametrize("peer", _PEERS)
def test_peer_writes_what_it_is_told(peer: str, tmp_path: Path):
    """As many tokens of as many texts as ours do, and no error."""
    if not _installed((peer,)):
        pytest.skip("not installed")
    streams = 1 if peer == "llama.cpp-loop" else 2

    assert 0 == main(_options(tmp_path, contenders=(peer,), streams=(streams,)))

    figures = _figures(tmp_path)
    [row] = figures["rows"]
    [measurement] = figures["measurements"]
    assert row["failure"] is None
    assert 4 * streams == measurement["rounds"][0]["n_tokens"]
    assert 0 < row["first_token_s"]["median"] < 4 * streams / row["tokens_per_s"]["median"]


def test_contender_that_is_not_there_has_a_row_that_says_so(tmp_path: Path):
    """Named, but with a program that fails: the others are measured."""
    if importlib.util.find_spec("ctranslate2") is not None:
        pytest.skip("it is installed")

    assert 0 == main(_options(tmp_path, contenders=("ctranslate2", "ctransformers")))

    failed, other = _figures(tmp_path)["rows"]
    assert "ctranslate2" in failed["failure"]
    assert other["tokens_per_s"]["median"] > 0


def test_model_that_is_there_is_measured_as_it_is_stored(tmp_path: Path):
    """The small one, q8_0; what needs another form of it says so."""
    options = _options(tmp_path, shape=None, contenders=("ctransformers", "ctranslate2"))

    assert 0 == main(options)

    first, second = _figures(tmp_path)["rows"]
    assert "q8_0" == first["number_format"]
    assert first["tokens_per_s"]["median"] > 0
    assert "--shape" in second["failure"]


def test_unknown_contender_is_refused():
    """With the names there are."""
    with pytest.raises(SettingError, match="bardling-llama_cpp"):
        chosen_contenders(["nobody"], find_environments(Path(sys.executable)))


def test_text_that_does_not_fit_the_window_is_refused(tmp_path: Path):
    """Before anything is measured."""
    with pytest.raises(SettingError, match="together up to 64"):
        main(_options(tmp_path, new_tokens=60))


def _parsed(*arguments: str) -> Options:
    parser = argparse.ArgumentParser()
    add_bench_engine(parser.add_subparsers())
    return bench_engine_options(parser.parse_args(["engine", *arguments]), "small", Path("home"))


def test_command_line_gives_options_over_defaults():
    """Lists are comma-separated; what is not said stays."""
    found = _parsed("--streams", "1,4", "--quantizations", "q8_0,q4_0", "--json", "out.json")

    assert ((1, 4), ("q8_0", "q4_0"), Path("out.json")) == (
        found.streams, found.quantizations, found.json_out
    )  # fmt: skip
    assert Options(model="small", home=Path("home")) == _parsed()


@pytest.mark.parametrize("value", ["0", "1,x", "", "-1"])
def test_counts_that_are_none_are_refused(value: str, capsys: pytest.CaptureFixture[str]):
    """By argparse, with an example."""
    with pytest.raises(SystemExit):
        _parsed(f"--streams={value}")

    assert "1,8,32" in capsys.readouterr().err


def test_bandwidth_and_bytes_for_each_token():
    """The table of positions is left out, the embeddings are in."""
    assert read_bandwidth(2, n_bytes=1 << 16) > 0
    matrices = 320 * 64 + 2 * 12 * 64 * 64
    vectors = 2 * 64 + 2 * (4 * 64 + 3 * 64 + 64 + 4 * 64 + 64)
    assert matrices * 34 // 32 + 4 * vectors == weight_bytes(_TINY, Q8_0)


def test_machine_is_told_by_its_processor(tmp_path: Path):
    """Name and the vector instructions that matter."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("model name\t: Some CPU\nflags\t\t: sse avx2 avx512_vnni\n")

    facts = machine_facts(cpuinfo)

    assert ("Some CPU", ["avx2", "avx512_vnni"]) == (facts["cpu"], facts["cpu_flags"])
    assert machine_facts(tmp_path / "none")["cores"]
