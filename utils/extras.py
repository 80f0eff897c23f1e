"""Packages that are not installed: told in one line, with the command that installs them.

The requirement files say which package brings a module. What a recipe does not always need, such as reading parquet,
has a file of its own, an extra of utils/setup_env.sh.

    with extra(f"{file}: reading it"):
        import pyarrow as pa
"""

from __future__ import annotations  # Pythons that are too old read this file, to be told so

import contextlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINE = re.compile(r"^([^#\s]+)\s+#\s*(\w+)(?:\.\w+)*:", re.MULTILINE)  # package==version  # module: what it is for
EXTRA = re.compile(r"requirements(?:-(?P<extra>\w+))?(?P<alone>-nodeps)?\.txt")
CORE = ("numpy", "yaml")  # without which no command starts
OLDEST = (3, 11)


class MissingPackage(ModuleNotFoundError):
    """A package is not installed; the message says what for it is needed."""


@contextlib.contextmanager
def extra(purpose: str) -> Iterator[None]:
    """Let an error of imports say what the package is for."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingPackage(f"{purpose} needs {error.name}, which", name=error.name) from error


def require(purpose: str, module: str) -> None:
    """Raise MissingPackage where a package that will be imported later is not installed."""
    if importlib.util.find_spec(module) is None:
        raise MissingPackage(f"{purpose} needs {module}, which", name=module)


def how_to_install(modules: set[str]) -> str | None:
    """The command that installs the packages of these modules; None where no requirement file names any.

    Into an environment of the user's, which a recipe runs in, the packages go themselves; else into .venv.
    """
    extras: list[str] = []
    words: list[str] = []
    for file in sorted(ROOT.glob("requirements*.txt")):  # what tests need too comes last
        pins = {module: pin for pin, module in LINE.findall(file.read_text(encoding="utf-8")) if module in modules}
        name = EXTRA.fullmatch(file.name)
        if pins and name:
            modules = modules - pins.keys()
            extras += [name["extra"]] if name["extra"] and name["extra"] not in extras else []
            words += [*(["--no-deps"] if name["alone"] else []), *pins.values()]
    if not words:
        return None
    if Path(sys.prefix) != ROOT / ".venv" and os.environ.get("PS_PYTHON_BIN") == str(Path(sys.executable).parent):
        return f"{sys.executable} -m pip install {' '.join(words)}"
    return " ".join(["utils/setup_env.sh", *(["--extras", ",".join(extras)] if extras else [])])


def missing_package(error: ModuleNotFoundError) -> str | None:
    """What a command says of a package that is not installed; None where the module is of no package that is listed."""
    name = (error.name or "").partition(".")[0]
    command = how_to_install({name})
    what = str(error) if isinstance(error, MissingPackage) else name
    return command and f"{what} is not installed; {command} installs it"


def require_environment() -> None:
    """End the process with one line where this Python is too old for the project, or has none of its packages."""
    lacks = [name for name in CORE if importlib.util.find_spec(name) is None]
    if sys.version_info < OLDEST or lacks:
        found = f"has no {' and no '.join(lacks)}" if lacks else f"is Python {sys.version.split()[0]}, older than 3.11"
        sys.exit(f"ERROR: {sys.executable} {found}; run utils/setup_env.sh once, then . ./path.sh")
