"""A small generated data directory with all 18 groups."""

import itertools
from pathlib import Path

import pytest

from utils.data_dir import write_data_dir

VALUES = {
    "gender": ("female", "male"),
    "pitch": ("low", "medium", "high"),
    "speaking_rate": ("slow", "measured", "fast"),
}


def write_corpus(path: Path, values: dict[str, tuple[str, ...]]) -> Path:
    """A valid data directory with one speaker and one utterance for each combination of values."""
    tables: dict[str, dict[str, str]] = {"utt2spk": {}} | {f"utt2{attribute}": {} for attribute in values}
    for number, combination in enumerate(itertools.product(*values.values())):
        utterance = f"demo-s{number:02d}-u1"
        tables["utt2spk"][utterance] = f"demo-s{number:02d}"
        for attribute, value in zip(values, combination, strict=True):
            tables[f"utt2{attribute}"][utterance] = value
    write_data_dir(path, tables)
    return path


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Gender x pitch x speaking rate, 18 speakers."""
    return write_corpus(tmp_path / "all", VALUES)
