"""Kaldi's numeric objects, as bytes: how one record of an archive is decoded.

Nothing but numbers is decoded: a pickle or a sound in an archive is an error.
Format: https://kaldi-asr.org/doc/io.html
"""

import io
import mmap
import re
import struct

import numpy as np

from utils.errors import InputError

FLOAT_VECTOR = b"\0BFV \4"
HEADER_BYTES = len(FLOAT_VECTOR) + 4  # ... and the dimension, int32
PLAIN = {b"FV ": "<f4", b"FM ": "<f4", b"DV ": "<f8", b"DM ": "<f8"}
COMPRESSED = {b"CM ": 1, b"CM2": 2, b"CM3": 1}  # token -> bytes per element


def decode(data: mmap.mmap | bytes, offset: int, where: str) -> tuple[np.ndarray, int]:
    """Decode the record that begins at `offset`. Returns its vector or matrix and the byte behind it."""
    if offset >= len(data):
        raise InputError(
            f"{where}: the offset lies beyond the end of the archive ({len(data)} bytes); is it truncated?"
        )
    if data[offset : offset + 2] != b"\0B":
        return _decode_text(data, offset, where)
    token = data[offset + 2 : offset + 5]
    if token in PLAIN:
        return _decode_plain(data, offset, token, where)
    if token in COMPRESSED:
        return _decode_compressed(data, offset, token, where)
    raise InputError(f"{where}: a Kaldi object of type {token!r}, expected a vector or matrix of floats")


def _decode_plain(data: mmap.mmap | bytes, offset: int, token: bytes, where: str) -> tuple[np.ndarray, int]:
    sizes, start = [], offset + 5
    for _ in range(1 if token[1:2] == b"V" else 2):
        field = data[start : start + 5]
        if len(field) < 5 or field[:1] != b"\4":
            raise InputError(f"{where}: the header of the vector is cut short; is the archive truncated?")
        sizes.append(struct.unpack("<i", field[1:])[0])
        start += 5
    dtype = np.dtype(PLAIN[token])
    end = start + dtype.itemsize * int(np.prod(sizes, dtype=np.int64))
    if min(sizes) < 0 or end > len(data):
        raise InputError(
            f"{where}: a vector of shape {tuple(sizes)} does not end inside the archive; "
            "is it truncated, or the offset wrong?"
        )
    return np.frombuffer(data[start:end], dtype).reshape(sizes), end


def _decode_compressed(data: mmap.mmap | bytes, offset: int, token: bytes, where: str) -> tuple[np.ndarray, int]:
    """A global header (minimum, range, rows, columns), per-column headers for `CM`, then 1 or 2 bytes an element."""
    from kaldiio.matio import read_matrix_or_vector

    body = offset + 2 + (3 if token == b"CM " else 4)
    header = data[body : body + 16]
    rows, columns = struct.unpack("<8x2i", header) if len(header) == 16 else (-1, -1)
    end = body + 16 + (8 * columns if token == b"CM " else 0) + rows * columns * COMPRESSED[token]
    if min(rows, columns) < 1 or end > len(data):
        raise InputError(
            f"{where}: the compressed matrix does not end inside the archive; truncated, or a wrong offset?"
        )
    return read_matrix_or_vector(io.BytesIO(data[offset:end])), end


def _decode_text(data: mmap.mmap | bytes, offset: int, where: str) -> tuple[np.ndarray, int]:
    begin = re.compile(rb"[ \t]*\[").match(data, offset)
    if begin is None:
        raise InputError(
            f"{where}: no vector begins here, found {data[offset : offset + 8]!r}; "
            "is the offset wrong, or is this no Kaldi archive?"
        )
    end = data.find(b"]", begin.end())
    if end < 0:
        raise InputError(f"{where}: no closing ']'; is the archive truncated?")
    lines = [line.split() for line in data[begin.end() : end].split(b"\n")]
    try:
        value = np.array([line for line in lines if line], dtype=np.float64)
    except ValueError as error:
        raise InputError(f"{where}: not numbers between '[' and ']': {error}") from error
    return (value[0] if len(value) == 1 else value), end + 1


def cut_range(value: np.ndarray, window: str, where: str) -> np.ndarray:
    """Apply Kaldi's range: `first:last` by rows, then by columns, both inclusive; an empty part takes all."""
    slices = []
    for part, size in zip(window.split(","), value.shape, strict=False):
        match = re.fullmatch(r"(?:(\d+):(\d+)|:?)", part.strip())
        if match is None or window.count(",") >= value.ndim:
            raise InputError(
                f"{where}: {window!r} is not a range of a value of shape {value.shape}; "
                "expected 'first:last' for rows, columns"
            )
        first, last = (int(match[1]), int(match[2])) if match[1] else (0, size - 1)
        if not first <= last < size:
            raise InputError(f"{where}: the range {part} leaves 0:{size - 1}")
        slices.append(slice(first, last + 1))
    return value[tuple(slices)]
