"""Tables read side by side, and the validity of directories that is told from them."""

from pathlib import Path

import pytest

from utils import data_dir
from utils.data_dir import validate, write_data_dir
from utils.errors import InputError
from utils.sorted_tables import NotSorted, SortedTable
from utils.table_columns import read_columns

KEYS = [f"s{number // 3:02d}-u{number:05d}" for number in range(40)]


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_lines_up_to_a_key(tmp_path):
    table = SortedTable(write(tmp_path / "t", [f"{key}  v {key}" for key in KEYS]))
    assert table.until("s00-u00001") == (KEYS[:2], [f"v {key}" for key in KEYS[:2]])
    assert table.until("s00-u00001x") == ([], [])
    assert table.block()[0] == KEYS[2:] and table.block() is None and table.until(None) == ([], [])


def test_lines_as_they_stand(tmp_path):
    lines = [
        *(f"{key} v {key}" for key in KEYS[:9]),
        f"{KEYS[9]}  v",
        f"{KEYS[10]} v ",
        f"{KEYS[11]}\tv",
        f"{KEYS[12]} v",
    ]
    table = SortedTable(write(tmp_path / "t", lines))
    assert table.lines_of([f"{key} " for key in KEYS[:4]]) == lines[:4]
    assert table.lines_of([f"{key} " for key in KEYS[5:9]]) is None
    assert table.until(KEYS[4]) == (KEYS[4:5], [f"v {KEYS[4]}"])
    assert table.lines_of([f"{key} " for key in KEYS[5:9]]) is None  # a line that was parsed is not taken as it stands
    assert table.until(None)[0] == KEYS[5:13]
    for begin in (9, 10, 11):
        table = SortedTable(write(tmp_path / "t", lines[begin:]))
        assert table.lines_of([f"{KEYS[begin]} "]) is None
        assert table.until(KEYS[begin]) == ([KEYS[begin]], ["v"])
    assert table.lines_of([f"{KEYS[12]} "]) is None and table.until(None)[0] == [KEYS[12]]


@pytest.mark.hostile("A line without value, behind lines that were taken as they stand")
def test_numbers_of_lines(tmp_path):
    table = SortedTable(write(tmp_path / "t", [*(f"{key} v" for key in KEYS[:5]), "zz"]))
    assert len(table.lines_of([f"{key} " for key in KEYS[:3]])) == 3
    with pytest.raises(InputError, match="t:6: expected 'key value', found 'zz'"):
        table.until(None)


@pytest.mark.parametrize("lines", [["b 1", "a 1"], ["a 1", "a 2"]])
def test_order_is_checked(tmp_path, lines):
    with pytest.raises(NotSorted):
        SortedTable(write(tmp_path / "t", lines)).until(None)


@pytest.mark.hostile("A table in columns: a key twice, a line without value, whatever the order of the lines")
@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["b 1", "a 1", "b 2"], "t:3: duplicate key 'b'"),
        (["a 1", "a 2"], "t:2: duplicate key 'a'"),
        (["a 1", "b"], "t:2: expected 'key value', found 'b'"),
    ],
)
def test_columns_of_faulty_tables(tmp_path, lines, message):
    with pytest.raises(InputError, match=message):
        read_columns(write(tmp_path / "t", lines))


def test_columns_keep_the_order_of_the_file(tmp_path):
    keys, values = read_columns(write(tmp_path / "t", ["b\tx", "a y", "c x"]))
    assert list(keys) == ["b", "a", "c"] and [values[row] for row in range(3)] == ["x", "y", "x"]


def make(path: Path) -> Path:
    utt2spk = {key: key.partition("-")[0] for key in KEYS}
    genders = dict.fromkeys(utt2spk.values(), "f")
    some = dict.fromkeys(KEYS[::2], "low")
    write_data_dir(
        path, {"utt2spk": utt2spk, "spk2gender": genders, "utt2pitch": some, "text": dict.fromkeys(KEYS, "a")}
    )
    return path


FAULTS = {
    "utt2spk": [lambda text: text.replace("s03-u00010 s03", "s03-u00010 s04"), lambda text: text + "zz zz\n"],
    "spk2utt": [lambda text: text.replace(" s02-u00007", ""), lambda text: text[:-1], lambda text: text + "x y\n"],
    "spk2gender": [lambda text: text.replace("s04 f", "s04 w"), lambda text: text.replace("s04 f\n", "")],
    "utt2pitch": [lambda text: text + "t9 low\n", lambda text: "\ufeff" + text, lambda text: "z low\n" + text],
    "text": [lambda text: text.replace("s00-u00001 a\n", ""), lambda text: text.replace(" a", " \x07", 1)],
    "utt2dur": [lambda _: "".join(f"{key} 0\n" for key in KEYS)],
    "wav.scp": [lambda _: "".join(f"{key} ~/x.wav\n" for key in KEYS), lambda _: ""],
}


@pytest.mark.parametrize("name", ["", *FAULTS])
def test_plain_validity_says_what_the_tables_in_memory_say(tmp_path, monkeypatch, name):
    path = make(tmp_path / "d")
    file = path / name
    before = file.read_text() if file.is_file() else ""
    for fault in FAULTS.get(name, [str]):
        if name:
            file.write_text(fault(before))
        found = validate(path, feats=False, wav=False)
        with monkeypatch.context() as patch:
            patch.setattr(data_dir, "is_plainly_valid", lambda *_: False)
            assert validate(path, feats=False, wav=False) == found
        assert bool(found) == bool(name)
