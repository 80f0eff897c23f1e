"""Samples of language models of units: the first step, one by one and side by side, choices, prompts, durations."""

import numpy as np
import pytest
import torch

from steps.data.unit_sequences import UnitsDir
from steps.unit_lm import sample
from steps.unit_lm.choices import ChoiceOptions, choose, probabilities
from steps.unit_lm.lm_files import DURATION_COUNTS, load_network
from steps.unit_lm.unit_sampler import BLOCK, Limits, SequenceStart, UnitSampler
from tests.steps.unit_lm.conftest import Units, train_small
from tests.steps.unit_lm.unit_dirs import N_UNITS, make_units

NOTHING = np.zeros(0, np.int32)
LIMITS = Limits(1, 20, False)


def drawn(network, n: int, rows: int, limits: Limits = LIMITS, **options: float) -> list[list[int]]:
    starts = [SequenceStart((7, number), NOTHING) for number in range(n)]
    return [units.tolist() for units in UnitSampler(network, ChoiceOptions(**options), limits, rows).draw(starts)]


def test_the_first_step_is_that_of_forward(model):
    """BOS is read once."""
    network, description = load_network(model)
    bos = description.vocabulary.bos
    with torch.inference_mode():
        state = network.begin(2, 4)
        first = network.step(torch.tensor([bos, bos]), state)
        second = network.step(torch.tensor([3, 4]), state)
        torch.testing.assert_close(first, network(torch.tensor([[bos], [bos]]))[:, 0])
        torch.testing.assert_close(second, network(torch.tensor([[bos, 3], [bos, 4]]))[:, 1])
        network.restart(state, torch.tensor([1]))
        again = network.step(torch.tensor([5, bos]), state)
        torch.testing.assert_close(again[1], first[1])
        torch.testing.assert_close(again[0], network(torch.tensor([[bos, 3, 5]]))[0, 2])


def test_first_units_are_as_frequent_as_they_are_likely(model):
    network, description = load_network(model)
    found = [units[0] for units in drawn(network, 2000, 128, Limits(1, 1, False))]
    with torch.inference_mode():
        p = network(torch.tensor([[description.vocabulary.bos]]))[0, 0, :N_UNITS].softmax(0).numpy()
    np.testing.assert_allclose(np.bincount(found, minlength=N_UNITS) / 2000, p, atol=0.035)


@pytest.mark.parametrize(("n", "rows"), [(5, 1), (20, 7), (70, 64), (70, 130)])
def test_sequences_are_the_same_side_by_side_and_one_by_one(model, n, rows):
    network, _ = load_network(model)
    assert drawn(network, n, rows) == drawn(network, 70, 70)[:n]


def test_products_of_blocks_do_not_depend_on_the_place():
    torch.manual_seed(0)
    a, b = torch.randn(3 * BLOCK, 48), torch.randn(48, 37)
    whole = a @ b
    parts = [a[begin : begin + BLOCK] @ b for begin in range(0, len(a), BLOCK)]
    turned = a.roll(5, 0) @ b
    assert torch.equal(whole, torch.cat(parts))
    assert torch.equal(whole, turned.roll(-5, 0))


def test_what_is_drawn_is_a_unit_sequence(model):
    network, _ = load_network(model)
    found = drawn(network, 200, 64, Limits(4, 9, False), temperature=2.0)
    assert {unit for units in found for unit in units} == set(range(N_UNITS))  # no BOS, EOS or PAD
    assert all(4 <= len(units) <= 9 for units in found)
    assert all(one != other for units in found for one, other in zip(units, units[1:], strict=False))


LOGITS = torch.tensor([[2.0, 1.0, 1.0, -torch.inf, 0.0]])


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"temperature": 0}, [0]), ({"top_k": 1}, [0]), ({"top_k": 2}, [0, 1]), ({"top_k": 3}, [0, 1, 2]),
        ({"top_k": 99}, [0, 1, 2, 4]), ({"top_p": 0.01}, [0]), ({"top_p": 0.6}, [0, 1]),
        ({"top_p": 0.999}, [0, 1, 2, 4]), ({"top_k": 2, "top_p": 0.7}, [0]),
    ],
    ids=str,
)  # fmt: skip
def test_what_may_be_chosen(options, kept):
    p = probabilities(LOGITS, ChoiceOptions(**options))
    assert np.flatnonzero(p[0].numpy()).tolist() == kept
    own = LOGITS[0, kept].double().softmax(0)
    torch.testing.assert_close(p[0, kept], own)


def test_temperature_divides_logits():
    p = probabilities(LOGITS, ChoiceOptions(temperature=0.5))
    torch.testing.assert_close(p, (2 * LOGITS.double()).softmax(1))
    assert probabilities(LOGITS, ChoiceOptions(temperature=1e-300)).tolist() == [[1, 0, 0, 0, 0]]


def test_chances_choose_by_their_share():
    p = torch.tensor([[0.25, 0.0, 0.5, 0.25, 0.0]], dtype=torch.float64)
    chances = torch.tensor([0.0, 0.2499, 0.25, 0.7499, 0.75, 1 - 2**-53], dtype=torch.float64)
    assert choose(p.expand(6, -1), chances).tolist() == [0, 0, 2, 2, 3, 3]


def run(model, out, *words: str) -> int:
    return sample.main(["--model", str(model), "--out", str(out), *words])


def test_bytes_do_not_depend_on_jobs_and_batches(model, tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    words = ["--n", "11", "--max_units", "20", "--top_p", "0.9", "--shard_sequences", "4"]
    assert run(model, one, *words) == 0
    for job in ("3", "1"):  # the second one's shards are done by the last command
        assert run(model, other, *words, "--nj", "3", "--job", job) == 0
    assert run(model, other, *words, "--batch", "2") == 0
    for name in ("units.ark", "durations.ark", "utt2spk", "utt2num_units"):
        assert (one / name).read_bytes() == (other / name).read_bytes()
    units = UnitsDir(one)
    assert units.utterances[:2] == ["sample-000001", "sample-000002"]
    assert units.info.model == "tests"
    assert set(units.utt2spk.values()) == {"sample"}
    assert all(units.read(key).durations.max() <= 3 for key in units.utterances)


def test_prompts_are_continued(model, units, tmp_path):
    words = ["--prompts", str(units.test), "--n", "2", "--set", "prompt_units=3,max_units=25"]
    assert run(model, tmp_path / "out", *words) == 0
    found, prompts = UnitsDir(tmp_path / "out"), UnitsDir(units.test)
    assert len(found.utterances) == 2 * len(prompts.utterances)
    for key in found.utterances:
        (own, lasting), (wanted, durations) = found.read(key), prompts.read(key.rpartition("-")[0])
        n = min(3, len(wanted))
        assert own[:n].tolist() == wanted[:n].tolist()
        assert lasting[:n].tolist() == durations[:n].tolist()
        assert found.utt2spk[key] == key[0]


def test_a_model_of_frames_samples_durations_itself(units, tmp_path):
    assert train_small(units, tmp_path / "model", of_frames="true", epochs=4) == 0
    assert not (tmp_path / "model" / DURATION_COUNTS).exists()
    assert run(tmp_path / "model", tmp_path / "out", "--n", "30", "--max_units", "40") == 0
    found = UnitsDir(tmp_path / "out")
    lasting = np.concatenate([found.read(key).durations for key in found.utterances])
    assert 1.5 < lasting.mean() < 2.6  # 2 in training


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--min_units", "9", "--max_units", "8"], "--min_units 9: more than --max_units, 8"),
        (["--prompts", "{other}"], "the language model was trained on units with 6"),
        (["--prompts", "{test}", "--max_units", "2"], "give --prompt_units"),
        (["--temperature", "-1"], "expected 0 to 1000"),
        (["--name", "two words"], "two words"),
    ],
    ids=["least", "other units", "long prompt", "temperature", "name"],
)
def test_faults_are_one_line(model, units, tmp_path, capsys, words, said):
    other = make_units(tmp_path / "other", "k", n_units=7)
    assert run(model, tmp_path / "out", *(word.format(other=other, test=units.test) for word in words)) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "ERROR" in line]
    assert said in line
    assert not (tmp_path / "out").exists()


def test_sequences_of_the_only_unit(tmp_path, capsys):
    """It never follows itself: a sequence has one unit, and none is longer."""
    only = [make_units(tmp_path / name, name, n=3, n_units=1) for name in "kl"]
    assert train_small(Units(only[0], only[1], only[1]), tmp_path / "model", epochs=1) == 0
    assert run(tmp_path / "model", tmp_path / "out", "--n", "3", "--temperature", "2") == 0
    assert {tuple(UnitsDir(tmp_path / "out").read(f"sample-00000{n}").units) for n in (1, 2, 3)} == {(0,)}
    assert run(tmp_path / "model", tmp_path / "longer", "--min_units", "2") == 1
    assert "knows one unit, which never follows itself" in capsys.readouterr().err
