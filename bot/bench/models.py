"""The forms of one model that the contenders run: made once, kept under the home folder."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bot.bench.contenders import Contender, Environments
from bot.bench.shapes import SHAPES, make_random_folder
from bot.core.models import ModelShape
from bot.errors import ModelFileError
from bot.model.importing import import_checkpoint
from bot.model.store import open_model

_SEED = 117
_CONVERT_TIMEOUT_S = 900.0


class MissingFormError(Exception):
    """The model can't be had in the form that a contender needs; the message says why."""


class Model(Protocol):
    """A model in as many forms as are needed."""

    @property
    def name(self) -> str:
        """For tables."""
        ...

    @property
    def shape(self) -> ModelShape:
        """Its numbers."""
        ...

    @property
    def quantizations(self) -> tuple[str, ...]:
        """How its files are stored, those that are measured."""
        ...

    def path(self, contender: Contender, quantization: str) -> Path:
        """The form that a contender needs, made if it is not there.

        Raises:
            MissingFormError: it can't be made.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomModel:
    """A GPT-2 of some shape with random weights, in every form.

    Attributes:
        name: of the shape.
        shape: its numbers.
        quantizations: of its files.
        folder: where it is kept.
        environments: the peers' Python converts it for CTranslate2.
    """

    name: str
    shape: ModelShape
    quantizations: tuple[str, ...]
    folder: Path
    environments: Environments

    def path(self, contender: Contender, quantization: str) -> Path:
        """See `Model.path`."""
        try:
            match contender.model_format:
                case "huggingface":
                    return self._huggingface()
                case "ctranslate2":
                    return self._ctranslate2()
                case file_format:
                    return self._file(quantization, file_format)
        except (OSError, ModelFileError, subprocess.SubprocessError) as error:
            raise MissingFormError(_last_line(error)) from error

    def _huggingface(self) -> Path:
        folder = self.folder / "huggingface"
        if not (folder / "model.safetensors").exists():
            _tell(f"making a {self.name} with random weights")
            make_random_folder(folder, self.shape, _SEED)
        return folder

    def _file(self, quantization: str, file_format: str) -> Path:
        target = self.folder / f"random-{self.name}.{quantization}.{file_format}"
        if not target.exists():
            source = self._huggingface()
            _tell(f"importing it as {quantization} ({file_format})")
            import_checkpoint(source, target, f"random-{self.name}", quantization)
        return target

    def _ctranslate2(self) -> Path:
        target = self.folder / "ctranslate2-int8"
        if not target.exists():
            source = self._huggingface()
            _tell("converting it for CTranslate2")
            part = self.folder / ".ctranslate2-int8.part"
            shutil.rmtree(part, ignore_errors=True)
            program = (
                "import sys; from ctranslate2.converters import TransformersConverter\n"
                "TransformersConverter(sys.argv[1]).convert(sys.argv[2], quantization='int8')"
            )
            subprocess.run(  # noqa: S603  # our own program
                [self.environments.peers_python, "-P", "-c", program, source, part],
                check=True, capture_output=True, text=True, timeout=_CONVERT_TIMEOUT_S,
            )  # fmt: skip
            part.replace(target)
        return target


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredModel:
    """A model of the store: GGUF and legacy GGML, as it is stored.

    Attributes:
        name: as shown under texts.
        shape: its numbers.
        quantizations: the one it has.
        source: name or path.
        home: where models lie.
    """

    name: str
    shape: ModelShape
    quantizations: tuple[str, ...]
    source: str
    home: Path

    def path(self, contender: Contender, quantization: str) -> Path:
        """See `Model.path`."""
        assert quantization in (*self.quantizations, contender.number_format)
        if contender.model_format not in ("gguf", "ggml"):
            raise MissingFormError("it runs no model file of ours; --shape makes what it needs")
        try:
            return Path(open_model(self.source, contender.model_format, self.home).info.path)
        except ModelFileError as error:
            raise MissingFormError(str(error)) from error


def random_model(
    name: str, quantizations: tuple[str, ...], home: Path, environments: Environments
) -> RandomModel:
    """A model of one of the real shapes; nothing is made yet."""
    return RandomModel(
        name=name,
        shape=SHAPES[name],
        quantizations=quantizations,
        folder=home / "bench" / name,
        environments=environments,
    )


def stored_model(source: str, home: Path) -> StoredModel:
    """A model that is there.

    Raises:
        ModelFileError: there is none of this name, or it can't be used.
    """
    try:
        info = open_model(source, "gguf", home).info
    except ModelFileError:
        info = open_model(source, "ggml", home).info
    return StoredModel(
        name=info.name,
        shape=info.shape,
        quantizations=(info.quantization,),
        source=source,
        home=home,
    )


def _tell(what: str) -> None:
    print(what, file=sys.stderr)


def _last_line(error: Exception) -> str:
    text = str(getattr(error, "stderr", None) or error)
    return text.strip().splitlines()[-1] if text.strip() else type(error).__name__
