"""The RTTM file and the csv of the detection of speech."""

import csv
import io
from pathlib import Path

from steps.audio.recordings import Utterance
from steps.vad.speech_tables import COLUMNS, pauses, write_csv, write_rttm
from tests.steps.audio.sounds import write_bad_sounds
from utils.data_dir import write_data_dir


def utterance(key: str, begin: float | None = None) -> Utterance:
    return Utterance(key, Path(f"/audio/{key}, 1.wav"), begin, None, "", key, key)


def test_pauses_are_between_and_around():
    assert list(pauses([(0.5, 1.0), (1.0, 2.0), (2.5, 3.0)], 3.0)) == [0.5, 0.5]
    assert list(pauses([(0.0, 3.0)], 3.0)) == [] and list(pauses([], 3.0)) == [3.0]


def test_the_csv_has_each_utterance_and_each_failure(tmp_path):
    bad = write_bad_sounds(tmp_path / "bad")["corrupt"]
    write_data_dir(tmp_path / "data", {"wav.scp": {"c": str(bad)}, "utt2spk": {"c": "c"}})
    stretches = {"a": [(0.5, 1.5), (2.0, 4.0)], "b": []}
    failures = [("c", "corrupt", "breaks off,\nearly")]
    by_id = {key: utterance(key) for key in "ab"}
    write_csv(tmp_path / "vad.csv", by_id, {"a": 4.5, "b": 2.0}, stretches, failures, tmp_path / "data")
    text = (tmp_path / "vad.csv").read_text()
    assert text.splitlines()[0] == (
        "audio_filepath,duration,max-spoken,min-spoken,avg-spoken,max-nospch,min-nospch,avg-nospch,spch-ratio,splits,error"
    )
    first, second, third = csv.DictReader(io.StringIO(text))
    assert list(first.values()) == [
        "/audio/a, 1.wav",
        "4.500",
        *("2.000", "1.000", "1.500"),
        *["0.500"] * 3,
        "0.6667",
        "2",
        "",
    ]
    assert list(second.values()) == ["/audio/b, 1.wav", "2.000", "", "", "", *["2.000"] * 3, "0.0000", "0", ""]
    assert third["audio_filepath"] == str(bad) and third["error"] == "corrupt: breaks off, early"
    assert [third[name] for name in COLUMNS[1:-1]] == [""] * 9


def test_rttm_has_times_of_the_recording(tmp_path):
    stretches = {"a": [(0.5, 1.5)], "s": [(0.0, 0.25)]}
    write_rttm(tmp_path / "rttm", {"a": utterance("a"), "s": utterance("s", 2.0)}, stretches, {"s": "r"})
    assert (tmp_path / "rttm").read_text().splitlines() == [
        "SPEAKER a 1 0.500 1.000 <NA> <NA> speech <NA> <NA>",
        "SPEAKER r 1 2.000 0.250 <NA> <NA> speech <NA> <NA>",
    ]
