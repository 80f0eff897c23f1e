"""The benchmark of speech recognition: digits recognised by its own ways, and the section that it writes."""

import pytest

from tests.bench import recognition
from tests.bench.results import SECTIONS
from tests.conftest import real_data


def test_digits_are_judged_and_told(tmp_path, monkeypatch, capsys):
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    root = real_data("fsdd").parent
    settings = [f"grammar={recognition.FOUR}", f"padding={recognition.PADDING}"]
    spoken = recognition.joined_digits(root, 1, tmp_path / "joined")
    assert len(spoken) == 6 and all(len(one.text.split()) == recognition.JOINED for one in spoken)
    judged = recognition.judge(tmp_path / "four", spoken, settings)
    assert (
        judged.rates["words"]["reference"] == 24 and judged.rates["words"]["rate"] < 1 and judged.rates["speakers"] == 6
    )
    assert len({one.id for one in recognition.single_digits(root, 2)}) == 120
    assert len(recognition.librispeech_251(root, 100)) == 3 and len(recognition.sessions_14(root, 1)) == 14
    found = dict.fromkeys([*recognition.BARS, "librispeech-251"], judged)
    text = recognition.section(found, 0.5, recognition.Options())
    assert f"| librispeech-251 | 6 | {judged.seconds / 60:.1f} |" in text and "| 0.500 | < 2: met |" in text
    assert recognition.TITLE in SECTIONS and "%WER" in capsys.readouterr().out
