"""Tables read side by side, and the validity of directories that is told from them."""

from pathlib import Path

import pytest

from utils import data_dir
from utils.data_dir import validate, write_data_dir
from utils.errors import InputError
from utils.sorted_tables import NotSorted, SortedTable
from utils.table_columns import read_columns

KEYS = [f"s{number // 3:02d}-u{number:05d}" for number in range(40)]
RECORDINGS = ("r0", "r1", "r2")


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


def tables_with_segments() -> dict[str, dict[str, str]]:
    utt2spk = {key: key.partition("-")[0] for key in KEYS}
    ends = [number + 0.5 if number % 9 else -1 for number in range(len(KEYS))]
    segments = {key: f"r{number % 3} {number} {ends[number]} 1" for number, key in enumerate(KEYS)}
    tables = {"utt2spk": utt2spk, "text": dict.fromkeys(KEYS, "a"), "segments": segments}
    return tables | {"wav.scp": dict.fromkeys(RECORDINGS, "/a.wav"), "reco2dur": dict.fromkeys(RECORDINGS, "1e5")}


def make_segments(path: Path) -> Path:
    write_data_dir(path, tables_with_segments())
    return path


FAULTS_OF_SEGMENTS = {
    "segments": [
        lambda text: text.replace(" 1\n", " x\n", 1),
        lambda text: text.replace("1.5 1", "-2 1", 1),
        lambda text: text.replace(" 1 1.5", " 1 nan"),
        lambda text: text.replace(" 1 1.5", " 1 inf"),
        lambda text: text.replace(" 1 1.5", " 1 1"),
        lambda text: text.replace(" 1 1.5", ""),
        lambda text: text.replace(" r0 ", " r9 ", 1),
        lambda text: text.replace(" r0 ", " r1 "),
        lambda text: text[text.index("\n") + 1 :],
        lambda text: text + "zz r0 0 1\n",
    ],
    "wav.scp": [lambda text: text + "r9 /a.wav\n", lambda text: text.replace("r1 /", "r1 ~/"), lambda _: "r0 a\n"],
    "reco2dur": [lambda text: text.replace("r1 1e5", "r1 0"), lambda text: text.replace("r1 1e5\n", "")],
    "text": [lambda text: text.replace(" a", " \x07", 1)],
}
FAULTS = {
    "utt2spk": [lambda text: text.replace("s03-u00010 s03", "s03-u00010 s04"), lambda text: text + "zz zz\n"],
    "spk2utt": [lambda text: text.replace(" s02-u00007", ""), lambda text: text[:-1], lambda text: text + "x y\n"],
    "spk2gender": [lambda text: text.replace("s04 f", "s04 w"), lambda text: text.replace("s04 f\n", "")],
    "utt2pitch": [lambda text: text + "t9 low\n", lambda text: "\ufeff" + text, lambda text: "z low\n" + text],
    "text": [lambda text: text.replace("s00-u00001 a\n", ""), lambda text: text.replace(" a", " \x07", 1)],
    "utt2dur": [lambda _: "".join(f"{key} 0\n" for key in KEYS)],
    "wav.scp": [lambda _: "".join(f"{key} ~/x.wav\n" for key in KEYS), lambda _: ""],
}


@pytest.mark.parametrize(
    ("make", "faults", "name"),
    [(make, FAULTS, name) for name in ["", *FAULTS]]
    + [(make_segments, FAULTS_OF_SEGMENTS, name) for name in ["", *FAULTS_OF_SEGMENTS]],
    ids=[*map("whole-{}".format, ["", *FAULTS]), *map("segments-{}".format, ["", *FAULTS_OF_SEGMENTS])],
)
def test_plain_validity_says_what_the_tables_in_memory_say(tmp_path, monkeypatch, make, faults, name):
    path = make(tmp_path / "d")
    file = path / name
    before = file.read_text() if file.is_file() else ""
    for fault in faults.get(name, [str]):
        if name:
            file.write_text(fault(before))
        found = validate(path, feats=False, wav=False)
        with monkeypatch.context() as patch:
            patch.setattr(data_dir, "is_plainly_valid", lambda *_: False)
            assert validate(path, feats=False, wav=False) == found
        assert bool(found) == bool(name)


CHANGES = {
    "nothing": lambda tables: tables,
    "white space": lambda tables: tables | {"text": dict.fromkeys(KEYS, " a ")},
    "speakers": lambda tables: tables | {"utt2spk": tables["utt2spk"] | {KEYS[0]: "s9"}},
    "two speakers": lambda tables: tables | {"utt2spk": tables["utt2spk"] | {KEYS[0]: "s 9"}},
    "genders": lambda tables: tables | {"spk2gender": dict.fromkeys(tables["utt2spk"].values(), "f")},
    "a gender": lambda tables: tables | {"spk2gender": {"s00": "f"}},
    "no gender": lambda tables: tables | {"spk2gender": dict.fromkeys(tables["utt2spk"].values(), "w")},
    "a text": lambda tables: tables | {"text": {KEYS[0]: "a"}},
    "a control character": lambda tables: tables | {"text": tables["text"] | {KEYS[3]: "\x07"}},
    "NUL": lambda tables: tables | {"utt2pitch": {KEYS[3]: "\0"}},
    "a byte order mark": lambda tables: {"utt2spk": {"\ufeffa": "\ufeffa"}},
    "a strange utterance": lambda tables: tables | {"utt2pitch": {"zz": "low"}},
    "a recording": lambda tables: tables | {"wav.scp": {"r9": "/a.wav"}},
    "a home": lambda tables: tables | {"wav.scp": dict.fromkeys(RECORDINGS, " ~/a.wav")},
    "no seconds": lambda tables: tables | {"reco2dur": dict.fromkeys(RECORDINGS, "nan")},
    "a segment": lambda tables: tables | {"segments": tables["segments"] | {KEYS[3]: "r0 1 0"}},
    "lost segments": lambda tables: tables | {"segments": {KEYS[3]: "r0 0 1"}, "wav.scp": {"r0": "a"}},
    "nobody": lambda tables: dict.fromkeys(tables, {}),
    "an empty table": lambda tables: tables | {"utt2pitch": {}},
    "other files": lambda tables: tables | {"cmvn.scp": {"s": "a"}, "durations.scp": {"s": "a"}},
}


@pytest.mark.parametrize("change", CHANGES)
def test_tables_in_memory_are_as_valid_as_their_files(tmp_path, monkeypatch, change):
    tables, said = CHANGES[change](tables_with_segments()), []
    for passed_over in (None, "will_be_valid", "is_plainly_valid"):
        if passed_over:
            monkeypatch.setattr(data_dir, passed_over, lambda *_: False)
        try:
            write_data_dir(tmp_path / "d", tables)
            said.append("")
        except InputError as error:
            said.append(str(error))
    assert said == said[:1] * 3
