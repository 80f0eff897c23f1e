"""Tables of cells: no row is lost between two quotes, whoever wrote the file."""

import csv
from pathlib import Path

import pytest

from steps.data.delimited import read_delimited, read_header
from utils.errors import InputError

HEADER = ["path", "gender", "pitch", "sentence"]


def rows(sentences: dict[int, str] | None = None, n: int = 30) -> list[list[str]]:
    """Rows, some of them with a sentence of their own."""
    return [
        [f"common_voice_en_{number}.mp3", "female", "low", (sentences or {}).get(number, f"Sentence {number}.")]
        for number in range(n)
    ]


def write(path: Path, content: list[list[str]], quoting: int = csv.QUOTE_MINIMAL) -> Path:
    """Write a table; QUOTE_NONE joins cells as they are."""
    mark = "\t" if path.suffix == ".tsv" else ","
    with path.open("w", newline="", encoding="utf-8") as file:
        if quoting == csv.QUOTE_NONE:
            file.writelines(mark.join(row) + "\n" for row in [HEADER, *content])
        else:
            csv.writer(file, delimiter=mark, quoting=quoting).writerows([HEADER, *content])
    return path


def read(path: Path) -> list[list[str]]:
    header, content = read_delimited(path)
    assert header == HEADER == read_header(path)
    return [cells for _, cells in content]


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_quoted_tables_are_read_back(tmp_path, suffix, quoting):
    sentences = {
        2: 'He said "no",\nand left.',
        3: '"Two"\r\n"words"',
        5: "a\tb,c\nd, e, f, g, h",
        9: '"',
        11: "\n\n",
        29: 'over\nlines "',
    }
    content = rows(sentences)
    assert read(write(tmp_path / f"x{suffix}", content, quoting)) == content


def test_a_caption_over_lines_in_a_middle_column(tmp_path):
    content = [[name, gender, sentence, "low"] for name, gender, _, sentence in rows({4: "one\ntwo, three", 5: "\n"})]
    assert read(write(tmp_path / "x.csv", content)) == content
    every = [[name, gender, "one\ntwo", "low"] for name, gender, _, _ in rows()]
    assert read(write(tmp_path / "x.csv", every)) == every


def test_captions_over_lines_in_the_first_column(tmp_path):
    content = [[f"A voice,\nlike {name}.\n", "x", "low", name] for name, *_ in rows()]
    assert read(write(tmp_path / "x.csv", content)) == content
    content[3][0] = "Another voice\n"
    assert read(write(tmp_path / "x.csv", content)) == content


@pytest.mark.field_case("A tsv written without quotes, with cells that begin with one (Common Voice)")
@pytest.mark.parametrize(
    "sentences",
    [
        {3: '"He said', 20: '"Yes'},
        {3: '"He said'},
        {29: '"He said'},
        {3: '"He" said', 20: 'said "he"'},
        {3: '"', 4: '""', 5: '"x" "'},
        {3: '"He said', 20: 'it"'},
    ],
)
def test_a_tsv_without_quotes_loses_no_row(tmp_path, sentences):
    content = rows(sentences)
    assert read(write(tmp_path / "x.tsv", content, csv.QUOTE_NONE)) == content


@pytest.mark.field_case("Stray quotes in a csv, between which rows would be lost")
@pytest.mark.parametrize(
    ("column", "first", "last", "line"),
    [
        (3, 4, 24, 6),
        (3, 4, 5, 6),
        (3, 4, None, 6),
        (3, 29, None, 31),
        (1, 4, 24, 6),
        (0, 4, 24, 6),
        (0, 4, 5, 6),
        (2, 0, 29, 2),
    ],
)
def test_stray_quotes_are_named_where_they_open(tmp_path, column, first, last, line):
    content = rows()
    for number in (first, last):
        if number is not None:
            content[number][column] = '"' + content[number][column]
    with pytest.raises(InputError, match=rf"x.csv:{line}: .*quote"):
        read(write(tmp_path / "x.csv", content, csv.QUOTE_NONE))


def test_a_stray_quote_after_a_cell_over_lines(tmp_path):
    path = write(tmp_path / "x.csv", rows({4: 'one "1"\ntwo'}))
    path.write_text(
        path.read_text().replace('two"', 'two"').replace("common_voice_en_9.mp3,", '"common_voice_en_9.mp3,')
    )
    with pytest.raises(InputError, match="x.csv:12: a quote opens here"):
        read(path)


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_rows_of_two_lines_each_are_not_swallowed_either(tmp_path, suffix):
    content = [[name, "one\ntwo", "low", "x"] for name, *_ in rows()]
    path = write(tmp_path / f"x{suffix}", content)
    path.write_text(path.read_text().replace("common_voice_en_9.mp3", '"common_voice_en_9.mp3'))
    with pytest.raises(InputError, match=rf"x{suffix}:20: .*quote"):
        read(path)


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_a_table_cut_off_within_quotes(tmp_path, suffix):
    path = write(tmp_path / f"x{suffix}", rows({20: 'one "1"\ntwo'}))
    path.write_text(path.read_text().partition("two")[0].removesuffix("\n"))
    with pytest.raises(InputError, match=f"x{suffix}:22: a quote opens here and never closes|22: a quote that"):
        read(path)


@pytest.mark.hostile("Cells and column names of 200 kB")
def test_long_cells(tmp_path):
    content = rows({3: "x" * 200_000, 4: 'y"\n' * 70_000})
    assert read(write(tmp_path / "x.csv", content)) == content
    (tmp_path / "x.csv").write_text(f"{'c' * 200_000},{'c' * 200_000}\n1,2\n")
    with pytest.raises(InputError) as error:
        read_delimited(tmp_path / "x.csv")
    assert "two columns have one name: 'ccc" in str(error.value) and len(str(error.value)) < 300


def test_line_ends_of_every_system(tmp_path):
    for end in ("\n", "\r\n", "\r"):
        (tmp_path / "x.csv").write_bytes(end.join(",".join(row) for row in [HEADER, *rows()]).encode())
        assert read(tmp_path / "x.csv") == rows()


@pytest.mark.field_case("A csv with semicolons, bars or tabs, and Excel's line sep=; above the header")
@pytest.mark.parametrize("delimiter", [";", "|", "\t", ","])
@pytest.mark.parametrize("above", ["", "sep={}", '"sep={}"', "\ufeffSEP={}"])
@pytest.mark.parametrize("name", ["x.csv", "x.tsv"])
def test_other_delimiters(tmp_path, delimiter, above, name):
    above = above.format(delimiter) + "\r\n" if above else ""
    lines = ["path,gender,text", "a.wav,f,no quotes", 'b.wav,m,"1 2, 3;\t|"', "c.wav,f,"]
    text = "\r\n".join("\0".join(line.split(",", 2)).replace("\0", delimiter) for line in lines)
    (tmp_path / name).write_text(above + text + "\r\n", encoding="utf-8", newline="")
    header, rows = read_delimited(tmp_path / name)
    assert header == read_header(tmp_path / name) == ["path", "gender", "text"]
    begin = 3 if above else 2
    assert list(rows) == [
        (begin, ["a.wav", "f", "no quotes"]),
        (begin + 1, ["b.wav", "m", "1 2, 3;\t|"]),
        (begin + 2, ["c.wav", "f", ""]),
    ]


@pytest.mark.field_case("A table with bars that is written without quotes")
def test_bars_without_quotes(tmp_path):
    (tmp_path / "x.csv").write_text('path|text\na|"She said\nb|he said"\nc|"Well, no\n')
    assert [cells for _, cells in read_delimited(tmp_path / "x.csv")[1]] == [
        ["a", '"She said'],
        ["b", 'he said"'],
        ["c", '"Well, no'],
    ]
