"""Goes through the damaged files of one format in one process, and measures what they cost.

A program of its own, as a file may end it by a signal; it says what it does before it does it, so
that the last thing said is the culprit.
Usage: python -m tests.unit.model.hostile.try_hostile FORMAT FOLDER
"""

import json
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from bot.core.models import ModelShape
from bot.errors import ModelFileError
from bot.model.importing import import_checkpoint
from bot.model.store import open_model
from tests.model_files import SHAPE, make_huggingface_folder
from tests.pytorch_files import make_pytorch_folder
from tests.tensorflow_files import make_openai_folder
from tests.unit.model.hostile.cases import Case
from tests.unit.model.hostile.checkpoints import (
    safetensors_cases,
    tensorflow_cases,
)
from tests.unit.model.hostile.model_files import ggml_cases, gguf_cases
from tests.unit.model.hostile.pickles import pytorch_cases
from tests.unit.model.hostile.shapes import TINY

MAX_BYTES = 200_000_000
MAX_SENTENCE = 1_000
_MAKERS: dict[str, Callable[[Path, ModelShape], Path]] = {
    "safetensors": make_huggingface_folder,
    "pytorch": make_pytorch_folder,
    "tensorflow": make_openai_folder,
}
_CASES: dict[str, Callable[[Path], Iterator[Case]]] = {
    "gguf": gguf_cases,
    "ggml": ggml_cases,
    "safetensors": safetensors_cases,
    "pytorch": pytorch_cases,
    "tensorflow": tensorflow_cases,
}


class Trial:
    """One format's good files, and what became of the damaged ones.

    Args:
        file_format: a key of `_CASES`.
        folder: an empty one; survivors are kept in it.
    """

    def __init__(self, file_format: str, folder: Path) -> None:
        self.file_format = file_format
        self.good = folder / "good"
        self.kept = folder / "survivors"
        self.kept.mkdir()
        self.is_model_file = file_format in ("gguf", "ggml")
        if self.is_model_file:
            source = make_huggingface_folder(folder / "source", SHAPE)
            self.good.mkdir()
            import_checkpoint(source, self.good / f"m.{file_format}", "m", "q8_0")
        else:
            _MAKERS[file_format](self.good, TINY)
        self.report = {"n": 0, "n_refused": 0, "faults": [], "worst": [0, ""], "kept": 0}
        self.read()
        self.read()
        self._whole = b"" if self.is_model_file else self._target.read_bytes()
        self._baseline = _memory("VmRSS")

    @property
    def _target(self) -> Path:
        return self.good.parent / "imported.gguf"

    def read(self) -> None:
        """What a person would do with these files."""
        if self.is_model_file:
            path = self.good / f"m.{self.file_format}"
            open_model(str(path), self.file_format, self.good.parent / "home")
        else:
            import_checkpoint(self.good, self._target, "m", "f32")

    def run(self, case: Case) -> None:
        """Damages a file, tries it, and puts the good one back."""
        path = self.good / case.name
        good = path.read_bytes()
        with path.open("wb") as file:
            file.write(case.data)
            file.truncate(max(case.grown_to, len(case.data)))
        self.report["n"] += 1
        _forget_peak()
        try:
            self.read()
        except ModelFileError as error:
            self._refused(case, str(error))
        except Exception as error:  # any other one is what is looked for
            self._fault(case, f"{type(error).__name__}: {str(error)[:500]}")
        else:
            self._taken(case)
        growth = _memory("VmHWM") - self._baseline
        if growth > self.report["worst"][0]:
            self.report["worst"] = [growth, case.kind]
        if growth > MAX_BYTES:
            self._fault(case, f"{growth} bytes of memory")
        path.write_bytes(good)

    def _refused(self, case: Case, sentence: str) -> None:
        self.report["n_refused"] += 1
        if str(self.good) not in sentence or len(sentence) > MAX_SENTENCE:
            self._fault(case, f"no sentence that names the file: {sentence[:500]}")

    def _taken(self, case: Case) -> None:
        if case.is_refused:
            self._fault(case, "it was taken")
        if not self.is_model_file:
            if case.is_same_or_refused and self._target.read_bytes() != self._whole:
                self._fault(case, "damage went unnoticed")
            return
        self.report["kept"] += 1
        for path in self.good.iterdir():
            number = self.report["kept"]
            (self.kept / path.name.replace("m.", f"{number}.", 1)).write_bytes(path.read_bytes())

    def _fault(self, case: Case, what: str) -> None:
        self.report["faults"].append(f"{self.report['n']} ({case.kind}, {case.name}): {what}")


def _memory(name: str) -> int:
    """A number of /proc/self/status in bytes; where there is none, the peak since the start."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return int(status.split(f"{name}:")[1].split()[0]) * 1024


def _forget_peak() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return  # then the peak is that of all files so far


def main(file_format: str, folder: Path) -> None:
    """Writes a report to the folder."""
    trial = Trial(file_format, folder)
    for case in _CASES[file_format](trial.good):
        sys.stdout.write(f"{trial.report['n'] + 1} {case.kind}, {case.name}\n")
        sys.stdout.flush()
        trial.run(case)
    (folder / "report.json").write_text(json.dumps(trial.report))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
