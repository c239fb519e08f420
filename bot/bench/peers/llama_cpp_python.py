"""llama-cpp-python's high-level class with its own `generate`, one request after the other."""

import importlib
from typing import Any

from bot.bench.child import Prompts, Recorder, Request, serve_peer


class LlamaCppPython:
    """Args: those of the request."""

    def __init__(self, request: Request) -> None:
        library: Any = importlib.import_module("llama_cpp")
        self._llama: Any = library.Llama(
            request["path"],
            n_ctx=request["n_ctx"],
            n_threads=request["threads"],
            n_threads_batch=request["threads"],
            verbose=False,
        )
        self._sampling = {
            "temp": request["temperature"],
            "top_k": request["top_k"],
            "top_p": 1.0,
            "min_p": 0.0,
        }

    def run(self, prompts: Prompts, new_tokens: int, recorder: Recorder) -> None:
        """See `Contender.run`."""
        for index, prompt in enumerate(prompts):
            tokens = self._llama.generate(list(prompt), **self._sampling)
            for count, _ in enumerate(tokens, start=1):
                recorder.token(index)
                if count == new_tokens:
                    break


if __name__ == "__main__":
    serve_peer(LlamaCppPython)
