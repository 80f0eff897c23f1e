"""The report of nearest groups."""

import numpy as np
import pytest

from steps.text.nearest import nearest_groups, write_nearest_groups

GROUPS = {"a-1": "a", "a-2": "a", "a-3": "a", "b-1": "b", "b-2": "b"}
EAST, NORTH = np.array([1.0, 0.0]), np.array([0.0, 1.0])


def test_a_text_does_not_vote_for_its_own_group():
    vectors = {"a-1": EAST, "a-2": EAST, "a-3": NORTH, "b-1": NORTH, "b-2": NORTH}
    nearest = {key: (group, cosine) for key, _, group, cosine in nearest_groups(GROUPS, vectors)}
    assert {key: group for key, (group, _) in nearest.items()} == {
        "a-1": "a",
        "a-2": "a",
        "a-3": "b",
        "b-1": "b",
        "b-2": "b",
    }
    assert nearest["a-3"][1] == pytest.approx(1) and nearest["a-1"][1] == pytest.approx(np.sqrt(0.5))


def test_the_table_and_the_share(tmp_path):
    vectors = {"a-1": EAST, "a-2": EAST, "a-3": NORTH, "b-1": NORTH, "b-2": NORTH, "a caption": EAST}
    assert write_nearest_groups(tmp_path / "near.tsv", GROUPS, vectors) == pytest.approx(0.8)
    lines = (tmp_path / "near.tsv").read_text().splitlines()
    assert lines[0] == "text\tgroup\tnearest\tcosine" and lines[3] == "a-3\ta\tb\t1.0000" and len(lines) == 6
