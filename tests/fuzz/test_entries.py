"""Mutated input at every entry: always the same trials, about a minute of them.

`python3 -m tests.bench.fuzz --minutes 60 --seed 1` tries as many others as there is time for.
"""

from pathlib import Path

import pytest

from tests.fuzz.entries import ENTRIES
from tests.fuzz.machine import Machine
from tests.fuzz.trials import Trials, attack

SECONDS, LEAST = 2, 4  # of an entry, and trials of one that takes long


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory):
    machine = Machine(tmp_path_factory.mktemp("machine"))
    yield machine
    machine.close()


@pytest.fixture(scope="module", params=ENTRIES)
def trials(request, machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Trials:
    return Trials(request.param, tmp_path_factory.mktemp("trials"), machine)


def test_input_as_it_is_succeeds(trials: Trials):
    outcome, faults = trials.run([])
    assert outcome.status == 0 and not faults, outcome.stderr


def test_mutated_input_breaks_no_promise(trials: Trials):
    attack(trials, max(LEAST, round(SECONDS / trials.entry.cost)))
    assert trials.refused and trials.accepted, "the mutations are all fatal, or none of them is noticed"


def test_broken_promises_are_found(machine: Machine, tmp_path: Path):
    """The machine sees what it is there to see."""
    faults = {
        "raises": "traceback: ZeroDivisionError",
        "hogs": "MB of memory",
        "spins": "s of processor time",
        "dies": "ended by signal",
        "silent": "failed without a word",
    }
    for word, fault in faults.items():
        outcome = machine.run([("tests.fuzz.misbehaviour", [word])], tmp_path)
        assert any(fault in found for found in outcome.faults()), (word, outcome)
