"""Who works on which shard: a mark beside the parts, locked while its job works, so that others can see what goes on.

    .<out>.parts/<identity>/doing-000003    {"job": 2, "host": "node7", "pid": 4711, "log": "/exp/log/vad.2.log"}

The mark is removed when the part is there. A mark that nobody holds is of a job that has failed or was killed; where it
has failed with an error, the mark has the error.
"""

import contextlib
import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from utils.locking import lock_file
from utils.parts import Work
from utils.secrets import hide

LONGEST_ERROR = 500  # characters of an error in a mark


def mark_of(work: Work, shard: int) -> Path:
    """The mark of a shard."""
    return work.directory / f"doing-{shard:06d}"


@contextlib.contextmanager
def marked(work: Work, shard: int, job: int) -> Iterator[None]:
    """Within it, the shard is worked on by this job, as others see."""
    path = mark_of(work, shard)
    try:
        lock = lock_file(path)
    except BlockingIOError:  # another job does the same, and either may be first
        yield
        return
    facts: dict[str, Any] = {"job": job, "host": platform.node(), "pid": os.getpid(), "log": _log()}
    try:
        _write(lock, facts)
        yield
        path.unlink(missing_ok=True)
    except Exception as error:
        _write(lock, facts | {"error": hide(" ".join(str(error).split()))[:LONGEST_ERROR]})
        raise
    finally:
        os.close(lock)


def _write(descriptor: int, facts: dict[str, Any]) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{json.dumps(facts)}\n".encode(), 0)


def _log() -> str:
    """The file that this process says all to; empty where that is none."""
    with contextlib.suppress(OSError):
        path = Path("/proc/self/fd/2").readlink()
        return str(path) if path.is_file() else ""
    return ""


def read_mark(work: Work, shard: int) -> tuple[bool, dict[str, Any]] | None:
    """Whether a job works on the shard now, and what its mark says; None without a mark."""
    path = mark_of(work, shard)
    if not path.is_file():
        return None
    try:
        text = path.read_text(encoding="utf-8")
        facts = json.loads(text) if text else {}
        os.close(lock_file(path))
    except BlockingIOError:
        return True, facts
    except (FileNotFoundError, ValueError):  # it ends just now
        return None
    return False, facts
