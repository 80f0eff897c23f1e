"""The gender of sampled speakers: of the group, of the user's, or of the classifier of the corpus's own embeddings."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from steps.data.index import Index
from steps.generators import merge_samples, plan_samples, sample, train
from steps.generators.gender import LETTERS
from steps.generators.gender_classifier import GenderClassifier, letters
from tests.bench import gender_threshold
from tests.steps.generators.conftest import fit
from tests.steps.generators.experiment import Experiment, write_experiment
from tests.steps.generators.known_model import known_options
from utils.archives import read_vectors
from utils.data_dir import validate
from utils.tables import read_table, write_table

WOMAN = "The voice is female and high."


def draw(spoken: Experiment, out: Path, *more: str, model: Path | None = None) -> Path:
    """Sample 40 speakers. Returns the directory."""
    words = ["--model", str(model or spoken.root / "ridge_gaussian"), "--out", str(out), "-n", "40"]
    assert sample.main([*words, *more]) == 0
    return out


def provenance(directory: Path) -> dict[str, dict]:
    rows = [json.loads(line) for line in (directory / "provenance.jsonl").read_text().splitlines()]
    return {row["id"]: row for row in rows}


def test_training_leaves_a_classifier_of_genders(spoken: Experiment):
    content = json.loads((spoken.root / "ridge_gaussian/gender.json").read_text())
    assert content["positive"] == "f" and len(content["weights"]) == 10 and content["speakers"] == 40
    assert content["dev"]["speakers"] == 12 and content["dev"]["utterances"] == 48
    classifier, dev = GenderClassifier.read(spoken.root / "ridge_gaussian", 10), Index.open(spoken.index / "dev")
    told = letters(classifier.female(dev.matrix()), 0)
    right = np.mean([letter == dev.genders[speaker] for letter, speaker in zip(told, dev.speakers, strict=True)])
    assert content["dev"]["balanced_accuracy"] == pytest.approx(right) and right > 0.6  # the two genders are as many


@pytest.mark.field_case("spk2gender of a free text, by the classifier of the corpus's own embeddings")
@pytest.mark.hostile("A gender other than m and f in the spk2gender of an index, in training")
@pytest.mark.parametrize("gender", ["1e3", "female", "F"])
def test_other_genders_in_the_index_are_named(tmp_path, capsys, gender):
    made = write_experiment(tmp_path)
    table = made.index / "train" / "spk2gender"
    table.write_text(table.read_text().replace(" f\n", f" {gender}\n", 1))
    assert train.main(made.options("ridge_gaussian")) == 1
    assert f"spk2gender: 'gen-s00': expected m or f, found '{gender}'" in capsys.readouterr().err.splitlines()[-1]


def test_free_text_has_genders_with_their_posterior(spoken: Experiment, tmp_path):
    out = draw(spoken, tmp_path / "out", "--text", WOMAN)
    genders, told = read_table(out / "spk2gender"), provenance(out)
    assert genders.keys() == set(read_table(out / "utt2spk").values()) and set(genders.values()) <= {"m", "f"}
    assert Counter(genders.values())["f"] > 30
    keys, x = read_vectors(out / "xvector.scp")
    female = dict(zip(keys, GenderClassifier.read(spoken.root / "ridge_gaussian", 10).female(x), strict=True))
    for key, letter in genders.items():
        assert told[key]["gender"] == letter == ("f" if female[key] >= 0.5 else "m")
        assert told[key]["gender_posterior"] == pytest.approx(max(female[key], 1 - female[key]), abs=1e-6)
    assert validate(out, text=False, feats=False, wav=False) == []


@pytest.mark.field_case("A gender below --gender_threshold has no line, and is counted")
def test_speakers_below_the_threshold_are_counted(spoken: Experiment, tmp_path, caplog):
    out = draw(spoken, tmp_path / "out", "--text", WOMAN, "--gender_threshold", "0.99")
    genders, told = read_table(out / "spk2gender"), provenance(out)
    sure = {key for key, row in told.items() if row["gender_posterior"] >= 0.99}
    assert genders.keys() == sure and 0 < len(sure) < 40
    assert {key for key, row in told.items() if row["gender"]} == sure
    assert f"spk2gender has no line for {40 - len(sure)} of 40 speakers" in caplog.text
    caplog.clear()
    nobody = draw(spoken, tmp_path / "out", "--text", WOMAN, "--gender_threshold", "1")
    assert not (nobody / "spk2gender").exists() and "spk2gender has no line for 40 of 40 speakers" in caplog.text
    caplog.clear()
    everybody = draw(spoken, tmp_path / "out", "--text", WOMAN, "--gender_threshold", "0")
    assert len(read_table(everybody / "spk2gender")) == 40 and "has no line" not in caplog.text


@pytest.mark.field_case("--gender of a free text, in the words of corpora")
@pytest.mark.parametrize("word", ["m", "f", "male", "Female", "WOMAN", " boy "])
def test_the_user_tells_the_gender(spoken: Experiment, tmp_path, word):
    out = draw(spoken, tmp_path / "out", "--text", WOMAN, "--gender", word)
    letter = LETTERS[word.strip().lower()]
    assert set(read_table(out / "spk2gender").values()) == {letter}
    assert {(row["gender"], row["gender_posterior"]) for row in provenance(out).values()} == {(letter, None)}
    assert validate(out, text=False, feats=False, wav=False) == []


@pytest.mark.field_case("Genders in the third column of --text_file, beside texts without one")
@pytest.mark.parametrize("jobs", [False, True])
def test_the_third_column_of_a_file(spoken: Experiment, tmp_path, jobs):
    lines = ["a\tA deep voice.\tm", "b\tA voice.\twoman", "c\tA voice.\t", "d\tA\tvoice of two.", f"{WOMAN}"]
    (tmp_path / "texts").write_text("\n".join(lines) + "\n")
    words = ["--text_file", str(tmp_path / "texts"), "--seed", "3"]
    out = draw(spoken, tmp_path / "out", *words)
    told = provenance(out)
    by_text = {row["text_id"]: row for row in told.values()}
    assert [by_text[text_id]["text"] for text_id in "abcd"] == [
        "A deep voice.", "A voice.", "A voice.", "A\tvoice of two."
    ]  # fmt: skip
    genders = read_table(out / "spk2gender")
    assert len(genders) == 200
    assert {genders[key] for key, row in told.items() if row["text_id"] == "a"} == {"m"}
    assert {genders[key] for key, row in told.items() if row["text_id"] == "b"} == {"f"}
    assert {row["text_id"] for row in told.values() if row["gender_posterior"]} == {"c", "d", "text00005"}
    if jobs:
        options = ["--model", str(spoken.root / "ridge_gaussian"), "--out", str(tmp_path / "jobs/out"), "-n", "40"]
        assert plan_samples.main([*options, *words]) == 0
        assert sample.main([*options, *words, "--job", "1"]) == 0 and merge_samples.main([*options, *words]) == 0
        for name in ("spk2gender", "provenance.jsonl", "utt2description"):
            assert (tmp_path / "jobs/out" / name).read_bytes() == (out / name).read_bytes()


def test_the_third_column_goes_before_the_option(spoken: Experiment, tmp_path):
    (tmp_path / "texts").write_text("a\tA deep voice.\tm\nb\tA voice.\n")
    out = draw(spoken, tmp_path / "out", "--text_file", str(tmp_path / "texts"), "--gender", "f")
    genders = read_table(out / "spk2gender")
    assert {key.split("-")[1] + letter for key, letter in genders.items()} == {"am", "bf"}


@pytest.mark.hostile("A gender that is neither m nor f, as an option and in a file")
@pytest.mark.parametrize("word", ["x", "femal", "mf", "2", "other"])
def test_a_word_that_is_no_gender_is_refused(spoken: Experiment, tmp_path, capsys, word):
    (tmp_path / "texts").write_text(f"a\tA voice.\tm\nb\tA voice.\t{word}\n")
    model = ["--model", str(spoken.root / "ridge_gaussian"), "--out", str(tmp_path / "out")]
    for more, where in (
        (["--text", "A voice.", "--gender", word], "--gender: expected m or f"),
        (["--text_file", str(tmp_path / "texts")], "texts:2: the third column: expected m or f"),
    ):
        assert sample.main([*model, *more]) == 1
        said = capsys.readouterr().err.splitlines()
        assert where in said[-1] and word in said[-1] and not (tmp_path / "out").exists()


def test_groups_keep_the_gender_of_the_group(tmp_path, capsys):
    options = known_options(tmp_path)
    (tmp_path / "model 1.0/gender.json").write_text('{"weights": [0, 0, 0], "offset": 9}')  # everybody is female
    assert sample.main(options) == 0
    genders = read_table(tmp_path / "groups/spk2gender")
    assert all(letter == key.split("-")[1][0] for key, letter in genders.items()) and len(genders) == 200
    assert "gender" not in (tmp_path / "groups/provenance.jsonl").read_text().replace("male_low", "")
    assert sample.main([*options, "--gender", "f"]) == 1
    assert "--gender is for --text and --text_file" in capsys.readouterr().err


def test_groups_without_a_gender_have_that_of_the_classifier(tmp_path):
    options = known_options(tmp_path)
    text2group = tmp_path / "descriptions/text2group"
    write_table(text2group, dict.fromkeys(read_table(text2group), "low"))
    (tmp_path / "model 1.0/gender.json").write_text('{"weights": [0, 0, 0], "offset": 9}')
    assert sample.main(options) == 0
    assert set(read_table(tmp_path / "groups/spk2gender").values()) == {"f"}


def test_a_model_that_knows_no_genders_says_so(spoken: Experiment, tmp_path, caplog):
    caplog.set_level("INFO")
    model = Path(shutil.copytree(spoken.root / "ridge_gaussian", tmp_path / "model"))
    (model / "gender.json").unlink()
    out = draw(spoken, tmp_path / "out", "--text", WOMAN, model=model)
    assert not (out / "spk2gender").exists() and "40 of 40 speakers, as the model has no gender.json" in caplog.text
    assert "gender" not in (out / "provenance.jsonl").read_text()
    (tmp_path / "texts").write_text(f"a\t{WOMAN}\tf\nb\t{WOMAN}\n")
    caplog.clear()
    draw(spoken, tmp_path / "some", "--text_file", str(tmp_path / "texts"), model=model)
    assert "40 of 80 speakers, as the model has no gender.json" in caplog.text and "threshold" not in caplog.text
    given = draw(spoken, tmp_path / "given", "--text", WOMAN, "--gender", "f", model=model)
    assert set(read_table(given / "spk2gender").values()) == {"f"}


def test_a_corpus_of_unknown_genders_trains_no_classifier(tmp_path):
    made = write_experiment(tmp_path)
    for name in ("train", "dev"):
        (made.index / name / "spk2gender").unlink()
        groups = made.index / name / "utt2group"
        write_table(groups, {key: group.split("_")[1] for key, group in read_table(groups).items()})
    descriptions = made.descriptions / "text2group"
    write_table(descriptions, {key: group.split("_")[1] for key, group in read_table(descriptions).items()})
    assert not (fit(made, "gaussian") / "gender.json").exists()


@pytest.mark.hostile("A gender.json that holds no classifier of these embeddings")
@pytest.mark.parametrize(
    "content",
    [
        "{}",
        "[1]",
        '{"weights": [1, 2], "offset": 0}',
        '{"weights": "x", "offset": 0}',
        '{"weights": [1, 2, 3], "offset": null}',
        '{"weights": [1, 2, NaN], "offset": 0}',
        '{"weights": [1, 2, 3], "offset": 1e999}',
        '{"weights": [[1], [2], [3]], "offset": 0}',
        '{"weights": [1e308, 1e308, 1e308], "offset": 0}',
        '{"weights": [1, 2, 3], "offset": 0, "positive": "m"}',
    ],
)
def test_a_broken_classifier_is_named(tmp_path, capsys, content):
    options = known_options(tmp_path)
    (tmp_path / "model 1.0/gender.json").write_text(content)
    assert sample.main(options) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and "model 1.0/gender.json" in said[0] and not (tmp_path / "groups").exists()


def test_posteriors_of_any_odds():
    classifier = GenderClassifier(np.array([1e4]), 0.0)
    assert classifier.female(np.array([[-1.0], [0.0], [1.0]])).tolist() == [0, 0.5, 1]
    assert letters(np.array([0.05, 0.5, 0.8, 1.0]), 0.9) == ["m", None, None, "f"]


def test_the_table_of_thresholds(spoken: Experiment, capsys):
    words = ["--exp", str(spoken.root), "--model", "ridge_gaussian", "--n_samples", "20"]
    assert gender_threshold.main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("32 utterances of 8 speakers") and len(lines) == 4 + len(gender_threshold.THRESHOLDS)
