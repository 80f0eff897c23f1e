"""Manifests: a view of a data directory, written whole, and lines of others that are none."""

import json
import math
from pathlib import Path

import pytest

from utils import manifest
from utils.data_dir import write_data_dir
from utils.errors import InputError
from utils.manifest import ManifestEntry, manifest_of, read_manifest, write_manifest


def test_entries_of_a_data_directory_come_back(tmp_path):
    wav = {"a/1": "/audio/a b.wav", "b/1": "/audio/ü.wav"}
    dur = {"a/1": "1.250", "b/1": "2.000"}
    write_data_dir(
        tmp_path,
        {"wav.scp": wav, "utt2spk": {"a/1": "a", "b/1": "b"}, "utt2dur": dur, "text": {"a/1": "hi", "b/1": ""}},
    )
    assert manifest.main(["--data", str(tmp_path), "--out", str(tmp_path / "m.jsonl")]) == 0
    rows = [json.loads(line) for line in (tmp_path / "m.jsonl").read_text().splitlines()]
    assert rows[0] == {"audio_filepath": "/audio/a b.wav", "duration": 1.25, "id": "a/1", "speaker": "a", "text": "hi"}
    read = read_manifest(tmp_path / "m.jsonl")
    assert [json.loads(one.as_line()) for one in [*read, *manifest_of(tmp_path)]] == rows * 2
    (tmp_path / "list.json").write_text(json.dumps(rows))
    assert [json.loads(one.as_line()) for one in read_manifest(tmp_path / "list.json")] == rows


def test_lines_are_those_of_pythons_own_encoder(tmp_path):
    text = 'é "a\\" \t\x1f \u2028'
    entries = [ManifestEntry(tmp_path / 'a"b', 1e-7, 1e22, text, "i", text), ManifestEntry(tmp_path, text="\ud800")]
    write_manifest(tmp_path / "m.jsonl", entries)
    first = {"audio_filepath": str(tmp_path / 'a"b'), "duration": 1e-7, "offset": 1e22, "id": "i", "speaker": text}
    second = {"audio_filepath": str(tmp_path), "text": "\ud800"}
    lines = (tmp_path / "m.jsonl").read_text(encoding="utf-8").split("\n")
    assert lines[0] == json.dumps(first | {"text": text}, ensure_ascii=False)
    assert lines[1:] == [json.dumps(second), ""]
    with pytest.raises(InputError, match=r"m.jsonl: /a.wav: expected finite seconds, found inf"):
        write_manifest(tmp_path / "m.jsonl", [ManifestEntry(Path("/a.wav"), math.inf)])


def test_segments_have_an_offset(tmp_path):
    tables = {"utt2spk": {"a-1": "a"}, "wav.scp": {"r": "/r.wav"}, "segments": {"a-1": "r 1.5 3.25"}}
    write_data_dir(tmp_path, tables)
    assert [(one.offset, one.duration) for one in manifest_of(tmp_path)] == [(1.5, 1.75)]


def test_what_segments_do_not_say_lengths_do(tmp_path):
    tables = {"utt2spk": dict.fromkeys(["a-1", "a-2"], "a"), "wav.scp": {"r": "/r.wav"}}
    tables |= {"segments": {"a-1": "r 1.5 3.25", "a-2": "r 2 -1"}, "utt2dur": {"a-1": "9", "a-2": "4.5"}}
    write_data_dir(tmp_path, tables)
    assert [(one.offset, one.duration) for one in manifest_of(tmp_path)] == [(1.5, 1.75), (2.0, 4.5)]
    (tmp_path / "wav.scp").write_text("q /r.wav\n")
    with pytest.raises(InputError, match="wav.scp: no line for r; run utils/fix_data_dir.sh"):
        list(manifest_of(tmp_path))


def test_the_manifest_before_is_kept_and_the_same_one_changes_nothing(tmp_path):
    path, previous = tmp_path / "m.jsonl", tmp_path / "m.jsonl.previous"
    first, second = ([ManifestEntry(tmp_path / name)] for name in ("1.wav", "2.wav"))
    write_manifest(path, first)
    write_manifest(path, first)
    before = path.stat()
    assert not previous.exists()
    write_manifest(path, second)
    write_manifest(path, second)
    assert "1.wav" in previous.read_text() and "2.wav" in path.read_text() and before.st_ino == previous.stat().st_ino
    assert sorted(one.name for one in tmp_path.iterdir()) == ["m.jsonl", "m.jsonl.previous"]


@pytest.mark.hostile("Manifests whose lines are no recordings")
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "m.jsonl:2: not JSON"),
        ("[]", "m.jsonl:2: expected an object with audio_filepath"),
        ('{"audio": "x.wav"}', "m.jsonl:2: expected an object with audio_filepath"),
        ('{"audio_filepath": ""}', "expected an object with audio_filepath"),
        ('{"audio_filepath": 3}', "expected an object with audio_filepath"),
        ('{"audio_filepath": "x\\u0000"}', "a path has no NUL"),
        ('{"audio_filepath": "x", "duration": "3"}', "duration: expected seconds"),
        ('{"audio_filepath": "x", "duration": true}', "duration: expected seconds"),
        ('{"audio_filepath": "x", "duration": 0}', "expected more than 0 s"),
        ('{"audio_filepath": "x", "duration": NaN}', "expected seconds, 0 or more"),
        pytest.param(
            f'{{"audio_filepath": "x", "duration": {10**400}}}', "duration: expected seconds", id="400 digits"
        ),
        ('{"audio_filepath": "x", "speaker": 1.5}', "speaker: expected a text"),
        ('{"audio_filepath": "x", "id": true}', "id: expected a text"),
        ('{"audio_filepath": "x", "offset": -1}', "offset: expected seconds"),
        ('{"audio_filepath": "x", "text": ["a"]}', "text: expected a text"),
    ],
)
def test_lines_that_are_none(tmp_path, line, said):
    path = tmp_path / "m.jsonl"
    path.write_text('{"audio_filepath": "a.wav"}\n' + line + "\n")
    with pytest.raises(InputError) as error:
        read_manifest(path)
    assert said in str(error.value) and "\n" not in str(error.value)


@pytest.mark.hostile("Tables and objects over several lines in place of a manifest")
@pytest.mark.parametrize(
    "text", ["audio_filepath,duration\nx.wav,3\n", '\n{\n "audio_filepath": "x.wav"\n}\n', "x.wav"]
)
def test_a_file_of_another_kind_is_told_what_a_manifest_is(tmp_path, text):
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(InputError, match="expected a JSON object a line, such as .*; found '"):
        read_manifest(tmp_path / "m.json")


def test_ids_and_speakers_may_be_numbers(tmp_path):
    (tmp_path / "m.json").write_text('{"audio_filepath": "x.wav", "speaker": 0, "id": 17}')
    (one,) = read_manifest(tmp_path / "m.json")
    assert (one.speaker, one.id) == ("0", "17")


def test_paths_are_from_the_manifest_and_no_file_is_told(tmp_path, capsys):
    (tmp_path / "m.json").write_text('{"audio_filepath": "x/a.wav", "text": " a  b\\n"}\n\n')
    (one,) = read_manifest(tmp_path / "m.json")
    assert (one.path, one.text, one.line) == (tmp_path / "x" / "a.wav", "a b", 1)
    with pytest.raises(InputError, match=r"nowhere\.json: no such file"):
        read_manifest(tmp_path / "nowhere.json")
    assert manifest.main(["--data", str(tmp_path), "--out", str(tmp_path / "m.csv")]) == 1
    assert "expected the name of a file that ends in .json or .jsonl" in capsys.readouterr().err
