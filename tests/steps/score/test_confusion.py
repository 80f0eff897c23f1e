"""What samples are heard as: shares of a generator that is right, and of one that makes every voice of one kind."""

import numpy as np
import pytest

from steps.score.confusion import confusion_panels, heard_shares
from steps.score.evaluation import Examples, Scorer
from steps.score.group_table import per_group
from steps.score.results import build_document
from tests.steps.score.voices import GROUPS
from utils.report_page import png_of

NONE = np.empty(0)


@pytest.fixture(scope="module")
def heard(scorer: Scorer) -> dict:
    """Shares of real test speakers under their names, and under the name `real` of women in the place of all."""
    test = scorer.data.test
    women = test.x[np.char.startswith(test.groups, "female")]
    examples = {
        "test": Examples(test.x, test.groups, NONE, NONE),
        "real": Examples(np.resize(women, test.x.shape), test.groups, NONE, NONE),
    }
    return heard_shares(scorer.data, scorer.judges, scorer.seed, examples)


def test_rows_are_shares_of_what_is_heard(heard: dict):
    gender = heard["attributes"]["gender"]
    assert gender["values"] == ["female", "male"]
    assert heard["attributes"]["pitch"]["values"] == ["low", "medium", "high"]
    for table in (gender["real"], gender["models"]["test"]):
        assert np.diag(table) == pytest.approx([1, 1], abs=0.05)
    assert np.array(gender["models"]["real"]) == pytest.approx(np.array([[1, 0], [1, 0]]), abs=0.05)
    for found in heard["attributes"].values():
        for table in (found["real"], *found["models"].values()):
            assert np.sum(table, axis=1) == pytest.approx(np.ones(len(table)))


def test_groups_have_their_speakers_and_shares(heard: dict):
    assert sorted(heard["groups"]) == sorted(GROUPS)
    for group, found in heard["groups"].items():
        assert (found["train"], found["test"]) == (30, 20)
        assert found["models"]["real"]["gender"] == pytest.approx(float(group.startswith("female")), abs=0.05)


def test_panels_say_what_they_show(heard: dict):
    drawn = confusion_panels(heard, "real")
    assert [words.partition(":")[0] for words, _ in drawn] == ["gender", "pitch"]
    assert "heard as asked: female 100 %, male 0 %" in drawn[0][0] and len(png_of(drawn[0][1])) > 5000


def test_values_that_nobody_asked_for_have_no_row(scorer: Scorer):
    x = scorer.data.test.x[:50]
    examples = {"m": Examples(x, np.full(len(x), "female_low"), NONE, NONE)}
    heard = heard_shares(scorer.data, scorer.judges, 0, examples)
    assert heard["attributes"]["gender"]["models"]["m"][1] == [None, None]
    words, figure = confusion_panels(heard, "m")[0]
    assert "nan" not in words and png_of(figure)


def test_the_table_of_groups(scorer: Scorer):
    evaluated = {"again": scorer.references["real_same_group"]}
    shares = heard_shares(scorer.data, scorer.judges, 0, {"again": evaluated["again"][1]})
    document = build_document(scorer, evaluated, heard=shares)
    table = per_group(document)
    assert [row[0].text for row in table.rows] == [group.replace("_", " ") for group in sorted(GROUPS)]
    assert table.header[1:4] == ["training speakers", "test speakers", "coverage"]
    assert all("nan" not in cell.text for row in table.rows for cell in row)
    assert per_group(build_document(scorer, evaluated)).rows == []
