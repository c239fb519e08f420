"""The picture and the table of a comparison, made of figures that were never measured."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.core.models import ModelInfo
from bot.evaluation.candidates import Candidate
from bot.evaluation.plot import draw
from bot.evaluation.report import table
from bot.evaluation.results import Compared, Comparison, Guesses, Likeness
from bot.evaluation.text import Text
from bot.model.store import open_model
from tests.model_files import SHAPE

Compare = Callable[..., Comparison]


@pytest.fixture
def compared(tmp_path: Path) -> Compare:
    """A comparison of models, each given by its label, vocabulary and divergence."""
    tokenizer = open_model("small", "gguf", tmp_path).tokenizer

    def make(*models: tuple[str, int, float | None]) -> Comparison:
        return Comparison(
            text=Text("fox.txt", "The fox went home."),
            window=64,
            engine="llama_cpp",
            models=tuple(one(index, *model) for index, model in enumerate(models)),
        )

    def one(index: int, label: str, vocabulary: int, kl_nats: float | None) -> Compared:
        path = tmp_path / f"{index}.gguf"
        path.write_bytes(bytes(1000 * (index + 1)))
        info = ModelInfo(
            name="x",
            quantization="f32",
            file_format="gguf",
            path=str(path),
            shape=SHAPE,
            end_of_text_id=None,
        )
        return Compared(
            label=label,
            candidate=Candidate(
                path=path, info=info, tokenizer=tokenizer, engine="llama_cpp", window=64
            ),
            vocabulary=vocabulary,
            guesses=Guesses(
                perplexity=20.0 + index,
                bits_per_byte=1.5,
                n_guessed=100,
                read_tokens_per_s=1000.0,
                write_tokens_per_s=100.0,
                memory_bytes=50_000_000,
            ),
            is_best=kl_nats is None,
            likeness=None if kl_nats is None else Likeness(kl_nats=kl_nats, agreement=0.9),
        )

    return make


@pytest.mark.parametrize(("suffix", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
@pytest.mark.parametrize(
    "models",
    [
        [("alone", 0, None)],
        [("best", 0, None), ("copy", 0, 0.0), ("other", 0, 0.1)],
        [("$a_b", 0, None), ("b$c$", 1, None), ("c", 2, None)],
    ],
    ids=["one model", "no divergence", "many vocabularies"],
)
def test_any_comparison_can_be_drawn(
    models: list[tuple[str, int, float | None]],
    suffix: str,
    start: bytes,
    compared: Compare,
    tmp_path: Path,
):
    """In both formats: nothing to compare with, a divergence of zero, names like formulas."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra `plot`)")
    path = tmp_path / f"picture.{suffix}"
    draw(compared(*models), path)
    assert path.read_bytes().startswith(start)


def test_columns_of_the_table_are_aligned(compared: Compare):
    """Names of any length; who has nobody to be compared with gets a dash."""
    lines = table(compared(("a", 0, None), ("a long name", 0, 0.25), ("c", 1, None))).splitlines()
    head, *rows = lines[2:6]
    assert {len(head)} == {len(row) for row in rows}
    divergences = [row[: head.index("KL nats") + len("KL nats")].split()[-1] for row in rows]
    assert ["best", "0.25000", "–"] == divergences
    assert "Vocabularies differ" in lines[-1]
