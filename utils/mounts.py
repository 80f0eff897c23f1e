"""Disks that break off while they are in use, such as those of a network: told as such, and never as a fault of a file.

A recording, a table or a part is not damaged because its disk has gone for a while: who catches what the system says of
a file calls `raise_if_lost` first, so that nothing is left out, and the same command goes on when the disk is back.
"""

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LOST = {
    *(errno.ESTALE, errno.EIO, errno.EREMOTEIO, errno.ENOTCONN, errno.ESHUTDOWN, errno.ENOLINK, errno.ECOMM),
    *(errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH, errno.ENETRESET),
    *(errno.ECONNABORTED, errno.ECONNRESET, errno.ECONNREFUSED),
}
OVER_A_NETWORK = re.compile(r"nfs\d?|cifs|smb\w*|ceph|lustre|gpfs|beegfs\w*|panfs|wekafs|orangefs|afs|9p|fuse(\.\w+)?")
MOUNTS = Path("/proc/self/mountinfo")
MOST_LINKS = 40  # on the way to a file, as the system has it
PIECE = 1 << 20  # bytes


class Mount(NamedTuple):
    """A disk: where it is mounted, the kind of its file system, and what is mounted there."""

    point: str
    kind: str
    source: str

    @property
    def over_a_network(self) -> bool:
        """Is it reached over a network, or through a program?"""
        return OVER_A_NETWORK.fullmatch(self.kind) is not None


def is_lost(error: BaseException) -> bool:
    """Does an error say that a disk has broken off?"""
    return isinstance(error, OSError) and error.errno in LOST


def raise_if_lost(path: Path, error: BaseException) -> None:
    """Raise what the system says of a disk that has broken off, where that is why `path` could not be read.

    Libraries that do not tell what the system has said are believed only if the file can be read now.
    """
    if is_lost(error):
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    if not isinstance(error, OSError) or error.errno is None:
        with contextlib.suppress(FileNotFoundError, PermissionError, IsADirectoryError), path.open("rb") as file:
            while file.read(PIECE):
                pass


@contextlib.contextmanager
def lost_disk_told(path: Path) -> Iterator[None]:
    """Let a library read `path`: where it fails because the disk has broken off, that is raised, whatever it says."""
    try:
        yield
    except Exception as error:
        raise_if_lost(path, error)
        raise


def refuse_lost(error: OSError) -> None:
    """For `onerror` of os.walk: a directory is not left out because its disk has broken off."""
    raise_if_lost(Path(error.filename), error)


def files_below(root: Path) -> Iterator[Path]:
    """All files below a directory; Path.rglob of newer Pythons leaves out what a lost disk has."""
    for folder, _, names in os.walk(root, onerror=refuse_lost):
        yield from (path for name in names if (path := Path(folder, name)).is_file())


def advice(path: str) -> str:
    """What to do about a disk that has broken off, with `path` on it, if it is known."""
    mount = mount_of(path) if path else None
    if mount is not None and mount.over_a_network:
        disk = f"the network mount {mount.point} ({mount.kind}, {mount.source})"
    else:
        disk = "the network mount or disk that it is on"
    return f"{disk} has probably broken off; when it is back, run the same command again: it goes on from here"


def mount_of(path: str) -> Mount | None:
    """The disk that a path is on, links followed; nothing is asked of a disk over a network, which may never answer."""
    mounts, place, left = _mounts(), Path("/"), list(reversed(Path(path).absolute().parts[1:]))
    links = 0
    while left and links < MOST_LINKS:
        name = left.pop()
        here = place.parent if name == ".." else place / name
        if here in mounts and mounts[here].over_a_network:
            return mounts[here]
        try:
            goal = here.readlink()
        except OSError:  # no link
            place = here
            continue
        links += 1
        left += reversed([name for name in goal.parts if name != "/"])
        place = Path("/") if goal.is_absolute() else place
    return next((mounts[above] for above in (place, *place.parents) if above in mounts), None)


def _mounts() -> dict[Path, Mount]:
    """The disks by where they are mounted, as this process sees them; none where the system does not tell."""
    found = {}
    with contextlib.suppress(OSError):
        for line in MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines():
            words, _, rest = line.partition(" - ")
            kind, source, *_ = [*rest.split(" "), "", ""]
            point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), words.split(" ")[4])
            found[Path(point)] = Mount(point, kind, source)
    return found
