"""Training of language models of units as a command: what is learned, refused and resumed."""

import json

import numpy as np
import pytest
import torch

from steps.training.loop import Loop
from steps.training.workplace import Workplace
from steps.unit_lm import train, train_ngram
from steps.unit_lm.durations import DurationSampler, count_durations
from steps.unit_lm.lm_files import load_network
from steps.unit_lm.network_options import UnitLmOptions, make_network
from steps.unit_lm.sequences import UnitSequences
from steps.unit_lm.task import UnitLmTask
from steps.unit_lm.vocabulary import Vocabulary
from tests.steps.unit_lm.conftest import SMALL, train_small
from tests.steps.unit_lm.unit_dirs import N_UNITS, make_units
from utils.command_line import make_parser
from utils.options import parse
from utils.run_again import RunAgain
from utils.settings import read_conf


def test_what_follows_is_learned(model):
    rows = [json.loads(line) for line in (model / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["dev_bits"] < 1.5 < rows[0]["dev_bits"]
    assert rows[-1]["dev_bits_per_second"] > 10 * rows[-1]["dev_bits"]


def test_symbols_that_are_none_have_no_logits(model):
    network, description = load_network(model)
    own = description.vocabulary
    assert (own.bos, own.eos, own.pad) == (N_UNITS, N_UNITS + 1, N_UNITS + 2)
    assert network(torch.tensor([[own.bos, 0, 1]])).shape == (1, 3, N_UNITS + 1)
    assert own.read(np.array([3, 4])).tolist() == [own.bos, 3, 4]
    assert own.outcomes(np.array([3, 4])).tolist() == [3, 4, N_UNITS]


def test_padding_changes_no_logits(model):
    network, description = load_network(model)
    bos, pad = description.vocabulary.bos, description.vocabulary.pad
    alone = network(torch.tensor([[bos, 3, 4]]))
    beside = network(torch.tensor([[bos, 3, 4, pad, pad], [bos, 0, 1, 2, 3]]))
    torch.testing.assert_close(beside[:1, :3], alone)


def test_every_outcome_weighs_the_same_in_the_loss(units):
    """Also where a batch is worked through in parts."""
    options = UnitLmOptions(**SMALL)
    task = UnitLmTask(UnitSequences(units.train), UnitSequences(units.dev), options, "cpu")
    task.network.eval()
    batch = next(iter(task.batches(1, 0, np.random.default_rng(0))))
    rows = [task.part(batch, number, len(batch.rows)) for number in range(len(batch.rows))]
    each = [task.loss(part).item() for part, _ in rows]
    mean = np.average(each, weights=[part.lengths.sum() for part, _ in rows])
    assert task.loss(batch).item() == pytest.approx(mean, rel=1e-5)
    assert np.mean([loss * weight for loss, (_, weight) in zip(each, rows, strict=True)]) == pytest.approx(
        mean, rel=1e-5
    )


@pytest.mark.parametrize("network", ["lstm", "transformer"])
def test_a_training_that_was_stopped_ends_with_the_same_bits(units, tmp_path, network):
    options = UnitLmOptions(**SMALL | {"network": network, "epochs": 2, "hidden": 8})
    sets = UnitSequences(units.train), UnitSequences(units.dev)
    asked = iter([False] * 2 + [True])

    def weights(directory, stop_requested):
        place = Workplace(tmp_path / directory, "cpu", stop_requested)
        place.directory.mkdir(exist_ok=True)
        return Loop(UnitLmTask(*sets, options, "cpu"), options, place).run().state_dict()

    with pytest.raises(RunAgain):
        weights("stopped", lambda: next(asked, True))
    one, other = weights("stopped", lambda: False), weights("straight", lambda: False)
    assert all(torch.equal(one[name], other[name]) for name in other)


def test_learning_rates_without_a_point_are_numbers(tmp_path):
    """YAML 1.1 takes 1e-05 for a text; so does a name of a directory."""
    (tmp_path / "lstm_lr1e-05.yaml").write_text("lr: 1e-05\nhidden: 512\n")
    assert read_conf(UnitLmOptions, tmp_path / "lstm_lr1e-05.yaml") == {"lr": 1e-5, "hidden": 512}
    words = ["--train", "a", "--dev", "b", "--out", "exp/lstm_lr1e-05", "--set", "lr=1e-05"]
    assert parse(train.Options, words, "train").lr == 1e-5
    assert make_parser(train.Options, "train", "")


def test_speakers_of_both_sets_are_refused(units, tmp_path, capsys):
    both = units._replace(dev=make_units(tmp_path / "dev", "fg"))
    assert train_small(both, tmp_path / "out") == 1
    assert "f: " in (said := capsys.readouterr().err)
    assert "steps.unit_lm.split" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"network": "transformer", "hidden": 14}, "heads: expected a divisor"),
        ({"network": "gru"}, "lstm, transformer"),
    ],
    ids=["heads", "network"],
)
def test_wrong_sizes_are_one_line(units, tmp_path, capsys, settings, said):
    assert train_small(units, tmp_path / "out", **settings) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "ERROR" in line]
    assert said in line


def test_units_of_frames_need_durations(units, tmp_path, capsys):
    bare = units._replace(train=make_units(tmp_path / "bare", "ab", durations=False))
    assert train_small(bare, tmp_path / "out", of_frames="true") == 1
    assert "of_frames" in capsys.readouterr().err


def test_durations_are_drawn_as_often_as_they_came(units):
    sequences = UnitSequences(units.train)
    counts = count_durations(sequences)
    assert counts.sum() == sequences.lengths.sum()
    drawn = DurationSampler(counts).draw(np.full(4000, 2), np.random.default_rng(0))
    found = np.bincount(drawn, minlength=counts.shape[1] + 1)[1:] / len(drawn)
    np.testing.assert_allclose(found, counts[2] / counts[2].sum(), atol=0.03)


def test_rows_of_a_description_are_checked(model, tmp_path):
    network, description = load_network(model)
    own = make_network(network.options, Vocabulary(N_UNITS))
    assert {name: value.shape for name, value in own.state_dict().items()} == {
        name: value.shape for name, value in network.state_dict().items()
    }
    assert description.model == "tests"


def test_ngrams_of_too_many_symbols_are_refused(tmp_path, capsys):
    units = make_units(tmp_path / "many", "a", n_units=100_000)
    assert train_ngram.main(["--train", str(units), "--out", str(tmp_path / "out"), "--order", "5"]) == 1
    assert "expected 3 at most" in capsys.readouterr().err
