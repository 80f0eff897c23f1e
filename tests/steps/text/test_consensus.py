"""A consensus keeps what describers agree on, and drops their habits."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from threadpoolctl import threadpool_limits

from steps.text import augment
from steps.text.consensus import CONSENSUS, FEWEST_PERSONS, Consensus
from steps.text.describers import Described, read_describers, some_persons, write_consensus
from steps.text.encode import SentenceEncoder
from steps.text.rewording import reword
from utils.errors import InputError
from utils.tables import write_table

DIM = 20


def described(n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Traits (n, 2) of persons, texts of two annotators, whose they are and by whom: habits are louder than traits."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(5).standard_normal((6, DIM))
    traits = rng.standard_normal((n, 2))
    texts = []
    for annotator in range(2):
        habits = 2 * rng.standard_normal((n, 4)) + annotator
        texts.append(np.concatenate([traits, habits], axis=1) @ mixing + 0.3 * rng.standard_normal((n, DIM)))
    return traits, np.concatenate(texts), np.tile(np.arange(n), 2), np.repeat([0, 1], n)


def told(values: np.ndarray, traits: np.ndarray) -> float:
    """Share of the variance of traits that a linear map of values tells."""
    values = values - values.mean(axis=0)
    rest = traits - values @ np.linalg.lstsq(values, traits, rcond=None)[0]
    return 1 - rest.var() / traits.var()


def test_two_coordinates_tell_the_traits_that_two_principal_directions_do_not():
    _, texts, persons, annotators = described()
    consensus = Consensus.fit(texts, persons, annotators)
    traits, unseen, *_ = described(seed=1)
    own = unseen[: len(traits)]
    assert told(consensus(own)[:, :2], traits) > 0.8
    assert told(Consensus.principal(texts)(own)[:, :2], traits) < 0.5


def test_few_persons_with_two_describers_teach_nothing():
    _, texts, persons, annotators = described(FEWEST_PERSONS - 1)
    assert Consensus.fit(texts, persons, annotators) is None
    assert Consensus.fit(texts, np.arange(len(texts)), annotators) is None


def test_a_file_brings_it_back(tmp_path):
    consensus = Consensus.fit(*described()[1:])
    consensus.save(tmp_path / "consensus.safetensors")
    texts = described(5)[1]
    np.testing.assert_array_equal(Consensus.load(tmp_path / "consensus.safetensors")(texts), consensus(texts))
    (tmp_path / "consensus.safetensors").write_bytes(b"12345678")
    with pytest.raises(InputError, match="not readable"):
        Consensus.load(tmp_path / "consensus.safetensors")
    save_file({"mean": np.zeros(3), "weights": np.zeros(3)}, tmp_path / "consensus.safetensors")
    with pytest.raises(InputError, match="has the shape"):
        Consensus.load(tmp_path / "consensus.safetensors")


def table_of(path: Path, first: str, number: int = FEWEST_PERSONS) -> Path:
    """A table of two texts of each of so many persons."""
    path.write_text(first + "".join(f"p{n:02d},{word}\n" for word in ("calm", "dark") for n in range(number)))
    return path


def test_describers_without_annotators_are_numbered_by_person(tmp_path):
    texts, persons, annotators = read_describers(table_of(tmp_path / "texts.csv", "speaker,text\n"), ())
    assert texts == ["calm"] * FEWEST_PERSONS + ["dark"] * FEWEST_PERSONS
    assert persons.tolist() == 2 * list(range(FEWEST_PERSONS))
    assert annotators.tolist() == FEWEST_PERSONS * [0] + FEWEST_PERSONS * [1]


@pytest.mark.field_case("tables of describers with other columns, of too few persons, or without a speaker")
@pytest.mark.parametrize(
    ("first", "number", "message"),
    [
        ("speaker,text\n,calm\n", FEWEST_PERSONS, "texts.csv:2: no speaker"),
        ("speaker,text\n", FEWEST_PERSONS - 1, "fewer than 50 persons are described by more than one"),
        ("whom,text\n", FEWEST_PERSONS, "name it, as in speaker=COLUMN of --describer_columns"),
    ],
)
def test_a_bad_table_of_describers_is_refused_before_anything_is_written(tmp_path, capsys, first, number, message):
    write_table(tmp_path / "utt2spk", {"u": "s"})
    write_table(tmp_path / "utt2gender", {"u": "female"})
    table = table_of(tmp_path / "texts.csv", first, number)
    options = f"--data {tmp_path} --attributes gender --out {tmp_path}/d --vec_out {tmp_path}/v --describers {table}"
    assert augment.main(options.split()) == 1
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not list(tmp_path.glob("*d*/")) and not (tmp_path / "v").exists()


def test_columns_of_describers_are_named_apart_from_those_of_captions(tmp_path):
    table = table_of(tmp_path / "texts.csv", "whom,text\n")
    assert len(read_describers(table, ("speaker=whom",)).texts) == 2 * FEWEST_PERSONS


def test_a_large_table_teaches_by_all_texts_of_some_persons_whom_several_describe():
    persons, annotators = np.repeat(np.arange(200), 3), np.tile([0, 1, 1], 200)
    annotators[persons < 40] = 0
    texts = [f"{person} {annotator}" for person, annotator in zip(persons, annotators, strict=True)]
    described = Described(texts, persons, annotators)
    own, of_whom, by_whom = some_persons(described, 210)
    assert len(own) == 210 and np.bincount(of_whom).tolist() == [3] * 70
    assert {text.split()[0] for text in own} <= {str(person) for person in range(40, 200)}
    assert [text.split()[1] for text in own] == [str(one) for one in by_whom]
    assert some_persons(described, 600).texts == texts
    assert len(some_persons(described, 10).texts) == 3 * FEWEST_PERSONS


@pytest.mark.parametrize("said", [("calm", "dark"), ("...", "?"), ("calm", "calm")])
def test_short_texts_of_describers_teach_or_tell_nothing(tmp_path, said):
    table = tmp_path / "texts.csv"
    rows = (f"{n},{annotator},{text}\n" for n in range(60) for annotator, text in enumerate(said))
    table.write_text("speaker,annotator,text\n" + "".join(rows))
    write_consensus(tmp_path, read_describers(table, ()), SentenceEncoder())
    assert Consensus.load(tmp_path / CONSENSUS)(np.zeros((2, 384))).shape[0] == 2


def test_wordings_hold_no_other_phrases_and_are_the_same_again():
    text = "very young, bright and calm, slightly raspy"
    made = reword(text, "s", 6)
    assert made == reword(text, "s", 6) != reword(text, "t", 6) and len(made) > 2
    assert all("very young" in one or "bright" in one or "calm" in one or "slightly raspy" in one for one in made)
    assert reword("calm", "s", 3) == []


def test_numbers_do_not_depend_on_the_number_of_threads():
    rng = np.random.default_rng(0)
    texts, persons, annotators = rng.normal(size=(600, 384)), rng.integers(0, 100, 600), rng.integers(0, 3, 600)
    made = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            made.append(Consensus.fit(texts, persons, annotators).weights)
    assert np.array_equal(*made)
