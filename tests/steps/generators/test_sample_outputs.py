"""What else is written beside the vectors: descriptions, transcripts where asked for, arrays for numpy."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from local.capspeech.embedding_tables import EmbeddingTables
from local.corpus_rules import RULES, Rules
from steps.data.array_vectors import read_array
from steps.generators import merge_samples, plan_samples, sample, sample_npz
from tests.steps.generators.known_model import TEXTS, known_options
from utils.archives import read_vectors
from utils.data_dir import validate
from utils.tables import read_table, write_table


@pytest.mark.field_case("Descriptions of samples are utt2description, and Kaldi's text only where asked for")
def test_descriptions_are_no_transcripts(tmp_path):
    options = known_options(tmp_path)
    out = tmp_path / "groups"
    assert sample.main(options) == 0
    described = read_table(out / "utt2description")
    assert {text for text in described.values()} == set(TEXTS.values()) and not (out / "text").exists()
    assert described.keys() == read_table(out / "utt2spk").keys()
    assert sample.main([*options, "--text_as_transcript", "true"]) == 0
    assert read_table(out / "text") == described == read_table(out / "utt2description")
    assert validate(out, feats=False, wav=False) == []
    assert sample.main(options) == 0
    assert not (out / "text").exists()


@pytest.mark.field_case("Kaldi's text of descriptions with other blanks than ours, and with signs that nobody sees")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A\u00a0woman\u2003speaks", "A woman speaks"),
        ("A  woman\tspeaks", "A woman speaks"),
        ("\ufeffA wo\u200bman\u202e speaks", "A woman speaks"),
        ("\u4e00\u4e2a\u3000caf\u00e9", "\u4e00\u4e2a caf\u00e9"),
    ],
)
def test_transcripts_have_blanks_that_kaldi_takes(tmp_path, text, words):
    """Its validate_text.pl refuses other white space, and validate_data_dir.sh what cannot be printed."""
    options, texts = known_options(tmp_path), tmp_path / "descriptions/text"
    write_table(texts, dict.fromkeys(read_table(texts), text))
    assert sample.main([*options, "--text_as_transcript", "true"]) == 0
    lines = (tmp_path / "groups/text").read_text().splitlines()
    assert {line.partition(" ")[2] for line in lines} == {words} and len(lines) == 200
    assert {row for row in read_table(tmp_path / "groups/utt2description").values()} == {text}


@pytest.mark.field_case("Vectors and ids of samples for numpy, without pickles")
@pytest.mark.parametrize("chunk", [4096, 7])
def test_arrays_for_numpy(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(sample_npz, "CHUNK", chunk)
    options, out = [*known_options(tmp_path, "a set, \u00e4"), "--npz", "true", "-n", "9"], tmp_path / "a set, \u00e4"
    assert sample.main(options) == 0
    keys, x = read_vectors(out / "xvector.scp")
    with np.load(out / "xvector.npz", allow_pickle=False) as content:
        assert content["ids"].tolist() == keys and content["ids"].dtype.kind == "U"
        assert content["vectors"].dtype == np.float32 and content["vectors"].tobytes() == x.tobytes()
    ids, vectors = read_array(out / "xvector.npz")  # as stage 0 takes it for a corpus
    assert ids == keys and vectors.shape == x.shape


def test_arrays_are_the_same_bytes_from_jobs(tmp_path):
    for name in ("alone", "jobs"):
        options = [*known_options(tmp_path / name), "--npz", "true", "-n", "600"]
        if name == "alone":
            assert sample.main(options) == 0
        else:
            assert plan_samples.main(options) == 0
            assert sample.main([*options, "--job", "1"]) == 0 and merge_samples.main(options) == 0
    assert (tmp_path / "alone/groups/xvector.npz").read_bytes() == (tmp_path / "jobs/groups/xvector.npz").read_bytes()


@pytest.mark.field_case("--ark_paths of samples, in scp and csv; a copy of them is read from its own archive")
@pytest.mark.parametrize(
    ("ark_paths", "name"), [("recipe", "groups/{}"), ("relative", "{}"), ("absolute", "{root}/groups/{}")]
)
def test_archives_are_named_as_asked(tmp_path, monkeypatch, ark_paths, name):
    monkeypatch.chdir(tmp_path)
    options = known_options(Path())
    assert sample.main([*options, "--ark_paths", ark_paths]) == 0
    name = name.format("xvector.ark", root=tmp_path)
    for script in ("xvector.scp", "spk_xvector.scp"):
        assert {text.rpartition(":")[0] for text in read_table(Path("groups", script)).values()} == {name}
    with Path("groups/xvector.csv").open(newline="") as file:
        assert {row["storage_path"] for row in csv.DictReader(file)} == {name}
    shutil.copytree("groups", "copy")
    Path("copy/xvector.scp").unlink()
    archive = str(tmp_path / "copy/xvector.ark")
    assert found_by_stage_0(tmp_path / "copy") == {archive}
    for path in ("copy/run_info.json", "copy/.done"):
        Path(path).unlink()
    assert found_by_stage_0(tmp_path / "copy") == {archive}


@pytest.mark.field_case("An archive of other samples beside a copied xvector.csv")
def test_a_csv_does_not_take_an_archive_of_other_keys(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert sample.main(known_options(Path())) == 0
    assert sample.main([*known_options(Path(), "others"), "--id_prefix", "x"]) == 0
    shutil.copytree("groups", "copy")
    Path("copy/xvector.scp").unlink()
    shutil.copy("others/xvector.ark", "copy")
    assert found_by_stage_0(tmp_path / "copy") == {str(tmp_path / "groups/xvector.ark")}


def found_by_stage_0(directory: Path) -> set[str]:
    """The archives to which the tables of a directory lead."""
    tables = EmbeddingTables(directory, Rules.load(RULES))
    return {tables.resolve(entry).path for entry in tables.entries.values()}
