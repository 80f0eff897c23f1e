"""Models of several recordings: what enrol_map says, and its faults with their lines."""

from pathlib import Path

import pytest

from steps.data.enrolments import model_sentences, model_speakers, read_enrolments
from utils.errors import InputError
from utils.tables import write_table

UTT2SPK = {"a-1": "a", "a-2": "a", "a-3": "a", "b-1": "b", "b-2": "b"}
ENROL_MAP = "b_s2 b-2 b-1\na_s1 a-1 a-2 a-3\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_table(tmp_path / "utt2spk", UTT2SPK)
    (tmp_path / "enrol_map").write_text(ENROL_MAP)
    write_table(tmp_path / "model2sent", {"a_s1": "s1", "b_s2": "s2"})
    return tmp_path


def test_models_and_their_speakers_and_sentences(data):
    assert read_enrolments(data) == {"b_s2": ("b-2", "b-1"), "a_s1": ("a-1", "a-2", "a-3")}
    assert model_speakers(data) == {"b_s2": "b", "a_s1": "a"}
    assert model_sentences(data) == {"a_s1": "s1", "b_s2": "s2"}


def test_without_a_map_a_speaker_is_a_model(data):
    (data / "enrol_map").unlink()
    assert read_enrolments(data) == {"a": ("a-1", "a-2", "a-3"), "b": ("b-1", "b-2")}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("c_s1 c-1", "enrol_map:3: c-1: no utterance of"),
        ("a_s1 a-1", "enrol_map:3: duplicate key 'a_s1'"),
        ("a_s2 a-1 a-1", "enrol_map:3: a_s2: an utterance stands twice"),
        ("a_s2 a-1 b-1", "enrol_map:3: a_s2: utterances of a and b"),
        ("a_s2", "enrol_map:3: expected 'key value'"),
    ],
)
def test_faults_are_named_with_their_line(data, line, said):
    (data / "enrol_map").write_text(f"{ENROL_MAP}{line}\n")
    with pytest.raises(InputError, match=said):
        read_enrolments(data)


def test_models_without_a_sentence(data):
    write_table(data / "model2sent", {"a_s1": "s1"})
    with pytest.raises(InputError, match="b_s2: no line for this model"):
        model_sentences(data)
    (data / "model2sent").unlink()
    with pytest.raises(InputError, match="model2sent: no such file"):
        model_sentences(data)
