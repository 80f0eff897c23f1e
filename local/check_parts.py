"""What a long run needs besides its corpus: an encoder of sentences, a GPU if it is asked for, memory and disk."""

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from local.estimates import Estimate
from utils.errors import InputError

GIB = 1 << 30
HERE = ("", "run.pl")  # launchers of this machine
BLOCK = 4096  # bytes
MEMORY_NOW = Path("/proc/meminfo")


@dataclass
class Verdicts:
    """Rows of what was looked at, what was found, and `ok` or `MISSING`; and the missing things in words."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def good(self, what: str, found: str) -> None:
        """Something is as it should be."""
        self.rows.append((what, found, "ok"))

    def bad(self, what: str, found: str) -> None:
        """Something is missing."""
        self.rows.append((what, found if len(found) <= 100 else f"{found[:97]}...", "MISSING"))
        self.missing.append(f"{what}: {found}")


def what_exists(path: Path) -> Path:
    """The path itself, or else the nearest one above it that is there."""
    path = path.resolve()
    return next(one for one in (path, *path.parents) if one.exists())


def require_places(data: Path, exp: Path) -> None:
    """Raise InputError, before anything is tried, where the run could not write its directories."""
    for name, path in (("data", data), ("exp", exp)):
        there = what_exists(path)
        reason = _why_not_writable(there) if there.is_dir() else "is no directory"
        if reason:
            raise InputError(f"--{name} {path}: {there} {reason}; name a directory that can be made or written to")


def _why_not_writable(folder: Path) -> str:
    """What the system says of a file there, which nobody sees; empty where it can be written."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(BLOCK))
    except OSError as error:
        return f"cannot be written to ({error.strerror})"
    return ""


def check_encoder(path: Path | None, verdicts: Verdicts) -> bool:
    """Load the sentence encoder. Returns whether it is there."""
    from steps.text.encode import SentenceEncoder

    try:
        encoder = SentenceEncoder(path)
    except InputError as error:
        verdicts.bad("encoder", str(error))
        return False
    verdicts.good("encoder", f"{encoder.name}, {encoder.dim} dimensions")
    return True


def check_gpu(use_gpu: str, launcher: str, verdicts: Verdicts) -> str | None:
    """See which device networks will be trained on: that of the check, `cpu` or `cuda`; None where it is missing."""
    from steps.training.workplace import find_device

    if launcher not in HERE:
        verdicts.good("GPU", f"not looked for: {launcher} runs jobs on other machines, see utils/check_nodes.sh")
        return find_device("auto", 1)

    try:
        device = find_device(use_gpu, 1)
    except InputError as error:
        verdicts.bad("GPU", str(error))
        return None
    if device == "cpu":
        verdicts.good(
            "GPU", "none is asked for" if use_gpu == "false" else "none here; networks are trained on the CPU"
        )
        return device
    import torch

    cards = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    names = ", ".join(f"{card.name}, {card.total_memory / GIB:.0f} GB" for card in cards)
    verdicts.good("GPU", f"{len(cards)}: {names}")
    return device


def jobs_at_once(device: str, launcher: str, n: int) -> int:
    """How many of `n` trainings run at once: one a GPU, else as many as the processors have threads for."""
    if launcher not in HERE:
        return n
    if device == "cpu":
        return max(1, (os.cpu_count() or 1) // int(os.environ.get("OMP_NUM_THREADS") or 1))
    import torch

    return torch.cuda.device_count()


def check_room(data: Path, exp: Path, estimate: Estimate, verdicts: Verdicts) -> None:
    """Compare what the run needs with the memory and the disks that are free."""
    if not estimate.disk:
        return
    free = _free_memory()
    needed = f"{_gb(estimate.memory)} needed"
    if free is None:
        verdicts.good("memory", f"{needed}; this machine does not tell what is free")
    else:
        (verdicts.good if estimate.memory < free else verdicts.bad)("memory", f"{needed}, {_gb(free)} free")
    there = [what_exists(path) for path in (data, exp)]
    free = min(shutil.disk_usage(folder).free for folder in there)
    found = f"{_gb(estimate.disk)} needed, {_gb(free)} free at {there[1]}"
    (verdicts.good if estimate.disk < free else verdicts.bad)("disk", found)


def _free_memory() -> int | None:
    """Bytes of memory that processes can have now; None where the system does not tell."""
    if not MEMORY_NOW.is_file():
        return None
    lines = dict(line.split(":", 1) for line in MEMORY_NOW.read_text().splitlines())
    return int(lines["MemAvailable"].split()[0]) * 1024


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 10**9 else f"{size / 1e6:.0f} MB"
