"""However a child that holds a model ends, its parent says one sentence."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.errors import EngineError, ModelFileError
from bot.evaluation.model_process import ModelProcess, model_process, patience
from bot.model.store import open_model

READS = "import sys, os, signal, time; sys.stdin.readline(); "
OPENED = """print('{"shape": []}', flush=True); """


@pytest.fixture
def info(tmp_path: Path) -> Any:
    """The shipped model's."""
    return open_model("small", "gguf", tmp_path).info


def opened_by(program: str, info: Any, timeout_s: float = 20.0) -> Any:
    """A process that runs another program than ours."""
    return model_process(
        "none",
        "scripted",
        info,
        Path("fox.gguf"),
        n_threads=1,
        timeout_s=timeout_s,
        command=[sys.executable, "-c", program],
    )


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (READS + "os.kill(os.getpid(), signal.SIGSEGV)", "was killed by SIGSEGV."),
        (READS + "os.kill(os.getpid(), 9)", "was killed by SIGKILL, as where memory runs out."),
        (READS + "sys.exit(3)", "ended with exit code 3."),
        ("", "ended with exit code 0."),
        (READS + """print('{"shape"', end="")""", "ended with exit code 0."),
        (READS + """print('{"shape": [1, 2]}'); print(end="abc")""", "ended with exit code 0."),
    ],
    ids=["fault", "killed", "error", "at once", "half an answer", "half a row"],
)
def test_death_is_one_sentence(program: str, reason: str, info: Any):
    """It names the file, the engine and what happened."""
    start = "The model file fox.gguf can't be used: a process that tried it on scripted "
    with pytest.raises(ModelFileError) as died, opened_by(program, info):
        pass
    assert f"{start}{reason}" == str(died.value)


def test_silence_is_ended(info: Any):
    """A child that hangs is killed after its time."""
    with (
        pytest.raises(ModelFileError, match=r"gave no answer within 0 s"),
        opened_by(READS + "time.sleep(60)", info, timeout_s=0.3),
    ):
        pass


def test_death_between_two_answers_is_told_at_the_next(info: Any):
    """The request can't even be written any more."""
    with opened_by(READS + OPENED, info) as process:
        process._process.wait(20)
        with pytest.raises(ModelFileError, match="ended with exit code 0"):
            process.ask({"do": "smoke"})


def test_child_that_does_not_end_by_itself_is_ended(info: Any, monkeypatch: pytest.MonkeyPatch):
    """After the block nothing of it is left."""
    monkeypatch.setattr("bot.evaluation.model_process._END_S", 0.1)
    with opened_by(READS + OPENED + "time.sleep(60)", info) as process:
        pass
    assert -9 == process._process.returncode


@pytest.fixture
def measuring(info: Any) -> Iterator[ModelProcess]:
    """A real child with the scripted engine."""
    program = "bot.evaluation.measuring"
    with model_process(program, "scripted", info, Path("fox.gguf"), n_threads=1) as process:
        yield process


def test_rows_arrive_as_they_were_computed(measuring: ModelProcess):
    """In blocks, with every number; the next request is answered as well."""
    blocks = list(measuring.rows({"do": "rows", "tokens": list(range(70))}))
    assert [32, 32, 6] == [len(block) for block in blocks]
    rows = np.concatenate(blocks)
    assert {-20.0, 20.0} == set(np.unique(rows))
    logprobs = measuring.ask({"do": "score", "tokens": [0, int(rows[0].argmax())]})["logprobs"]
    assert [0.0] == pytest.approx(logprobs, abs=1e-6)


def test_missing_engine_keeps_its_own_sentence(info: Any):
    """It is no fault of the file; here one that there never was."""
    with (
        pytest.raises(EngineError, match="There is no engine 'abacus'"),
        model_process("bot.evaluation.smoke", "abacus", info, Path("f"), n_threads=1),
    ):
        pass


def test_patience_grows_with_the_file():
    """Minutes for a small one, more for one of gigabytes."""
    assert 120 <= patience(0) < patience(10**9) < 1000
