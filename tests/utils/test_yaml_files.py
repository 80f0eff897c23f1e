"""YAML files: values, and what is wrong with a file in one line."""

import os
from pathlib import Path

import pytest
import yaml

from tests.effort import at_most
from utils.errors import InputError
from utils.yaml_files import LARGEST, read_yaml


def test_plain_values_and_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\nb: [é, 2.5]\n", encoding="utf-8")
    assert read_yaml(tmp_path / "a.yaml") == {"a": 1, "b": ["é", 2.5]}
    (tmp_path / "a.yaml").write_text("# nothing\n")
    assert read_yaml(tmp_path / "a.yaml") is None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a: [", "not a YAML file of plain values: "),
        (b"a: !!python/object:os.system x", "not a YAML file of plain values: "),
        (b"a: 1\nb: \xff\n", "a.yaml:2: not UTF-8"),
        (b"a: 1\na: 2\n", "a.yaml:2: not a YAML file of plain values: the key 'a' comes twice"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "a.yaml").write_bytes(content)
    with pytest.raises(InputError, match=problem) as error:
        read_yaml(tmp_path / "a.yaml")
    assert "a.yaml" in str(error.value) and "\n" not in str(error.value)


def refused(path: Path, content: str) -> str:
    """What is said of this content, in one line of no great length and with little work."""
    path.write_text(content, encoding="utf-8")
    with at_most(5), pytest.raises(InputError) as error:
        read_yaml(path)
    assert str(error.value).startswith(f"{path}:")
    assert "\n" not in str(error.value) and len(str(error.value)) < len(str(path)) + 500
    return str(error.value)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{key}: &{key} [{', '.join([f'*{before}'] * 10)}]\n" for before, key in zip("abcdefgh", "bcdefghi", strict=True)
)
LONG = "x" * 200_000


@pytest.mark.hostile("YAML: aliases that stand for millions of values or for themselves, deep nesting, a million items")
@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (BOMB, "more than 50000 values with all that its aliases stand for"),
        (BOMB.replace("[", "{p: [").replace("]", "]}"), "more than 50000 values with all"),
        ("a: &a [x, *a]\n", "an alias stands within what it stands for"),
        ("a: &a {b: {c: *a}}\n", "an alias stands within what it stands for"),
        ("a: " + "[" * 100_000, "nested deeper than 50 levels"),
        ("a: " + "{b: " * 1000, "nested deeper than 50 levels"),
        ("".join(" " * level + "a:\n" for level in range(1000)), "nested deeper than 50 levels"),
        ("- " * 1000, "nested deeper than 50 levels"),
        ("[" + "1," * 300_000 + "]", "more than 50000 values"),
        ("a: b\n" + "#" * LARGEST, "expected a YAML file of 1000000 bytes or less"),
        ("a: *" + LONG, "found undefined alias 'xxx"),
        (f"? {LONG}\n: 1\n? {LONG}\n: 1\n", "comes twice"),
    ],
    ids=str.split("bomb mappings itself within lists maps blocks dashes items bytes alias key"),
)
def test_what_would_take_long_is_refused_at_once(tmp_path: Path, content: str, fault: str) -> None:
    assert fault in refused(tmp_path / "a.yaml", content)


@pytest.mark.field_case("YAML: a key comes twice, at any level")
@pytest.mark.parametrize("content", ["a:\n  b: 1\n  b: 2\n", "- c: {x: 1, 'x': 2}\n", "a: [{b: {c: 1, d: 1, c: 1}}]\n"])
def test_a_key_comes_once_at_any_level(tmp_path: Path, content: str) -> None:
    assert "comes twice; join the two" in refused(tmp_path / "a.yaml", content)


@pytest.mark.hostile("YAML: tags, keys that are no texts, surrogates, NUL, numbers of 5,000 digits, tabs")
@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("a: !!int abc", "the tag '!!int': leave it out"),
        ('a: !!int ""', "the tag '!!int'"),
        ('a: !!float ""', "the tag '!!float'"),
        ("a: !!bool x", "the tag '!!bool'"),
        ("a: !!timestamp x", "the tag '!!timestamp'"),
        ("a: !!omap [b: 1, b: 2]", "the tag '!!omap'"),
        ("a: !!python/object/apply:os.system [id]", "the tag '!!python/object/apply:os.system'"),
        ("1: a", "the key 1 is no text: put it in quotes"),
        ("no: a", "the key no is no text"),
        ("~: a", "the key ~ is no text"),
        ("? [a]\n: b", "is no text"),
        (r'a: "\uD800"', r"'\ud800' has a character that no text holds"),
        (r'"\0": a', r"'\x00' has a character that no text holds"),
        (r'a: "\U7FFFFFFF"', r"it has an escape \U of no character"),
        (r'a: "\UFFFFFFFF"', r"it has an escape \U of no character"),
        ("a: 1\nb: \0", "a.yaml:2: "),
        ("a: 1\nb: \x01", "a.yaml:2: not a YAML file of plain values: it holds the character U+0001"),
        ("a: " + "9" * 5000, "a number of 5000 digits"),
        ("a:\n\tb: 1", "a.yaml:2: "),
        ("a: {<<: 5}", "expected a mapping"),
        ("a: 1\n---\nb: 2", "expected a single document"),
    ],
    ids=range(21),
)
def test_what_is_no_plain_value_is_refused(tmp_path: Path, content: str, fault: str) -> None:
    assert fault in refused(tmp_path / "a.yaml", content)


@pytest.mark.field_case("YAML: dates, clock times, octal and hexadecimal numbers are kept as they are written")
@pytest.mark.parametrize("text", ["2020-01-01", "2020-13-45", "1:30", "1:30.5", "010", "08", "0x1F", "0b1", "=", "1e3"])
def test_what_is_written_is_what_is_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(f"a: {text}\n")
    assert read_yaml(tmp_path / "a.yaml") == {"a": text}


def test_plain_numbers_and_few_aliases_are_as_in_yaml(tmp_path: Path) -> None:
    content = "t: [!!float 5e-5, !!float 3, !!int 7, !!str 8]\n"
    content += "a: [0, -7, 1_000, 0.5, .5, -1.5e+3, 6., true, no, ~]\nb: &b {x: 1, y: 2}\nc: {<<: *b, x: 3}\nd: *b\n"
    (tmp_path / "a.yaml").write_text(content)
    assert read_yaml(tmp_path / "a.yaml") == yaml.safe_load(content)


@pytest.mark.hostile("A YAML file that is a FIFO, a device or a directory")
@pytest.mark.parametrize("kind", ["fifo", "device", "directory", "link to a fifo"])
def test_only_a_regular_file_is_opened(tmp_path: Path, kind: str) -> None:
    path = {"device": Path("/dev/zero"), "directory": tmp_path}.get(kind, tmp_path / "conf.yaml")
    if "fifo" in kind:
        os.mkfifo(tmp_path / "fifo")
        path.symlink_to(tmp_path / "fifo")
    with pytest.raises(InputError, match="no regular file"):
        read_yaml(path)
