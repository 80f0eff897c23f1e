"""What tables of anyone's directory say of its vectors: groups and attributes, by utterance or by speaker."""

import logging
from pathlib import Path

import numpy as np
import pytest

from steps.score.vector_labels import label_files, read_labels
from utils.errors import InputError
from utils.tables import write_table

IDS, SPEAKERS = ["a-1", "a-2", "b-1"], ["a", "a", "b"]
ATTRIBUTES = ("gender", "pitch")


def labels(root: Path, **tables: dict[str, str]) -> tuple[np.ndarray | None, dict[str, list[str]]]:
    """What is known, with these tables."""
    for name, table in tables.items():
        write_table(root / name, table)
    found = read_labels(root, ATTRIBUTES, IDS, SPEAKERS)
    assert found.told.all()
    return found.groups, {name: values.tolist() for name, values in found.values.items()}


def test_tables_of_utterances_and_of_speakers(tmp_path: Path):
    pitch = dict(zip(IDS, ("Very_Low", "High pitch", "low"), strict=True))
    groups, found = labels(tmp_path, spk2gender={"a": "F", "b": "male"}, utt2pitch=pitch)
    assert groups is None
    assert found == {"gender": ["female", "female", "male"], "pitch": ["very-low", "high-pitch", "low"]}
    assert [path.name for path in label_files(tmp_path, ATTRIBUTES)] == ["spk2gender", "utt2pitch"]


def test_groups_tell_attributes_where_their_parts_are_as_many(tmp_path: Path):
    names = dict(zip(IDS, ("female_low", "female_high", "male_low"), strict=True))
    groups, found = labels(tmp_path, utt2group=names)
    assert groups.tolist() == [*names.values()] and found["pitch"] == ["low", "high", "low"]
    assert labels(tmp_path, utt2group=dict.fromkeys(IDS, "set1"))[1] == {}


def test_a_table_that_is_not_complete_tells_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        _, found = labels(tmp_path, utt2gender={"a-1": "F", "a-2": "F"}, spk2pitch={"a": "low", "b": "high"})
    assert found == {"pitch": ["low", "low", "high"]}
    assert "utt2gender: no line for 1 of 3 utterances, such as b-1" in caplog.text


@pytest.mark.hostile("A spk2gender of anyone with a word that is no gender")
def test_a_gender_that_is_none(tmp_path: Path):
    with pytest.raises(InputError, match="spk2gender: 'b': expected m or f, found 'x'"):
        labels(tmp_path, spk2gender={"a": "f", "b": "x"})


def test_few_vectors_of_which_a_table_does_not_tell_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    ids = [f"a-{number}" for number in range(10)]
    write_table(tmp_path / "utt2group", dict.fromkeys(ids[:9], "female_low"))
    with caplog.at_level(logging.WARNING):
        found = read_labels(tmp_path, ATTRIBUTES, ids, ["a"] * 10)
    assert found.told.tolist() == [True] * 9 + [False] and found.values["pitch"][9] is None
    kept = found.rows(np.flatnonzero(found.told))
    assert kept.groups.tolist() == ["female_low"] * 9 and kept.values["gender"].tolist() == ["female"] * 9
    assert "no line for 1 of 10 utterances, such as a-9; their vectors are left out" in caplog.text
