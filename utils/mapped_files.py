"""A disk that breaks off beneath a file that is mapped into memory: the process ends with a line that names the file.

The system reports no error of such a read: it sends SIGBUS. A handler of Python's runs between two instructions of
Python, and the one that reads the page would be tried again for ever. This handler is called by the system itself.
"""

import ctypes
import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

SA_SIGINFO, SA_RESETHAND = 0x4, 0x80000000  # of <bits/sigaction.h>
ADDRESS = 16  # byte of siginfo_t at which si_addr begins, where pointers have 8 bytes
MAPS = Path("/proc/self/maps")
HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


class SignalAction(ctypes.Structure):
    """The C library's struct sigaction, on Linux with pointers of 8 bytes."""

    _fields_ = (
        ("handler", HANDLER),
        ("mask", ctypes.c_ulong * 16),
        ("flags", ctypes.c_uint),
        ("restorer", ctypes.c_void_p),
    )


def tell_lost_files(say: Callable[[Exception], None]) -> None:
    """From now on, end this process with status 1 where a mapped file cannot be read, after `say(error)`."""
    if sys.platform != "linux" or ctypes.sizeof(ctypes.c_void_p) != 8:
        return

    def end(number: int, info: int, context: int) -> None:
        error = fault_at(ctypes.c_void_p.from_address(info + ADDRESS).value or 0)
        if error is not None:
            say(error)
            os._exit(1)
        # of no file: the read is tried again, and this time the signal ends the process

    tell_lost_files.kept = SignalAction(HANDLER(end), flags=SA_SIGINFO | SA_RESETHAND)  # the system calls it later
    ctypes.CDLL(None).sigaction(signal.SIGBUS, ctypes.byref(tell_lost_files.kept), None)


def fault_at(address: int) -> OSError | None:
    """What is wrong with the file that is mapped at an address; None where there is no file."""
    for line in MAPS.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        span, _, offset, _, _, *name = line.split(maxsplit=5)
        begin, end = (int(number, 16) for number in span.split("-"))
        if begin <= address < end and name and name[0].startswith("/"):
            return _fault(name[0], int(offset, 16) + address - begin)
    return None


def _fault(name: str, place: int) -> OSError:
    try:
        size = _size(name)
    except OSError as error:
        return error
    if size <= place:
        return OSError(f"{name}: cut short to {size} bytes while it was read; run the same command when it is whole")
    return OSError(errno.EIO, os.strerror(errno.EIO), name)


def _size(name: str) -> int:
    return Path(name).stat().st_size
