"""Splits of unit sequences by speakers: each speaker in one set, whose sequences are those of the whole."""

import pytest

from steps.data.sets import SETS
from steps.data.unit_sequences import UnitsDir
from steps.unit_lm import split
from tests.steps.unit_lm.unit_dirs import make_units


def test_no_speaker_is_in_two_sets(tmp_path):
    whole = UnitsDir(make_units(tmp_path / "units", "abcdefghij", n=2))
    assert split.main(["--units", str(whole.path), "--out", str(tmp_path / "out")]) == 0
    found = {name: UnitsDir(tmp_path / "out" / name) for name in SETS}
    speakers = [speaker for units in found.values() for speaker in set(units.utt2spk.values())]
    assert sorted(speakers) == list("abcdefghij")
    for units in found.values():
        assert units.info == whole.info
        for key in units.utterances:
            for one, other in zip(units.read(key), whole.read(key), strict=True):
                assert one.tolist() == other.tolist()
        assert not list(units.path.glob("*.ark"))


@pytest.mark.parametrize("speakers", ["", "a", "ab"])
def test_fewer_speakers_than_sets_are_one_line(tmp_path, capsys, speakers):
    units = make_units(tmp_path / "units", speakers or "a")
    if not speakers:
        for name in ("utt2spk", "spk2utt"):
            (units / name).write_text("")
    assert split.main(["--units", str(units), "--out", str(tmp_path / "out")]) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "ERROR" in line]
    assert f"{units}: {len(speakers)} speakers: expected one for each of train, dev, test" in line
    assert not (tmp_path / "out").exists()
