"""What a long run needs besides its corpus: an encoder of sentences, a GPU if it is asked for, memory and disk."""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from local.estimates import Estimate
from utils.errors import InputError

GIB = 1 << 30
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
        reason = "is no directory" if not there.is_dir() else ""
        reason = reason or ("" if os.access(there, os.W_OK | os.X_OK) else "cannot be written to")
        if reason:
            raise InputError(f"--{name} {path}: {there} {reason}; name a directory that can be made or written to")


def check_encoder(path: Path | None, verdicts: Verdicts) -> None:
    """Load the sentence encoder, and encode a sentence."""
    from steps.text.encode import SentenceEncoder

    try:
        encoder = SentenceEncoder(path)
        verdicts.good("encoder", f"{encoder.name}, {encoder.dim} dimensions")
    except InputError as error:
        verdicts.bad("encoder", str(error))


def check_gpu(use_gpu: str, launcher: str, verdicts: Verdicts) -> None:
    """See which device networks will be trained on."""
    if launcher not in ("", "run.pl"):
        verdicts.good("GPU", f"not looked for: {launcher} runs jobs on other machines, see utils/check_nodes.sh")
        return
    from steps.training.workplace import find_device

    try:
        device = find_device(use_gpu, 1)
    except InputError as error:
        verdicts.bad("GPU", str(error))
        return
    if device == "cpu":
        verdicts.good(
            "GPU", "none is asked for" if use_gpu == "false" else "none here; networks are trained on the CPU"
        )
        return
    import torch

    cards = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    names = ", ".join(f"{card.name}, {card.total_memory / GIB:.0f} GB" for card in cards)
    verdicts.good("GPU", f"{len(cards)}: {names}")


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
    return f"{size / 1e9:.1f} GB"
