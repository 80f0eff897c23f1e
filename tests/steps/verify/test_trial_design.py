"""Which utterances enrol, and which pairs are trials, on sets so small that all of it can be seen."""

import numpy as np

from steps.verify.trial_design import SAMPLED, STRANGER, Side, design_trials, divide_utterances
from utils.table_values import parse_segment


def test_first_utterances_enrol_and_one_is_always_left_to_test():
    found = divide_utterances({"a": ["a1", "a2", "a3", "a4"], "b": ["b1", "b2"], "c": ["c1"]}, 2, {})
    assert found.enrolment == {"a": ["a1", "a2"], "b": ["b1"]}
    assert found.tests == ["a3", "a4", "b2", "c1"] and found.overlapping == []


def test_tests_that_share_sound_with_an_enrolment_are_left_out():
    lines = {
        "a1": "r 0 3",
        "a2": "r 1.5 4.5",
        "a3": "r 3 6",
        "a4": "other 0 3",
        "a5": "r 2 -1",
        "a6": "r 3 -1",
        "a7": "r 0 3 1",
    }
    segments = {key: parse_segment(line) for key, line in lines.items()}
    found = divide_utterances({"a": [*lines, "a8"]}, 1, segments)
    assert found.overlapping == ["a2", "a5"] and found.tests == ["a3", "a4", "a6", "a7", "a8"]


def test_kinds_tell_source_and_gender():
    real = Side(["a2", "b2", "c1"], ["a", "b", "c"], STRANGER, 0)
    sampled = Side(["s1", "s2"], ["s1", "s2"], SAMPLED, 0)
    genders = {"a": "f", "b": "m", "s1": "f", "s2": "m"}
    trials = design_trials(["a", "b"], [real, sampled], genders, np.random.default_rng(0))
    listed = {trials.name(number): trials.kinds[kind] for number, kind in enumerate(trials.kind)}
    assert listed == {
        "a a2": "own", "a b2": "stranger-other", "a c1": "stranger", "a s1": "sampled-same", "a s2": "sampled-other",
        "b b2": "own", "b a2": "stranger-other", "b c1": "stranger", "b s1": "sampled-other", "b s2": "sampled-same",
    }  # fmt: skip
    assert [trials.name(number) for number in np.flatnonzero(trials.targets)] == ["a a2", "b b2"]


def test_draws_keep_all_targets_and_take_each_test_once():
    tests = [f"{speaker}{take}" for speaker in "abcde" for take in range(4)]
    side = Side(tests, [name[0] for name in tests], STRANGER, 7)
    for seed in range(5):
        trials = design_trials(list("abcde"), [side], {}, np.random.default_rng(seed))
        names = [trials.name(number) for number in range(len(trials))]
        assert len(set(names)) == len(names) == 5 * (4 + 7) and trials.targets.sum() == 20
