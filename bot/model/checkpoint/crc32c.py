"""CRC-32C (Castagnoli), which TensorFlow puts on every block and tensor, at numpy's speed.

A register that has taken 32 bits is a linear map of what it was. So two halves of the data become
one of half the length, all words at once: the first half mapped as many words on, XOR the second.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

_POLYNOMIAL = 0x82F63B78  # reflected
_ALL_ONES = 0xFFFFFFFF
_CHUNK_WORDS = 1 << 18  # a power of two; 1 MiB, which stays in the processor's cache
_MASK_DELTA = 0xA282EAD8

_Words = npt.NDArray[np.uint32]


def crc32c(data: bytes, checksum: int = 0) -> int:
    """The checksum of these bytes behind those that have `checksum`."""
    n_words = len(data) // 4
    words = np.frombuffer(data, dtype="<u4", count=n_words)
    register = checksum ^ _ALL_ONES
    for start in range(0, n_words, _CHUNK_WORDS):
        register = _take_words(register, words[start : start + _CHUNK_WORDS])
    for byte in data[4 * n_words :]:
        register = _shifted(register ^ byte, 8)
    return register ^ _ALL_ONES


def masked_crc32c(data: bytes) -> int:
    """The checksum of these bytes as it is stored; see `masked`."""
    return masked(crc32c(data))


def masked(checksum: int) -> int:
    """A checksum as TensorFlow and LevelDB store it, so that sums of sums stay apart."""
    return ((checksum >> 15 | checksum << 17) + _MASK_DELTA) & _ALL_ONES


def _take_words(register: int, words: _Words) -> int:
    """The register after these words, at least one."""
    n_folded = 1 << (len(words) - 1).bit_length()
    folded = np.zeros(n_folded, dtype=np.uint32)  # zeros in front change nothing
    folded[n_folded - len(words) :] = words
    folded[n_folded - len(words)] ^= np.uint32(register)
    while len(folded) > 1:
        half = len(folded) // 2
        folded = _mapped(folded[:half], half) ^ folded[half:]
    return int(_mapped(folded, 1)[0])


def _mapped(words: _Words, n_words: int) -> _Words:
    """Each of these registers after `n_words` words of zeros."""
    low, high = _tables(n_words)
    return low[words & np.uint32(0xFFFF)] ^ high[words >> np.uint32(16)]


@cache
def _tables(n_words: int) -> tuple[_Words, _Words]:
    """Where each value of a register's lower and upper half goes; `n_words` is a power of two."""
    if n_words == 1:
        images = np.array([_shifted(1 << bit, 32) for bit in range(32)], dtype=np.uint32)
    else:
        bits = np.array([1 << bit for bit in range(32)], dtype=np.uint32)
        images = _mapped(_mapped(bits, n_words // 2), n_words // 2)
    return _spanned(images[:16]), _spanned(images[16:])


def _spanned(images: _Words) -> _Words:
    """The image of every number, from the images of its bits."""
    table = np.zeros(1 << len(images), dtype=np.uint32)
    for bit, image in enumerate(images):
        table[1 << bit : 2 << bit] = table[: 1 << bit] ^ image
    return table


def _shifted(register: int, n_bits: int) -> int:
    for _ in range(n_bits):
        register = register >> 1 ^ (_POLYNOMIAL if register & 1 else 0)
    return register
