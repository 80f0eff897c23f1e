"""Stage 1 as a command."""

import json
import re

import numpy as np
import pytest

from steps.text.augment import main, mark_heldout
from steps.text.check import normalise
from steps.text.layout import TextLayout
from steps.text.read import Reader
from tests.steps.conftest import VALUES, write_corpus
from utils.archives import read_vectors
from utils.tables import read_table, write_table

SMALL = VALUES | {"speaking_rate": ("slow",)}  # 6 groups
FILES = ("text", "text2group", "text2set", "rejected.jsonl")


@pytest.fixture
def corpus(tmp_path):
    return write_corpus(tmp_path / "all", SMALL)


@pytest.fixture
def run(tmp_path, corpus):
    """Run the command on the small corpus, with few texts; returns the exit status and the two directories."""

    def run(name="one", **options):
        out, vec_out = tmp_path / name / "descriptions", tmp_path / name / "text"
        given = {"data": corpus, "out": out, "vec_out": vec_out, "reader_texts": 0, "variants_per_group": 10} | options
        words = [word for key, value in given.items() if value is not None for word in (f"--{key}", str(value))]
        return main(words), out, vec_out

    return run


def test_the_default_run(run, encoder, tmp_path):
    status, out, vec_out = run(data=write_corpus(tmp_path / "18 groups", VALUES), variants_per_group=None)
    assert status == 0
    text, group, mark = (read_table(out / name) for name in FILES[:3])
    assert len(text) == 540 and list(text)[:2] == ["female_high_fast-v01", "female_high_fast-v02"]
    assert len({normalise(words) for words in text.values()}) == 540
    assert all(key.rpartition("-v")[0] == group[key] for key in text)
    heldout = [group[key] for key, value in mark.items() if value == "heldout"]
    assert len(heldout) == 108 and all(heldout.count(name) == 6 for name in set(group.values()))
    keys, vectors = read_vectors(vec_out / "text_vec.scp")
    assert keys == list(text)
    assert np.array_equal(vectors[::20, :384], encoder.encode(list(text.values())[::20]))
    layout = TextLayout.read(vec_out, vectors.shape[1])
    assert layout.attributes == {name: tuple(sorted(values)) for name, values in VALUES.items()}
    identity = json.loads((vec_out / "encoder.json").read_text())
    assert identity == {"name": "all-MiniLM-L6-v2", "sha256": encoder.sha256, "dim": 384}
    assert len((vec_out / "nearest_group.tsv").read_text().splitlines()) == 541


def test_vectors_of_a_sentence_reader_are_those_of_earlier_revisions(run, encoder):
    _, out, vec_out = run(reader="sentence", variants_per_group=3)
    keys, vectors = read_vectors(vec_out / "text_vec.scp")
    assert np.array_equal(vectors, encoder.encode(list(read_table(out / "text").values())))
    names = {path.name for path in vec_out.iterdir()} - {".done", "config.yaml", "run_info.json"}
    assert names == {"text_vec.ark", "text_vec.scp", "encoder.json", "nearest_group.tsv"}


def test_how_texts_are_read_is_listed(run, corpus, caplog):
    with_captions(corpus)
    _, out, vec_out = run(captions="beside")
    header, *rows = [line.split("\t") for line in (vec_out / "read_as.tsv").read_text().splitlines()]
    assert header == ["text", "group", *VALUES, "warnings"] and [row[0] for row in rows] == list(
        read_table(out / "text")
    )
    cells = {row[0]: [cell.split()[0] for cell in row[2:4]] for row in rows}
    assert cells["female_low_slow-v01"] == ["female", "low"]
    assert cells["demo-s04-u1"] == ["unsaid"] * 2  # "A voice, recorded twice."
    (told,) = [record.message for record in caplog.records if "are read as their group" in record.message]
    own, total, left_open = map(int, re.findall(r"\d+", told)[:3])
    assert total == 54 and own >= 46 and 4 <= left_open <= 8 and told.endswith("(read_as.tsv)")


def test_a_reader_that_learns(run, caplog):
    _, _, vec_out = run(reader_texts=120, variants_per_group=4)
    assert Reader.load(vec_out).learned is not None and "the reader learns from" in caplog.text
    before = (vec_out / "reader.safetensors").read_bytes()
    run(reader_texts=120, variants_per_group=4, force="true")
    assert (vec_out / "reader.safetensors").read_bytes() == before


def test_a_rerun_writes_the_same_bytes_and_nothing_when_up_to_date(run):
    _, out, vec_out = run()
    names = ("text_vec.ark", "nearest_group.tsv", "reader.json", "read_as.tsv")
    files = [out / name for name in FILES] + [vec_out / name for name in names]
    before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in files]
    assert run()[0] == 0
    assert [(path.read_bytes(), path.stat().st_mtime_ns) for path in files] == before
    assert run(force="true")[0] == 0
    assert [path.read_bytes() for path in files] == [content for content, _ in before]
    assert [path.stat().st_mtime_ns for path in files] != [time for _, time in before]


def test_seed_number_and_fraction(run):
    texts = read_table(run()[1] / "text")
    _, out, _ = run("two", seed=1, variants_per_group=12, heldout_fraction=0.5)
    others, mark = read_table(out / "text"), list(read_table(out / "text2set").values())
    assert len(others) == 72 and mark.count("heldout") == 36
    assert len(set(texts.values()) & set(others.values())) < 7


def test_held_out_marks():
    groups = {f"{group}-{number}": group for group in "ab" for number in range(10)}
    marks = mark_heldout(groups, 0.2, seed=0)
    assert marks == mark_heldout(dict(reversed(groups.items())), 0.2, seed=0) != mark_heldout(groups, 0.2, seed=1)
    for fraction, number in ((0.0, 0), (0.01, 1), (0.2, 2), (0.5, 5), (0.99, 9), (1.0, 10)):
        values = mark_heldout(groups, fraction, seed=0)
        assert [sum(values[key] == "heldout" for key in groups if groups[key] == group) for group in "ab"] == [
            number
        ] * 2


def with_captions(corpus):
    captions = {f"demo-s{number:02d}-u1": "A voice, recorded twice." for number in range(6)}
    captions["demo-s00-u1"] = 'An old woman says: $(rm -rf ~) `x` "quoted" 🎤'
    captions["demo-s01-u1"] = "A man speaks."  # of a female speaker
    write_table(corpus / "utt2caption", captions)
    pitch = read_table(corpus / "utt2pitch")
    del pitch["demo-s02-u1"]  # without a group
    write_table(corpus / "utt2pitch", pitch)
    return captions


def test_captions_beside_the_variants(run, corpus):
    captions = with_captions(corpus)
    status, out, vec_out = run(captions="beside")
    text, group, mark, owner = (read_table(out / name) for name in (*FILES[:3], "text2utt"))
    assert status == 0 and len(owner) == 4 and len(text) == 50 + 4
    assert all(key == utterance and text[key] == captions[utterance] for key, utterance in owner.items())
    assert {mark[key] for key in owner} == {"seen"} and group["demo-s00-u1"] == "female_low_slow"
    rejected = [json.loads(line) for line in (out / "rejected.jsonl").read_text().splitlines()]
    assert [row["utterance"] for row in rejected] == ["demo-s01-u1"] and "man" in rejected[0]["reason"]
    _, vectors = read_vectors(vec_out / "text_vec.scp", ["demo-s04-u1", "demo-s05-u1", "demo-s00-u1"])
    assert np.array_equal(vectors[0], vectors[1]) and not np.array_equal(vectors[0], vectors[2])


def test_captions_instead_of_the_variants(run, corpus):
    with_captions(corpus)
    status, out, _ = run(captions="instead")
    mark, owner = read_table(out / "text2set"), read_table(out / "text2utt")
    assert status == 0
    assert {key for key, value in mark.items() if value == "seen"} == set(owner)


def test_texts_of_a_file(run, tmp_path):
    _, out, _ = run()
    texts = {}
    for key, words in read_table(out / "text").items():
        texts.setdefault(key.rpartition("-v")[0], []).append(words)
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    status, copy, _ = run("copy", augment="file", augment_file=tmp_path / "texts.json")
    assert status == 0 and (copy / "text").read_bytes() == (out / "text").read_bytes()
    for number, expected in ((10, 0), (9, 1)):  # ten are enough, where the option does not say
        (tmp_path / "texts.json").write_text(json.dumps({group: some[:number] for group, some in texts.items()}))
        few = {"augment": "file", "augment_file": tmp_path / "texts.json", "variants_per_group": None}
        assert run("few", **few)[0] == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variants_per_group": 1}, "--variants_per_group: expected 2 to 10000, found 1"),
        ({"variants_per_group": -3}, "--variants_per_group: expected 2 to 10000, found -3"),
        ({"heldout_fraction": 1}, "--heldout_fraction 1 leaves no text to train on"),
        ({"heldout_fraction": 1.5}, "--heldout_fraction: expected 0 to 1, found 1.5"),
        ({"heldout_fraction": -0.1}, "--heldout_fraction: expected 0 to 1"),
        ({"augment": "file"}, "--augment_file"),
        ({"augment_file": "x.json"}, "--augment file"),
        ({"augment": "magic"}, "one of grammar, openai, file"),
        ({"captions": "beside"}, "utt2caption: no such file"),
        ({"attributes": "gender,age"}, "utt2age: no such attribute table"),
        ({"encoder": "nowhere"}, "nowhere: no modules.json"),
        ({"data": "nowhere"}, "nowhere: no utt2spk"),
    ],
)
def test_bad_options_leave_nothing_behind(run, capsys, options, message):
    status, out, vec_out = run(**options)
    assert status == 1 and message in capsys.readouterr().err
    assert not out.exists() and not vec_out.exists()


def test_a_caption_with_the_id_of_a_variant(run, corpus, capsys):
    for table in corpus.glob("utt2*"):
        write_table(
            table,
            {"male_low_slow-v03" if key == "demo-s03-u1" else key: value for key, value in read_table(table).items()},
        )
    write_table(corpus / "utt2caption", {"male_low_slow-v03": "A man."})
    status, *_ = run(captions="beside")
    assert status == 1 and "'male_low_slow-v03' has the id of a variant" in capsys.readouterr().err
