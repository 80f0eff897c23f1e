"""Lists of utterances: data directories with and without segments, trees, and what is refused."""

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from steps.audio.recordings import SUFFIXES, Utterance, read_data_dir, read_tree, read_utterances
from utils.data_dir import validate
from utils.errors import InputError
from utils.stage_dir import BY_SIZE_AND_TIME


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


@pytest.mark.field_case("Segments that end at -1")
def test_a_segment_to_the_end_of_the_recording(tmp_path):
    data = write(tmp_path, wav_scp="r /r.wav\n", segments="s-1 r 0 -1\ns-2 r 1.5 -1.00 1\n", utt2spk="s-1 s\ns-2 s\n")
    first, second = read_data_dir(data)
    assert [(one.begin, one.end, one.channel) for one in (first, second)] == [(0, None, None), (1.5, None, 1)]
    assert Utterance.from_row(second.as_row()) == second and Utterance.from_row(first.as_row()) == first
    assert len(first.as_row()) == 8  # as before there were channels: a new row would have all embeddings made anew
    assert validate(data, text=False, feats=False, spk_sort=False) == [f"{data}/spk2utt: missing"]


@pytest.mark.field_case("Segments with a channel")
@pytest.mark.parametrize(
    "line", ["r 0 1 A", "r 0 1 -1", "r 0 1 0 0", "r 2 1", "r -1 1", "r 0 -2", "r -1 -1", "r nan 1"]
)
def test_segments_that_are_none(tmp_path, line):
    data = write(tmp_path, wav_scp="r /r.wav\n", segments=f"a {line}\n", utt2spk="a a\n")
    with pytest.raises(InputError, match=f"segments: a: expected 'recording begin end' .* found '{line}'"):
        read_data_dir(data)
    assert any("segments: a: expected" in problem for problem in validate(data))


@pytest.mark.field_case("A name of a file in another normal form of Unicode than in wav.scp")
@pytest.mark.parametrize(("written", "named"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_a_recording_in_another_normal_form(tmp_path, written, named):
    path = tmp_path / unicodedata.normalize(written, "José/naïve é.wav")
    path.parent.mkdir()
    path.touch()
    name = unicodedata.normalize(named, f"{tmp_path}/José/naïve é.wav")
    (utterance,) = read_data_dir(write(tmp_path / "data", wav_scp=f"a {name}\n", utt2spk="a a\n"))
    assert utterance.path == path


@pytest.mark.field_case("One speaker's folder in two normal forms of Unicode")
def test_the_ids_of_a_tree_are_in_one_normal_form(tmp_path):
    tree = write_tree(tmp_path, [unicodedata.normalize("NFD", "d/José")], ["u"])
    assert read_tree(tree)[0].id == "d_José_u"
    write_tree(tmp_path, ["d/José"], ["v"])
    with pytest.raises(InputError, match="has the id 'd_José', as"):
        read_tree(tree)


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


def write_tree(root: Path, speakers: Iterable[str], names: Iterable[str] = ("1", "u", "Z")) -> Path:
    for speaker in speakers:
        (root / speaker).mkdir(parents=True, exist_ok=True)
        for name in names:
            (root / speaker / f"{name}.wav").touch()
    return root


def sorted_by_speaker(utterances: list[Utterance]) -> bool:
    speakers = [utterance.speaker for utterance in utterances]
    return speakers == sorted(speakers) and [u.id for u in utterances] == sorted(u.id for u in utterances)


@pytest.mark.parametrize(
    ("speakers", "separator"),
    [
        (["d/a", "d/b"], "_"),
        (["d/a", "d/aé", "d/ab", "d/a_b"], "_"),  # what comes behind `_`, or has it, was sorted before
        (["d/a", "d2/a", "D/a", "é/a"], "_"),  # datasets that begin another one's name
        (["d/a", "d/aB"], "-"),
        (["d/1", "d/2", "d/10"], "-"),
        (["d/a", "d/a.b", "d/A", "d/a1"], "-"),
        (["d/a", "d/a-b"], "+"),
        (["d/maria", "d/maria-luisa", "d/maria2"], "+"),
    ],
)
def test_ids_of_a_tree_sort_utterances_by_speaker(tmp_path, speakers, separator):
    names = ["1"] if "d/a_b" in speakers else ["1", "u", "Z"]
    utterances = read_tree(write_tree(tmp_path, speakers, names))
    assert sorted_by_speaker(utterances)
    assert {u.id for u in utterances} == {f"{u.speaker}{separator}{u.name}" for u in utterances}


def test_speakers_whose_utterances_cannot_be_sorted(tmp_path):
    with pytest.raises(InputError, match="the speakers d/a and d/a!b cannot be sorted .* rename one of the two"):
        read_tree(write_tree(tmp_path, ["d/a", "d/a!b", "d/c"]))


def test_ids_are_sorted_or_refused_whatever_the_names(tmp_path):
    rng, refused = np.random.default_rng(0), 0
    for number in range(200):
        speakers = {f"d/{''.join(rng.choice(list('aB1-_.é+'), rng.integers(1, 4)))}" for _ in range(4)}
        speakers -= {"d/.", "d/..", *(name for name in speakers if name.startswith("d/."))}
        tree = write_tree(tmp_path / str(number), speakers or ["d/x"], ["1", "_a"])
        try:
            utterances = read_tree(tree)
        except InputError as error:
            assert "cannot be sorted" in str(error) or "has the id" in str(error)
            refused += 1
            continue
        assert sorted_by_speaker(utterances)
        old = sorted((f"{u.speaker}_{u.name}", u.speaker) for u in utterances)
        if [speaker for _, speaker in old] == sorted(speaker for _, speaker in old):
            assert [u.id for u in utterances] == [key for key, _ in old]  # ids that were right stay
    assert refused < 40


def test_a_name_that_is_not_utf_8(tmp_path):
    write_tree(tmp_path, ["d/a"], [os.fsdecode(b"caf\xe9")])
    with pytest.raises(InputError, match=r"caf\\xe9.wav': the name is not in UTF-8; rename it"):
        read_tree(tmp_path)


def test_the_audio_of_a_tree_is_known_by_size_and_time():
    assert set(SUFFIXES) <= BY_SIZE_AND_TIME


def test_no_directory(tmp_path):
    with pytest.raises(InputError, match="no such directory"):
        read_utterances(tmp_path / "x")
