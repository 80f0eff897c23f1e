"""Speakers of rows: one person in two spellings is one, or an error that names both."""

from dataclasses import replace

import pytest

from local.capspeech.__main__ import Options, main, work
from steps.data.split_speakers import Options as Split
from steps.data.split_speakers import work as split
from tests.local.corpus import Corpus
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.tables import read_table


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    return Corpus(tmp_path)


def prepare(corpus: Corpus, speakers: list[str | None], container: str = "csv", **more) -> DataDir:
    """Prepare the corpus; row n is of speaker n % 8, the first rows are of `speakers`."""
    for number, row in enumerate(corpus.rows):
        row["source"], row["gender"] = "emilia", "female"
        row["speaker_id"] = speakers[number] if number < len(speakers) else speakers[number % 4]
    corpus.write(container)
    work(replace(Options(corpus.data, corpus.embeddings, corpus.folder / "data" / "all"), **more))
    return DataDir(corpus.folder / "data" / "all")


def counts(data: DataDir) -> list[str]:
    return (data.path / "row_counts.tsv").read_text().splitlines()


@pytest.mark.field_case("Speaker 103 in one file, 103.0 in another")
@pytest.mark.parametrize("container", ["csv", "jsonl", "parquet"])
def test_whole_numbers(corpus, container):
    speakers = ["103", "7", "26", "4"] * 5 + ["103.0", "7.0", "26.0", "4.0"]  # a column of floats in test.csv
    data = prepare(corpus, speakers, container)
    assert set(data.utt2spk.values()) == {f"emilia-{speaker}" for speaker in ("103", "7", "26", "4")}
    assert "emilia\tkept, speaker written without .0\t4" in counts(data)


@pytest.mark.field_case("Speaker 103 is 103 in JSON, 103.0 in the next file")
def test_whole_numbers_that_are_numbers(corpus):
    data = prepare(corpus, [103, 7, 26, 0] * 5 + [103.0, 7.0, 26.0, 0.0], "jsonl")
    assert set(data.utt2spk.values()) == {f"emilia-{speaker}" for speaker in ("103", "7", "26", "0")}


@pytest.mark.field_case("Rows of one speaker in spellings that look the same")
def test_invisible_differences(corpus):
    speakers = ["Mu\u0308ller", "Anna", "Be\u00adrta", "Carl"] + [
        "M\u00fcller",
        "An\u200bna",
        "Berta",
        "Carl\u00a0Q",
        "Carl Q",
    ]
    data = prepare(corpus, speakers + ["Carl"])
    assert set(data.utt2spk.values()) == {
        f"emilia-{name}" for name in ("M\u00fcller", "Anna", "Berta", "Carl", "Carl_Q")
    }
    found = [line for line in counts(data) if "written" in line]
    assert [line.split("\t")[1] for line in found] == [
        "kept, speaker written in NFC",
        "kept, speaker written with plain blanks",
        "kept, speaker written without invisible characters",
    ]


VISIBLE = [("103", "00103"), ("Anna", "ANNA"), ("103", "\uff11\uff10\uff13"), ("spk7", "spk07"), ("Anna", "anna ")]


@pytest.mark.field_case("Rows of one speaker in spellings that look different")
@pytest.mark.parametrize(("one", "other"), VISIBLE)
def test_visible_differences_are_an_error(corpus, one, other, capsys):
    with pytest.raises(InputError, match=r"train.csv:4: speaker '.*' may be '.*' of .*train.csv:2: .*--utt2spk"):
        prepare(corpus, [one, other, "x", "y"])
    words = [
        "--data_dir",
        str(corpus.data),
        "--embedding_dir",
        str(corpus.embeddings),
        "--out",
        str(corpus.folder / "o"),
    ]
    assert main(words) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert main([*words, "--distinct_ids", "true"]) == 0
    assert len(read_table(corpus.folder / "o" / "distinct_speakers")) == 2


def test_utt2spk_decides_who_is_one_and_who_is_two(corpus):
    table = corpus.folder / "who"
    with pytest.raises(InputError, match="may be"):
        prepare(corpus, ["103", "00103", "x", "y"])
    table.write_text("".join(f"{row['audio_path']} 103\n" for row in corpus.rows if row["speaker_id"] == "00103"))
    data = prepare(corpus, ["103", "00103", "x", "y"], utt2spk=table)
    assert set(data.utt2spk.values()) == {"emilia-103", "emilia-x", "emilia-y"}
    names = {"103": "Ann", "00103": "ann"}
    rows = [row for row in corpus.rows if row["speaker_id"] in names]
    table.write_text("".join(f"{row['audio_path']} {names[row['speaker_id']]}\n" for row in rows))
    data = prepare(corpus, ["103", "00103", "x", "y"], utt2spk=table)
    assert set(data.utt2spk.values()) == {"emilia-Ann", "emilia-ann", "emilia-x", "emilia-y"}


@pytest.mark.field_case("A speaker whose name nobody sees")
def test_a_cell_that_only_looks_empty(corpus):
    for row in corpus.rows:
        row["speaker_id"] = "\u200b\u00a0"
    corpus.write()
    work(Options(corpus.data, corpus.embeddings, corpus.folder / "all"))
    assert "voxceleb\tkept, speaker told by rule\t24" in counts(DataDir(corpus.folder / "all"))
    (corpus.folder / "who").write_text(f"{corpus.rows[0]['audio_path']} \u200b\n")
    with pytest.raises(InputError, match="train.csv:2: the name of the speaker has no visible character"):
        work(Options(corpus.data, corpus.embeddings, corpus.folder / "all", utt2spk=corpus.folder / "who"))


def test_sources_do_not_share_spellings(corpus):
    for number, row in enumerate(corpus.rows):
        row["source"], row["speaker_id"], row["gender"] = ("a", "b")[number % 2], ("S1", "s1")[number % 2], "male"
    corpus.write()
    work(Options(corpus.data, corpus.embeddings, corpus.folder / "all"))
    assert set(DataDir(corpus.folder / "all").utt2spk.values()) == {"a-S1", "b-s1"}


def test_the_decision_goes_with_the_data(corpus):
    prepare(corpus, ["Anna", "anna", "x", "y", "z", "u", "v", "w"], distinct_ids=True)
    split(Split(corpus.folder / "data" / "all", fractions=(0.4, 0.3, 0.3), attributes=("gender",)))


def test_a_rerun_without_the_option_finds_the_stage_done(corpus, caplog):
    prepare(corpus, ["Anna", "anna", "x", "y"], distinct_ids=True)
    caplog.set_level("INFO")
    work(Options(corpus.data, corpus.embeddings, corpus.folder / "data" / "all"))
    assert "is up to date" in caplog.text


@pytest.mark.field_case("Common Voice's words for gender and age")
def test_genders_that_are_neither_are_unlabelled_and_counted(corpus):
    genders = ["male_masculine", "female_feminine", "transgender", "do_not_wish_to_say"]
    for number, row in enumerate(corpus.rows):
        row["source"], row["client_id"], row["gender"] = "common_voice", f"{number % 4:064x}", genders[number % 4]
        row["age"] = ["twenties", "sixties", "teens", "fourties"][number % 4]
    corpus.write()
    work(Options(corpus.data, corpus.embeddings, corpus.folder / "all", attributes=("gender", "age")))
    data = DataDir(corpus.folder / "all")
    assert set(data.table("utt2gender").values()) == {"male", "female"} and not data.has("spk2gender")
    assert set(data.table("utt2age").values()) == {"young-adult", "elderly", "teenager", "middle-aged-adult"}
    for label in ("transgender", "do_not_wish_to_say"):
        assert f"commonvoice\tkept without gender: unknown label {label!r}\t6" in counts(data)


@pytest.mark.field_case("A speaker called NA in the rows of a corpus")
@pytest.mark.parametrize("name", ["NA", "nan", "None", "null"])
def test_names_that_are_words_for_unknown(corpus, name):
    rows = [name, "b", "c", "d"]
    data = prepare(corpus, rows)
    assert set(data.utt2spk.values()) == {f"emilia-{speaker}" for speaker in rows}
    assert f"emilia\tkept, speaker told by column, which says {name!r}\t6" in counts(data)


@pytest.mark.field_case("Unknown speakers called nan in the rows of a corpus")
def test_a_word_for_unknown_does_not_merge_speakers(corpus):
    for row in corpus.rows:
        row["speaker_id"] = row["audio_path"][:7] if row["audio_path"] > "id10003" else "nan"
    corpus.write()
    options = Options(corpus.data, corpus.embeddings, corpus.folder / "all")
    with pytest.raises(InputError, match=r"train.csv:2: is speaker 'nan' a person, .* 9 rows are of 3 speakers"):
        work(options)
    work(replace(options, distinct_ids=True, gender_conflicts="unlabel"))
    assert "voxceleb-nan" in DataDir(corpus.folder / "all").utt2spk.values()


@pytest.mark.field_case("An empty cell makes the numbers of speakers fractions")
@pytest.mark.parametrize("container", ["jsonl", "parquet"])
def test_empty_cells_of_a_column_of_numbers(corpus, container):
    for number, row in enumerate(corpus.rows):
        row["speaker_id"] = float("nan") if number < 3 else float(number // 3)
    corpus.write(container)
    work(Options(corpus.data, corpus.embeddings, corpus.folder / "all"))
    speakers = set(DataDir(corpus.folder / "all").utt2spk.values())
    assert speakers == {"voxceleb-id10000", *(f"voxceleb-{number}" for number in range(1, 8))}


@pytest.mark.field_case("One reader of LibriVox in two corpora")
def test_readers_in_two_sources_are_told(corpus, caplog):
    for number, row in enumerate(corpus.rows):
        row["source"], row["speaker_id"] = ("libritts-r", "mls", "vctk")[number // 8], str(number % 8)
        row["gender"] = "male"
    corpus.write()
    work(Options(corpus.data, corpus.embeddings, corpus.folder / "all"))
    line = next(text for text in caplog.messages if "readers of" in text)
    assert line.startswith("8 readers of librivox are in several sources, such as 0 in libritts-r and mls:")


@pytest.mark.hostile("Audio paths of 200 kB that a pattern would try for hours")
@pytest.mark.parametrize(
    ("source", "part"), [("mls", "1_"), ("expresso", "ex01-ex02_"), ("ears", "p001-"), ("voxceleb", "id10001-")]
)
def test_paths_without_end(corpus, source, part):
    for row in corpus.rows:
        row["source"] = source
    long = part * (200_000 // len(part)) + "/x.wav"
    corpus.vectors[long] = corpus.vectors.pop(corpus.rows[0]["audio_path"])
    corpus.rows[0]["audio_path"] = long
    corpus.write()
    with pytest.raises(InputError, match="rows of source .* is unknown|speaker of this") as error:
        work(Options(corpus.data, corpus.embeddings, corpus.folder / "all"))
    assert len(str(error.value)) < 2000


@pytest.mark.field_case("A table of speakers that names none of the rows")
@pytest.mark.parametrize("table", ["a.wav anna\nb.wav bob\n", ""])
def test_a_table_that_names_nobody(corpus, table):
    (corpus.folder / "utt2spk").write_text(table)
    with pytest.raises(InputError, match="utt2spk: names none of the rows, whose paths are like id10000"):
        prepare(corpus, ["a", "b", "c", "d"], utt2spk=corpus.folder / "utt2spk")
