"""Classes that are chosen by name: a table of names, each with its class, which is imported when it is asked for.

    BACKENDS = Registry("back-end", {"resemblyzer": "steps.embed.resemblyzer:Resemblyzer"})
    cls = BACKENDS.load("resemblyzer")                       # or "my.module:Class", which need not be in the table
    options = make_options(cls.Options, Path("conf.yaml"), {"seed": "1"})

A registered class has its options in `Options`, a frozen dataclass; a field of the type Path is a file whose content
decides the result.
"""

import importlib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from utils.errors import InputError
from utils.extras import missing_package
from utils.option_values import convert, raw_values
from utils.settings import read_conf


@dataclass(frozen=True)
class Registry:
    """Names of one kind of thing.

    Attributes:
        kind: what the names stand for, in messages.
        entries: name -> `module:Class`.
        needs: attributes that make a class one of this kind.
    """

    kind: str
    entries: Mapping[str, str]
    needs: tuple[str, ...] = ()

    def load(self, name: str) -> Any:
        """The class of a name, or of `module:Class`. Raises InputError with the valid names, or what is missing."""
        module, _, attribute = self.entries.get(name, name).partition(":")
        if not all(word.isidentifier() for word in (*module.split("."), attribute)):
            raise InputError(f"{name!r} is no {self.kind}; expected one of {', '.join(self.entries)}, or module:Class")
        try:
            found = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            missing = missing_package(error) if isinstance(error, ModuleNotFoundError) else None
            raise InputError(f"{self.kind} {name!r}: {missing or error}") from error
        missing = [need for need in self.needs if not hasattr(found, need)]
        if missing:
            raise InputError(f"{name!r} is no {self.kind}: it has no {', '.join(missing)}")
        return found


def make_options(cls: type, conf: Path | None = None, changes: Mapping[str, Any] | None = None, where: str = "") -> Any:
    """Options of the class `cls`: its defaults, overridden by a YAML file, overridden by `changes`.

    `where` begins the message on a missing value. Raises InputError for unknown, ill-typed and missing values.
    """
    values = read_conf(cls, conf) if conf else {}
    values |= {key: convert(cls, key, value, f"--set {key}") for key, value in (changes or {}).items()}
    missing = [field.name for field in fields(cls) if field.default is MISSING and values.get(field.name) is None]
    if missing:
        raise InputError(f"{conf or where}: {', '.join(missing)}: no value; give it there, or with --set key=value")
    return cls(**values)


def files_of(options: Any) -> dict[str, Path]:
    """The options that are files, by name."""
    return {name: value for name, value in raw_values(options).items() if isinstance(value, Path)}
