"""The rows of a corpus, from csv, tsv, jsonl or parquet files, or from folders of a saved Hugging Face dataset.

    for split, files in find_splits(data_dir).items():
        for file in files:
            columns, rows = read_rows(file)
            for where, row in rows: ...            # where: file:line; row: column -> value

Values are None, text or a list of texts. Arrow and parquet files are read with pyarrow alone; class labels that a
Hugging Face dataset stores as numbers are returned as names.
"""

import ast
import contextlib
import csv
import io
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from utils.errors import InputError
from utils.json_files import read_json
from utils.tables import read_text

Row = dict[str, Any]
Rows = Iterator[tuple[str, Row]]
SPLITS = {"train": ("train",), "dev": ("val", "dev", "validation", "valid"), "test": ("test",)}
FORMATS = (".csv", ".tsv", ".jsonl", ".parquet")


def find_splits(data_dir: Path) -> dict[str, list[Path]]:
    """Find the files of each split, in order. Raises InputError if there are none, or several sets of one split."""
    found = {}
    for split, names in SPLITS.items():
        candidates = [files for name in names for files in _candidates(Path(data_dir), name)]
        if len(candidates) > 1:
            raise InputError(
                f"{data_dir}: several sets of rows for {split}: "
                f"{', '.join(str(files[0].relative_to(data_dir)) for files in candidates)}; leave one"
            )
        if candidates:
            found[split] = candidates[0]
    if not found:
        raise InputError(
            f"{data_dir}: no files of rows; expected train, val (or dev), test as {', '.join(FORMATS)} "
            "or as folders of a saved Hugging Face dataset"
        )
    return found


def _candidates(data_dir: Path, name: str) -> Iterator[list[Path]]:
    for suffix in FORMATS:
        if (data_dir / f"{name}{suffix}").is_file():
            yield [data_dir / f"{name}{suffix}"]
    shards = sorted(data_dir.glob(f"{name}-*-of-*.parquet"))
    if shards:
        yield shards
    folder = data_dir / name
    files = _saved_files(folder) or sorted(folder.glob("*.parquet"))
    if files:
        yield files


def _saved_files(folder: Path) -> list[Path]:
    """The arrow files of a saved dataset, in the order that it states."""
    state = folder / "state.json"
    if not state.is_file():
        return sorted(folder.glob("*.arrow"))
    content = read_json(state)
    try:
        files = [folder / entry["filename"] for entry in content["_data_files"]]
    except (KeyError, TypeError) as error:
        raise InputError(f"{state}: not the state of a saved dataset: {error!r}") from error
    if content.get("_indices_data_files"):
        raise InputError(f"{state}: the dataset has an index over its rows; save it after flatten_indices()")
    for file in files:
        if not file.is_file():
            raise InputError(f"{state}: names {file.name}, which does not exist")
    return files


def read_rows(file: Path) -> tuple[list[str], Rows]:
    """Read one file. Returns its columns, and its rows, each with its `file:line`. Raises InputError if it has none."""
    readers = {".csv": _read_csv, ".tsv": _read_csv, ".jsonl": _read_jsonl}
    columns, rows = readers.get(file.suffix, _read_arrow)(file)
    return columns, _not_empty(file, rows)


def as_texts(value: Any) -> list[str]:
    """The texts of a cell that holds a text, a list of texts, or such a list as a Python literal."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        with contextlib.suppress(ValueError, SyntaxError):  # a text that merely begins with a bracket
            value = ast.literal_eval(value.strip())
    texts = value if isinstance(value, list) else [value]
    joined = (" ".join(str(text).split()) for text in texts if text is not None)
    return [text for text in joined if text]


def _not_empty(file: Path, rows: Rows) -> Rows:
    empty = True
    for where, row in rows:
        empty = False
        for column, value in row.items():
            if isinstance(value, float) and math.isnan(value):  # an empty cell, as pandas holds it
                row[column] = None
        yield where, row
    if empty:
        raise InputError(f"{file}: no rows; is the file complete?")


def _read_csv(file: Path) -> tuple[list[str], Rows]:
    lines = csv.reader(
        io.StringIO(read_text(file).removeprefix("\ufeff"), newline=""),
        delimiter="\t" if file.suffix == ".tsv" else ",",
    )
    header = next(lines, None)
    if not header:
        raise InputError(f"{file}: empty; expected a header and rows")
    if len(set(header)) != len(header):
        raise InputError(f"{file}:1: two columns have one name: {', '.join(header)}; rename one")
    return header, _csv_rows(file, header, lines)


def _csv_rows(file: Path, header: list[str], lines: Any) -> Rows:
    line = lines.line_num + 1
    try:
        for cells in lines:
            if cells and len(cells) != len(header):
                raise InputError(
                    f"{file}:{line}: {len(cells)} cells, but the header has {len(header)} columns; correct the row"
                )
            if cells:
                yield f"{file}:{line}", {name: cell or None for name, cell in zip(header, cells, strict=True)}
            line = lines.line_num + 1
    except csv.Error as error:
        raise InputError(f"{file}:{line}: not csv: {error}") from error


def _read_jsonl(file: Path) -> tuple[list[str], Rows]:
    rows, columns = [], {}
    for number, line in enumerate(read_text(file).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(f"{file}:{number}: not JSON: {error}; expected an object on each line") from error
        if not isinstance(row, dict):
            raise InputError(f"{file}:{number}: expected a JSON object, found {line[:40]!r}")
        columns |= row
        rows.append((f"{file}:{number}", row))
    return list(columns), iter(rows)


def _read_arrow(file: Path) -> tuple[list[str], Rows]:
    """A parquet file, or the stream or file that arrow writes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if file.suffix == ".parquet":
            source = pq.ParquetFile(file)
            schema, batches = source.schema_arrow, source.iter_batches()
        else:
            source = _open_arrow(file)
            schema, batches = source.schema, source
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{file}: not a readable {file.suffix[1:]} file: {error}") from error
    unread = pa.types.is_struct, pa.types.is_binary, pa.types.is_large_binary  # audio, not text
    simple = [field.name for field in schema if not any(test(field.type) for test in unread)]
    return simple, _arrow_rows(file, simple, _class_names(schema), batches)


def _open_arrow(file: Path) -> Any:
    import pyarrow as pa

    source = pa.memory_map(str(file))
    try:
        return pa.ipc.open_stream(source)
    except pa.ArrowInvalid:
        source.seek(0)
        reader = pa.ipc.open_file(source)
        return pa.RecordBatchReader.from_batches(
            reader.schema, (reader.get_batch(number) for number in range(reader.num_record_batches))
        )


def _arrow_rows(file: Path, columns: list[str], class_names: dict[str, list[str]], batches: Any) -> Rows:
    import pyarrow as pa

    number = 0
    try:
        for batch in batches:
            for row in batch.select(columns).to_pylist():
                number += 1
                for column, names in class_names.items():
                    row[column] = names[row[column]] if row[column] is not None and row[column] >= 0 else None
                yield f"{file}: row {number}", row
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{file}: not readable after row {number}; is it complete? {error}") from error


def _class_names(schema: Any) -> dict[str, list[str]]:
    """Column -> names of its classes, for the columns that Hugging Face's metadata declare as class labels."""
    metadata = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    features = metadata.get("info", {}).get("features", {})
    return {
        column: feature["names"]
        for column, feature in features.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
    }
