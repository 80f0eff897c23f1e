"""Unit sequences of others as they come: files .npy or .pt, one an utterance, or one file of all.

a directory      files .npy and .pt below it; the id of an utterance is its path without the suffix
.pt              a mapping of ids to sequences; read as tensors and plain containers, so that no code in it runs
any other file   lines `id 5 5 17 3`, `id|5 5 17 3`, or JSON as {"audio": PATH, "hubert": "5 5 17 3"}
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from steps.data.unit_sequences import MOST_UNITS
from utils.errors import InputError, absence, brief
from utils.json_files import parse_json
from utils.mounts import files_below, lost_disk_told
from utils.pickles import numpy_fault
from utils.tables import check_key, iterate_lines

NPY, PT = ".npy", ".pt"
AUDIO = "audio"  # the key of a line of JSON that is no units
Sequences = Iterator[tuple[str, np.ndarray]]  # id, units (N,) int32


def read_foreign(source: Path) -> Sequences:
    """All sequences. Raises InputError for what are none."""
    if source.is_dir():
        return _of_directory(source)
    if not source.is_file():
        raise InputError(f"{source}: {absence(source, 'file or directory')}; expected units")
    return _of_mapping(source) if source.suffix == PT else _of_lines(source)


def _of_directory(source: Path) -> Sequences:
    files = sorted(path for path in files_below(source) if path.suffix in (NPY, PT))
    if not files:
        raise InputError(f"{source}: no files {NPY} or {PT} here; expected one of each utterance")
    for path in files:
        content = _read_npy(path) if path.suffix == NPY else _read_pt(path)
        key = str(path.relative_to(source).with_suffix(""))
        check_key(key, str(path))
        yield key, units_of(content, str(path))


def _of_mapping(source: Path) -> Sequences:
    content = _read_pt(source)
    if not isinstance(content, dict):
        raise InputError(f"{source}: expected a mapping of ids to units, found a {type(content).__name__}")
    for key, value in content.items():
        if not isinstance(key, str):
            raise InputError(f"{source}: {brief(key)}: expected the id of an utterance")
        check_key(key, str(source))
        yield key, units_of(value, f"{source}: {key}")


def _of_lines(source: Path) -> Sequences:
    for number, line in enumerate(iterate_lines(source), 1):
        where = f"{source}:{number}"
        if not line.strip():
            continue
        key, words = _of_json(line, where) if line.lstrip().startswith("{") else _of_words(line)
        try:
            values = np.array(words.split(), dtype=np.int64)
        except (ValueError, OverflowError) as error:
            raise InputError(f"{where}: expected an id and numbers, found {brief(line)}") from error
        check_key(key, where)
        yield key, units_of(values, where)


def _of_words(line: str) -> tuple[str, str]:
    key, bar, words = line.partition("|")
    if not bar:
        key, words = [*line.split(maxsplit=1), ""][:2]
    return key.strip(), words


def _of_json(line: str, where: str) -> tuple[str, str]:
    content = parse_json(line, where)
    others = [value for key, value in content.items() if key not in (AUDIO, "duration") and isinstance(value, str)]
    if not isinstance(content.get(AUDIO), str) or len(others) != 1:
        raise InputError(f"{where}: expected an object with {AUDIO} and one text of units, found {brief(line)}")
    return str(Path(content[AUDIO]).with_suffix("")).lstrip("/"), others[0]


def units_of(content: Any, where: str) -> np.ndarray:
    """Units (N,) int32 of an array or a list, perhaps (1, N). Raises InputError, which begins with `where`."""
    if isinstance(content, list | tuple) and content and not all(isinstance(one, int) for one in content):
        raise InputError(f"{where}: expected integers, found {brief(content)}")
    values = np.asarray(content)
    if values.ndim == 2 and 1 in values.shape:
        values = values.reshape(-1)
    whole = values.dtype.kind in "iu" or (values.dtype.kind == "f" and bool((values == np.rint(values)).all()))
    if values.ndim != 1 or not values.size or not whole:
        raise InputError(f"{where}: shape {values.shape} of {values.dtype}, expected a sequence of integers, not empty")
    if values.min() < 0:
        raise InputError(f"{where}: the unit {values.min()}, expected 0 or more; leave out what is no unit")
    if float(values.max()) >= MOST_UNITS:
        raise InputError(f"{where}: the unit {values.max()}, expected at most {MOST_UNITS - 1}")
    return values.astype(np.int32)


def _read_npy(path: Path) -> np.ndarray:
    try:
        with lost_disk_told(path):
            return np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{path}: not readable as .npy ({numpy_fault(error)})") from error


def _read_pt(path: Path) -> Any:
    from steps.networks.foreign_weights import read_plain

    content = read_plain(path)
    if isinstance(content, dict):
        return {key: _plain(value, f"{path}: {brief(key)}") for key, value in content.items()}
    return _plain(content, str(path))


def _plain(value: Any, where: str) -> Any:
    """A tensor as an array, and anything else as it is."""
    from torch import Tensor, bfloat16, strided

    if not isinstance(value, Tensor):
        return value
    if value.layout != strided or value.is_quantized or value.device.type != "cpu":
        kind = f"{value.layout} {value.dtype} on {value.device}".replace("torch.", "")
        raise InputError(f"{where}: a tensor that is {kind}; expected one of plain numbers")
    value = value.detach()
    return (value.float() if value.dtype == bfloat16 else value).numpy()


def have_equal_neighbours(sequences: Iterable[np.ndarray]) -> bool:
    """Is any unit followed by itself? Then these are units of frames."""
    return any(bool((units[1:] == units[:-1]).any()) for units in sequences)
