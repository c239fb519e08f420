"""Who takes part in the engine benchmark: each engine of ours, and what a host could pick instead.

Says for each what program measures it, in which environment, and what form of the model it runs.
"""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.engine.select import ENGINE_FILE_FORMAT
from bot.errors import SettingError

OUR_PROGRAM = "bot.bench.our_child"
_NO_ENGINES = ("scripted",)
_PROBE_TIMEOUT_S = 120.0
_PEER_PACKAGES = ("ctranslate2", "transformers", "torch", "xllamacpp", "numpy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way to run a GPT-2.

    Attributes:
        name: shown in tables; "bardling …" is ours.
        program: the module that its children run.
        needs: the module that must be installed; empty where it is ours alone.
        model_format: "gguf", "ggml" (in each quantization wanted), "huggingface" or "ctranslate2".
        number_format: how it keeps weights, where that is its own choice.
        variant: which one of those that its program can be.
        one_stream_only: whether it is measured with one stream only.
        is_elsewhere: whether it runs in the peers' environment.
    """

    name: str
    program: str
    needs: str
    model_format: str
    number_format: str = ""
    variant: str = ""
    one_stream_only: bool = False
    is_elsewhere: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether it is an engine of Bardling."""
        return self.program == OUR_PROGRAM

    @property
    def key(self) -> str:
        """Its name on the command line."""
        parts = (self.name, self.number_format if self.name == "transformers" else "")
        return " ".join(parts).strip().replace(" ", "-")


def _our_contenders() -> list[Contender]:
    return [
        Contender(
            name=f"bardling {engine}",
            program=OUR_PROGRAM,
            needs=engine if engine in ("llama_cpp", "xllamacpp", "ctransformers") else "",
            model_format=file_format,
            variant=engine,
        )
        for engine, file_format in ENGINE_FILE_FORMAT.items()
        if engine not in _NO_ENGINES
    ]


def _peers() -> list[Contender]:
    return [
        Contender(
            name="ctransformers",
            program="bot.bench.peers.ctransformers_alone",
            needs="ctransformers",
            model_format="ggml",
        ),
        Contender(
            name="llama-cpp-python",
            program="bot.bench.peers.llama_cpp_python",
            needs="llama_cpp",
            model_format="gguf",
        ),
        Contender(
            name="llama.cpp loop",
            program="bot.bench.peers.llama_cpp_bare",
            needs="llama_cpp",
            model_format="gguf",
            variant="loop",
            one_stream_only=True,
        ),
        Contender(
            name="llama.cpp batched",
            program="bot.bench.peers.llama_cpp_bare",
            needs="llama_cpp",
            model_format="gguf",
            variant="batched",
        ),
        Contender(
            name="xllamacpp server",
            program="bot.bench.peers.xllamacpp_server",
            needs="xllamacpp",
            model_format="gguf",
            is_elsewhere=True,
        ),
        Contender(
            name="ctranslate2",
            program="bot.bench.peers.ctranslate2_batch",
            needs="ctranslate2",
            model_format="ctranslate2",
            number_format="int8",
            is_elsewhere=True,
        ),
        Contender(
            name="transformers",
            program="bot.bench.peers.transformers_batch",
            needs="transformers",
            model_format="huggingface",
            number_format="f32",
            variant="float32",
            is_elsewhere=True,
        ),
        Contender(
            name="transformers",
            program="bot.bench.peers.transformers_batch",
            needs="transformers",
            model_format="huggingface",
            number_format="bf16",
            variant="bfloat16",
            is_elsewhere=True,
        ),
    ]


def all_contenders() -> list[Contender]:
    """Ours first."""
    return [*_our_contenders(), *_peers()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Environments:
    """The two Pythons, and what is installed for each.

    Attributes:
        peers_python: of the peers' environment; ours where there is no other.
        versions: of the packages found in it.
    """

    peers_python: Path
    versions: Mapping[str, str]

    def has(self, contender: Contender) -> bool:
        """Whether what it needs is installed."""
        if contender.is_elsewhere:
            return contender.needs in self.versions
        return not contender.needs or importlib.util.find_spec(contender.needs) is not None

    def python(self, contender: Contender) -> Path:
        """What runs its program."""
        return self.peers_python if contender.is_elsewhere else Path(sys.executable)


def find_environments(peers_python: Path) -> Environments:
    """Asks the peers' Python, if it exists, what it has installed."""
    python = peers_python if peers_python.exists() else Path(sys.executable)
    program = (
        "import importlib.metadata, json, sys\n"
        "found = {}\n"
        "for name in sys.argv[1:]:\n"
        "    try: found[name] = importlib.metadata.version(name)\n"
        "    except importlib.metadata.PackageNotFoundError: pass\n"
        "print(json.dumps(found))\n"
    )
    try:
        answer = subprocess.run(  # noqa: S603  # the user's own choice
            [python, "-P", "-c", program, *_PEER_PACKAGES],
            capture_output=True, text=True, check=True, timeout=_PROBE_TIMEOUT_S,
        )  # fmt: skip
        versions: dict[str, str] = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        reason = f"this Python can't be run ({error})"
        raise SettingError("--peers-python", str(python), "the command line", reason) from error
    return Environments(peers_python=python, versions=versions)


def chosen_contenders(keys: Sequence[str], environments: Environments) -> list[Contender]:
    """Those named, or without names all that are installed.

    Raises:
        SettingError: there is none of this name.
    """
    known = {one.key: one for one in all_contenders()}
    if not keys:
        return [one for one in known.values() if environments.has(one)]
    for key in keys:
        if key.replace(" ", "-") not in known:
            reason = f"there are {', '.join(known)}"
            raise SettingError("--contenders", key, "the command line", reason)
    return [known[key.replace(" ", "-")] for key in keys]
