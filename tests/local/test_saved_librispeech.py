"""LibriSpeech as Hugging Face's `datasets` save it and as its hub holds it: the same data directory, nothing copied."""

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from local import librispeech
from local.audio_corpus import read_counts
from local.saved_librispeech import subset_of
from steps.audio import unpack_rows
from steps.audio.read import load
from steps.audio.recordings import read_utterances
from utils.data_dir import DataDir, validate

NAMES = {
    "train.clean.100": ["103-1240-0000", "103-1241-0000", "26-495-0000"],
    "validation.clean": ["84-121123-0001"],
}
RATE = 16000


def sound(name: str) -> np.ndarray:
    return np.random.default_rng(list(name.encode())).normal(0, 0.1, RATE // 2).astype(np.float32)


def flac(name: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, sound(name), RATE, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def rows(names: list[str], has_bytes: bool = True) -> pa.Table:
    audio = [{"bytes": flac(name) if has_bytes else None, "path": f"{name}.flac"} for name in names]
    return pa.table(
        {
            "file": [f"{name}.flac" for name in names],
            "audio": pa.array(audio, pa.struct({"bytes": pa.binary(), "path": pa.string()})),
            "text": ["SOME WORDS"] * len(names),
            "speaker_id": [int(name.split("-")[0]) for name in names],
            "chapter_id": [int(name.split("-")[1]) for name in names],
            "id": names,
        }
    )


def hub(root: Path, has_bytes: bool = True, folder: str = "all") -> Path:
    """Parquet files as the hub has them, in row groups of two."""
    (root / folder).mkdir(parents=True)
    for split, names in NAMES.items():
        pq.write_table(rows(names, has_bytes), root / folder / f"{split}-00000-of-00001.parquet", row_group_size=2)
    return root


def saved(root: Path, has_bytes: bool = True) -> Path:
    """What save_to_disk of a DatasetDict leaves, a batch for each row."""
    for split, names in NAMES.items():
        (root / split).mkdir(parents=True)
        file = root / split / "data-00000-of-00001.arrow"
        table = rows(names, has_bytes)
        with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=1)
        (root / split / "state.json").write_text(json.dumps({"_data_files": [{"filename": file.name}]}))
        (root / split / "dataset_info.json").write_text("{}")
    (root / "dataset_dict.json").write_text(json.dumps({"splits": list(NAMES)}))
    return root


def prepare(data_dir: Path, out: Path, *words: str) -> DataDir:
    words = ("--data_dir", str(data_dir), "--out", str(out), "--segment_seconds", "0", *words)
    assert librispeech.main([*words, "--with_chapters", "true"]) == 0
    assert validate(out, feats=False) == []
    return DataDir(out)


@pytest.mark.parametrize("make", [hub, saved])
def test_recordings_are_read_where_they_lie(tmp_path, make):
    data = prepare(make(tmp_path / "hf"), tmp_path / "all")
    assert not list(data.path.rglob("*.flac"))
    assert list(data.utt2spk) == sorted(name for names in NAMES.values() for name in names)
    assert data.table("utt2chapter")["103-1241-0000"] == "1241" and data.table("text")["26-495-0000"] == "SOME WORDS"
    assert set(data.table("utt2subset").values()) == {"train-clean-100", "dev-clean"}
    assert set(data.table("utt2dur").values()) == {"0.50"}
    for utterance in read_utterances(data.path):
        assert np.abs(load(utterance).waveform - sound(utterance.id)).max() < 1e-4


@pytest.mark.parametrize("make", [hub, saved])
def test_rows_may_name_files(tmp_path, make):
    for number, name in enumerate(name for names in NAMES.values() for name in names):
        (tmp_path / "hf" / str(number)).mkdir(parents=True)
        (tmp_path / "hf" / str(number) / f"{name}.flac").write_bytes(flac(name))
    data = prepare(make(tmp_path / "hf", has_bytes=False), tmp_path / "all")
    assert data.table("wav.scp")["103-1240-0000"] == str(tmp_path / "hf/0/103-1240-0000.flac")


def test_tables_of_older_versions_name_files_alone(tmp_path):
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf/103-1240-0000.flac").write_bytes(flac("103-1240-0000"))
    pq.write_table(rows(["103-1240-0000"]).drop_columns("audio"), tmp_path / "hf/train.parquet")
    assert list(prepare(tmp_path / "hf", tmp_path / "all").utt2spk) == ["103-1240-0000"]


def test_the_sex_is_that_of_speakers_txt_beside_the_tables_or_unknown(tmp_path, caplog):
    root = hub(tmp_path / "hf")
    assert not prepare(root, tmp_path / "a").has("spk2gender")
    assert "no SPEAKERS.TXT here or above, so that the sex of nobody is known" in caplog.text
    lines = "103 | F | train-clean-100 |\n26 | M | train-clean-100 |\n84 | F | dev-clean |\n"
    (root / "SPEAKERS.TXT").write_text(lines)
    assert prepare(root, tmp_path / "b").table("spk2gender") == {"103": "f", "26": "m", "84": "f"}


def test_one_subset(tmp_path, capsys):
    root = hub(tmp_path / "hf")
    assert list(prepare(root, tmp_path / "a", "--subsets", "dev-clean").utt2spk) == ["84-121123-0001"]
    words = ["--data_dir", str(root), "--out", str(tmp_path / "b"), "--subsets", "test-clean"]
    assert librispeech.main(words) == 1
    assert "no subset test-clean; found dev-clean, train-clean-100" in capsys.readouterr().err


def test_of_a_clone_of_the_hub_one_copy_is_taken(tmp_path):
    data = prepare(hub(hub(tmp_path / "hf"), folder="clean"), tmp_path / "all")
    assert all("/all/" in path for path in data.table("wav.scp").values())


def test_shards_that_are_not_here_are_counted(tmp_path, caplog):
    root = hub(tmp_path / "hf")
    (root / "all/train.clean.100-00000-of-00001.parquet").rename(root / "all/train.clean.100-00000-of-00014.parquet")
    data = prepare(root, tmp_path / "all")
    assert read_counts(data.path)["shards of the dataset that are not here"] == 13
    assert "1 of 14 shards of train.clean.100 are here, and number 1 is missing" in caplog.text


def bad_row(root: Path) -> None:
    table = rows(["103-1240-0000"]).set_column(3, "speaker_id", [[104]])
    pq.write_table(table, root / "all/test.clean-00000-of-00001.parquet")


@pytest.mark.parametrize(
    "change, message",
    [
        (
            lambda root: pq.write_table(pa.table({"id": ["1-2-3"]}), root / "all/x.parquet"),
            "x.parquet: no column audio",
        ),
        (lambda root: (root / "all/x.parquet").write_bytes(b"PAR1"), "x.parquet: "),
        (lambda root: pq.write_table(rows(["1-2"]), root / "all/x.parquet"), "expected an id <speaker>-<chapter>-<num"),
        (bad_row, "row 1: speaker_id is 104, but the id is '103-1240-0000'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, capsys, change, message):
    root = tmp_path / "hf"
    (root / "all").mkdir(parents=True)
    if change is bad_row:
        bad_row(root)
    else:
        pq.write_table(rows(["5-6-0001"]), root / "all/train.clean.100-00000-of-00001.parquet")
        change(root)
    words = ["--data_dir", str(root), "--out", str(tmp_path / "all")]
    errors = librispeech.main(words), capsys.readouterr().err
    assert errors[0] == 1 and message in errors[1] and errors[1].count("\n") == 1


@pytest.mark.parametrize(
    "file, subset",
    [
        ("all/train.other.500-00003-of-00064.parquet", "train-other-500"),
        ("clean/train.360-00000-of-00048.parquet", "train-clean-360"),
        ("other/validation-00000-of-00001.parquet", "dev-other"),
        ("test.clean/data-00000-of-00001.arrow", "test-clean"),
        ("librispeech_asr-train.100-00000-of-00014.arrow", "train-clean-100"),
        ("things.parquet", "train"),
    ],
)
def test_subsets_by_names_of_files(tmp_path, file, subset):
    assert subset_of(tmp_path / "hf" / file, tmp_path / "hf") == subset


def test_rows_are_written_as_files_for_other_tools(tmp_path):
    data = prepare(saved(tmp_path / "hf"), tmp_path / "all")
    assert unpack_rows.main(["--data", str(data.path), "--out", str(tmp_path / "files")]) == 0
    files = DataDir(tmp_path / "files")
    assert Path(files.table("wav.scp")["103-1240-0000"]).read_bytes() == flac("103-1240-0000")
    assert files.utt2spk == data.utt2spk and files.table("utt2chapter") == data.table("utt2chapter")
