"""Reads LevelDB's sorted tables, the form of a TensorFlow checkpoint's index.

Format: https://github.com/google/leveldb/blob/main/doc/table_format.md. Blocks of entries in order
of their keys, each key without what it shares with the one before; a block of where the blocks
are; a footer. TensorFlow writes indexes uncompressed, so there is no Snappy here.
"""

import struct
from collections.abc import Iterator

from bot.model.byte_reader import ByteReader
from bot.model.checkpoint.crc32c import masked_crc32c
from bot.model.checkpoint.wire import Cursor

_MAGIC = 0xDB4775248B80FB57
_FOOTER_BYTES = 48
_TRAILER_BYTES = 5  # kind of compression, checksum
_MAX_KEY_BYTES = 512  # keys are written short and become long: their sum must stay small
_MAX_ENTRIES = 10_000
_MAX_BLOCKS = 10_000


def read_table(reader: ByteReader) -> dict[bytes, bytes]:
    """All entries of a table; every block's checksum has been held against its bytes.

    Raises:
        ValueError: it is no table, or a damaged one; a clause for a person.
    """
    meta, index = _read_footer(reader)
    _read_block(reader, *meta)
    entries: dict[bytes, bytes] = {}
    last, end = b"", 0
    for _, value in _entries(_read_block(reader, *index), _MAX_BLOCKS):
        start, size = _handle(Cursor(value))
        if start < end:
            raise ValueError("its blocks are not in order; it is damaged")
        end = start + size
        for key, entry in _entries(_read_block(reader, start, size), _MAX_ENTRIES - len(entries)):
            if entries and key <= last:
                raise ValueError("its names are not in order; it is damaged")
            entries[key], last = entry, key
    return entries


def _read_footer(reader: ByteReader) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where the block about blocks of other kinds and the block of blocks are."""
    if reader.size < _FOOTER_BYTES:
        raise ValueError("it is too short for the index of a TensorFlow checkpoint")
    footer = reader.data[reader.size - _FOOTER_BYTES :]
    if int.from_bytes(footer[-8:], "little") != _MAGIC:
        raise ValueError("it does not end as the index of a TensorFlow checkpoint; it is cut off")
    cursor = Cursor(footer)
    return _handle(cursor), _handle(cursor)


def _handle(cursor: Cursor) -> tuple[int, int]:
    return cursor.varint(), cursor.varint()


def _read_block(reader: ByteReader, start: int, size: int) -> bytes:
    if start + size + _TRAILER_BYTES > reader.size - _FOOTER_BYTES:
        raise ValueError("one of its blocks lies outside of it; it is cut off or damaged")
    end = start + size
    compression, checksum = struct.unpack("<BI", reader.data[end : end + _TRAILER_BYTES])
    if masked_crc32c(reader.data[start : end + 1]) != checksum:
        raise ValueError("the checksum of one of its blocks does not fit; it is damaged")
    if compression:
        raise ValueError("it is compressed; only uncompressed indexes are known")
    return reader.data[start:end]


def _entries(block: bytes, n_most: int) -> Iterator[tuple[bytes, bytes]]:
    """A block's keys and values; at its end stand places to start at, which are not needed."""
    n_restarts = int.from_bytes(block[-4:], "little")
    n_entry_bytes = len(block) - 4 - 4 * n_restarts
    if len(block) < 4 or n_entry_bytes < 0:
        raise ValueError("one of its blocks has no end; it is damaged")
    cursor = Cursor(block[:n_entry_bytes])
    key = b""
    while not cursor.is_at_end:
        n_shared, n_more, n_value = cursor.varint(), cursor.varint(), cursor.varint()
        if n_shared > len(key) or n_shared + n_more > _MAX_KEY_BYTES or n_most <= 0:
            raise ValueError("it has more or longer names than any GPT-2; it is damaged")
        key = key[:n_shared] + cursor.take(n_more)
        n_most -= 1
        yield key, cursor.take(n_value)
