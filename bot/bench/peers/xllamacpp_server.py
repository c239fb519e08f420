"""xllamacpp's in-process server: llama.cpp's own continuous batching, called from threads.

No HTTP is used. Texts are streamed, as who shows them while they grow needs it.
"""

import importlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bot.bench.child import Prompts, Recorder, Request, TimeUp, serve_peer


class XllamacppServer:
    """Args: those of the request."""

    def __init__(self, request: Request) -> None:
        library: Any = importlib.import_module("xllamacpp")
        params = library.CommonParams()
        params.model.path = request["path"]
        params.n_ctx = request["n_ctx"] * request["streams"]
        params.n_parallel = request["streams"]
        params.cpuparams.n_threads = request["threads"]
        params.cpuparams_batch.n_threads = request["threads"]
        params.verbosity = -1
        self._options = {
            "temperature": request["temperature"],
            "top_k": request["top_k"],
            "top_p": 1.0,
            "min_p": 0.0,
            "ignore_eos": True,
            "cache_prompt": False,
            "stream": True,
            "samplers": ["top_k", "temperature"],
        }
        self._server: Any = library.Server(params)

    def run(self, prompts: Prompts, new_tokens: int, recorder: Recorder) -> None:
        """See `Contender.run`."""

        def write(index: int) -> None:
            asked = self._options | {
                "prompt": list(prompts[index]),
                "max_tokens": new_tokens,
                "n_predict": new_tokens,
                "seed": index,
            }

            def on_part(part: Any) -> bool:
                return _record(part, index, recorder)

            self._server.handle_completions(asked, on_part)

        with ThreadPoolExecutor(len(prompts)) as threads:
            for _ in threads.map(write, range(len(prompts))):
                pass
        if recorder.is_over:
            raise TimeUp
        if recorder.n_tokens < len(prompts) * new_tokens:
            wanted = len(prompts) * new_tokens
            raise RuntimeError(f"it told of {recorder.n_tokens} tokens, not of {wanted}")


def _record(part: dict[str, Any], index: int, recorder: Recorder) -> bool:
    """Takes a part of a streamed text; True ends it, as an exception would be swallowed.

    A part is whole characters, not a token, so tokens are counted when the text is finished.
    """
    if usage := part.get("usage"):
        after_first_s = part["timings"]["predicted_ms"] / 1000
        recorder.finished(index, usage["completion_tokens"], after_first_s)
        return False
    try:
        recorder.check()
    except TimeUp:
        return True
    return False


if __name__ == "__main__":
    serve_peer(XllamacppServer)
