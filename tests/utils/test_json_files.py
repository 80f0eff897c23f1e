"""JSON files: an object is read; anything else is one error with the file and what is wrong."""

import pytest

from utils.errors import InputError
from utils.json_files import json_text, parse_json, read_json, read_objects


def test_an_object_is_read(tmp_path):
    (tmp_path / "a.json").write_text('{"name": "é", "more": [1, null]}', encoding="utf-8")
    assert read_json(tmp_path / "a.json", ("name",)) == {"name": "é", "more": [1, None]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"a.json:1: not JSON"),
        (b'{"name":\n', r"a.json:2: not JSON"),
        (b"\n\xff", r"a.json:2: not UTF-8 \(byte 0xff\)"),
        (b"[1]", r"a.json: expected an object .* found a list"),
        (b"{}", r"a.json: no name; expected name"),
        (b'{"name": 1, "name": 2}', r"a.json: the key 'name' comes twice"),
    ],
)
def test_anything_else_is_refused(tmp_path, content, message):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_json(tmp_path / "a.json", ("name",))


@pytest.mark.field_case("A key that comes twice in an object of JSON, at any depth")
@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 1}', '{"b": [{"a": 1, "a": 2}]}', '{"b": {"c": 0, "a": 1, "c": 2, "a": 3}}']
)
def test_a_key_that_comes_twice_at_any_depth(text):
    with pytest.raises(InputError, match="^x.jsonl:7: the key '[ac]' comes twice"):
        parse_json(text, "x.jsonl", 7)


@pytest.mark.hostile("JSON that is nested deeply, with huge numbers, keys or halves of characters")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "nested too deeply"),
        ("9" * 5000, "not readable as JSON: Exceeds the limit"),
        (f'{{"{"k" * 200_000}": 1, "{"k" * 200_000}": 2}}', "the key 'kkk"),
        (r'{"a": "\ud800"}', "half of a character"),
        (r'{"\uDFFF": 1}', "half of a character"),
    ],
)
def test_hostile_texts(text, message):
    with pytest.raises(InputError) as error:
        parse_json(text, "x.json")
    assert str(error.value).startswith("x.json: ") and message in str(error.value) and len(str(error.value)) < 300


def test_pairs_of_surrogates_are_characters():
    assert parse_json(r'["\ud83d\ude00"]', "x.json") == ["\U0001f600"]


@pytest.mark.field_case("NaN and infinity in what is written as JSON")
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_no_file_holds_numbers_that_json_does_not_have(value):
    with pytest.raises(InputError, match=r"a\.jsonl: a number in it is not finite"):
        json_text({"id": [value]}, "a.jsonl")


def test_what_is_written_is_utf8():
    assert json_text(["\ud800", "é"], "a.json", ensure_ascii=False) == '["\\ud800", "é"]'
    assert json_text({"a": 1}, "a.json", indent=1) == '{\n "a": 1\n}'


@pytest.mark.hostile("A list of utterances or speakers that is no list of objects")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "expected a list of objects"),
        ('{"id": "a"}', "expected a list of objects"),
        ('[{"id": "a", "n": 1}, 3]', "entry 2: expected an object with id, n, found 3"),
        ('[{"id": 1, "n": 1}]', "entry 1: expected an object with id, n"),
        ('[{"id": "a"}]', "entry 1: expected an object with id, n"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_lists_of_objects(tmp_path, content, message):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match=f"a.json: .*{message}"):
        read_objects(tmp_path / "a.json", ("id",), ("n",))
    (tmp_path / "a.json").write_text('[{"id": "a", "n": 1}]')
    assert read_objects(tmp_path / "a.json", ("id",), ("n",)) == [{"id": "a", "n": 1}]
