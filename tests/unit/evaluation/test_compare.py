"""`bardling models compare`: figures, table, JSON and picture."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.__main__ import main
from bot.core.models import ModelShape
from bot.errors import ModelFileError, SettingError
from bot.evaluation.compare import best, compare
from bot.evaluation.report import as_json, table
from bot.evaluation.results import Comparison
from bot.evaluation.text import Text, read_text
from tests.model_files import SHAPE
from tests.unit.evaluation.conftest import MakeModel

pytestmark = pytest.mark.usefixtures("own_logging")

TEXT = Text("fox.txt", "Once upon a time there was a fox. The fox went home. Ünïcode! " * 4)
WIDE = ModelShape(n_vocab=300, n_ctx=32, n_embd=128, n_head=4, n_layer=1)
OTHER_WORDS = ModelShape(n_vocab=290, n_ctx=64, n_embd=64, n_head=4, n_layer=1)


def row_of(comparison: Comparison, label: str) -> dict[str, Any]:
    """One model's figures as they go into the JSON file."""
    return {one["label"]: one for one in as_json(comparison)["models"]}[label]


def test_quantizations_are_compared_with_the_one_of_most_bits(
    engine: str, make_model: MakeModel, tmp_path: Path
):
    """The coarser, the farther from it; each figure is there for each."""
    paths = [make_model(quantization) for quantization in ("q4_0", "f32", "q8_0")]
    found = compare([str(path) for path in paths], TEXT, tmp_path, engine=engine, n_threads=1)
    assert ["tiny-q4_0", "tiny-f32", "tiny-q8_0"] == [one.label for one in found.models]
    assert [False, True, False] == [one.is_best for one in found.models]
    coarse, exact, fine = (row_of(found, one.label) for one in found.models)
    assert (None, None) == (exact["kl_nats"], exact["agreement"])
    assert 0 < fine["kl_nats"] < coarse["kl_nats"] < 1
    assert 0 <= coarse["agreement"] <= fine["agreement"] <= 1
    for row, path in zip((coarse, exact, fine), paths, strict=True):
        assert path.stat().st_size == row["file_bytes"]
        assert row["memory_bytes"] > 10e6
        assert row["read_tokens_per_s"] > 0
        assert row["write_tokens_per_s"] > 0
        assert row["bits_per_byte"] > 0
    assert (engine, 64, TEXT.sha256) == (found.engine, found.window, found.text.sha256)


def test_figures_are_those_of_the_engine_itself(make_model: MakeModel, tmp_path: Path):
    """Perplexity and divergence again, in this process and by another way."""
    from bot.engine.select import open_engine
    from bot.model.store import open_model

    paths = [make_model("f32"), make_model("q4_0")]
    found = compare([str(path) for path in paths], TEXT, tmp_path, engine="ctransformers")
    rows, text_logprobs, n_bytes = [], [], len(TEXT.text.encode())
    for path in paths:
        opened = open_model(str(path), "ggml", tmp_path)
        tokens = opened.tokenizer.encode(TEXT.text)
        engine = open_engine("ctransformers", opened.info, n_threads=1)
        of_model: list[np.ndarray] = []
        targets: list[int] = []
        for start in range(0, len(tokens) - 1, SHAPE.n_ctx):
            window = tokens[start : start + SHAPE.n_ctx]
            of_model += [np.concatenate(list(engine.logits(window)))[:-1].astype(np.float64)]
            targets += window[1:]
        engine.close()
        logits = np.concatenate(of_model)
        rows.append(logits - np.logaddexp.reduce(logits, axis=1)[:, None])
        text_logprobs.append(rows[-1][np.arange(len(targets)), targets])
    exact, coarse = found.models
    expected = [math.exp(-one.mean()) for one in text_logprobs]
    assert expected == pytest.approx([one.guesses.perplexity for one in found.models], rel=1e-4)
    bits = -text_logprobs[0].mean() / math.log(2) * len(tokens) / n_bytes
    assert bits == pytest.approx(exact.guesses.bits_per_byte, rel=1e-4)
    assert coarse.likeness is not None
    kl_nats = (np.exp(rows[0]) * (rows[0] - rows[1])).sum(axis=1).mean()
    assert kl_nats == pytest.approx(coarse.likeness.kl_nats, rel=1e-3)
    agreed = (rows[0].argmax(axis=1) == rows[1].argmax(axis=1)).mean()
    assert agreed == pytest.approx(coarse.likeness.agreement, abs=0.02)
    assert len(rows[0]) == exact.guesses.n_guessed


def test_other_vocabulary_is_measured_but_not_likened(make_model: MakeModel, tmp_path: Path):
    """Its ids mean something else; windows are the smallest of all."""
    models = [make_model(), make_model(shape=WIDE), make_model(shape=OTHER_WORDS)]
    found = compare([str(path) for path in models], TEXT, tmp_path, engine="ctransformers")
    assert [0, 0, 1] == [one.vocabulary for one in found.models]
    assert (32, 2) == (found.window, found.n_vocabularies)
    shown = table(found).splitlines()
    assert "–" not in shown[3]
    assert [True, True] == [cell == "–" for cell in shown[5].split()[-5:-3]]
    assert "bits/byte" in shown[-1]


def test_same_model_twice_is_the_same(tmp_path: Path):
    """No divergence at all; labels stay apart; only as many tokens as allowed are used."""
    found = compare(["small", "small"], read_text(None), tmp_path, max_tokens=120, n_threads=1)
    first, second = found.models
    assert ("small (1)", "small (2)") == (first.label, second.label)
    assert first.guesses.perplexity == second.guesses.perplexity
    assert second.likeness is not None
    assert second.likeness.kl_nats == pytest.approx(0, abs=1e-9)
    assert 1.0 == second.likeness.agreement
    assert 90 < first.guesses.n_guessed < 120
    assert read_text(None).text.startswith(found.text.text)


@pytest.mark.parametrize(
    ("contenders", "expected"),
    [
        ([(SHAPE, 4.5, 20.0), (SHAPE, 16.0, 20.5), (SHAPE, 8.5, 19.0)], 1),
        ([(SHAPE, 8.51, 20.0), (SHAPE, 8.52, 19.0)], 1),
        ([(SHAPE, 8.52, 19.0), (SHAPE, 8.51, 20.0)], 0),
        ([(SHAPE, 16.0, 20.0), (WIDE, 4.5, 19.0)], 1),
        ([(WIDE, 4.5, 19.0)], 0),
    ],
    ids=["most bits", "equal bits", "equal bits, other order", "two shapes", "alone"],
)
def test_best_is_the_nearest_to_what_was_trained(
    contenders: list[tuple[ModelShape, float, float]], expected: int
):
    """Most bits among quantizations of one model, else the lowest perplexity."""
    assert expected == best(contenders)


def test_model_of_nonsense_is_refused_by_name(make_model: MakeModel, tmp_path: Path):
    """Not shown as a perplexity of nan."""
    path = make_model(spoil={"ln_f.weight": 3e38})
    with pytest.raises(ModelFileError, match="not finite") as refused:
        compare(["small", str(path)], TEXT, tmp_path, engine="ctransformers")
    assert str(path) == refused.value.path


def test_text_of_one_token_is_refused(tmp_path: Path):
    """There is nothing to guess in it."""
    with pytest.raises(SettingError, match="too short"):
        compare(["small"], Text("a.txt", "a"), tmp_path, engine="scripted")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own."""
    monkeypatch.setenv("BARDLING_HOME", str(tmp_path))
    return tmp_path


def test_command_writes_table_figures_and_picture(
    home: Path, make_model: MakeModel, capsys: pytest.CaptureFixture[str]
):
    """All three of the same figures."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra `plot`)")
    models = [str(make_model("f32")), str(make_model("q8_0"))]
    text, figures, picture = home / "text.txt", home / "out.json", home / "out.svg"
    text.write_text(TEXT.text)
    options = ["--text", text, "--json", figures, "--plot", picture, "--engine", "ctransformers"]

    assert 0 == main(["models", "compare", *models, *map(str, options), "--tokens", "90"])

    written = json.loads(figures.read_text())
    shown = capsys.readouterr().out
    assert ["tiny-f32", "tiny-q8_0"] == [one["label"] for one in written["models"]]
    assert f"{written['models'][1]['kl_nats']:.5f}" in shown
    assert shown.startswith(f"text.txt: {written['text']['bytes']} bytes, SHA-256 ")
    assert "<svg" in picture.read_text()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--plot", "out.pdf"], "--plot = 'out.pdf' (from the command line): must end in .svg or"),
        (
            ["--plot", "/nowhere/a.svg"],
            "--plot = '/nowhere/a.svg' (from the command line): no file",
        ),
        (["--json", "/nowhere/a.json"], "--json = '/nowhere/a.json' (from the command line): no"),
        (["--json", "/"], "--json = '/' (from the command line): no file can be written there"),
        (["--text", "/nowhere/a"], "--text = '/nowhere/a' (from the command line): it can't be"),
        ([], "The model file nosuch can't be used: there is no model of this name"),
    ],
)
def test_what_can_not_be_done_is_told_before_any_work(
    options: list[str], sentence: str, home: Path, capsys: pytest.CaptureFixture[str]
):
    """Exit code 78, one sentence, nothing measured."""
    assert 78 == main(["models", "compare", "nosuch", *options])

    output, errors = capsys.readouterr()
    assert "" == output
    assert errors.splitlines()[-1].startswith(f"bardling: {sentence}")
    assert "measuring" not in errors


@pytest.mark.parametrize(
    "line", ["compare", "compare small --tokens 1", "compare small --engine x"]
)
def test_wrong_arguments_end_with_the_usage(line: str, capsys: pytest.CaptureFixture[str]):
    """Exit code 2, as everywhere."""
    with pytest.raises(SystemExit) as end:
        main(["models", *line.split()])
    assert 2 == end.value.code
    assert "usage: bardling models compare" in capsys.readouterr().err
