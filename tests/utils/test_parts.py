"""Work that jobs share: a table made once, parts that are whole or absent, a merge that says what is missing."""

import numpy as np
import pytest

from utils.errors import InputError
from utils.journal import Journal
from utils.parts import (
    JOURNAL,
    Item,
    Work,
    check_merged,
    current_identity,
    make_current,
    read_part,
    remove_parts,
    write_part,
)

IDENTITY = '{"identity": %s, "settings": {}}'
ITEMS = [Item("a", 0, ["x", None]), Item("b", 0, ["ü", 1.5]), Item("c", 1), Item("d", 2, {"k": [1]})]


@pytest.fixture
def work(tmp_path):
    return Work.write(tmp_path / "out", "0123", ITEMS, {"seconds": 2.5})


def test_the_table_comes_back(work, tmp_path):
    assert Work.find(tmp_path / "out", "0123") == work
    assert Work.find(tmp_path / "out", "4567") is None
    assert (work.n_shards, work.about, work.identity) == (3, {"seconds": 2.5}, "0123")
    assert list(work.shards([0, 2])) == [(0, ITEMS[:2]), (2, ITEMS[3:])]
    assert work.directory == tmp_path / ".out.parts" / "0123"


def test_ids_come_back_without_the_rest(tmp_path):
    items = [Item('a"b', 0, {"x": '"'}), Item("ü\\", 0), Item("c", 1)]
    work = Work.write(tmp_path / "out", "0123", items)
    assert list(work.ids([0, 1])) == [(0, ['a"b', "ü\\"]), (1, ["c"])] and list(work.ids([1])) == [(1, ["c"])]
    table = work.directory / "shards.jsonl"
    table.write_text(table.read_text()[:-3])
    with pytest.raises(InputError, match=f"{table}: not a whole table of shards .*shard 1 is cut off"):
        list(work.ids([0, 1]))


@pytest.mark.parametrize(
    "damage", [lambda text: "", lambda text: "{\n", lambda text: text[:-9], lambda text: text[:-20]]
)
def test_a_table_that_is_not_whole_is_told_in_a_line(work, tmp_path, damage):
    table = work.directory / "shards.jsonl"
    table.write_text(damage(table.read_text()))
    with pytest.raises(InputError, match=f"{table}: not a whole table of shards .* remove {work.directory} and plan"):
        list(Work.load(tmp_path / "out", "0123", "the planner").shards(range(3)))


@pytest.mark.field_case("A table of shards that was cut off between two lines")
@pytest.mark.parametrize("lost", [1, 2, 3, 4])
def test_no_item_of_a_table_is_lost(work, tmp_path, lost):
    table = work.directory / "shards.jsonl"
    lines = table.read_text().splitlines(keepends=True)
    table.write_text("".join(lines[:lost] + lines[lost + 1 :]))
    with pytest.raises(InputError, match=f"{table}: not a whole table of shards"):
        list(Work.load(tmp_path / "out", "0123", "the planner").shards(range(3)))


def test_a_table_of_an_earlier_version_has_not_noted_its_items(work, tmp_path):
    table = work.directory / "shards.jsonl"
    table.write_text(table.read_text().replace(', "n_items": 4', ""))
    assert [shard for shard, _ in Work.find(tmp_path / "out", "0123").shards(range(3))] == [0, 1, 2]


@pytest.mark.hostile("The record of the work that jobs follow, or of its number of shards, with other values")
@pytest.mark.parametrize("n_shards", ['"3"', "[]", "true", "1.5"])
def test_a_number_of_shards_that_is_none(tmp_path, n_shards):
    (tmp_path / "run_info.json").write_text(f'{{"n_shards": {n_shards}}}')
    with pytest.raises(InputError, match="run_info.json: n_shards: expected a number"):
        check_merged(tmp_path, None, 1, 1)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", *(IDENTITY % i for i in ('"../x"', "3", '""', '"a/b"'))])
def test_a_record_of_the_current_work_that_is_none(work, tmp_path, content):
    make_current(tmp_path / "out", "0123", {})
    (tmp_path / ".out.parts/current").write_text(content)
    with pytest.raises(InputError, match="/current"):
        current_identity(tmp_path / "out", {}, "the planner")


def test_work_without_items_has_no_shards(tmp_path):
    assert Work.write(tmp_path / "out", "none", []).n_shards == 0


def test_jobs_follow_the_current_work_with_their_own_settings(work, tmp_path):
    out, settings = tmp_path / "out", {"batch": 2.0, "words": ("a", "b")}
    with pytest.raises(InputError, match="nothing is planned; run the planner"):
        current_identity(out, settings, "the planner")
    make_current(out, "0123", settings)
    assert Work.load(out, current_identity(out, settings, "the planner"), "the planner") == work
    with pytest.raises(InputError, match="not with these options"):
        current_identity(out, settings | {"batch": 3.0}, "the planner")
    remove_parts(out)
    assert not work.directory.exists()
    with pytest.raises(InputError, match="no table of shards .*; run the planner with the same options first"):
        Work.load(out, "0123", "the planner")


def test_a_part_comes_back(work):
    vectors, empty = np.arange(6, dtype=np.float32).reshape(2, 3), np.empty((0, 3), np.int64)
    write_part(work.part(1), [{"reason": "", "seconds": 1.5}, None], vectors=vectors, empty=empty)
    rows, arrays = read_part(work.part(1))
    assert rows == [{"reason": "", "seconds": 1.5}, None]
    assert np.array_equal(arrays["vectors"], vectors)
    assert arrays["empty"].shape == (0, 3)
    assert work.missing() == [0, 2]


@pytest.mark.parametrize("damage", [lambda content: content[:-30], lambda content: b"", lambda content: b"x" * 90])
def test_a_part_that_is_not_whole_is_no_part(work, damage):
    write_part(work.part(0), [1], x=np.ones(3))
    work.part(0).write_bytes(damage(work.part(0).read_bytes()))
    with pytest.raises(InputError, match=r"part-000000.npz: not a whole part"):
        read_part(work.part(0))


def test_what_is_missing_is_named_with_the_call_that_makes_it(work):
    write_part(work.part(1), [])
    with pytest.raises(InputError, match=r"2 of 3 parts are missing .*--array=0,2.*job --out 'a b' --shards 0,2$"):
        work.require(work.missing(), ["job", "--out", "a b"])
    work.require([], ["job"])


def test_a_journal_is_a_part_when_it_is_sealed(work):
    for number in (0, 2):
        with Journal(work.part(number, JOURNAL)) as journal:
            journal.append("a")
            if number == 2:
                journal.seal()
    assert work.missing(suffix=JOURNAL) == [0, 1]
