"""Stage 0 for CapSpeech: every container and layout gives the same data directory; every fault is one clear error."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from local.capspeech.__main__ import Options, main, work
from tests.local.corpus import LAYOUTS, Corpus
from utils.archives import read_vectors
from utils.data_dir import DataDir, validate
from utils.errors import InputError
from utils.script_files import ARK_PATHS

TABLES = (
    "utt2spk",
    "spk2gender",
    "utt2gender",
    "utt2pitch",
    "utt2speaking_rate",
    "utt2caption",
    "utt2split",
    "utt2corpus_id",
)


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    folder = tmp_path / "a user's data"
    folder.mkdir()
    return Corpus(folder)


def prepare(corpus: Corpus, **more) -> DataDir:
    options = Options(corpus.data, corpus.embeddings, corpus.folder / "data" / "all")
    work(replace(options, **more))
    return DataDir(options.out)


def fails(corpus: Corpus, *messages: str, **more) -> None:
    """Check the message of the error, and that nothing is left behind."""
    with pytest.raises(InputError) as error:
        prepare(corpus, **more)
    for message in messages:
        assert message in str(error.value)
    assert not list((corpus.folder / "data").glob("*")), "something was left behind"


def test_what_is_written(corpus):
    data = prepare(corpus.write())
    assert validate(data.path, text=False, feats=False, wav=False) == []
    utterance = "voxceleb-id10000-id10000-Wx_m0-00001"
    assert {name: data.table(name)[utterance] for name in TABLES if name != "spk2gender"} == {
        "utt2spk": "voxceleb-id10000",
        "utt2gender": "male",
        "utt2pitch": "medium",
        "utt2speaking_rate": "measured",
        "utt2caption": 'A voice, number 0, says "no" and 1.',
        "utt2split": "train",
        "utt2corpus_id": "id10000-Wx_m0-00001.wav",
    }
    assert data.table("spk2gender")["voxceleb-id10001"] == "f"
    assert set(data.table("utt2split").values()) == {"train", "dev", "test"}
    keys, vectors = read_vectors(data.path / "xvector.scp")
    ids = data.table("utt2corpus_id")
    np.testing.assert_array_equal(vectors, np.stack([corpus.vectors[ids[key]] for key in keys]))
    assert all(Path(location.rpartition(":")[0]).is_absolute() for location in data.table("xvector.scp").values())


@pytest.mark.field_case("spk_xvector.scp and num_utts.ark of a corpus with embeddings")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_speakers_have_means_and_numbers(corpus, layout):
    data = prepare(corpus.write(layout=layout))
    vectors = dict(zip(*read_vectors(data.path / "xvector.scp"), strict=True))
    speakers, means = read_vectors(data.path / "spk_xvector.scp")
    assert speakers == list(data.spk2utt)
    wanted = [np.mean([vectors[key] for key in keys], axis=0) for keys in data.spk2utt.values()]
    np.testing.assert_allclose(means, wanted, atol=1e-6)
    lines = [f"{speaker} {len(keys)}\n" for speaker, keys in data.spk2utt.items()]
    assert (data.path / "num_utts.ark").read_text() == "".join(lines)


@pytest.mark.field_case("--ark_paths of a corpus with embeddings, for its own archives and those of the corpus")
@pytest.mark.parametrize("layout", ["scp", "npz"])
@pytest.mark.parametrize("ark_paths", ARK_PATHS)
def test_archives_are_named_as_asked(corpus, monkeypatch, layout, ark_paths):
    monkeypatch.chdir(corpus.folder)
    data = prepare(corpus.write(layout=layout), ark_paths=ark_paths)
    for name in ("xvector", "spk_xvector"):
        location = next(iter(data.table(f"{name}.scp").values())).rpartition(":")[0]
        assert Path(location).is_absolute() == (ark_paths == "absolute") and ".." not in location.replace("../../", "")
        assert (data.path / location if ark_paths == "relative" else Path(location)).is_file()
        assert location.startswith("data/all/") == (ark_paths == "recipe" and (name, layout) != ("xvector", "scp"))
    vectors = dict(zip(*read_vectors(data.path / "xvector.scp"), strict=True))
    ids = data.table("utt2corpus_id")
    assert all((vector == corpus.vectors[ids[key]]).all() for key, vector in vectors.items())


@pytest.mark.hostile("A vector that is cut off, read for the means in stage 0")
def test_a_vector_that_is_cut_off_is_named_with_its_table(corpus):
    corpus.write(layout="scp")
    (archive,) = corpus.embeddings.rglob("xvector.ark")
    archive.write_bytes(archive.read_bytes()[:-4])
    fails(corpus, "xvector.scp:", "xvector.ark:")


@pytest.mark.parametrize("container", ["tsv", "jsonl", "parquet", "shards", "saved"])
def test_every_container_gives_the_same(corpus, container):
    reference = prepare(corpus.write())
    other = Corpus(corpus.folder / "other")
    other.folder.mkdir()
    data = prepare(other.write(container))
    for name in TABLES:
        assert (data.path / name).read_bytes() == (reference.path / name).read_bytes(), name


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_vectors(corpus, layout):
    data = prepare(corpus.write("csv", layout))
    ids = data.table("utt2corpus_id")
    keys, vectors = read_vectors(data.path / "xvector.scp")
    expected = np.stack([corpus.vectors[ids[key]] for key in keys])
    np.testing.assert_allclose(vectors, expected, rtol=1e-5 if layout == "text ark" else 0)


def test_a_rerun_is_a_no_op_and_a_change_is_not(corpus):
    data = prepare(corpus.write())
    stamp = (data.path / "utt2spk").stat().st_ino
    assert (prepare(corpus).path / "utt2spk").stat().st_ino == stamp
    corpus.rows[0]["pitch"] = "high-pitched"
    corpus.write_rows("csv")
    assert prepare(corpus).table("utt2pitch")["voxceleb-id10000-id10000-Wx_m0-00000"] == "high"


def test_rows_without_a_label_stay_and_are_counted(corpus):
    corpus.rows[0]["pitch"], corpus.rows[1]["pitch"], corpus.rows[2]["gender"] = "", "rumbling", "unknown"
    data = prepare(corpus.write())
    assert len(data.utt2spk) == 24 and len(data.table("utt2pitch")) == 22 and len(data.table("utt2gender")) == 23
    counts = (data.path / "row_counts.tsv").read_text().splitlines()
    for line in (
        "voxceleb\tkept\t24",
        "voxceleb\tkept, speaker told by rule\t24",
        "voxceleb\tspeakers\t8",
        "voxceleb\tkept with all labels\t21",
        "voxceleb\tkept without pitch: no label\t1",
        "voxceleb\tkept without pitch: unknown label 'rumbling'\t1",
        "voxceleb\tkept without gender: no label\t1",
    ):
        assert line in counts


def test_a_label_column_that_is_mostly_unknown(corpus):
    for row in corpus.rows[:13]:
        row["age"] = "null"
    corpus.write()
    fails(corpus, "train.csv:2", "column 'age' is mostly unknown: 13 of 24", attributes=("gender", "age"))
    data = prepare(corpus, attributes=("gender", "age"), max_unknown=0.6)
    assert set(data.table("utt2age").values()) == {"young-adult"}


def test_age_and_a_column_of_no_vocabulary_as_attributes(corpus):
    for number, row in enumerate(corpus.rows):
        row["age"] = ["teenager", "Middle-aged adult", "elderly"][number % 3]
        row["accent"] = "British English"
    data = prepare(corpus.write(), attributes=("gender", "age", "accent"))
    assert set(data.table("utt2age").values()) == {"teenager", "middle-aged-adult", "elderly"}
    assert set(data.table("utt2accent").values()) == {"british-english"}


def test_sources_default_to_those_with_embeddings(corpus):
    for row in corpus.rows[:12]:
        row["source"], row["audio_path"] = "ears", f"p00{row['audio_path'][6]}/{row['audio_path'][8:]}"
    corpus.write()
    data = prepare(corpus)
    assert set(data.utt2spk.values()) == {f"voxceleb-id1000{n}" for n in range(4, 8)}
    assert "ears\tleft out: source without embeddings\t12" in (data.path / "row_counts.tsv").read_text()
    assert (data.path / "left_out.tsv").read_text().count("\n") == 13
    data.path.rename(corpus.folder / "kept")
    fails(corpus, "only 12 of 24 rows", "train.csv:2: p000/", "--min_match", sources=("ears", "voxceleb"))
    fails(corpus, "no rows of emilia; found ears, voxceleb", sources=("emilia",))


def test_two_sources_do_not_share_speakers(corpus):
    for row, vector in list(zip(corpus.rows, corpus.vectors.values(), strict=True))[:12]:
        row["source"] = "vctk" if row["audio_path"][6] in "01" else "ears"
        row["audio_path"] = f"p22{int(row['audio_path'][6]) % 2}/{row['source']}_{row['audio_path'][8:]}"
        corpus.vectors[row["audio_path"]] = vector
    data = prepare(corpus.write())
    assert {"vctk-p220", "ears-p220"} < set(data.utt2spk.values())


@pytest.mark.parametrize("min_match", [0.95, 0.96])
def test_min_match(corpus, min_match):
    corpus.vectors.pop(corpus.rows[20]["audio_path"])
    corpus.write()
    if min_match == 0.96:
        fails(corpus, "only 23 of 24 rows", "test.csv:2: id10006-Wx_m6-00002.wav", min_match=min_match)
    else:
        data = prepare(corpus, min_match=min_match)
        assert len(data.utt2spk) == 23
        assert "id10006-Wx_m6-00002.wav\tno embedding" in (data.path / "left_out.tsv").read_text()


def test_speakers_that_no_rule_tells(corpus):
    for row in corpus.rows:
        row["source"] = "gigaspeech"
    corpus.write()
    fails(corpus, "train.csv:2", "23 more rows of source gigaspeech", "paths name recordings", "--utt2spk")
    table = corpus.folder / "speakers"
    table.write_text("".join(f"{row['audio_path'][:-4]} s-{row['audio_path'][6]}\n" for row in corpus.rows))
    assert set(prepare(corpus, utt2spk=table).utt2spk.values()) == {f"gigaspeech-s_{n}" for n in range(8)}


def test_a_speaker_column_goes_before_the_rule(corpus):
    for row in corpus.rows:
        row["speakerid"] = {"0": "", "1": "Ann Lee"}.get(row["audio_path"][6], "S" + row["audio_path"][6])
    speakers = set(prepare(corpus.write()).utt2spk.values())
    assert speakers == {"voxceleb-id10000", "voxceleb-Ann_Lee"} | {f"voxceleb-S{n}" for n in range(2, 8)}


def test_speakers_that_become_one(corpus):
    for row in corpus.rows:
        row["speaker_id"] = "a b" if row["audio_path"][6] in "02" else "a-b"
        row["gender"] = "male"
    fails(corpus.write(), "train.csv:8", "'a b'", "'a-b'", "voxceleb-a_b")


@pytest.mark.parametrize("name", ["data_dir", "embedding_dir"])
def test_a_directory_that_is_not_there(corpus, name):
    corpus.write()
    nowhere = corpus.folder / "nowhere"
    fails(corpus, f"--{name} {nowhere}: no such directory", **{name: nowhere})


def test_a_speaker_of_two_genders(corpus):
    corpus.rows[1]["gender"] = "female"
    corpus.write()
    fails(
        corpus,
        "train.csv:4",
        "voxceleb-id10000 is female here and male at",
        "train.csv:2",
        "--gender_conflicts unlabel",
    )
    data = prepare(corpus, gender_conflicts="unlabel")
    assert len(data.table("utt2gender")) == 21 and not data.has("spk2gender")
    assert "speaker with two genders\t3" in (data.path / "row_counts.tsv").read_text()


def test_duplicate_ids(corpus):
    corpus.rows[20] = corpus.rows[1] | {"pitch": "high-pitched"}
    fails(corpus.write(), "test.csv:2: duplicate id 'id10000-Wx_m0-00001.wav'", "train.csv:4", "1 duplicates")


def test_duplicates_of_a_source_that_is_not_chosen_do_no_harm(corpus):
    for row in corpus.rows[:3]:
        row["source"], row["audio_path"] = "emilia", "EN_B00001_S00001_W000001.mp3"
    assert len(prepare(corpus.write(), sources=("voxceleb",)).utt2spk) == 21


def test_ids_with_spaces(corpus):
    corpus.rows[3]["audio_path"] = "id10001-Wx m1-00000.wav"
    corpus.write()
    table = corpus.embeddings / "xvector.1.csv"
    table.write_text(table.read_text().replace("id10001-Wx_m1-00000", "id10001-Wx m1-00000"))
    fails(corpus, "train.csv:8", "white space in the id 'id10001-Wx m1-00000'", "--space _")
    assert "voxceleb-id10001-id10001-Wx_m1-00000" in prepare(corpus, space="_").utt2spk


def test_missing_columns(corpus):
    for row in corpus.rows:
        del row["pitch"], row["source"]
    corpus.write()
    fails(corpus, "train.csv: no column pitch|pitch_label, source|dataset|corpus", "it has audio_path, gender")


def test_no_source_column_needs_one_source(corpus):
    for row in corpus.rows:
        del row["source"]
    assert len(prepare(corpus.write(), sources=("voxceleb",)).utt2spk) == 24


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "val.csv: empty"),
        (b"audio_path,source,gender,pitch,speaking_rate\n", "val.csv: no rows"),
        (b"audio_path,source,gender,pitch,speaking_rate\na,b\n", "val.csv:2: 2 cells, but the header has 5"),
        (b"audio_path,source,gender,pitch,speaking_rate\na,b,c,d,\xff\n", "val.csv:2: not UTF-8"),
        (b"audio_path,source,gender,pitch,speaking_rate\n,voxceleb,c,d,e\n", "val.csv:2: empty audio path"),
        (b"audio_path,source,audio_path\n", "val.csv:1: two columns have one name"),
    ],
)
def test_bad_csv(corpus, content, message):
    corpus.write()
    (corpus.data / "val.csv").write_bytes(content)
    fails(corpus, message)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("val.jsonl", b"{\n", "val.jsonl:1: not JSON"),
        ("val.jsonl", b"[1]\n", "val.jsonl:1: expected a JSON object"),
        ("val.parquet", b"PAR1 not", "val.parquet: not a readable parquet file"),
        ("val/data.arrow", b"not arrow", "data.arrow: not a readable arrow file"),
        ("val/state.json", b"{}", "state.json: not the state of a saved dataset"),
        ("dev.csv", b"a\n", "dev.csv: no column audio_path"),
    ],
)
def test_bad_containers(corpus, name, content, message):
    corpus.write()
    if not name.startswith("dev"):
        (corpus.data / "val.csv").unlink()
    (corpus.data / name).parent.mkdir(exist_ok=True)
    (corpus.data / name).write_bytes(content)
    fails(corpus, message)


def test_nothing_to_read(corpus):
    corpus.data.mkdir()
    corpus.embeddings.mkdir()
    fails(corpus, "no files of rows; expected train, val (or dev), test")
    corpus.write_rows("csv")
    (corpus.embeddings / "vectors.pt").touch()
    fails(corpus, "no embeddings below it", "id|audio_id", ".pt files are not read")


def test_missing_archive_and_how_to_find_it(corpus):
    corpus.write()
    (corpus.folder / "elsewhere").mkdir()
    for name in ("xvector.1.ark", "xvector.2.ark"):
        (corpus.embeddings / name).rename(corpus.folder / "elsewhere" / name)
    fails(corpus, "xvector.1.csv:2: no archive 'xvector.1.ark'; tried /", "--path_prefix")
    assert prepare(corpus, path_prefix=str(corpus.folder / "elsewhere")).path.is_dir()
    mapped = (f"xvector={corpus.folder}/elsewhere/xvector",)
    assert len(prepare(corpus, path_map=mapped, force=True).utt2spk) == 24


def test_command_line(corpus, capsys):
    corpus.write()
    words = [
        "--data_dir",
        str(corpus.data),
        "--embedding-dir",
        str(corpus.embeddings),
        "--out",
        str(corpus.folder / "o"),
    ]
    assert main(words) == 0
    assert main([*words, "--attributes", "mood"]) == 1
    assert "ERROR" in capsys.readouterr().err


def test_real_embeddings(capspeech_libri, tmp_path):
    work(Options(capspeech_libri, capspeech_libri / "embeddings", tmp_path / "all"))
    data = DataDir(tmp_path / "all")
    assert (len(data.utt2spk), len(set(data.utt2spk.values()))) == (1713, 251)
    assert data.table("utt2corpus_id")["librispeech-103-librispeech_103_103-1240-0000-00"].endswith("-00.wav")
    _, vectors = read_vectors(tmp_path / "all" / "xvector.scp")
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    with pytest.raises(InputError, match="column 'age' is mostly unknown: 1713 of 1713"):
        work(Options(capspeech_libri, capspeech_libri / "embeddings", tmp_path / "b", attributes=("gender", "age")))
