"""How an output was made, when and where: `run_info.json` beside it, which is never compared or hashed."""

import datetime
import functools
import importlib.metadata
import platform
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from utils.json_files import json_text
from utils.secrets import hide

RUN_INFO = "run_info.json"
PACKAGES = ("torch", "numpy", "pandas", "kaldiio", "sentence-transformers", "transformers", "scikit-learn")
START = time.time()


@functools.cache
def git_revision() -> str:
    """The commit of this checkout, with `-dirty` where files differ from it, or `unknown` outside git."""
    root = Path(__file__).parent
    try:
        run = functools.partial(subprocess.run, cwd=root, capture_output=True, text=True, timeout=10)
        commit = run(["git", "rev-parse", "HEAD"])
        changes = run(["git", "status", "--porcelain", "--untracked-files=no"])
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    if commit.returncode:
        return "unknown"
    return commit.stdout.strip() + ("-dirty" if changes.stdout.strip() else "")


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def write_run_info(path: Path, options: dict[str, Any], directory: Path, n_shards: int | None = None) -> None:
    """Write what made `directory`, and when and where, to `path`: command line, options, versions, host, times.

    With `n_shards`, also the number of shards that its work was divided into.
    """
    info = {
        "directory": str(directory),
        "command": shlex.join([sys.executable, *sys.orig_argv[1:]]),
        "options": options,
        "git": git_revision(),
        "python": platform.python_version(),
        "packages": {package: version for package in PACKAGES if (version := _version(package))},
        "host": platform.node(),
        "started": datetime.datetime.fromtimestamp(START, datetime.UTC).isoformat(timespec="seconds"),
        "seconds": round(time.time() - START, 1),
    }
    info |= {} if n_shards is None else {"n_shards": n_shards}
    Path(path).write_text(hide(json_text(info, path, indent=2, ensure_ascii=False)) + "\n", encoding="utf-8")
