"""Columns of texts, codes and locations: they say what lists say, whatever the texts are and however many."""

import random

import numpy as np
import pytest

from utils import text_column
from utils.code_column import NONE, CodeColumn, by_word, distinct, grouped
from utils.location_column import LocationColumn
from utils.script_files import Location
from utils.text_column import TextColumn
from utils.text_lookup import AMBIGUOUS, TextLookup, first_of_equals, hashes_of

NAMES = ["b", "", "Müller", "a b", "日本", "\udcff.wav", "x\ny", "b", "z" * 300, "\U0001f3a4"]


def lowered(texts: list[str]) -> list[str]:
    return [text.lower() for text in texts]


def colliding(texts: TextColumn, rows: np.ndarray, form) -> np.ndarray:
    """Hashes of one bit."""
    return np.fromiter((len(name) % 2 for name in texts.of(rows, form)), np.int64, len(rows))


@pytest.mark.parametrize("names", [NAMES, [], ["a"], [f"s{n % 7}-{n:04d}" for n in range(3000)]])
def test_texts_come_back(names):
    column = TextColumn(names)
    rows = np.array([n * 13 % len(names) for n in range(len(names))], np.int64)
    assert list(column) == names and len(column) == len(names)
    assert column.at(rows) == [names[row] for row in rows] == list(column.of(rows))
    assert column.lengths().tolist() == [len(name.encode("utf-8", "surrogatepass")) for name in names]
    assert list(TextColumn(column.of(rows))) == [names[row] for row in rows]
    with pytest.raises(IndexError):
        column[len(names)]


def test_texts_are_added_while_others_are_read():
    column = TextColumn(["a"])
    held = column.part(0, 1)
    column.extend(iter(["b", "c"]))
    assert held == ["a"] and list(column) == ["a", "b", "c"] and column[2] == "c"


def test_order_is_that_of_the_sort_command(monkeypatch):
    monkeypatch.setattr(text_column, "BUCKET", 256)
    names = [f"s{random.Random(n).randrange(400)}-é{n % 3}" for n in range(3000)] + ["", "\U0001f3a4", "\uff00"]
    column = TextColumn(names)
    assert column.sorted().tolist() == sorted(range(len(names)), key=names.__getitem__)
    some = np.arange(0, len(names), 2)
    assert column.sorted(some).tolist() == sorted(some.tolist(), key=names.__getitem__)
    ascending = TextColumn(sorted(set(names)))
    assert ascending.is_ascending() and not column.is_ascending() and not TextColumn(["a", "a"]).is_ascending()


@pytest.mark.parametrize("hashes", [hashes_of, colliding])
def test_lookup_finds_by_form_even_where_hashes_collide(hashes):
    keys = TextColumn(["a/1.wav", "A/1.WAV", "b", "c", "dd"])
    wanted = TextColumn(["b", "x", "a/1.wav", "DD", "a/1.WAV"])
    rows = np.arange(len(wanted))
    assert TextLookup(keys, hashes=hashes).find(wanted, rows).tolist() == [2, -1, 0, -1, -1]
    folded = TextLookup(keys, form=lowered, hashes=hashes).find(wanted, rows)
    assert folded.tolist() == [2, -1, AMBIGUOUS, 4, AMBIGUOUS]
    assert TextLookup(keys, np.array([3, 1]), lowered, hashes).find(wanted, rows[2:]).tolist() == [1, -1, 1]
    assert TextLookup(TextColumn(), hashes=hashes).find(wanted, rows).tolist() == [-1] * 5


@pytest.mark.parametrize("hashes", [hashes_of, colliding])
def test_first_of_equal_texts(hashes):
    column = TextColumn(["b", "a", "b", "c", "a", "b", "B"])
    assert first_of_equals(column, hashes=hashes).tolist() == [0, 1, 0, 3, 1, 0, 6]
    assert first_of_equals(column, np.array([6, 5, 4, 1]), lowered, hashes).tolist() == [0, 0, 2, 2]
    assert first_of_equals(TextColumn(), hashes=hashes).tolist() == []


def test_codes_and_their_groups():
    column = CodeColumn()
    column.extend([column.words[word] for word in ("m", "f", "m", "x")] + [NONE])
    column.put(np.array([3]), None)
    assert [column[row] for row in range(5)] == ["m", "f", "m", None, None] == list(column.of(np.arange(5)))
    assert [(code, rows.tolist()) for code, rows in grouped(column.codes)] == [(0, [0, 2]), (1, [1]), (NONE, [3, 4])]
    heads, counts, which = distinct(column.codes, np.array([0, 0, 1, 0, 0]))
    assert (heads.tolist(), counts.tolist(), which.tolist()) == ([0, 1, 2, 3], [1, 1, 1, 2], [0, 1, 2, 3, 3])
    assert [(word, rows.tolist()) for word, rows in by_word(["m", "f", "unused"], column.codes[:3])] == [
        ("f", [1]),
        ("m", [0, 2]),
    ]


def test_locations_of_every_kind_come_back():
    found = [Location("a.ark", 7), Location("b.ark"), Location("a.ark", 10**40), Location("b.ark", 3, "0:1")]
    column = LocationColumn.of(found)
    assert [column[row] for row in range(4)] == found == column.at(np.arange(4))
    back = np.array([3, 0])
    assert column.take(back).at(np.arange(2)) == [found[3], found[0]] and list(column.texts(back)) == [
        "b.ark:3[0:1]",
        "a.ark:7",
    ]
    joined = LocationColumn.joined([column, LocationColumn.of(found[::-1])])
    assert joined.at(np.arange(8)) == found + found[::-1]
    assert column.elsewhere(["x", "y"])[3] == Location("y", 3, "0:1")
