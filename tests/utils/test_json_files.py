"""JSON files: an object is read; anything else is one error with the file and what is wrong."""

import pytest

from utils.errors import InputError
from utils.json_files import read_json


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
        (b'{"name": 1, "name": 2}', r"a.json: name: this key comes twice"),
    ],
)
def test_anything_else_is_refused(tmp_path, content, message):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_json(tmp_path / "a.json", ("name",))
