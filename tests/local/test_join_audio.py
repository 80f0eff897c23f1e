"""Audio, embeddings and attributes become one data directory."""

from pathlib import Path

import numpy as np
import pytest

from local import join_audio
from utils.archive_writer import write_vectors
from utils.archives import read_vectors
from utils.data_dir import DataDir, validate, write_data_dir
from utils.errors import InputError
from utils.tables import read_table, write_table

UTT2SPK = {"a-1": "a", "a-2": "a", "b-1": "b", "c-1": "c"}
PITCH = {"a-1": "low", "a-2": "low", "b-1": "high", "c-1": "low"}


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, Path]:
    """Four utterances in segments of two recordings, the last of them without an embedding."""
    paths = {name: tmp_path / name for name in ("audio", "embeddings", "measured", "out")}
    write_data_dir(
        paths["audio"],
        {
            "utt2spk": UTT2SPK,
            "wav.scp": {"r1": "/x/r1.wav", "r2": "/x/r2.wav"},
            "segments": {name: f"r{1 + name.startswith('c')} 0.00 3.00" for name in UTT2SPK},
            "spk2gender": {"a": "f", "b": "m", "c": "m"},
            "utt2age": {"a-1": "elderly"},
        },
    )
    paths["embeddings"].mkdir()
    script = paths["embeddings"] / "xvector.scp"
    write_vectors(script.with_suffix(".ark"), script, ["a-1", "a-2", "b-1"], np.eye(3, dtype=np.float32))
    paths["measured"].mkdir()
    for name, table in {
        "utt2pitch": PITCH,
        "utt2gender": {name: "female" if name < "b" else "male" for name in UTT2SPK},
        "utt2f0": {name: "100.0" for name in UTT2SPK},
        "spk2gender": {"a": "f", "b": "m", "c": "m"},
    }.items():
        write_table(paths["measured"] / name, table)
    return paths


@pytest.mark.field_case("spk_xvector.scp and num_utts.ark of a corpus of audio")
def test_speakers_have_means_and_numbers(paths: dict[str, Path]) -> None:
    out = join(paths).path
    assert (out / "num_utts.ark").read_text() == "a 2\nb 1\n"
    assert read_vectors(out / "spk_xvector.scp")[1].tolist() == [[0.5, 0.5, 0], [0, 0, 1]]
    script = paths["embeddings"] / "xvector.scp"
    write_vectors(script.with_suffix(".ark"), script, ["a-1", "a-2", "b-1"], 2 * np.eye(3, dtype=np.float32))
    join(paths)  # another extraction at the same offsets
    assert read_vectors(out / "spk_xvector.scp")[1].tolist() == [[1, 1, 0], [0, 0, 2]]


def join(paths: dict[str, Path], *attributes: str, **options: object) -> DataDir:
    join_audio.work(join_audio.Options(**paths, attributes=attributes or ("gender", "pitch"), **options))
    return DataDir(paths["out"])


def test_what_has_an_embedding_is_joined_and_the_rest_counted(paths: dict[str, Path]) -> None:
    joined = join(paths)
    assert validate(joined.path, text=False, feats=False) == []
    assert joined.utt2spk == {"a-1": "a", "a-2": "a", "b-1": "b"}
    assert joined.table("utt2pitch") == {"a-1": "low", "a-2": "low", "b-1": "high"}
    assert set(joined.table("wav.scp")) == {"r1"} and set(joined.table("spk2gender")) == {"a", "b"}
    assert joined.table("utt2f0") == {"a-1": "100.0", "a-2": "100.0", "b-1": "100.0"}
    assert (joined.path / "left_out.tsv").read_text().splitlines()[1:] == ["c-1\tno embedding"]
    counts = dict(line.split("\t") for line in (joined.path / "row_counts.tsv").read_text().splitlines()[1:])
    assert counts == {"kept": "3", "left out: no embedding": "1", "speakers": "2"}


def test_what_the_corpus_says_goes_before_what_was_measured(paths: dict[str, Path]) -> None:
    write_table(paths["audio"] / "utt2pitch", {"a-1": "medium"})
    assert join(paths).table("utt2pitch") == {"a-1": "medium", "a-2": "low", "b-1": "high"}


def test_an_attribute_that_most_lack_is_an_error(paths: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="utt2age: 2 of 3 utterances have no age; leave it out of --attributes"):
        join(paths, "gender", "age")
    joined = join(paths, "gender", "age", max_unknown=0.7)
    assert joined.table("utt2age") == {"a-1": "elderly"}
    assert "kept without age\t2" in (joined.path / "row_counts.tsv").read_text()


def test_embeddings_of_other_audio_are_an_error(paths: dict[str, Path]) -> None:
    table = read_table(paths["embeddings"] / "xvector.scp")
    write_table(paths["embeddings"] / "xvector.scp", table | {"z-1": table["a-1"]})
    with pytest.raises(InputError, match="1 utterances such as z-1 are not in"):
        join(paths)


@pytest.mark.field_case("What the user has decided on speakers goes with the data")
def test_what_was_decided_and_counted_of_speakers_is_kept(paths: dict[str, Path]) -> None:
    write_table(paths["audio"] / "distinct_speakers", {"a": "A"})
    (paths["audio"] / "row_counts.tsv").write_text("reason\tcount\nfiles, speaker written in NFC\t2\n")
    joined = join(paths)
    assert joined.table("distinct_speakers") == {"a": "A"}
    assert "files, speaker written in NFC\t2\nkept\t3\n" in (joined.path / "row_counts.tsv").read_text()


@pytest.mark.field_case("--ark_paths of a corpus of audio")
@pytest.mark.parametrize(("ark_paths", "top"), [("recipe", "{}/"), ("relative", "../"), ("absolute", "{}/")])
def test_archives_are_named_as_asked(paths: dict[str, Path], tmp_path, monkeypatch, ark_paths, top) -> None:
    monkeypatch.chdir(tmp_path)
    joined = join(paths, ark_paths=ark_paths)
    top = top.format(tmp_path)  # the embeddings are named by an absolute path, which holds from the recipe's root too
    assert joined.table("xvector.scp")["a-1"].startswith(f"{top}embeddings/xvector.ark:")
    own = {"recipe": "out/", "relative": "", "absolute": f"{tmp_path}/out/"}[ark_paths]
    assert joined.table("spk_xvector.scp")["a"].startswith(f"{own}spk_xvector.ark:")
