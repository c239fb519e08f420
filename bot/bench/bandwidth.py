"""How fast memory is read: the limit of one stream, as each token needs all weights once."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from bot.core.models import ModelShape
from bot.model.tensors import F32, StorageType, tensor_specs

_BYTES = 1 << 30
_ROUNDS = 3


def read_bandwidth(threads: int, n_bytes: int = _BYTES) -> float:
    """Bytes a second that so many threads read together; the best of three sums over memory."""
    parts = np.array_split(np.ones(n_bytes // 8, dtype=np.uint64), threads)
    best_s = float("inf")
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(_ROUNDS):
            started_s = time.perf_counter()
            list(pool.map(np.sum, parts))
            best_s = min(best_s, time.perf_counter() - started_s)
    return sum(part.nbytes for part in parts) / best_s


def weight_bytes(shape: ModelShape, storage: StorageType) -> int:
    """Bytes of weights that one token reads: all but the table of positions, of which it is one.

    The embeddings are read as a whole, being the output matrix as well. Scales of other formats
    than ours are not counted.
    """
    return sum(
        (storage if spec.is_weight else F32).n_bytes(spec.shape)
        for spec in tensor_specs(shape)
        if spec.huggingface != "wpe.weight"
    )
