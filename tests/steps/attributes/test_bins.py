"""Bins: the rules that ship, edges and their units, terciles with ties, unknown genders, values out of range."""

from pathlib import Path

import numpy as np
import pytest

from steps.attributes.bins import bin_values, read_rule, thirds
from utils.errors import InputError

RULES = Path(__file__).parents[3] / "local/rules/attributes.yaml"


def test_published_edges_of_pitch():
    rule = read_rule(RULES, "pitch", "hertz")
    assert rule.level == "speaker"
    f0 = {"a": 115.6, "b": 115.7, "c": 149.7, "d": 141.5, "e": 141.6, "f": 184.5, "g": 60.0, "h": 300.0, "i": 150.0}
    gender = dict.fromkeys("abcg", "male") | dict.fromkeys("defh", "female")
    found = bin_values(rule, f0, gender)
    assert found.labels == {
        **{"a": "low", "b": "medium", "c": "high", "d": "low", "e": "medium", "f": "high", "g": "low", "h": "high"},
    }
    assert (found.no_gender, found.clamped) == (("i",), ("g", "h"))


def test_published_edges_of_the_rate():
    rule = read_rule(RULES, "speaking_rate", "phonemes")
    found = bin_values(rule, {"a": 11.4, "b": 11.48, "c": 19.12, "d": 19.13, "e": 30.0}, {})
    assert list(found.labels.values()) == ["slow", "measured", "measured", "fast", "fast"]
    assert found.clamped == ("e",)


def test_nuclei_are_cut_into_thirds_within_the_gender():
    rule = read_rule(RULES, "speaking_rate", "syllable_nuclei")
    women = {f"f{number}": 3.0 + number / 100 for number in range(30)}
    men = {f"m{number}": 5.0 + number / 100 for number in range(30)}
    gender = dict.fromkeys(women, "female") | dict.fromkeys(men, "male")
    found = bin_values(rule, women | men | {"u": 4.5}, gender)
    for group in (women, men):
        labels = [found.labels[key] for key in group]
        assert [labels.count(label) for label in rule.labels] == [10, 10, 10]
    assert found.labels["u"] == "measured" and not found.no_gender  # by the terciles of all


def test_edges_of_one_unit_are_not_applied_to_another(tmp_path):
    (tmp_path / "r.yaml").write_text(
        "speaking_rate: {labels: [slow, fast], level: utterance, units: {phonemes: {edges: [12]}}}\n"
    )
    assert read_rule(tmp_path / "r.yaml", "speaking_rate", "phonemes").edges == {"all": (12.0,)}
    with pytest.raises(InputError, match="has bins for phonemes, but this corpus is measured in syllable_nuclei"):
        read_rule(tmp_path / "r.yaml", "speaking_rate", "syllable_nuclei")


@pytest.mark.parametrize(
    "bins",
    [
        "{edges: [2, 1]}",
        "{edges: [1]}",
        "{edges: {male: [1, 2]}}",
        "{terciles: age}",
        "{edges: [1, 2], terciles: all}",
        "3",
    ],
)
def test_wrong_bins(tmp_path, bins):
    (tmp_path / "r.yaml").write_text(
        f"pitch: {{labels: [low, medium, high], level: speaker, units: {{hertz: {bins}}}}}\n"
    )
    with pytest.raises(InputError, match="r.yaml: pitch: hertz: .*expected"):
        read_rule(tmp_path / "r.yaml", "pitch", "hertz")


def test_thirds_of_counts():
    values = np.repeat([1.0, 2.0, 3.0, 4.0, 5.0], [10, 25, 30, 25, 10])
    assert thirds(values) == (2.5, 3.5)
    assert thirds(np.repeat([1.0, 2.0, 3.0], [80, 10, 10])) == (1.5, 2.5)
