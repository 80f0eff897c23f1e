"""A command's options for tests."""

from dataclasses import dataclass
from pathlib import Path

from utils.options import option, parse


@dataclass(frozen=True)
class Options:
    out: Path = option(help="directory to write")
    n_samples: int = option(100, "how many", short="-n")
    temperature: float = option(1.0, "spread")
    force: bool = option(False, "redo")
    text: str | None = option(None, "description")
    sources: tuple[str, ...] = option((), "which ones")
    device: str = option("auto", "where", choices=("auto", "cpu"))


def read(*words: str) -> Options:
    return parse(Options, list(words), "prog", "about")
