"""transformers' `generate` on torch: all requests in one static batch, in f32 or bf16."""

import importlib
from typing import Any

from bot.bench.child import Prompts, Recorder, Request, serve_peer


class _Streamer:
    """What `generate` gives each step's tokens to; the prompts come first."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._has_prompts = False

    def put(self, value: Any) -> None:
        """Takes one token of each text."""
        if not self._has_prompts:
            self._has_prompts = True
            return
        for index in range(len(value)):
            self._recorder.token(index)

    def end(self) -> None:
        """All is written."""


class TransformersBatch:
    """Args: those of the request; its path is a Hugging Face folder."""

    def __init__(self, request: Request) -> None:
        self._torch: Any = importlib.import_module("torch")
        library: Any = importlib.import_module("transformers")
        self._torch.set_num_threads(request["threads"])
        dtype = getattr(self._torch, request["variant"])
        model: Any = library.GPT2LMHeadModel.from_pretrained(request["path"], dtype=dtype)
        self._model = model.eval()
        self._sampling = {
            "do_sample": True,
            "temperature": request["temperature"],
            "top_k": request["top_k"],
            "pad_token_id": request["n_vocab"] - 1,
        }

    def run(self, prompts: Prompts, new_tokens: int, recorder: Recorder) -> None:
        """See `Contender.run`."""
        torch = self._torch
        ids = torch.tensor([list(prompt) for prompt in prompts])
        with torch.inference_mode():
            self._model.generate(
                ids,
                attention_mask=torch.ones_like(ids),  # all of one length: nothing is padded
                min_new_tokens=new_tokens,
                max_new_tokens=new_tokens,
                streamer=_Streamer(recorder),
                **self._sampling,
            )


if __name__ == "__main__":
    serve_peer(TransformersBatch)
