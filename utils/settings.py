"""Settings: the values that `--conf FILE.yaml` and `--set key=value,...` give, and whose options they are.

Both may hold options of several owners: of the command itself; of a component that it runs, such as a network (a field
with `inner` takes these); of the commands named by `--shared_with`, which a script gives the same `--conf` and `--set`:
these are checked here, and used there.
"""

import importlib
import importlib.util
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from utils.errors import InputError, cut
from utils.option_values import convert, defaults_of, inner_field, own_names, replacement
from utils.yaml_files import read_yaml


class Setting(NamedTuple):
    """One value of a YAML file or of `--set`, and where it stands."""

    key: str
    value: Any
    where: str


def distribute(
    settings: list[Setting], cls: type, others: list[type] = (), typed: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The values of `cls` among the settings, overridden by those of the command line, `typed`.

    Raises InputError for a setting that is an option neither of `cls` and `others` nor of their components, and for
    a wrong value of any of them.
    """
    classes = [cls, *others]
    values = {
        one: {key: convert(one, key, value, where) for key, value, where in settings if key in own_names(one)}
        for one in classes
    }
    values[cls] |= typed or {}
    foreign = [setting for setting in settings if not any(setting.key in own_names(one) for one in classes)]
    if foreign:
        inner = {one: _inner_classes(one, values[one]) for one in classes}
        owners: dict[str, list[type]] = {}
        for one in [*chain(*inner.values()), *classes]:
            for name in own_names(one):
                owners.setdefault(name, []).append(one)
        for key, value, where in foreign:
            if key not in owners:
                if found := replacement(key, *chain(*inner.values()), *classes):
                    raise InputError(f"{where}: is now {found}")
                raise InputError(f"{where}: unknown option; valid ones are {', '.join(owners)}")
            for one in owners[key]:
                convert(one, key, value, where)
        names = {name for one in inner[cls] for name in own_names(one)}
        if names:
            values[cls][inner_field(cls).name] = tuple((key, value) for key, value, _ in foreign if key in names)
    return values[cls]


def _inner_classes(cls: type, values: Mapping[str, Any]) -> list[type]:
    """The dataclasses of the components of `cls`, which may depend on its values."""
    field = inner_field(cls)
    return field.metadata["inner"](defaults_of(cls) | values) if field else []


def command_options(name: str) -> type:
    """The options of the command `python3 -m name`."""
    module = _module_of(name)
    options = getattr(importlib.import_module(module), "Options", None) if module else None
    if options is None:
        raise InputError(f"{cut(name)}: no such command; expected a module such as steps.embed.extract")
    return options


def _module_of(name: str) -> str | None:
    """The module that `python3 -m name` runs; None where there is none."""
    if not all(word.isidentifier() for word in name.split(".")):
        return None
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:  # what should be its package
        return None
    if spec is None or spec.submodule_search_locations is None:
        return spec and name
    return f"{name}.__main__" if importlib.util.find_spec(f"{name}.__main__") else None


def read_conf(cls: type, path: Path) -> dict[str, Any]:
    """Read one YAML mapping of option names to values, each checked against `cls`."""
    return {key: convert(cls, key, value, where) for key, value, where in read_settings(path)}


def read_settings(path: Path) -> list[Setting]:
    """The values of one YAML mapping of option names to values."""
    content = read_yaml(path)
    if content is None:
        return []
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected lines 'option: value', found a {type(content).__name__}")
    settings: dict[str, Setting] = {}
    for key, value in content.items():
        name = key.replace("-", "_")
        if name in settings:
            raise InputError(f"{path}: {cut(key)}: stands there twice, once with - and once with _; leave one out")
        settings[name] = Setting(name, value, f"{path}: {cut(key)}")
    return list(settings.values())
