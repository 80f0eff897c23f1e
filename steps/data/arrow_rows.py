"""The rows of parquet files and of the streams or files that arrow writes, read with pyarrow alone.

Columns of texts, numbers, truth values and lists of them are read; others, such as audio, are not. The numbers of
columns that a Hugging Face dataset declares as class labels are returned as the names of the classes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from utils.errors import InputError, brief
from utils.extras import extra
from utils.json_files import parse_json
from utils.mounts import raise_if_lost
from utils.packed_files import refuse_inflated
from utils.pointer_files import refuse_pointer

Rows = Iterator[tuple[str, dict[str, Any]]]
BATCH = 4096  # rows
LEAST_ROW = 64  # bytes in memory
ARROW_FILE = b"ARROW1"  # how a file begins that is no stream
END = b"\xff\xff\xff\xff\0\0\0\0"  # how a stream ends


def read_arrow(file: Path) -> tuple[list[str], Rows]:
    """Columns and rows of a parquet or arrow file. Raises InputError for any other."""
    with extra(f"{file}: a {file.suffix[1:]} file"):
        import pyarrow as pa
        import pyarrow.parquet as pq

    refuse_pointer(file)
    try:
        if file.suffix.lower() == ".parquet":
            source = pq.ParquetFile(file)
            refuse_inflated(file, _unpacked_size(source.metadata), file.stat().st_size)
            schema = source.schema_arrow
            batches = source.iter_batches(BATCH, columns=_plain_columns(schema))  # and not the audio of others
        else:
            schema, batches = _open_arrow(file)
        names = schema.names
    except (pa.lib.ArrowException, OSError, UnicodeDecodeError) as error:
        raise_if_lost(file, error)
        raise InputError(f"{file}: not a readable {file.suffix[1:]} file: {_first_line(error)}") from error
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{file}: two columns have one name: {brief(twice)}; rename one")
    columns = _plain_columns(schema)
    class_names = {name: names for name, names in _class_names(file, schema).items() if name in columns}
    return columns, _rows(file, columns, class_names, batches)


def _plain_columns(schema: Any) -> list[str]:
    return [field.name for field in schema if _is_plain(field.type)]


def _unpacked_size(metadata: Any) -> int:
    """The bytes that a parquet file says it unpacks to, at least LEAST_ROW a row."""
    stated = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    return max(stated, LEAST_ROW * metadata.num_rows)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _open_arrow(file: Path) -> tuple[Any, Iterator[Any]]:
    """Schema and batches of a stream or file."""
    import pyarrow as pa

    source = pa.memory_map(str(file))
    if source.read(len(ARROW_FILE)) == ARROW_FILE:
        reader = pa.ipc.open_file(source)
        return reader.schema, (reader.get_batch(number) for number in range(reader.num_record_batches))
    source.seek(0)
    stream = pa.ipc.open_stream(source)
    return stream.schema, _whole(stream, source)


def _whole(stream: Any, source: Any) -> Iterator[Any]:
    """The batches of a stream; pyarrow takes one that is cut off between two of them."""
    yield from stream
    source.seek(max(0, source.size() - len(END)))
    if source.read() != END:
        raise OSError("the stream has no end")


def _is_plain(kind: Any) -> bool:
    """Is this the type of texts, numbers, truth values, or of lists of them?"""
    from pyarrow import types

    if types.is_dictionary(kind) or types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _is_plain(kind.value_type)
    texts = (types.is_string, types.is_large_string, types.is_string_view, types.is_null)
    numbers = (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean)
    return any(test(kind) for test in (*texts, *numbers))


def _rows(file: Path, columns: list[str], class_names: dict[str, list[str]], batches: Any) -> Rows:
    import pyarrow as pa

    number = 0
    try:
        for batch in batches:
            batch = batch.select(columns)
            batch.validate(full=True)
            for row in batch.to_pylist():
                number += 1
                for column, names in class_names.items():
                    row[column] = _class_name(f"{file}: row {number}", column, row[column], names)
                yield f"{file}: row {number}", row
    except (pa.lib.ArrowException, OSError, UnicodeDecodeError) as error:
        raise_if_lost(file, error)
        why = _first_line(error)
        raise InputError(f"{file}: not readable after row {number}; is it complete, in UTF-8? {why}") from error


def _class_name(where: str, column: str, value: Any, names: list[str]) -> str | None:
    if value is None or value == -1:  # which stands for no label
        return None
    if not isinstance(value, int) or not 0 <= value < len(names):
        raise InputError(
            f"{where}: column {brief(column)} holds {brief(value)}, which is none of its {len(names)} class labels; "
            "save the dataset again"
        )
    return names[value]


def _class_names(file: Path, schema: Any) -> dict[str, list[str]]:
    """Column -> names of its classes, for the columns that Hugging Face's metadata declare as class labels."""
    raw = (schema.metadata or {}).get(b"huggingface")
    if raw is None:
        return {}
    where = f"{file}: its 'huggingface' metadata"
    try:
        metadata = parse_json(raw.decode("utf-8"), where)
        features = metadata.get("info", {}).get("features", {})
        declared = {
            column: feature["names"]
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
        if any(
            not isinstance(names, list) or any(type(name) is not str for name in names) for names in declared.values()
        ):
            raise TypeError("names of classes that are no texts")
    except (AttributeError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise InputError(f"{where} are not those of a dataset: {brief(str(error))}; save the dataset again") from error
    return declared
