"""Lists of trials, and all pairs in blocks: the right pairs, their scores, and no matrix of all of them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from steps.metrics.trials import AllPairs, Trials
from utils.errors import InputError
from utils.vectors import unit_rows

ROOT = Path(__file__).parents[3]
FEW = Trials(
    ["m1", "m2"], ["a-1", "a-2", "b-1"], np.array([0, 0, 1, 1]), np.array([0, 2, 2, 1]),
    np.array([True, False, True, False]), ["all"], np.zeros(4, int),
)  # fmt: skip
ENROL2SPK, UTT2SPK = {"m1": "a", "m2": "b"}, {"a-1": "a", "a-2": "a", "b-1": "b"}


def listed(pairs: AllPairs) -> set[tuple[int, int]]:
    """All pairs, the smaller number first."""
    numbers = np.arange(len(pairs.speakers))
    sides = [block.sides(numbers) for block in pairs]
    both = [tuple(sorted(pair)) for first, second in sides for pair in zip(first, second, strict=True)]
    assert len(both) == len(set(both))
    return set(both)


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
def test_pairs_and_folds(block: int):
    speakers = np.array(["b", "a", "b", "c"])
    pairs = AllPairs(speakers, block=block)
    assert listed(pairs) == {(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)}
    assert (pairs.n_targets, pairs.n_nontargets, pairs.n_speakers) == (1, 5, 3)
    within = AllPairs(speakers, np.array([7, 1, 7, 1]), block)
    assert listed(within) == {(0, 2), (1, 3)}
    assert (within.n_targets, within.n_nontargets, within.n_speakers) == (1, 1, 3)


@pytest.mark.parametrize("block", [1, 60, 1 << 20])
def test_scores_of_all_pairs_are_those_of_the_full_matrix(block: int):
    rng = np.random.default_rng(0)
    x, speakers = unit_rows(rng.normal(size=(40, 6))), rng.integers(0, 9, 40)
    folds = speakers % 2
    pairs = AllPairs(speakers, folds, block)
    blocks = list(pairs.cosines(x))
    first, second = np.triu_indices(40, 1)
    kept = folds[first] == folds[second]
    expected = (x @ x.T)[first[kept], second[kept]]
    np.testing.assert_allclose(np.sort(np.concatenate([one.scores for one in blocks])), np.sort(expected))
    targets = sum(one.scores[one.targets].sum() for one in blocks)
    assert targets == pytest.approx(expected[(speakers[first] == speakers[second])[kept]].sum())
    assert sum(one.targets.sum() for one in blocks) == pairs.n_targets
    assert sum(len(one.scores) for one in blocks) == pairs.n_targets + pairs.n_nontargets
    assert all(((one.enrol_speakers == one.test_speakers) == one.targets).all() for one in blocks)
    assert max(len(one.scores) for one in blocks) <= max(block, 40)


def test_a_score_may_be_any_function_of_two_sets_of_segments():
    lengths = np.array([1.0, 5, 2])
    pairs = AllPairs(np.arange(3)).scored(lambda rows, columns: -abs(lengths[rows, None] - lengths[columns]))
    assert sorted(np.concatenate([one.scores for one in pairs])) == [-4, -3, -1]


def test_scores_of_a_list():
    enrol, test = np.eye(3)[:2], np.eye(3)
    assert len(FEW) == 4 and FEW.name(1) == "m1 b-1"
    assert FEW.products(enrol, test).tolist() == [1, 0, 0, 1]


def test_a_list_finds_its_speakers():
    scored = FEW.scored(np.arange(4.0), ENROL2SPK, UTT2SPK)
    assert scored.n_speakers == 2
    assert scored.enrol_speakers.tolist() == [0, 0, 1, 1] and scored.test_speakers.tolist() == [0, 1, 1, 0]


def test_speakers_that_contradict_a_list():
    with pytest.raises(InputError, match="enrolment 'm2' has no speaker"):
        FEW.scored(np.arange(4.0), {"m1": "a"}, UTT2SPK)
    with pytest.raises(InputError, match="test segment 'a-2' has no speaker"):
        FEW.scored(np.arange(4.0), ENROL2SPK, {"a-1": "a", "b-1": "b"})
    with pytest.raises(InputError, match="trial 'm1 a-1' is a target of two speakers, a and b"):
        FEW.scored(np.arange(4.0), ENROL2SPK, {**UTT2SPK, "a-1": "b"})


def test_a_list_is_a_table():
    table = FEW.table()
    assert list(table) == ["enrol", "test", "target", "kind"]
    assert table[table.target].test.tolist() == ["a-1", "b-1"] and set(table.kind) == {"all"}


PEAK = """
from pathlib import Path
import numpy as np
from steps.metrics.bootstrap import joint_bootstrap
from steps.metrics.detection import DetCurve, equal_error_rate
from steps.metrics.trials import AllPairs
from utils.vectors import unit_rows

def measure(n):
    rng = np.random.default_rng(0)
    speakers = np.arange(n) % 50
    x = unit_rows((rng.normal(size=(50, 32))[speakers] + 2 * rng.normal(size=(n, 32))).astype(np.float32))
    trials = AllPairs(speakers).cosines(x)
    rate = equal_error_rate(DetCurve.of_blocks(trials))
    drawn = equal_error_rate(joint_bootstrap(trials, 5, rng).curve)
    assert abs(drawn.mean() - rate) < 0.02
    status = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024  # ru_maxrss would be that of the process that started this one

print(measure(2000), measure(3000))
"""


def test_memory_does_not_grow_with_the_pairs():
    """3,000 segments have 2.5 million pairs more than 2,000; two numbers of each alone would be 40 MB."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    small, large = map(float, done.stdout.split())
    print(f"2,000 segments {small:.0f} MB, 3,000 segments {large:.0f} MB")
    assert large - small < 20
