"""CTranslate2's int8 on the CPU: all requests in one static batch.

A prompt of one token would make it ignore the others' prompts, so there is none; see its changelog.
"""

import importlib
import json
from pathlib import Path
from typing import Any

from bot.bench.child import Prompts, Recorder, Request, TimeUp, serve_peer


class Ctranslate2Batch:
    """Args: those of the request; its path is a folder that its converter made."""

    def __init__(self, request: Request) -> None:
        library: Any = importlib.import_module("ctranslate2")
        self._generator: Any = library.Generator(
            request["path"],
            device="cpu",
            compute_type="int8",
            inter_threads=1,
            intra_threads=request["threads"],
        )
        vocabulary = Path(request["path"], "vocabulary.json").read_text(encoding="utf-8")
        self._tokens: list[str] = json.loads(vocabulary)
        self._sampling = {
            "sampling_temperature": request["temperature"],
            "sampling_topk": request["top_k"],
        }

    def run(self, prompts: Prompts, new_tokens: int, recorder: Recorder) -> None:
        """See `Contender.run`."""

        def on_token(result: Any) -> bool:
            """True ends the text."""
            try:
                recorder.token(result.batch_id)
            except TimeUp:
                return True
            return False

        self._generator.generate_batch(
            [[self._tokens[one] for one in prompt] for prompt in prompts],
            include_prompt_in_result=False,
            min_length=new_tokens,  # so that the end of the text is never drawn
            max_length=new_tokens,
            callback=on_token,
            **self._sampling,
        )
        if recorder.is_over:
            raise TimeUp


if __name__ == "__main__":
    serve_peer(Ctranslate2Batch)
