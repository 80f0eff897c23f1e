"""YAML files: values, and what is wrong with a file in one line."""

from pathlib import Path

import pytest

from utils.errors import InputError
from utils.yaml_files import UniqueKeys, read_yaml


def test_plain_values_and_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\nb: [é, 2.5]\n", encoding="utf-8")
    assert read_yaml(tmp_path / "a.yaml") == {"a": 1, "b": ["é", 2.5]}
    (tmp_path / "a.yaml").write_text("# nothing\n")
    assert read_yaml(tmp_path / "a.yaml") is None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a: [", "not a YAML file: "),
        (b"a: !!python/object:os.system x", "not a YAML file: "),
        (b"a: 1\nb: \xff\n", "a.yaml:2: not UTF-8"),
        (b"a: 1\na: 2\n", "not a YAML file: the key 'a' comes twice"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "a.yaml").write_bytes(content)
    with pytest.raises(InputError, match=problem) as error:
        read_yaml(tmp_path / "a.yaml", UniqueKeys)
    assert "a.yaml" in str(error.value) and "\n" not in str(error.value)
