"""Lists of utterances: data directories with and without segments, trees, and what is refused."""

from pathlib import Path

import pytest

from steps.audio.recordings import read_data_dir, read_tree, read_utterances
from utils.errors import InputError


def write(directory: Path, **tables: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for name, lines in tables.items():
        (directory / name.replace("_scp", ".scp")).write_text(lines)
    return directory


def test_recordings_are_utterances(tmp_path):
    data = write(tmp_path / "corpus", wav_scp="s-b b c.wav\ns-a /a.flac\n", utt2spk="s-a s\ns-b s\n")
    first, second = read_data_dir(data)
    assert (first.id, first.path, first.begin, first.end) == ("s-a", Path("/a.flac"), None, None)
    assert (first.dataset, first.speaker, first.name, first.speaker_name) == ("corpus", "s", "s-a", "")
    assert second.path == Path("b c.wav") and read_utterances(data, "other")[0].dataset == "other"


def test_segments(tmp_path):
    data = write(tmp_path, wav_scp="r /r.wav\n", segments="s-1 r 0 1.5\ns-2 r 1.5 3\n", utt2spk="s-1 s\ns-2 s\n")
    assert [(u.id, u.begin, u.end) for u in read_data_dir(data)] == [("s-1", 0, 1.5), ("s-2", 1.5, 3)]


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"wav_scp": "a sox a.wav |\n"}, "wav.scp: a: .* is a command"),
        ({"wav_scp": "a x.ark:10\n"}, "in an archive"),
        ({"wav_scp": "a a.wav\nb b.wav\n"}, "b: utt2spk and wav.scp have different"),
        ({"wav_scp": "r a.wav\n", "segments": "a q 0 1\n"}, "segments: a: wav.scp has no recording 'q'"),
        ({"wav_scp": "r a.wav\n", "segments": "a r 1 1\n"}, "segments: a: expected 'recording begin end'"),
        ({"wav_scp": "r a.wav\n", "segments": "a r\n"}, "segments: a: expected 'recording begin end'"),
        ({"wav_scp": "r a.wav\n", "segments": "a r 0 inf\n"}, "segments: a: expected 'recording begin end'"),
    ],
)
def test_bad_data_directories(tmp_path, tables, message):
    with pytest.raises(InputError, match=message):
        read_data_dir(write(tmp_path, utt2spk="a s\n", **tables))


def test_a_tree(tmp_path):
    for name in ("d/s2/u.wav", "d/s1/v.FLAC", "d/s1/u.ogg", "d/s1/notes.txt", "d/s1/._u.ogg", ".git/s/u.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    utterances = read_utterances(tmp_path)
    assert [u.id for u in utterances] == ["d_s1_u", "d_s1_v", "d_s2_u"]
    assert [(u.dataset, u.speaker, u.speaker_name, u.name) for u in utterances][0] == ("d", "d_s1", "s1", "u")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["d/s/u.wav", "d/s/u.flac"], "has the id 'd_s_u'"),
        (["d/s_t/u.wav", "d_s/t/v.wav"], "has the id 'd_s_t'"),
        (["d/s/chapter/u.wav"], "not at .*<dataset>/<speaker>/<utterance>"),
        (["d/s/a b.wav"], "not a usable key"),
        ([], "no wav.scp and no"),
    ],
)
def test_bad_trees(tmp_path, names, message):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=message):
        read_tree(tmp_path)


def test_no_directory(tmp_path):
    with pytest.raises(InputError, match="no such directory"):
        read_utterances(tmp_path / "x")
