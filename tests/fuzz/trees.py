"""Mutations of files that hold a tree of values (JSON, JSON lines, YAML) or arrays, tables, sound.

They add to the `KINDS` of mutations what depends on the format, by the suffix of the file's name.
"""

import copy
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import yaml

from tests.fuzz.mutations import KINDS, OF_FILES, OF_TABLES, Mutation

ARRAYS = {
    "nan": lambda array: np.where(np.arange(array.size).reshape(array.shape) == 0, np.nan, array).astype(array.dtype),
    "inf": lambda array: np.full_like(array, np.inf),
    "huge": lambda array: np.full_like(array, 1e30),
    "negative": lambda array: -abs(array),
    "zero": lambda array: np.zeros_like(array),
    "int8": lambda array: array.astype(np.int8),
    "float64": lambda array: array.astype(np.float64),
    "longer": lambda array: np.concatenate([array, array]) if array.ndim else array[None],
    "flat": lambda array: array.reshape(-1)[:1],
    "none": lambda array: array[:0] if array.ndim else array[None][:0],
}


def nodes(tree: object, path: tuple = ()) -> Iterator[tuple]:
    """The paths of all values of a tree but its root."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in inner:
        yield (*path, key)
        yield from nodes(value, (*path, key))


def change_tree(tree: object, mutation: Mutation) -> object:
    """Another value, another name or nothing for one node."""
    tree = copy.deepcopy(tree)
    paths = list(nodes(tree))
    if not paths:
        return mutation.anything
    path = paths[mutation.position(len(paths))]
    parent = tree
    for key in path[:-1]:
        parent = parent[key]
    if mutation.more < 0.7:
        parent[path[-1]] = mutation.anything
    elif mutation.more < 0.85 or not isinstance(parent, dict):
        del parent[path[-1]]
    else:
        parent[mutation.words] = parent.pop(path[-1])
    return tree


def tree_of_json(path: Path, mutation: Mutation) -> None:
    """A node of one line's object, or of the whole file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        lines = text.splitlines()
        at = mutation.position(len(lines), mutation.more)
        lines[at] = json.dumps(change_tree(json.loads(lines[at]), mutation))
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        path.write_text(json.dumps(change_tree(json.loads(text), mutation)), encoding="utf-8")


def repeated_key(path: Path, mutation: Mutation) -> None:
    """The first key of an object once more, with another value."""
    text = path.read_text(encoding="utf-8")
    key = text.partition('"')[2].partition('"')[0]
    value = json.dumps(mutation.words, ensure_ascii=True)
    path.write_text(text.replace("{", f'{{"{key}": {value}, ', 1), encoding="utf-8")


def tree_of_yaml(path: Path, mutation: Mutation) -> None:
    """A node of the file."""
    tree = change_tree(yaml.safe_load(path.read_text(encoding="utf-8")), mutation)
    path.write_text(yaml.safe_dump(tree, allow_unicode=False), encoding="utf-8")


def tensor(path: Path, mutation: Mutation) -> None:
    """One tensor of a safetensors file with other values, another type or another size."""
    from safetensors.numpy import load_file, save_file

    tensors = load_file(path)
    name = sorted(tensors)[mutation.position(len(tensors))]
    change = list(ARRAYS.values())[mutation.position(len(ARRAYS), mutation.more)]
    with np.errstate(invalid="ignore"):
        tensors[name] = np.ascontiguousarray(change(tensors[name]))
    save_file(tensors, path, metadata=_metadata(path))


def tensor_gone(path: Path, mutation: Mutation) -> None:
    """One tensor less."""
    from safetensors.numpy import load_file, save_file

    tensors = load_file(path)
    del tensors[sorted(tensors)[mutation.position(len(tensors))]]
    save_file(tensors, path, metadata=_metadata(path))


def _metadata(path: Path) -> dict | None:
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        return file.metadata()


def column(path: Path, mutation: Mutation) -> None:
    """One column of a parquet file: other values, another type, another name, or twice."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    at = mutation.position(table.num_columns)
    name, size = table.column_names[at], table.num_rows
    changes = {
        "nulls": lambda: pa.nulls(size),
        "numbers": lambda: pa.array(range(size)),
        "floats": lambda: pa.array([mutation.more] * size),
        "lists": lambda: pa.array([[mutation.words.encode("utf-8", "replace").decode()]] * size),
        "bytes": lambda: pa.array([b"\xff\xfe" + mutation.content] * size),
        "structs": lambda: pa.array([{"bytes": b"", "path": None}] * size),
        "texts": lambda: pa.array([mutation.words.encode("utf-8", "replace").decode()] * size),
        "once more": lambda: table.column(at),
    }
    kind = list(changes)[mutation.position(len(changes), mutation.more)]
    if kind == "once more":
        table = table.append_column(name, table.column(at))
    else:
        table = table.set_column(at, name, changes[kind]())
    if mutation.text % 3 == 0:
        features = {name: {"_type": "ClassLabel", "names": ["a"]}, "absent": {"_type": "ClassLabel"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(table, path)


def header(path: Path, mutation: Mutation) -> None:
    """A field of the first 44 bytes of a wav file: sizes, format, channels, rate, width."""
    raw = bytearray(path.read_bytes())
    fields = ((4, 4), (16, 4), (20, 2), (22, 2), (24, 4), (28, 4), (32, 2), (34, 2), (40, 4))
    start, size = fields[mutation.position(len(fields))]
    number = (0, 1, 2, 3, 7, 49, 255, 1000, 65534, 2**31 - 1, 2**32 - 1)[mutation.position(11, mutation.more)]
    raw[start : start + size] = (number % 256**size).to_bytes(size, "little")
    path.write_bytes(raw)


KINDS |= {
    "tree of json": tree_of_json,
    "repeated key": repeated_key,
    "tree of yaml": tree_of_yaml,
    "tensor": tensor,
    "tensor gone": tensor_gone,
    "column": column,
    "header": header,
}
OPTIONS = "words.json"
BY_SUFFIX = {
    ".json": [*OF_FILES, *["tree of json"] * 12, "repeated key"],
    ".jsonl": [*OF_FILES, *["tree of json"] * 12, "repeated key"],
    ".yaml": [*OF_TABLES, *["tree of yaml"] * 12],
    ".safetensors": [*OF_FILES, *["tensor"] * 12, "tensor gone"],
    ".parquet": [*OF_FILES, *["column"] * 12],
    ".wav": [*OF_FILES, *["header"] * 12],
    ".ark": OF_FILES,
    ".flac": OF_FILES,
    ".npz": OF_FILES,
    ".npy": OF_FILES,
    ".arrow": OF_FILES,
    ".gz": OF_FILES,
}


def kinds_of(name: str) -> list[str]:
    """The kinds of mutations that a file of this name is open to; a name without a known suffix is a table.

    The options are no file of the commands: only their names and values change.
    """
    return ["tree of json"] if name == OPTIONS else BY_SUFFIX.get(Path(name).suffix, OF_TABLES)


def apply(path: Path, mutation: Mutation) -> None:
    """Change the file; where its content does not allow the mutation (any more), by a flipped byte."""
    if not path.is_file():
        return
    try:
        KINDS[mutation.kind](path, mutation)
    except Exception:  # the content is no longer what its name says: any library may say so in its own way
        if path.is_file():
            KINDS["flip"](path, mutation)
