"""How much memory an import takes: that of its largest tensor, whatever its file's size is."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.core.models import ModelShape
from tests.model_files import make_huggingface_folder
from tests.pytorch_files import make_pytorch_folder
from tests.tensorflow_files import make_openai_folder

# 88 MB of numbers, the largest tensor of 4 MB.
SHAPE = ModelShape(n_vocab=300, n_ctx=64, n_embd=512, n_head=8, n_layer=7)
_LARGEST_TENSOR = 4 * SHAPE.n_embd * SHAPE.n_embd * 4
_EVERYTHING_ELSE = 32_000_000  # pieces, packing, and the file of 13 MB that is read at the end
# Mapped pages of files count, so that a whole mapped checkpoint would be seen.
_PROGRAM = """
import sys
from pathlib import Path
from bot.model.importing import import_checkpoint

def memory(name):
    return int(Path("/proc/self/status").read_text().split(name + ":")[1].split()[0]) * 1024

warm, folder, target = (Path(one) for one in sys.argv[1:])
import_checkpoint(warm, target, "m", "q4_0")
before = memory("VmRSS")
Path("/proc/self/clear_refs").write_text("5")
import_checkpoint(folder, target, "m", "q4_0")
print(memory("VmHWM") - before)
"""


@pytest.mark.timeout(120)  # where other tests run beside it
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells its peaks")
@pytest.mark.parametrize("suffix", [".gguf", ".ggml"])
@pytest.mark.parametrize("make", [make_huggingface_folder, make_pytorch_folder, make_openai_folder])
def test_import_takes_no_more_than_a_few_tensors(
    tmp_path: Path, make: Callable[..., Path], suffix: str
):
    """As the process's peak, with all libraries and all mapped pages; a fraction of the file."""
    make(tmp_path / "in", SHAPE)
    small = ModelShape(n_vocab=300, n_ctx=8, n_embd=32, n_head=2, n_layer=1)
    make(tmp_path / "warm", small)
    target = tmp_path / f"m{suffix}"
    command = [sys.executable, "-c", _PROGRAM, tmp_path / "warm", tmp_path / "in", target]

    growth = int(subprocess.run(command, capture_output=True, check=True, timeout=110).stdout)

    assert growth < 3 * _LARGEST_TENSOR + _EVERYTHING_ELSE
