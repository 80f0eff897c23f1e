"""Batches by a budget: every outcome once, little filling, and the same number in each epoch."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from steps.data.unit_sequences import UnitsInfo, UnitsWriter
from steps.unit_lm.batches import LmBatches, buckets
from steps.unit_lm.sequences import UnitSequences
from steps.unit_lm.vocabulary import Vocabulary
from tests.steps.unit_lm.unit_dirs import N_UNITS
from utils.data_dir import write_data_dir

VOCABULARY = Vocabulary(N_UNITS)


@pytest.mark.parametrize("longest", [1000, 5])
def test_each_outcome_comes_once_in_an_epoch(units, longest):
    sequences = UnitSequences(units.train)
    batches = LmBatches(sequences, VOCABULARY, 100, longest)
    found = [[] for _ in range(len(sequences))]
    n = 0
    for batch in batches.epoch(np.random.default_rng(0)):
        n += 1
        assert batch.symbols.size <= 100
        assert (batch.symbols[~batch.real] == VOCABULARY.pad).all()
        for row, symbols, outcomes, real in zip(batch.rows, batch.symbols, batch.outcomes, batch.real, strict=True):
            found[row] += zip(symbols[real].tolist(), outcomes[real].tolist(), strict=True)
    assert n == batches.n_batches
    for number, pairs in enumerate(found):
        units_of = sequences.units(number)
        wanted = zip(VOCABULARY.read(units_of).tolist(), VOCABULARY.outcomes(units_of).tolist(), strict=True)
        assert sorted(pairs) == sorted(wanted)


def test_an_epoch_can_begin_within(units):
    batches = LmBatches(UnitSequences(units.train), VOCABULARY, 60, 1000)
    whole = list(batches.epoch(np.random.default_rng(1)))
    rest = list(batches.epoch(np.random.default_rng(1), 3))
    assert [batch.rows.tolist() for batch in rest] == [batch.rows.tolist() for batch in whole[3:]]


def test_little_is_filled_up():
    lengths = np.minimum(np.random.default_rng(0).lognormal(5.3, 0.6, 2000).astype(int) + 1, 1500)
    places = real = 0
    for members, rows in buckets(lengths, 4096):
        for begin in range(0, len(members), rows):
            own = lengths[members[begin : begin + rows]]
            places, real = places + len(own) * own.max(), real + own.sum()
            assert len(own) * own.max() <= 4096
    assert real / places > 0.93


def test_a_sequence_beyond_the_budget_is_a_batch_alone():
    assert [(members.tolist(), rows) for members, rows in buckets(np.array([5, 50, 6]), 12)] == [
        ([1], 1),
        ([2, 0], 2),
    ]


READ_ALL = """
import re, sys
from pathlib import Path
from steps.unit_lm import sequences

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

sequences.HELD = int(sys.argv[2])
units = sequences.UnitSequences(Path(sys.argv[1]))
before = peak()
print(sum(len(units.units(number)) for number in range(len(units))), peak() - before)
"""


def test_units_may_be_larger_than_the_memory(tmp_path):
    """48 MB of archives: what is mapped is let go of, so that the peak of the memory does not grow with them."""
    n, length = 40, 150_000
    units, path = (np.arange(length) % 7).astype(np.int32), tmp_path / "large"
    path.mkdir()
    with UnitsWriter(path, path, UnitsInfo(7, 0.02, "made up")) as writer:
        for number in range(n):
            writer.add(f"u{number:02d}", units, np.ones(length, np.int32))
    write_data_dir(path, {"utt2spk": {f"u{number:02d}": "s" for number in range(n)}, **writer.tables()})
    found = {}
    for held in (4 * 2**20, 2**30):
        words = [sys.executable, "-c", READ_ALL, str(path), str(held)]
        said = subprocess.run(words, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[3]).stdout
        read, found[held] = said.split()
        assert int(read) == n * length
    assert float(found[4 * 2**20]) < 16 < 40 < float(found[2**30])
