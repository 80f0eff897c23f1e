"""Files that stand for other files: Git LFS and git-annex leave a small text where the content was not fetched.

    refuse_pointer(path)                     # InputError, where an entry reads the whole file at `path`
    problem = pointer_problem(path)          # the same as text, where it goes into a table of failures

Formats: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md, https://git-annex.branchable.com/internals/pointer_file/
"""

import re
from pathlib import Path

from utils.errors import InputError
from utils.packed_files import require_file

LARGEST = 1024  # bytes of a Git LFS pointer, by its specification
LFS = re.compile(rb"version https?://(?:git-lfs\.github\.com|git-media\.io|hawser\.github\.com)/\S+\r?\n")
ANNEX = re.compile(rb"(?:\.\.?/)*(?:\.git)?/?annex/objects/\S+\r?\n?")
SIZE = re.compile(rb"^size (\d{1,18})\r?$", re.MULTILINE)


def pointer_problem(path: Path, head: bytes | None = None) -> str | None:
    """What is wrong with a file that is only a pointer to its content, and what to do; None for any other file.

    Raises InputError for a pipe or device.

    Args:
        head: the first bytes of the file (LARGEST are enough), where they have been read already.
    """
    if head is None:
        with require_file(path).open("rb") as file:
            head = file.read(LARGEST)
    head = bytes(head[:LARGEST])
    if LFS.match(head):
        size = SIZE.search(head)
        of = f" ({int(size[1])} bytes)" if size else ""
        return f"a Git LFS pointer in place of the file{of}; run 'git lfs pull' in the directory that it came from"
    if ANNEX.fullmatch(head):
        return "a git-annex pointer in place of the file; run 'git annex get' in the directory that it came from"
    return None


def refuse_pointer(path: Path, head: bytes | None = None) -> None:
    """Raise InputError for a file that is only a pointer to its content."""
    problem = pointer_problem(path, head)
    if problem:
        raise InputError(f"{path}: {problem}")
