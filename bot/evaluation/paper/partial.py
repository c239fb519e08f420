"""What came of items so far, a line of JSON each, so that an evaluation goes on after a break.

The file's name says all that its results depend on; a last line that a break cut off is left out.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO, cast

Key = tuple[str, int]  # which variant, and the item's index
_FLUSH_EVERY = 16


class Partial:
    """Results by variant and item; used as a context manager.

    Args:
        folder: where such files lie; made if it is not there.
        inputs: all that results depend on: task, options, data, weights, version.
        is_fresh: whether to forget what is there.
    """

    def __init__(self, folder: Path, inputs: Mapping[str, Any], *, is_fresh: bool = False) -> None:
        key = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{inputs['task']}-{key}.jsonl"
        self.results: dict[Key, dict[str, Any]] = {}
        if is_fresh:
            self.path.unlink(missing_ok=True)
        self._end = self._read() if self.path.exists() else 0
        self._n_unflushed = 0
        self._file: TextIO | None = None

    def __enter__(self) -> "Partial":
        """Opens the file to add to it, behind its last whole line."""
        self._file = self.path.open("a", encoding="utf-8")
        self._file.truncate(self._end)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes it."""
        if self._file is not None:
            self._file.close()

    def add(self, key: Key, result: dict[str, Any]) -> None:
        """Keeps an item's result."""
        assert self._file is not None
        self.results[key] = result
        self._file.write(json.dumps([*key, result]) + "\n")
        self._n_unflushed += 1
        if self._n_unflushed >= _FLUSH_EVERY:
            self._file.flush()
            self._n_unflushed = 0

    def _read(self) -> int:
        """Reads whole lines; returns where they end."""
        end = 0
        with self.path.open("rb") as file:
            for line in file:
                try:
                    if not line.endswith(b"\n"):
                        break
                    variant, index, result = cast("list[Any]", json.loads(line))
                except ValueError:
                    break
                self.results[str(variant), int(index)] = cast("dict[str, Any]", result)
                end += len(line)
        return end
