"""YAML files that commands read; an error is one line with the file and the fault."""

from pathlib import Path
from typing import Any

import yaml

from utils.errors import InputError
from utils.tables import read_text


class UniqueKeys(yaml.SafeLoader):
    """YAML lets a second key of the same name win silently; here it is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = [key.value for key, _ in node.value]
        twice = next((key for key in seen if seen.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice!r} comes twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> Any:
    """The plain values of a YAML file in UTF-8; None for an empty one. Raises InputError for anything else."""
    try:
        return yaml.load(read_text(path), loader)
    except (yaml.YAMLError, ValueError) as error:  # the second: a date that does not exist
        raise InputError(f"{path}: not a YAML file: {' '.join(str(error).split())}") from error
