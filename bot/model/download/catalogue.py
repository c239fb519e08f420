"""The GPT-2s that can be downloaded by name: where they lie, how long they are, what they hash to.

Used by `download_plan`. Data only. A sha256 or a size stands here only where published sources
agree on it (several independent ones, or its content is known); None where they do not: then what
the server promises is checked. Never fill one in from a download of one's own.
"""

from dataclasses import dataclass

from bot.errors import ModelFileError

SMALL = "bardling-small"
SHIPPED: tuple[str, ...] = ("small",)  # its other names
OPENAI_STORE = "https://openaipublic.blob.core.windows.net/gpt-2/models"
HUGGINGFACE = "https://huggingface.co"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file to download.

    Attributes:
        name: in the source and in the folder.
        size: bytes, or None where not known beforehand.
        sha256: of the whole file, or None where no published source is sure.
    """

    name: str
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """One model.

    Attributes:
        name: how Bardling calls it: by its true number of parameters.
        aliases: other names; the paper counted parameters differently.
        parameters: how many numbers it has learned.
        licence: SPDX id.
        repository: on Hugging Face, with `revision`, the commit that the sums belong to.
        openai_folder: in OpenAI's store, or None where it is not there.
    """

    name: str
    aliases: tuple[str, ...]
    parameters: int
    licence: str
    repository: str
    revision: str
    huggingface_files: tuple[RemoteFile, ...]
    openai_folder: str | None
    openai_files: tuple[RemoteFile, ...]

    @property
    def download_bytes(self) -> int:
        """How much a download from Hugging Face is; by the parameters where not published."""
        sizes = [file.size for file in self.huggingface_files]
        known = sum(size for size in sizes if size is not None)
        return known if None not in sizes else 4 * self.parameters


# The tokenizer's two files are the same bytes in every repository; OpenAI calls them
# encoder.json and vocab.bpe. Sums: openai/tiktoken, tiktoken_ext/openai_public.py.
_VOCABULARY = "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783"
_MERGES = "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"
_TOKENIZER = (
    RemoteFile("vocab.json", 1_042_301, _VOCABULARY),
    RemoteFile("merges.txt", 456_318, _MERGES),
)

_CHECKPOINT = "model.ckpt.data-00000-of-00001"
_OPENAI_124M = (
    RemoteFile(
        "checkpoint", 77, "dd1b025d2e155283f5e300ce95bf6d5b6bc0f7fe010db73daa6975eb896ab9cb"
    ),
    RemoteFile("encoder.json", 1_042_301, _VOCABULARY),
    RemoteFile(
        "hparams.json", 90, "d9d56e4121c427164e0c55c6f03c08e1daf9002b9b672825112d19097b680318"
    ),
    RemoteFile(
        _CHECKPOINT,
        497_759_232,
        "2060c885360cc0cf41d7a6dbc4d24b5127aae20260c8b5ae521b5a6578407118",
    ),
    RemoteFile("model.ckpt.index", 5_215),
    RemoteFile("model.ckpt.meta", 471_155),
    RemoteFile("vocab.bpe", 456_318, _MERGES),
)
_OPENAI_355M = (
    RemoteFile("checkpoint", 77),
    RemoteFile("encoder.json", 1_042_301),
    RemoteFile("hparams.json", 91),
    RemoteFile(_CHECKPOINT, 1_419_292_672),
    RemoteFile("model.ckpt.index", 10_399),
    RemoteFile("model.ckpt.meta", 926_519),
    RemoteFile("vocab.bpe", 456_318),
)
_OPENAI_LARGER = tuple(RemoteFile(file.name) for file in _OPENAI_355M)

CATALOGUE = (
    CatalogueEntry(
        name="124M",
        aliases=("117M", "gpt2", "gpt2-small"),
        parameters=124_439_808,
        licence="MIT",
        repository="openai-community/gpt2",
        revision="607a30d783dfa663caf39e06633721c8d4cfcd7e",
        huggingface_files=(
            RemoteFile(
                "config.json",
                665,
                "0daed7749b4f02b8f76240d5444551d7b08712dab4d0adb8239c56ba823bb7b4",
            ),
            *_TOKENIZER,
            RemoteFile(
                "model.safetensors",
                548_105_171,
                "248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707",
            ),
        ),
        openai_folder="124M",
        openai_files=_OPENAI_124M,
    ),
    CatalogueEntry(
        name="355M",
        aliases=("345M", "gpt2-medium"),
        parameters=354_823_168,
        licence="MIT",
        repository="openai-community/gpt2-medium",
        revision="6dcaa7a952f72f9298047fd5137cd6e4f05f41da",
        huggingface_files=(
            RemoteFile(
                "config.json",
                718,
                "ef1a44d889ad1a0acc7731c78134f1b87d2d222f110e97dd10fd4117331caf22",
            ),
            *_TOKENIZER,
            RemoteFile(
                "model.safetensors",
                1_519_984_962,
                "fc5a354a19255ad494f3d71549390baca1ccf61d1d822b9408971705c687c9cd",
            ),
        ),
        openai_folder="355M",
        openai_files=_OPENAI_355M,
    ),
    CatalogueEntry(
        name="774M",
        aliases=("762M", "gpt2-large"),
        parameters=774_030_080,
        licence="MIT",
        repository="openai-community/gpt2-large",
        revision="32b71b12589c2f8d625668d2335a01cac3249519",
        huggingface_files=(
            RemoteFile("config.json"),
            *_TOKENIZER,
            RemoteFile(
                "model.safetensors",
                None,
                "5f47f3e12f91cd33b662ce7e433b6150ad5512b5884a2cee961b50e9c3bbebce",
            ),
        ),
        openai_folder="774M",
        openai_files=_OPENAI_LARGER,
    ),
    CatalogueEntry(
        name="1558M",
        aliases=("1542M", "gpt2-xl"),
        parameters=1_557_611_200,
        licence="MIT",
        repository="openai-community/gpt2-xl",
        revision="15ea56dee5df4983c59b2538573817e1667135e2",
        huggingface_files=(
            RemoteFile(
                "config.json",
                None,
                "be48115d52314bc27327e160bf10197760db02ea689d10adb24db4102edf7a8a",
            ),
            *_TOKENIZER,
            RemoteFile(
                "model.safetensors",
                None,
                "0f8b28eb05a8075f48b61b6f35332978c74fc7763fa9fb4051a1c30511736a6a",
            ),
        ),
        openai_folder="1558M",
        openai_files=_OPENAI_LARGER,
    ),
    CatalogueEntry(
        name="distilgpt2",
        aliases=("82M",),
        parameters=81_912_576,
        licence="Apache-2.0",
        repository="distilbert/distilgpt2",
        revision="2290a62682d06624634c1f46a6ad5be0f47f38aa",
        huggingface_files=(
            RemoteFile(
                "config.json",
                762,
                "4ec5947c1d59fee6212cdf3b0ec1a53eac02092554c5ff0a733488cbd2c64f3a",
            ),
            *_TOKENIZER,
            RemoteFile(
                "model.safetensors",
                352_824_413,
                "e1ff18884359fe8beb795a5f414feb85a6ce3d929ad019c0d958c039d2b94a1b",
            ),
        ),
        openai_folder=None,
        openai_files=(),
    ),
)


def known_entry(name: str) -> CatalogueEntry | None:
    """The model of a name or an alias, whatever its case; None if there is none."""
    for entry in CATALOGUE:
        if name.casefold() in (known.casefold() for known in (entry.name, *entry.aliases)):
            return entry
    return None


def find_entry(name: str) -> CatalogueEntry:
    """The model of a name or an alias, whatever its case.

    Raises:
        ModelFileError: the catalogue has none; the message lists what it has.
    """
    if entry := known_entry(name):
        return entry
    if name.casefold() in (SMALL, *SHIPPED):
        raise ModelFileError(name, "it ships with Bardling, there is nothing to download")
    names = ", ".join(entry.name for entry in CATALOGUE)
    reason = f"the catalogue has no model of this name; it has {names}, and takes any OWNER/NAME"
    raise ModelFileError(name, f"{reason} of Hugging Face")
