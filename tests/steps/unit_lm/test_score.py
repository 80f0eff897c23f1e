"""Bits of utterances, and real orders beside random ones."""

import json
import math

import numpy as np
import pytest
import torch

from steps.unit_lm import score, train_ngram
from steps.unit_lm.language_model import load_lm
from steps.unit_lm.lm_files import load_network
from steps.unit_lm.sequences import UnitSequences
from steps.unit_lm.shuffled import shuffled_order
from tests.steps.unit_lm.unit_dirs import make_units


def scored(model, units, out, *words: str) -> tuple[dict, list[list[str]]]:
    assert score.main(["--model", str(model), "--units", str(units), "--out", str(out), *words]) == 0
    lines = (out / "scores.tsv").read_text().splitlines()
    return json.loads((out / "figures.json").read_text()), [line.split("\t") for line in lines]


def test_bits_are_those_of_forward(model, units, tmp_path):
    figures, (header, *lines) = scored(model, units.test, tmp_path / "out", "--batch_units", "50")
    assert header == ["utterance", "units", "bits", "bits_per_unit", "seconds", "bits_per_second"]
    network, description = load_network(model)
    sequences = UnitSequences(units.test)
    for number, words in enumerate(lines):
        own = sequences.units(number)
        symbols = torch.from_numpy(description.vocabulary.read(own))[None]
        nats = network(symbols)[0].log_softmax(1)[range(len(own) + 1), description.vocabulary.outcomes(own)]
        bits = -nats.sum().item() / math.log(2)
        assert words[:2] == [sequences.utterances[number], str(len(own))]
        assert [float(word) for word in words[2:4]] == pytest.approx([bits, bits / (len(own) + 1)], rel=1e-4)
        assert float(words[5]) == pytest.approx(bits / sequences.seconds[number], rel=1e-3)
    total = sum(float(words[2]) for words in lines)
    assert figures["bits_per_unit"] == pytest.approx(total / (sequences.lengths.sum() + len(sequences)), rel=1e-5)


def test_long_sequences_are_seen_in_stretches_by_a_transformer_alone(model, units):
    model, description = load_lm(model, 100)
    sequences = [UnitSequences(units.test).units(number) for number in range(5)]
    whole = model.bits(sequences)
    model.longest = model.longest and 4
    again = model.bits(sequences)
    assert [len(one) for one in again] == [len(units) + 1 for units in sequences]
    same = all(np.allclose(one, other, atol=1e-4) for one, other in zip(whole, again, strict=True))
    assert same == (description.kind == "lstm")


def test_real_orders_are_preferred(model, units, tmp_path):
    figures, _ = scored(model, units.test, tmp_path / "out", "--shuffled", "true")
    pairs = [line.split("\t") for line in (tmp_path / "out" / "pairs.tsv").read_text().splitlines()[1:]]
    right = [float(real) < float(other) for _, real, other, _ in pairs]
    assert figures["pairs"] == {"n": len(pairs), "right": np.mean(right), "left_out": 16 - len(pairs)}
    assert np.mean(right) > 0.8


def test_ngrams_are_scored_too(units, tmp_path):
    bits = []
    for order in ("1", "2"):
        model = tmp_path / order
        assert train_ngram.main(["--train", str(units.train), "--out", str(model), "--order", order]) == 0
        bits.append(scored(model, units.test, tmp_path / f"of_{order}")[0]["bits_per_unit"])
    assert bits[1] < 1.5 < 2 < bits[0]


def test_random_orders_have_no_equal_neighbours():
    rng = np.random.default_rng(0)
    for number in range(200):
        units = rng.integers(0, 4, 20)
        units = units[np.append(True, units[1:] != units[:-1])]
        order = shuffled_order(units, 0, f"u{number}")
        assert sorted(order) == list(range(len(units)))
        assert (np.diff(units[order]) != 0).all()
        assert not np.array_equal(units[order], units)


@pytest.mark.parametrize("units", [[3], [1, 2, 1], [4, 0, 4, 0, 4], []], ids=str)
def test_where_there_is_no_other_order(units):
    assert shuffled_order(np.array(units, int), 0, "u") is None


def test_units_of_other_models_are_refused(model, tmp_path, capsys):
    other = make_units(tmp_path / "other", "k", n_units=9)
    assert score.main(["--model", str(model), "--units", str(other), "--out", str(tmp_path / "out")]) == 1
    assert "n_units is 9" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["weights.safetensors", "unit_lm.json"])
def test_a_damaged_model_is_one_line(model, units, tmp_path, capsys, name):
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in ("weights.safetensors", "unit_lm.json"):
        content = (model / file).read_bytes()
        (copy / file).write_bytes(content[: len(content) // 2] if file == name else content)
    assert score.main(["--model", str(copy), "--units", str(units.test), "--out", str(tmp_path / "out")]) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "ERROR" in line]
    assert str(copy) in line
