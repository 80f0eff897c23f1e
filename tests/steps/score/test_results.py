"""The document of a run as a table: every figure once, with the names that its user gave."""

import contextlib
import doctest
import json
from pathlib import Path

import numpy as np
import pytest

from steps.score import results
from steps.score.evaluation import Scorer
from steps.score.results import build_document, read_results, to_json
from tests.steps.score.voices import truth
from utils.errors import InputError


@pytest.fixture(scope="module")
def experiment(scorer: Scorer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """exp/demo with the scores of a generator, of samples, and of a generator without a density."""
    scores, shown = scorer.references["real_any_group"]
    without = {**scores, "log_density": {"nats": None, "reason": "its density has 2 dimensions"}}
    evaluated = {"my.model": scorer.evaluate_generator(truth()), "samples": (without, shown)}
    exp = tmp_path_factory.mktemp("results") / "exp" / "demo"
    (exp / "score").mkdir(parents=True)
    (exp / "score" / "scores.json").write_text(to_json(build_document(scorer, evaluated)), encoding="utf-8")
    return exp


def numbers(value) -> int:
    """How many numbers, or nulls, nested dicts and lists hold."""
    if isinstance(value, dict | list):
        return sum(map(numbers, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, str)


def test_every_figure_has_a_row(experiment: Path):
    table = read_results(experiment)
    document = json.loads((experiment / "score" / "scores.json").read_text())
    assert len(table) == numbers(document["models"]) + numbers(document["references"])
    assert not table.duplicated(["model", "texts", "metric", "item"]).any()
    assert list(dict.fromkeys(table.model))[:2] == ["my.model", "samples"]
    assert table[table.value.isna()][["model", "metric"]].values.tolist() == [["samples", "log_density.nats"]]
    own = document["models"]["my.model"]
    row = {(metric, item): value for metric, item, value in table[table.model == "my.model"].values[:, 3:].tolist()}
    assert row["log_density.ci95", "low"] == own["log_density"]["ci95"][0]
    assert row["log_density.calibration", "80"] == own["log_density"]["calibration"]["80"]
    heldout = own["samples"]["heldout"]  # the texts that come last in the table
    wanted = table[(table.model == "my.model") & (table.texts == "heldout")].set_index(["metric", "item"]).value
    assert wanted["attributes.accuracy", "pitch"] == heldout["attributes"]["pitch"]["accuracy"]
    assert wanted["frechet.conditions", "gender=male"] == heldout["frechet"]["conditions"]["gender=male"]
    assert wanted["frechet.ratio", ""] == heldout["frechet"]["ratio"]
    assert np.issubdtype(table.value.dtype, np.floating)


def test_a_table_is_read_from_any_of_its_places(experiment: Path):
    whole = read_results(experiment)
    assert whole.equals(read_results(str(experiment / "score")))
    assert whole.equals(read_results(experiment / "score" / "scores.json"))
    with pytest.raises(InputError, match="no scores.json, here or in score/; run stage 6 first"):
        read_results(experiment / "mdn")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "scores.json:1: not JSON"),
        (b"\xff", "scores.json:1: not UTF-8"),
        (b"[]", "expected an object"),
        (b"{}", "no models, order, references"),
        (b'{"models": {}, "order": ["a"], "references": {}}', "not the scores that stage 6 writes"),
        (b'{"models": {"a": 1}, "order": ["a"], "references": {}}', "not the scores that stage 6 writes"),
        (
            b'{"models": {"a": {"kind": "x", "samples": {}, "ci95": [1, 2, 3]}}, "order": ["a"], "references": {}}',
            "not the scores that stage 6 writes",
        ),
    ],
)
def test_another_file_is_told_in_a_line(tmp_path: Path, content: bytes, message: str):
    (tmp_path / "scores.json").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_results(tmp_path)


def test_the_example_runs(experiment: Path):
    with contextlib.chdir(experiment.parents[1]):
        result = doctest.testmod(results)
    assert result.attempted == 3 and result.failed == 0
