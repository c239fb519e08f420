"""From files or a name to a running worker: two commands, whatever the files' form."""

import asyncio
from pathlib import Path

import pytest

from tests.e2e.stack import Stack
from tests.model_files import make_huggingface_folder
from tests.tensorflow_files import make_openai_folder
from tests.unit.model.download.servers import Hub, http_proxy, serving
from tests.unit.model.test_word_piece import chinese_folder


async def done(stack: Stack, *arguments: str, **environment: str) -> None:
    """A command, to its good end."""
    process = await stack.start(*arguments, environment=environment)
    async with asyncio.timeout(40):
        assert 0 == await process.process.wait(), process.log()


async def answered(stack: Stack, name: str, prompt: str) -> str:
    """The reply of a worker that runs the model of that name."""
    await stack.start_bot()
    await stack.start_worker("--model", name)
    reply = await stack.final(await stack.complete(prompt, length=20, seed=1))
    return str(reply["content"])


async def test_checkpoint_of_openai_in_a_folder(stack: Stack, tmp_path: Path):
    """As OpenAI's own download script leaves it; the model is called as the folder."""
    folder = make_openai_folder(tmp_path / "124M")

    await done(stack, "models", "import", str(folder))

    assert "124M" in await answered(stack, "124M", "Once upon a time")


@pytest.mark.parametrize("source", ["openai", "huggingface"])
async def test_download_behind_a_proxy(stack: Stack, tmp_path: Path, source: str):
    """The proxy from the environment, the model by name, from either source."""
    if source == "openai":
        folder, name, more = make_openai_folder(tmp_path / "m"), "774M", ["--from", "openai"]
    else:
        folder, name, more = make_huggingface_folder(tmp_path / "m"), "acme/tiny", []
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    files.setdefault("checkpoint", b"")
    files.setdefault("model.ckpt.meta", b"graph")
    async with serving(Hub(files=files)) as hub, http_proxy() as proxy:
        arguments = ["models", "download", name, *more, "--mirror", hub.url, "--as", "mine"]
        await done(stack, *arguments, HTTP_PROXY=proxy.url)
        assert proxy.targets

    assert "mine" in await answered(stack, "mine", "Once upon a time")


async def test_chinese_model(stack: Stack, tmp_path: Path):
    """BERT's tokenizer, told by its vocabulary; the prompt stands as it was typed."""
    folder = chinese_folder(tmp_path / "chinese")

    await done(stack, "models", "import", str(folder))

    assert "今天天气" in await answered(stack, "chinese", "今天天气")
