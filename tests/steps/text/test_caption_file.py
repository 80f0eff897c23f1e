"""Captions of a table: of utterances, speakers and groups, and the rows that cannot be used."""

import json
from pathlib import Path

import pytest

from steps.data.groups import read_groups
from steps.text.augment import Options, write_texts
from tests.steps.conftest import VALUES, write_corpus
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.tables import read_table

SMALL = VALUES | {"speaking_rate": ("slow",)}  # 6 groups


@pytest.fixture
def texts(tmp_path):
    """Write the texts of a small corpus with a table of captions; returns the directory."""
    corpus = write_corpus(tmp_path / "all", SMALL)

    def write(table: str, name: str = "captions.csv", **options: object) -> Path:
        (tmp_path / name).write_text(table, encoding="utf-8")
        out = tmp_path / "descriptions"
        out.mkdir(exist_ok=True)
        given = Options(corpus, out, tmp_path / "text", variants_per_group=4, caption_file=tmp_path / name, **options)
        write_texts(out, given, read_groups(DataDir(corpus)))
        return out

    return write


def spoken(kind: str, tmp_path: Path) -> tuple[str, list[str]]:
    """A speaker and its utterances, and of `kind` female or male."""
    genders, owners = (read_table(tmp_path / "all" / name) for name in ("utt2gender", "utt2spk"))
    speaker = next(owners[utterance] for utterance in genders if genders[utterance] == kind)
    return speaker, sorted(utterance for utterance, owner in owners.items() if owner == speaker)


def test_captions_of_a_speaker_are_of_all_utterances_and_several(texts, tmp_path):
    (woman, utterances), (man, _) = spoken("female", tmp_path), spoken("male", tmp_path)
    out = texts(
        "speaker,annotator,tags\n"
        f'{woman},1,"young, bright"\n{woman},2,"very young, calm"\n{woman},2,"Very young, calm."\n{man},1,feminine\n'
    )
    text, described = read_table(out / "text"), read_table(out / "text2utt")
    assert described == {f"{woman}-c0{number}": " ".join(utterances) for number in (1, 2)}
    assert text[f"{woman}-c01"] == "young, bright" and text[f"{woman}-c02"] == "very young, calm"
    rejected = [json.loads(line) for line in (out / "rejected.jsonl").read_text().splitlines()]
    assert [row["speaker"] for row in rejected if "speaker" in row] == [man]
    assert set(read_table(out / "text2set")) == set(text) == set(read_table(out / "text2group"))


def test_a_speaker_may_be_named_by_the_end_of_the_id(texts, tmp_path):
    speaker, utterances = spoken("male", tmp_path)
    out = texts(json.dumps({"reader": speaker.rpartition("-")[2], "words": "calm"}), "c.jsonl",
                caption_columns=("speaker=reader", "text=words"))  # fmt: skip
    assert read_table(out / "text2utt") == {f"{speaker}-c01": " ".join(utterances)}


def test_captions_of_groups_are_variants(texts):
    out = texts(
        "key,group,caption\nx,female_low_slow,A woman with a low pitch speaks slowly at normal volume\n"
        "y,female_low_slow,A woman with a high-pitched voice\nz,nobody_low_slow,A voice\n"
    )
    text = read_table(out / "text")
    assert text["female_low_slow-v05"] == "A woman with a low pitch speaks slowly at normal volume"
    assert len(text) == 25 and not (out / "text2utt").exists()
    reasons = [json.loads(line)["reason"] for line in (out / "rejected.jsonl").read_text().splitlines()]
    assert any("high" in reason for reason in reasons) and any("no group 'nobody_low_slow'" in r for r in reasons)


def test_unknown_keys_are_counted_and_named(texts, tmp_path, caplog):
    _, (utterance, *_) = spoken("female", tmp_path)
    out = texts(f"utterance\ttext\n{utterance}\tbright\nnobody\tdark\nno-one\tthin\n", "c.tsv")
    assert read_table(out / "text2utt") == {f"{utterance}-c01": utterance}
    assert "2 of 3 captions have unknown keys" in caplog.text and "'nobody'" in caplog.text


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("speaker,text\nnobody,calm\n", "none of its 1 captions is of an utterance, speaker or group"),
        ("person,text\nx,calm\n", "no column of the utterance or speaker or group among 'person, text'"),
        ("speaker,wording\nx,calm\n", "no column of the text"),
        ("speaker,text\n", "captions.csv: "),
    ],
)
def test_tables_that_are_no_captions(texts, table, message):
    with pytest.raises(InputError, match=message):
        texts(table)


def test_all_captions_contradict(texts, tmp_path):
    speaker, _ = spoken("female", tmp_path)
    with pytest.raises(InputError, match="all of its 1 captions contradict"):
        texts(f"speaker,text\n{speaker},A deep man's voice\n")


@pytest.mark.parametrize("word", ["speaker", "nothing=x", "speaker=absent"])
def test_columns_that_do_not_exist(texts, word):
    with pytest.raises(InputError, match=word.partition("=")[2] or word):
        texts("speaker,text\nx,calm\n", caption_columns=(word,))
