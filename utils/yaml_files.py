"""YAML files that commands read: plain values alone; an error is one line with the file, the line and the fault.

What a reader would not see in the file is refused, or stands for itself:

- a second key of the same name in a mapping, which YAML lets win silently; a key that is no text;
- tags (`!!python/...`), but for `!!str`, and `!!int` and `!!float` of a number;
- characters that no text holds: NUL, halves of surrogate pairs;
- nesting beyond DEEPEST, and aliases that make the content larger than MOST_VALUES;
- `2020-01-01`, `1:30`, `010` and `0x1F`, of which YAML would make a date, 90, 8 and 31, are texts.
"""

import re
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from utils.errors import InputError, brief
from utils.tables import read_text

LARGEST = 1_000_000  # bytes of a file
DEEPEST = 50  # levels of lists and mappings
MOST_VALUES = 50_000  # with each alias counted as what it stands for; some two seconds
MOST_DIGITS = 40
UNTEXTUAL = re.compile("[\0\ud800-\udfff]")
WHOLE_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)\Z")
REAL_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?|\.[0-9]+(?:[eE][-+]?[0-9]+)?|\.(?:inf|nan))\Z")
STANDARD = "tag:yaml.org,2002:"  # begins the tags that a file calls !!int and so on
NOT_RESOLVED = [STANDARD + name for name in ("int", "float", "timestamp", "value")]  # in all the forms that YAML has
EXPONENT = re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+\Z")  # 5e-5, which without a tag is a text
TAGGED = {  # tags, and what they may stand before
    STANDARD + "str": re.compile(""),
    STANDARD + "int": WHOLE_NUMBER,
    STANDARD + "float": re.compile("|".join(one.pattern for one in (WHOLE_NUMBER, REAL_NUMBER, EXPONENT))),
}


class _Fault(yaml.MarkedYAMLError):
    """What is refused here and not by YAML."""

    def __init__(self, fault: str, place: Node | yaml.Event):
        super().__init__(problem=fault, problem_mark=place.start_mark)


class _PlainLoader(yaml.SafeLoader):
    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in NOT_RESOLVED]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    depth = n_values = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node:
        """The next node; checked before YAML makes anything of it."""
        event = self.peek_event()
        tag = getattr(event, "tag", None)
        pattern = TAGGED.get(tag) if isinstance(event, yaml.ScalarEvent) else None
        if tag is not None and not (pattern and pattern.match(event.value)):
            tag = brief(tag.replace(STANDARD, "!!"))
            raise _Fault(f"the tag {tag}: leave it out, and put in quotes what is a text", event)
        self.depth, self.n_values = self.depth + 1, self.n_values + 1
        if self.depth > DEEPEST:
            raise _Fault(f"nested deeper than {DEEPEST} levels", event)
        if self.n_values > MOST_VALUES:
            raise _Fault(f"more than {MOST_VALUES} values", event)
        node = super().compose_node(parent, index)
        self.depth -= 1
        if isinstance(node, ScalarNode) and UNTEXTUAL.search(node.value):
            raise _Fault(f"{brief(node.value)} has a character that no text holds", event)
        return node

    def compose_document(self) -> Node:
        """The whole content, checked for its size."""
        node = super().compose_document()
        _size(node, {})
        return node

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping whose keys are texts, each of which comes once; those that `<<` brings in may be overridden."""
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, ScalarNode) or key.tag not in (STANDARD + "str", STANDARD + "merge"):
                found = key.value[:30] if isinstance(key, ScalarNode) else "with brackets"
                raise _Fault(f"the key {found} is no text: put it in quotes", key)
            if key.value in seen:
                raise _Fault(f"the key {brief(key.value)} comes twice; join the two", key)
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: ScalarNode) -> int:
        """A number of digits that can be a number of anything."""
        if len(node.value) > MOST_DIGITS:
            raise _Fault(f"a number of {len(node.value)} digits", node)
        return super().construct_yaml_int(node)


_PlainLoader.add_implicit_resolver(STANDARD + "int", WHOLE_NUMBER, list("-+0123456789"))
_PlainLoader.add_implicit_resolver(STANDARD + "float", REAL_NUMBER, list("-+0123456789."))
_PlainLoader.add_constructor(STANDARD + "int", _PlainLoader.construct_yaml_int)


def _size(node: Node, sizes: dict[int, int]) -> int:
    """The number of values that a node stands for. `sizes`: of nodes met before, 0 of one that is not closed."""
    if id(node) in sizes:
        if sizes[id(node)] == 0:
            raise _Fault("an alias stands within what it stands for", node)
        return sizes[id(node)]
    sizes[id(node)] = 0
    parts: list[Node] = []
    if isinstance(node, SequenceNode):
        parts = node.value
    elif isinstance(node, MappingNode):
        parts = [part for pair in node.value for part in pair]
    size = 1 + sum(_size(part, sizes) for part in parts)
    if size > MOST_VALUES:
        raise _Fault(f"more than {MOST_VALUES} values with all that its aliases stand for", node)
    sizes[id(node)] = size
    return size


def read_yaml(path: Path) -> Any:
    """The plain values of a YAML file in UTF-8; None for an empty one. Raises InputError for anything else."""
    path = Path(path)
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: no regular file but a directory, pipe or device; expected a YAML file")
    if path.exists() and path.stat().st_size > LARGEST:
        raise InputError(f"{path}: {path.stat().st_size} bytes; expected a YAML file of {LARGEST} bytes or less")
    text = read_text(path)
    try:
        return yaml.load(text, _PlainLoader)
    except yaml.reader.ReaderError as error:
        line, fault = text.count("\n", 0, error.position) + 1, f"it holds the character U+{error.character:04X}"
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        fault = " ".join(filter(None, (error.context, error.problem)))
    except (ValueError, OverflowError):
        line, fault = 1, "it has an escape \\U of no character"
    raise InputError(f"{path}:{line}: not a YAML file of plain values: {_cut(fault)}")


def _cut(fault: str) -> str:
    words = " ".join(fault.split())
    return words if len(words) <= 300 else f"{words[:300]}..."
