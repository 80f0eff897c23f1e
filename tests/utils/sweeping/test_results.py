"""The value of a point: the best finite number of its file, whatever else the file holds."""

import pytest

from utils.errors import InputError
from utils.sweeping.results import best_value
from utils.sweeping.sweep_file import Metric


@pytest.mark.hostile("A file of a sweep's values with deep nesting, huge numbers, NaN or cut lines")
@pytest.mark.parametrize(
    "line",
    [
        *("{", "[1]", '{"nll": "1"}', '{"nll": true}', '{"nll": NaN}', '{"nll": 1e999}', '{"other": 0}'),
        *('{"nll": ' + "9" * 400 + "}", '{"nll": ' + "9" * 5000 + "}", '{"nll":' * 100_000, '{"nll": 1, "nll": 0}'),
    ],
)
def test_lines_that_hold_no_value(tmp_path, line):
    (tmp_path / "m.jsonl").write_text(f'{{"nll": 3}}\n{line}\n{{"nll": 2.5}}\n')
    assert best_value(tmp_path / "m.jsonl", Metric("m.jsonl", "nll", "min")) == 2.5
    (tmp_path / "m.json").write_text(line)
    assert best_value(tmp_path / "m.json", Metric("m.json", "nll", "min")) is None


def test_a_file_that_is_not_utf8(tmp_path):
    (tmp_path / "m.json").write_bytes(b'{"nll": "\xff"}')
    with pytest.raises(InputError, match="m.json:1: not UTF-8"):
        best_value(tmp_path / "m.json", Metric("m.json", "nll", "min"))
