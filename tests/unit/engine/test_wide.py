"""The wide engine: its weights are the file's, and a text never depends on its company."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import gguf
import numpy as np
import pytest

from bot.core.models import ModelShape
from bot.core.sampling import SamplingParams
from bot.engine.select import open_engine
from bot.engine.sequences import Chunk
from bot.errors import EngineError
from bot.model.importing import import_checkpoint
from bot.model.store import OpenedModel, open_model
from tests.model_files import make_huggingface_folder

pytest.importorskip("numba", reason="numba is not installed (make wide)")
pytestmark = pytest.mark.timeout(180)  # the first one may have to compile

# Heads of 64, which have a way of their own; rows that fill no panel up.
SHAPE = ModelShape(n_vocab=300, n_ctx=64, n_embd=128, n_head=2, n_layer=2)
TOKENS = [(37 * index) % 300 for index in range(50)]


def opened(folder: Path, quantization: str, shape: ModelShape = SHAPE) -> OpenedModel:
    target = folder / f"m.{quantization}.gguf"
    if not target.exists():
        import_checkpoint(make_huggingface_folder(folder / "hf", shape), target, "m", quantization)
    return open_model(str(target), "gguf", folder)


def open_wide(model: OpenedModel, *, slots: int = 4, n_threads: int = 1):
    return open_engine("wide", model.info, slots=slots, n_threads=n_threads)


def rows_of(engine, place: int, tokens: list[int], start: int = 0) -> np.ndarray:
    return engine._compute([Chunk(place, tokens, start, "all")]).copy()


@pytest.mark.parametrize("quantization", ["q8_0", "q4_0", "q5_0", "f16"])
def test_weights_are_those_of_the_file(tmp_path: Path, quantization: str):
    """Unpacked from panels they are what the file's own library makes of it; f16 becomes q8_0."""
    from bot.engine.wide.kernels import BLOCK, PANEL
    from bot.engine.wide.weights import load_model

    model = opened(tmp_path, quantization)
    loaded, zero = load_model(model.info.path, SHAPE)
    assert zero == (8 if quantization == "q4_0" else 0)
    k, n_panels = SHAPE.n_embd, -(-SHAPE.n_vocab // PANEL)
    at = 12 * k * k * SHAPE.n_layer
    group = 4 if zero else 2
    numbers = loaded.panels.values[at:].reshape(n_panels, k // group, PANEL, group)
    numbers = numbers.transpose(0, 2, 1, 3).reshape(-1, k)[: SHAPE.n_vocab].astype(np.float32)
    scales = loaded.panels.scales[at // BLOCK :].reshape(n_panels, k // BLOCK, PANEL)
    scales = scales.transpose(0, 2, 1).reshape(-1, k // BLOCK)[: SHAPE.n_vocab]
    found = (numbers - zero) * np.repeat(scales, BLOCK, axis=1)

    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(model.info.path).tensors}
    stored = tensors["token_embd.weight"]
    expected = gguf.quants.dequantize(stored.data, stored.tensor_type)
    if quantization == "f16":
        kind = gguf.GGMLQuantizationType.Q8_0
        expected = gguf.quants.dequantize(
            gguf.quants.quantize(expected.astype(np.float32), kind), kind
        )
    assert np.array_equal(expected, found)


@pytest.mark.parametrize("quantization", ["q8_0", "q4_0"])
def test_logits_never_depend_on_company_chunks_or_threads(tmp_path: Path, quantization: str):
    """To the last bit: alone in one go, in pieces beside others, on one thread or two."""
    model = opened(tmp_path, quantization)
    alone = open_wide(model)
    expected = rows_of(alone, 0, TOKENS)
    crowded = open_wide(model, n_threads=2)
    random = np.random.default_rng(5)
    done, found = 0, []
    others = dict.fromkeys((0, 1, 3), 0)
    while done < len(TOKENS):
        n = int(random.integers(1, 8))
        chunks = [Chunk(2, TOKENS[done : done + n], done, "all")]
        for place, start in others.items():
            length = min(int(random.integers(1, 6)), SHAPE.n_ctx - start)
            if length:
                tokens = random.integers(0, 300, length).tolist()
                chunks.insert(int(random.integers(0, 2)), Chunk(place, tokens, start, "last"))
                others[place] += length
        rows = crowded._compute(chunks)
        first = sum(
            len(one.tokens) if one.wanted == "all" else 1
            for one in chunks[: next(i for i, one in enumerate(chunks) if one.place == 2)]
        )
        found.append(rows[first : first + len(TOKENS[done : done + n])].copy())
        done += n
    alone.close()
    crowded.close()

    assert np.array_equal(expected, np.concatenate(found))


def test_a_seed_makes_the_same_text_in_any_crowd(tmp_path: Path):
    """Drawn, not only computed; others come and go."""
    engine = open_wide(opened(tmp_path, "q8_0"))
    sampling = SamplingParams(seed=9, top_k=0, temperature=1.3)

    def write(company: int) -> list[int | None]:
        for other in range(company):
            prompt = TOKENS[other : other + 7]
            left = 7 - engine.add(100 + other, prompt, SamplingParams(seed=other))
            engine.step({100 + other: left})
        left = len(TOKENS[:9]) - engine.add(1, TOKENS[:9], sampling)
        text: list[int | None] = []
        while len(text) < 20:
            plan = {1: left} | {100 + other: 1 for other in range(company)}
            progress = {one.sequence_id: one for one in engine.step(plan)}
            text += [progress[1].token]
            left = 1
        for sequence_id in (1, *range(100, 100 + company)):
            engine.remove(sequence_id)
        return text

    assert write(0) == write(3) == write(1)
    engine.close()


def test_a_copied_prefix_is_the_same_to_the_last_bit(tmp_path: Path):
    """Keys and values of another place, and only as many as were asked for."""
    engine = open_wide(opened(tmp_path, "q8_0"))
    expected = rows_of(engine, 0, TOKENS)
    rows_of(engine, 1, TOKENS[::-1])
    assert engine._copy(0, 1, 30)

    assert np.array_equal(expected[30:], rows_of(engine, 1, TOKENS[30:], 30))
    engine.close()


def test_a_processor_without_avx2_computes_the_same(tmp_path: Path):
    """LLVM's own instructions in place of x86's; the same numbers to the last bit."""
    model = opened(tmp_path, "q4_0")
    engine = open_wide(model)
    expected = rows_of(engine, 0, TOKENS[:9])
    engine.close()
    program = (
        "import sys, numpy as np\n"
        "from pathlib import Path\n"
        "from bot.engine.wide import simd\n"
        "from bot.engine.sequences import Chunk\n"
        "from bot.engine.select import open_engine\n"
        "from bot.model.store import open_model\n"
        "assert not simd.HAS_AVX2\n"
        "model = open_model(sys.argv[1], 'gguf', Path(sys.argv[2]))\n"
        "engine = open_engine('wide', model.info, slots=1, n_threads=1)\n"
        "np.save(sys.argv[3], engine._compute([Chunk(0, eval(sys.argv[4]), 0, 'all')]))\n"
        "engine.close()\n"
    )
    out = tmp_path / "rows.npy"
    subprocess.run(
        [sys.executable, "-c", program, model.info.path, tmp_path, out, str(TOKENS[:9])],
        env=os.environ | {"NUMBA_CPU_NAME": "ivybridge", "NUMBA_CPU_FEATURES": "+avx,+f16c"},
        check=True,
        timeout=150,
    )

    assert np.array_equal(expected, np.load(out))


@pytest.mark.parametrize(
    "shape",
    [
        ModelShape(n_vocab=300, n_ctx=64, n_embd=48, n_head=3, n_layer=1),
        ModelShape(n_vocab=300, n_ctx=64, n_embd=96, n_head=8, n_layer=1),
    ],
    ids=["width 48", "heads of 12"],
)
def test_shapes_that_the_kernels_do_not_fit_are_refused(tmp_path: Path, shape: ModelShape):
    """With a sentence, before anything is read past its end."""
    model = opened(tmp_path, "f32", shape)
    with pytest.raises(EngineError, match=r"use llama\.cpp"):
        open_wide(model)


def test_a_processor_without_half_floats_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """With a sentence: compiling for it would end the process."""
    model = opened(tmp_path, "q8_0")
    monkeypatch.setattr("bot.engine.wide.engine.CAN_RUN", False)
    with pytest.raises(EngineError, match="F16C"):
        open_wide(model)


def test_a_thread_that_is_held_up_holds_up_nobody():
    """It has taken nothing, so the step is over without it; it joins when it can."""
    from bot.engine.wide.crew import Crew

    held_up, came = threading.Event(), threading.Event()
    did: list[int] = []

    def part(thread: int) -> None:
        if thread:
            held_up.wait(20)
            came.set()
        else:
            did.append(thread)

    crew = Crew(2)
    crew.run(part, 2)
    crew.run(part, 1)
    assert did == [0, 0]
    held_up.set()
    assert came.wait(20)
    crew.close()
