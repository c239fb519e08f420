"""Loads and runs each model file named in a list; a program of its own, as it may be killed.

Usage: python -m tests.unit.model.hostile.load_survivors ENGINE LIST
"""

import sys
from contextlib import closing
from pathlib import Path

from bot.core.sampling import SamplingParams
from bot.engine.select import ENGINE_FILE_FORMAT, open_engine
from bot.errors import StartupError
from bot.model.store import open_model


def main(engine_name: str, listed: Path) -> None:
    """Says each file's name before it is touched, so that the last one said is the culprit."""
    for line in listed.read_text().splitlines():
        print(line, flush=True)
        try:
            opened = open_model(line, ENGINE_FILE_FORMAT[engine_name], listed.parent)
            engine = open_engine(engine_name, opened.info, slots=1, n_threads=1)
        except StartupError as error:
            print(error)
            continue
        with closing(engine):
            tokens = [1, 2, 3, 4, 5]
            try:
                engine.add(0, tokens, SamplingParams())
                engine.step({0: min(5, engine.info.max_chunk_tokens)})
            except (RuntimeError, ValueError) as error:
                print(error)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
