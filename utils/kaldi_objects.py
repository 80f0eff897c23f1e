"""Kaldi's numeric objects as bytes: vectors and matrices of floats, plain or compressed, and vectors of int32.

Records are read in binary and in text form and written in binary form, by Kaldi's compression methods if asked for.
Nothing but numbers is read: a pickle or a sound in an archive is an error.
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
METHODS = {"CM": 2, "CM2": 3, "CM3": 5}  # Kaldi's kSpeechFeature, kTwoByteAuto and kOneByteAuto
INTEGER = np.dtype([("size", "u1"), ("value", "<i4")])  # as Kaldi writes an int32: its size in bytes goes before it
LONGEST_ROW = 8 * 2**20  # bytes of a vector in text form
ROWS_BEYOND = 3  # a range may end so far beyond a matrix, as times that are rounded to frames do

Data = mmap.mmap | bytes


def decode(data: Data, offset: int, where: str) -> tuple[np.ndarray, int]:
    """Decode the record that begins at `offset`.

    Returns its vector (D,), matrix (T, F) or vector (N,) of int32, which may be a read-only view of `data`, and the
    offset of the byte after it. Text comes as float64.
    """
    if offset >= len(data):
        raise InputError(
            f"{where}: the offset lies beyond the end of the archive ({len(data)} bytes); is it truncated?"
        )
    if data[offset : offset + 2] != b"\0B":
        return _decode_text(data, offset, where)
    token = data[offset + 2 : offset + 5]
    if token in PLAIN:
        return _decode_plain(data, offset, token, where)
    if token in COMPRESSED and b" " in data[offset + 4 : offset + 6]:
        return _decode_compressed(data, offset, token, where)
    if token[:1] == b"\4":
        return _decode_integers(data, offset, where)
    raise InputError(
        f"{where}: a Kaldi object of type {token!r}, expected a vector or matrix of floats, or a vector of int32"
    )


def _view(data: Data, dtype: str | np.dtype, start: int, shape: tuple[int, ...], where: str) -> tuple[np.ndarray, int]:
    count = int(np.prod(shape, dtype=np.int64)) if min(shape) >= 0 else -1
    end = start + np.dtype(dtype).itemsize * count
    if count < 0 or end > len(data):
        raise InputError(
            f"{where}: a vector of shape {shape} does not end inside the archive; is it truncated, or the offset wrong?"
        )
    return np.frombuffer(data, dtype, count, start if count else 0).reshape(shape), end


def _decode_plain(data: Data, offset: int, token: bytes, where: str) -> tuple[np.ndarray, int]:
    sizes, start = [], offset + 5
    for _ in range(1 if token[1:2] == b"V" else 2):
        sizes.append(_read_size(data, start, where))
        start += 5
    return _view(data, PLAIN[token], start, tuple(sizes), where)


def _decode_integers(data: Data, offset: int, where: str) -> tuple[np.ndarray, int]:
    items, end = _view(data, INTEGER, offset + 7, (_read_size(data, offset + 2, where),), where)
    if (items["size"] != 4).any():
        raise InputError(f"{where}: expected int32 elements, found others; is the offset wrong?")
    return items["value"], end


def _read_size(data: Data, start: int, where: str) -> int:
    field = data[start : start + 5]
    if len(field) < 5 or field[:1] != b"\4":
        raise InputError(f"{where}: the header of the vector is cut short; is the archive truncated?")
    return struct.unpack("<i", field[1:])[0]


def _decode_compressed(data: Data, offset: int, token: bytes, where: str) -> tuple[np.ndarray, int]:
    """A global header (minimum, range, rows, columns), per-column headers for `CM`, then 1 or 2 bytes an element."""
    from kaldiio.matio import read_matrix_or_vector

    body = offset + 2 + (3 if token == b"CM " else 4)
    header = data[body : body + 16]
    rows, columns = struct.unpack("<8x2i", header) if len(header) == 16 else (-1, -1)
    if rows == columns == 0:
        return np.empty((0, 0), np.float32), body + 16
    end = body + 16 + (8 * columns if token == b"CM " else 0) + rows * columns * COMPRESSED[token]
    if min(rows, columns) < 1 or end > len(data):
        raise InputError(
            f"{where}: the compressed matrix does not end inside the archive; truncated, or a wrong offset?"
        )
    return read_matrix_or_vector(io.BytesIO(data[offset:end])), end


def _decode_text(data: Data, offset: int, where: str) -> tuple[np.ndarray, int]:
    """Floats between brackets, a matrix with a line for each row; integers stand in a line without brackets."""
    begin = re.compile(rb"[ \t]*\[").match(data, offset)
    if begin is None:
        return _decode_integer_line(data, offset, where)
    end = data.find(b"]", begin.end())
    if end < 0:
        raise InputError(f"{where}: no closing ']'; is the archive truncated?")
    lines = data[begin.end() : end].split(b"\n")
    if max(map(len, lines)) > LONGEST_ROW:
        raise InputError(f"{where}: a row of more than {LONGEST_ROW} bytes; is this an archive in text form?")
    try:
        rows = [row for row in (np.array(line.split(), dtype=np.float64) for line in lines) if row.size]
        value = np.stack(rows) if rows else np.empty(0)
    except ValueError as error:
        raise InputError(f"{where}: not numbers between '[' and ']': {error}") from error
    return (value[0] if len(rows) == 1 and lines[0].split() else value), end + 1


def _decode_integer_line(data: Data, offset: int, where: str) -> tuple[np.ndarray, int]:
    line = re.compile(rb"[ \t]*([0-9+ \t\r-]*)(\n?)").match(data, offset)
    if line.end() == offset:
        raise InputError(
            f"{where}: no vector or matrix begins here, found {data[offset : offset + 8]!r}; "
            "is the offset wrong, or is this no Kaldi archive?"
        )
    if not line[2]:
        raise InputError(
            f"{where}: integers must end in a newline, found {data[line.end() : line.end() + 8]!r}; "
            "is the archive truncated, or are these floats without brackets?"
        )
    if line.end() - offset > LONGEST_ROW:
        raise InputError(f"{where}: a row of more than {LONGEST_ROW} bytes; is this an archive in text form?")
    try:
        return np.array(line[1].split(), dtype=np.int32), line.end()
    except (OverflowError, ValueError) as error:
        raise InputError(f"{where}: integers that int32 cannot hold: {error}") from error


def encode(value: np.ndarray, dtype: str | np.dtype = "<f4", compress: str | None = None) -> bytes:
    """One object in binary form.

    Args:
        value: vector (D,) or matrix (T, F) of floats, or vector (N,) of integers, which are written as int32.
        dtype: of the floats as they are written, float32 or float64.
        compress: one of METHODS, for a matrix.
    """
    value = np.asarray(value)
    if value.dtype.kind in "iu":
        items = np.empty(value.shape, INTEGER)
        items["size"], items["value"] = 4, value
        if value.ndim != 1 or (items["value"] != value).any():
            raise ValueError(f"expected a vector of int32, found shape {value.shape} of {value.dtype}")
        return b"\0B\4" + struct.pack("<i", len(value)) + items.tobytes()
    dtype = np.dtype(dtype).newbyteorder("<")
    if value.dtype.kind != "f" or value.ndim not in (1, 2) or dtype.str not in PLAIN.values():
        raise ValueError(f"expected a vector or matrix of floats, found shape {value.shape} of {value.dtype}")
    if compress:
        return _compress(value, compress)
    if not value.size:
        value = value.reshape((0,) * value.ndim)  # Kaldi's programs stop at a matrix with rows and no columns
    token = ("F" if dtype.itemsize == 4 else "D") + "VM"[value.ndim - 1]
    sizes = b"".join(b"\4" + struct.pack("<i", size) for size in value.shape)
    return b"\0B" + token.encode() + b" " + sizes + value.astype(dtype).tobytes()


def _compress(value: np.ndarray, kind: str) -> bytes:
    from kaldiio.matio import write_array

    if kind not in METHODS or value.ndim != 2 or not np.isfinite(value).all():
        raise ValueError(f"{kind}: expected a finite matrix and one of {', '.join(METHODS)}, found {value.shape}")
    if not value.size:  # in Kaldi these have no rows and no columns
        return b"\0BCM " + bytes(16)
    stream = io.BytesIO()
    write_array(stream, value.astype(np.float32), compression_method=METHODS[kind])
    return stream.getvalue()


def cut_range(value: np.ndarray, window: str, where: str) -> np.ndarray:
    """Apply Kaldi's range: `first:last` by rows, then by columns, both inclusive; an empty part takes all.

    As in Kaldi, the last row of a matrix may be up to ROWS_BEYOND rows beyond its end.
    """
    slices = []
    for axis, (part, size) in enumerate(zip(window.split(","), value.shape, strict=False)):
        match = re.fullmatch(r"(?:([0-9]{1,99}):([0-9]{1,99})|:?)", part.strip())
        if match is None or window.count(",") >= value.ndim:
            raise InputError(
                f"{where}: {window!r} is not a range of a value of shape {value.shape}; "
                "expected 'first:last' for rows, columns"
            )
        first, last = (int(match[1]), int(match[2])) if match[1] else (0, size - 1)
        beyond = ROWS_BEYOND if value.ndim == 2 and axis == 0 else 0
        if match[1] and not (first <= last < size + beyond and first < size):
            raise InputError(f"{where}: the range {part} leaves 0:{size - 1}")
        slices.append(slice(first, last + 1))
    return value[tuple(slices)]
