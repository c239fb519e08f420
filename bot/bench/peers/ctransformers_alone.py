"""ctransformers' own `generate` with its own sampler, one request after the other."""

import importlib
from typing import Any

from bot.bench.child import Prompts, Recorder, Request, serve_peer

_BATCH = 8  # more ends the process: its buffer is too small for GPT-2's larger shapes


class CTransformersAlone:
    """Args: those of the request."""

    def __init__(self, request: Request) -> None:
        library: Any = importlib.import_module("ctransformers.llm")
        config = library.Config(
            threads=request["threads"],
            batch_size=_BATCH,
            temperature=request["temperature"],
            top_k=request["top_k"],
            top_p=1.0,
            repetition_penalty=1.0,
        )
        self._llm: Any = library.LLM(request["path"], "gpt2", config=config, lib="avx2")

    def run(self, prompts: Prompts, new_tokens: int, recorder: Recorder) -> None:
        """See `Contender.run`."""
        for index, prompt in enumerate(prompts):
            for count, _ in enumerate(self._llm.generate(list(prompt), reset=True), start=1):
                recorder.token(index)
                if count == new_tokens:
                    break


if __name__ == "__main__":
    serve_peer(CTransformersAlone)
