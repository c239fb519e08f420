"""What `bardling models` does; returns data, prints nothing. Called by the command line."""

from pathlib import Path

from bot.errors import ModelFileError
from bot.model.checksum import write_checksum
from bot.model.download.catalogue import CATALOGUE, CatalogueEntry
from bot.model.importing import import_checkpoint
from bot.model.sizes import bytes_text
from bot.model.store import check_name, list_models
from bot.model.whole_file import alone


def import_folder(folder: Path, home: Path, name: str, quantization: str) -> list[Path]:
    """Makes a model of a folder with a GPT-2, in `home`, ready to be named to a worker.

    The GGUF file serves both engines: ctransformers' twin is made of it on first use.

    Raises:
        ModelFileError: the folder can't be imported.
    """
    check_name(name)
    target = home / "models" / f"{name}.gguf"
    try:
        # One at a time for each name, or a model could come to lie beside another's checksum.
        with alone(target.parent / f".{name}"):
            import_checkpoint(folder, target, name, quantization)
            write_checksum(target)
    except BlockingIOError as error:
        reason = "another process is importing a model of this name; wait for that one to end"
        raise ModelFileError(target, reason) from error
    except OSError as error:
        raise ModelFileError(target, f"it can't be written ({error.strerror or error})") from error
    return [target]


def listing(home: Path) -> list[str]:
    """The models there are, then those that can be downloaded by name; tabs between columns."""
    here = [
        f"{name}\t{bytes_text(path.stat().st_size)}\t{path}"
        for name, path in list_models(home).items()
    ]
    return [*here, "", "bardling models download NAME gets:", *map(_offer, CATALOGUE)]


def _offer(entry: CatalogueEntry) -> str:
    sources = "Hugging Face, OpenAI" if entry.openai_folder else "Hugging Face"
    parameters = f"{entry.parameters / 1e6:,.0f} million parameters"
    size = f"{bytes_text(entry.download_bytes)} to download"
    aliases = f"also {', '.join(entry.aliases)}"
    return "\t".join((entry.name, parameters, size, entry.licence, sources, aliases))
