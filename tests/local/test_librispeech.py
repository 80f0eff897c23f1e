"""LibriSpeech's layout, in small."""

from pathlib import Path

import pytest

from local import librispeech
from local.audio_corpus import read_counts
from tests.local.audio_files import write_noise
from utils.data_dir import validate
from utils.errors import InputError
from utils.tables import read_table

SPEAKERS = """; a comment
;ID  |SEX| SUBSET           |MINUTES| NAME
1    | F | dev-clean        | 8.00  | Somebody | with a bar
23   | M | train-clean-100  | 8.00  | Somebody Else
"""


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    root = tmp_path / "Libri Speech"
    for subset, name, seconds in (
        ("dev-clean", "1-7-0000", 5.0),
        ("dev-clean", "1-7-0001", 2.0),
        ("train-clean-100", "23-8-0000", 3.0),
    ):
        speaker, chapter, _ = name.split("-")
        write_noise(root / subset / speaker / chapter / f"{name}.flac", seconds)
    (root / "dev-clean/1/7/1-7.trans.txt").write_text("1-7-0000 HELLO WORLD\n1-7-0001 YES\n")
    (root / "train-clean-100/23/8/23-8.trans.txt").write_text("23-8-0000 NO\n")
    (root / "SPEAKERS.TXT").write_text(SPEAKERS)
    return root


def prepare(corpus: Path, out: Path, **options: object) -> Path:
    librispeech.work(librispeech.Options(corpus, out, **options))
    return out


def test_segments(corpus: Path, tmp_path: Path) -> None:
    out = prepare(corpus, tmp_path / "audio")
    assert validate(out, text=False, feats=False) == []
    assert list(read_table(out / "segments")) == [
        "1-7-0000-0000000-0000300",
        "1-7-0000-0000150-0000450",
        "1-7-0001-0000000-0000200",
        "23-8-0000-0000000-0000300",
    ]
    assert read_table(out / "spk2gender") == {"1": "f", "23": "m"}
    assert Path(read_table(out / "wav.scp")["23-8-0000"]).is_file()
    assert not (out / "text").exists()  # nobody knows which words are in a segment


def test_whole_recordings_have_their_transcripts(corpus: Path, tmp_path: Path) -> None:
    out = prepare(corpus, tmp_path / "audio", segment_seconds=0.0)
    assert validate(out, text=False, feats=False) == []
    assert read_table(out / "text") == {"1-7-0000": "HELLO WORLD", "1-7-0001": "YES", "23-8-0000": "NO"}
    assert read_table(out / "utt2dur") == {"1-7-0000": "5.00", "1-7-0001": "2.00", "23-8-0000": "3.00"}
    assert not (out / "segments").exists()


def test_one_subset(corpus: Path, tmp_path: Path) -> None:
    out = prepare(corpus, tmp_path / "audio", subsets=("dev-clean",))
    assert set(read_table(out / "utt2spk").values()) == set(read_table(out / "spk2gender")) == {"1"}


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda root: (root / "SPEAKERS.TXT").unlink(), "no SPEAKERS.TXT here"),
        (lambda root: (root / "SPEAKERS.TXT").write_text("1 | F | x\n"), "SPEAKERS.TXT: no line for speaker 23 of 1"),
        (
            lambda root: (root / "SPEAKERS.TXT").write_text("1 | X | x\n"),
            r"SPEAKERS.TXT:1: expected 'speaker \| F or M",
        ),
        (lambda root: (root / "dev-clean/1/7/1-7.trans.txt").write_text("1-7-0000\n"), r"1-7.trans.txt:1: expected"),
        (lambda root: write_noise(root / "dev-clean/1/7/2-7-0000.flac", 1), "expected <speaker>/<chapter>/"),
        (lambda root: (root / "dev-clean/1/7/1-7-0001.flac").write_bytes(b"no"), "1 of 3 files cannot be read"),
    ],
)
def test_what_is_wrong_is_named(corpus: Path, tmp_path: Path, change, message: str) -> None:
    change(corpus)
    with pytest.raises(InputError, match=message):
        prepare(corpus, tmp_path / "audio")
    assert not (tmp_path / "audio").exists()


def test_a_directory_above_or_a_subset_that_is_not_there(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"no SPEAKERS.TXT here; it is in {corpus}"):
        prepare(tmp_path, tmp_path / "audio")
    with pytest.raises(InputError, match="no subset test-clean; found dev-clean, train-clean-100"):
        prepare(corpus, tmp_path / "audio", subsets=("test-clean",))


@pytest.mark.field_case("Files that a Mac or Windows leaves among others")
def test_files_of_a_mac_are_counted(corpus: Path, tmp_path: Path) -> None:
    for name in ("._1-7-0000.flac", ".DS_Store", "Thumbs.db", "1-7-0002.m4a"):
        (corpus / "dev-clean/1/7" / name).write_bytes(b"\0\5\x16\7")
    (corpus / "__MACOSX/dev-clean/1/7").mkdir(parents=True)
    out = prepare(corpus, tmp_path / "audio")
    assert read_counts(out) == {"files left out: .m4a": 1, "files left out: hidden, or of the system": 3}
    assert len(read_table(out / "utt2spk")) == 4


@pytest.mark.field_case("A folder of a speaker that cannot be read")
@pytest.mark.parametrize("name", ["dev-clean/9", "test-clean"])
def test_a_folder_that_is_a_broken_link_does_not_vanish(corpus: Path, tmp_path: Path, name: str) -> None:
    (corpus / name).symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match=f"{name}: a link that leads nowhere"):
        prepare(corpus, tmp_path / "audio")


@pytest.mark.field_case("LibriSpeech's files in another format, or at another depth")
def test_other_formats_and_depths(corpus: Path, tmp_path: Path) -> None:
    write_noise(corpus / "dev-clean/1/7/1-7-0002.mp3", 2.0)
    assert "1-7-0002" in read_table(prepare(corpus, tmp_path / "audio", segment_seconds=0.0) / "utt2spk")
    write_noise(corpus / "dev-clean/1/7/1-7-0002.wav", 2.0)
    with pytest.raises(InputError, match="1-7-0002.wav and .*1-7-0002.mp3 both become 1-7-0002"):
        prepare(corpus, tmp_path / "audio", force=True)
    (corpus / "dev-clean/1/7/1-7-0002.wav").rename(corpus / "dev-clean/1-7-0002.wav")
    with pytest.raises(InputError, match="1-7-0002.wav: expected <speaker>/<chapter>/"):
        prepare(corpus, tmp_path / "audio", force=True)


@pytest.mark.field_case("One transcript of many is empty")
def test_an_empty_transcript(corpus: Path, tmp_path: Path) -> None:
    for number in range(2, 25):
        write_noise(corpus / f"dev-clean/1/7/1-7-{number:04d}.flac", 0.1)
    lines = [f"1-7-{number:04d} YES" for number in range(24)]
    (corpus / "dev-clean/1/7/1-7.trans.txt").write_text("\n".join([*lines, "1-7-0024 ", ""]))
    out = prepare(corpus, tmp_path / "audio", segment_seconds=0.0)
    text = read_table(out / "text")
    assert (text["1-7-0023"], text["1-7-0024"]) == ("YES", "") and validate(out, feats=False) == []
    assert read_counts(out) == {"kept without text": 1}


@pytest.mark.field_case("A half-copied LibriSpeech: transcripts without audio, an empty folder of a speaker")
def test_audio_that_is_missing_is_counted(corpus: Path, tmp_path: Path) -> None:
    with (corpus / "dev-clean/1/7/1-7.trans.txt").open("a") as file:
        file.write("1-7-0099 NOT COPIED\n")
    (corpus / "dev-clean/9/1").mkdir(parents=True)
    (corpus / "dev-clean/9/2").mkdir(parents=True)
    (corpus / "dev-clean/9/2/9-2.trans.txt").write_text("9-2-0000 NOT COPIED\n")
    out = prepare(corpus, tmp_path / "audio")
    assert read_counts(out) == {"files left out: empty folder": 1, "transcripts without a file": 2}
    assert f"{corpus}/dev-clean/9/1\tempty folder" in (out / "left_out.tsv").read_text()


def test_files_that_cannot_be_read_are_listed(corpus: Path, tmp_path: Path) -> None:
    (corpus / "dev-clean/1/7/1-7-0001.flac").write_bytes(b"no audio")
    out = prepare(corpus, tmp_path / "audio", max_fail=0.5)
    ((path, reason),) = [line.split("\t") for line in (out / "left_out.tsv").read_text().splitlines()[1:]]
    assert path.endswith("1-7-0001.flac") and reason
    assert len(read_table(out / "utt2spk")) == 3


@pytest.mark.field_case("Speakers 23 and 0023 of LibriSpeech")
def test_folders_that_may_be_one_person(corpus: Path, tmp_path: Path) -> None:
    write_noise(corpus / "dev-clean/0023/9/0023-9-0000.flac", 2.0)
    (corpus / "SPEAKERS.TXT").write_text(SPEAKERS + "0023 | M | dev-clean | 8.00 | Somebody Else\n")
    with pytest.raises(
        InputError, match="23-8-0000.flac: speaker '23' may be '0023' of .*: they differ in leading zer"
    ):
        prepare(corpus, tmp_path / "audio")
    out = prepare(corpus, tmp_path / "audio", distinct_ids=True)
    assert read_table(out / "distinct_speakers") == {"0023": "23", "23": "0023"}


@pytest.mark.field_case("SPEAKERS.TXT or transcripts that say two things of one")
def test_lines_that_disagree(corpus: Path, tmp_path: Path) -> None:
    (corpus / "SPEAKERS.TXT").write_text(SPEAKERS + "23 | F | dev-clean | 8.00 | Somebody Else\n")
    with pytest.raises(InputError, match="SPEAKERS.TXT:5: speaker '23' has the other sex above"):
        prepare(corpus, tmp_path / "audio")
    (corpus / "SPEAKERS.TXT").write_text(SPEAKERS + SPEAKERS.splitlines()[-1] + "\n")
    with (corpus / "train-clean-100/23/8/23-8.trans.txt").open("a") as file:
        file.write("23-8-0000 YES\n")
    with pytest.raises(InputError, match="23-8.trans.txt: 23-8-0000 has two transcripts that differ"):
        prepare(corpus, tmp_path / "audio", segment_seconds=0.0)
