"""Datasets that Hugging Face's `datasets` have saved: their folders, their shards, and what they say is there."""

import re
from collections.abc import Iterable
from pathlib import Path

from utils.errors import InputError, brief
from utils.json_files import read_json

OF_DATASETS = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")
SHARD = re.compile(r"(?P<name>.*?)[-_.]?(?P<number>\d{1,9})-of-(?P<total>\d{1,9})(?:[-_.].*)?")
CACHE = re.compile(r"cache-[0-9a-f]+(_\d{5}_of_\d{5})?\.arrow")  # what map, filter or sort of datasets made


def stem_of(name: str) -> str:
    """A file's name in lower case, without suffixes and the numbers of a shard: `train` for train-00-of-02.parquet."""
    stem = Path(name.lower().removesuffix(".gz")).stem
    shard = SHARD.fullmatch(stem)
    return shard["name"] if shard else stem


def missing_shards(tables: Iterable[Path]) -> list[tuple[int, str]]:
    """Where some shards of a table are there and others are not: how many lack, and a message."""
    shards: dict[tuple[Path, str, int], set[int]] = {}
    for file in tables:
        match = SHARD.fullmatch(Path(file.name.lower().removesuffix(".gz")).stem)
        if match:
            key = (file.parent, match["name"], int(match["total"]))
            shards.setdefault(key, set()).add(int(match["number"]))
    missing = []
    for (folder, name, total), numbers in shards.items():
        first = 1 if total in numbers else 0
        lacking = next((number for number in range(first, first + total) if number not in numbers), None)
        if lacking is not None:
            said = (
                f"{folder}: {len(numbers)} of {total} shards of {name or 'the data'} are here, and number {lacking} is"
            )
            missing.append((total - len(numbers), f"{said} missing; copy all of them"))
    return missing


def require_shards(tables: Iterable[Path]) -> None:
    """Raise InputError if some shards of a table are there and others are not."""
    for _, message in missing_shards(tables):
        raise InputError(message)


def require_sets(folder: Path, folders: list[str], names: list[str]) -> None:
    """Raise InputError if a saved dataset lacks one of its sets."""
    if "dataset_dict.json" in names:
        sets = read_json(folder / "dataset_dict.json", ["splits"])["splits"]
        missing = [name for name in sets if name not in folders] if isinstance(sets, list) else [sets]
        if missing:
            raise InputError(
                f"{folder / 'dataset_dict.json'}: names {brief(missing[0])}, which is not there; copy the whole dataset"
            )


def saved_files(folder: Path) -> list[Path]:
    """The arrow files of a saved dataset, in the order that it states."""
    state = folder / "state.json"
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
