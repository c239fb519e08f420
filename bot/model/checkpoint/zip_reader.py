"""Reads zip archives as PyTorch writes them, strictly: nothing compressed, nothing over another.

Format: PKWARE's APPNOTE.TXT, sections 4.3 and 4.5.3. So an archive can't be larger inside than
outside, and what is read of it is bounded by its size. Used by `pytorch_file`.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from bot.model.byte_reader import ByteReader

_LOCAL, _CENTRAL = b"PK\x03\x04", b"PK\x01\x02"
_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_END_BYTES, _LOCATOR64_BYTES, _END64_BYTES = 22, 20, 56
_NOT_HERE = 0xFFFFFFFF  # the number is among the 64-bit ones
_ZIP64_FIELD = 1
_MAX_RECORDS = 10_000
_MAX_NAME_BYTES = 512


@dataclass(frozen=True, slots=True)
class Record:
    """A file in the archive.

    Attributes:
        start: where its bytes begin.
        checksum: their CRC-32.
    """

    start: int
    n_bytes: int
    checksum: int


@dataclass(frozen=True, slots=True)
class _Listed:
    """What the directory says of a record; its bytes come behind a header of their own."""

    name: bytes
    header: int
    n_bytes: int
    checksum: int


def read_records(reader: ByteReader) -> dict[str, Record]:
    """Where each file of an archive is.

    Raises:
        ModelFileError: it is no zip archive, or one that PyTorch does not write.
    """
    directory, n_records = _find_directory(reader)
    reader.position = directory
    listed = [_read_listed(reader) for _ in range(n_records)]
    records: dict[str, Record] = {}
    end = 0
    for one in sorted(listed, key=lambda one: one.header):
        if one.header < end:
            raise reader.refuse("files in its zip archive lie over each other; it is damaged")
        start = _start_of(reader, one)
        end = start + one.n_bytes
        if end > directory:
            raise reader.refuse("a file in its zip archive has no end; it is cut off or damaged")
        name = one.name.decode("utf-8", errors="backslashreplace")
        if name in records:
            raise reader.refuse("two files in its zip archive have the same name")
        records[name] = Record(start, one.n_bytes, one.checksum)
    return records


def check_record(reader: ByteReader, record: Record, what: str) -> None:
    """Holds a record's checksum against its bytes.

    Raises:
        ModelFileError: they differ.
    """
    checksum = 0
    for piece in reader.pieces(record.start, record.n_bytes, what):
        checksum = zlib.crc32(piece, checksum)
    if checksum != record.checksum:
        raise reader.refuse(f"the checksum of {what} does not fit; it is damaged")


def _find_directory(reader: ByteReader) -> tuple[int, int]:
    """Where the list of records begins, and how many there are."""
    place = reader.size - _END_BYTES
    if place < 0 or reader.data[place : place + 4] != _END:
        raise reader.refuse("it does not end as a zip archive; it is cut off or no PyTorch file")
    reader.position = place + 4
    n_records, n_bytes, directory = _numbers(reader, "6xHIIxx")
    end = place
    locator = place - _LOCATOR64_BYTES
    if locator >= 0 and reader.data[locator : locator + 4] == _LOCATOR64:
        reader.position = locator + 8
        (end,) = _numbers(reader, "Q4x")
        if end + _END64_BYTES > locator or reader.data[end : end + 4] != _END64:
            raise reader.refuse("its zip archive's end makes no sense; it is damaged")
        reader.position = end + 32
        n_records, n_bytes, directory = _numbers(reader, "QQQ")
    if n_records > _MAX_RECORDS or directory + n_bytes != end:
        raise reader.refuse("its zip archive's directory makes no sense; it is damaged")
    return directory, n_records


def _read_listed(reader: ByteReader) -> _Listed:
    what = "its zip archive's directory"
    if reader.bytes(4, what) != _CENTRAL:
        raise reader.refuse(f"{what} is damaged")
    flags, method = _numbers(reader, "4xHH4x")
    checksum, n_packed, n_bytes, n_name, n_extra, n_comment = _numbers(reader, "IIIHHH")
    (header,) = _numbers(reader, "8xI")
    if n_name > _MAX_NAME_BYTES:
        raise reader.refuse(f"{what} holds a name that is too long")
    name = reader.bytes(n_name, what)
    extra = reader.bytes(n_extra, what)
    reader.skip(n_comment, what)
    if method or flags & 1:
        raise reader.refuse("files in its zip archive are compressed, which PyTorch never does")
    large = _large_numbers(extra)
    n_bytes, n_packed, header = (
        next(large, one) if one == _NOT_HERE else one for one in (n_bytes, n_packed, header)
    )
    if n_packed != n_bytes:
        raise reader.refuse("a file in its zip archive has two sizes; it is damaged")
    return _Listed(name, header, n_bytes, checksum)


def _large_numbers(extra: bytes) -> Iterator[int]:
    """The 64-bit numbers among a record's extra fields."""
    while len(extra) >= 4:
        kind, n_bytes = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + n_bytes], extra[4 + n_bytes :]
        if kind == _ZIP64_FIELD:
            for (number,) in struct.iter_unpack("<Q", field[: len(field) // 8 * 8]):
                yield number


def _start_of(reader: ByteReader, listed: _Listed) -> int:
    """Where a record's bytes begin, behind the header that stands before them."""
    what = "a file in its zip archive"
    if listed.header > reader.size:
        raise reader.refuse(f"{what} lies outside of it; it is cut off or damaged")
    reader.position = listed.header
    if reader.bytes(4, what) != _LOCAL:
        raise reader.refuse(f"{what} has no header; it is damaged")
    n_name, n_extra = _numbers(reader, "22xHH")
    if reader.bytes(n_name, what) != listed.name:
        raise reader.refuse(f"{what} has two names; it is damaged")
    reader.skip(n_extra, what)
    return reader.position


def _numbers(reader: ByteReader, form: str) -> list[int]:
    return [int(number) for number in reader.unpack(form, "its zip archive's directory")]
