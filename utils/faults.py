"""Faults of the machine and of input that no check has foreseen, told in one line that names the file.

The system names no file where a write, a read or a flush of an open file fails, nor do errors of decoding, memory and
nesting. The file is then looked for among the variables of the functions that the error has come through.
"""

import contextlib
import errno
import io
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from utils.errors import in_one_line
from utils.mounts import advice, is_lost

CHECKOUT = Path(__file__).resolve().parents[1]
WRITING = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EPIPE}
FAULTS = (OSError, UnicodeError, MemoryError, RuntimeError)  # of the last those that `is_fault` knows
GPU_IS_FULL = "OutOfMemoryError"  # of torch, a RuntimeError, which is not imported here
OWN_DEPTH = 20  # of a function of this project that calls itself


def is_fault(error: BaseException) -> bool:
    """Is this a fault of the machine or the input, not of the program?

    Deep nesting is one where it brings a parser to its limit, and a bug where a function of ours calls itself.
    """
    if isinstance(error, RecursionError):
        codes = Counter(frame.f_code for frame in _frames(error))
        return all(n < OWN_DEPTH for code, n in codes.items() if _is_own(Path(code.co_filename)))
    if isinstance(error, RuntimeError):
        return type(error).__name__ == GPU_IS_FULL
    return isinstance(error, FAULTS)


def _is_own(file: Path) -> bool:
    """Is this a file of the project? The checkout may hold the Python environment with all its libraries too."""
    return file.is_relative_to(CHECKOUT) and not file.is_relative_to(sys.prefix)


def describe(error: BaseException) -> str:
    """What there is to say of a fault: the file where it is known, and the reason."""
    where = file_of(error)
    if isinstance(error, RecursionError):
        reason = "nested too deeply"
    elif isinstance(error, RuntimeError):
        said = in_one_line(error, 200)
        return f"out of memory on the GPU: lower the size of batches, or use --use_gpu false ({said})"
    elif isinstance(error, MemoryError):
        reason = f"not enough memory{f' ({error})' if str(error) else ''}"
    elif isinstance(error, UnicodeDecodeError):
        reason = f"not UTF-8 (byte {error.object[error.start]:#x}); convert it to UTF-8"
    elif isinstance(error, UnicodeError):
        reason = f"characters that cannot be written as UTF-8 ({error.reason})"
    else:
        reason = error.strerror or str(error)
        reason += f": {advice(where)}" if is_lost(error) else ""
    return f"{f'{where}: ' if where else ''}{reason}"


def file_of(error: BaseException) -> str:
    """The name of the file that an error is about; empty where it cannot be told."""
    if isinstance(error, OSError) and error.filename is not None:
        names = [_name(name) for name in (error.filename, error.filename2) if name is not None]
        return " -> ".join(filter(None, names))
    writing = isinstance(error, OSError) and error.errno in WRITING
    for frame in _frames(error):
        values = list(frame.f_locals.values())
        with contextlib.suppress(TypeError):
            values += vars(frame.f_locals.get("self")).values()
        files = [value for value in values if isinstance(value, io.IOBase)]
        chosen = [file for file in files if not writing or _writes(file)]
        paths = [value for value in values if isinstance(value, Path)]
        for name in [*map(_name_of_file, chosen), *map(str, paths)]:
            if name:
                return name
    return ""


def _frames(error: BaseException) -> Iterator[FrameType]:
    """The functions that an error has come through, the one that raised it first."""
    trace, frames = error.__traceback__, []
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    return reversed(frames)


def _writes(file: io.IOBase) -> bool:
    mode = str(getattr(file, "mode", ""))  # a closed file has one too
    return bool(set("wax+") & set(mode)) or not mode


def _name_of_file(file: Any) -> str:
    name = getattr(file, "name", None)
    return _name(name) if isinstance(name, str | bytes | int) and name not in ("<stdout>", "<stderr>") else ""


def _name(name: str | bytes | int | Path) -> str:
    """The name of a file that may be given as a descriptor."""
    if isinstance(name, int):
        with contextlib.suppress(OSError):
            return str(Path(f"/proc/self/fd/{name}").readlink())
        return ""
    return os.fsdecode(name)
