"""Columns of one meaning: they agree, or the row is an error."""

from collections import Counter

import pytest

from local.capspeech.embedding_tables import EmbeddingTables
from local.capspeech.rows import RowReader
from local.corpus_rules import RULES, Rules
from local.folder import Options, read_labels
from local.twin_columns import TwinColumns
from tests.local.corpus import make_rows, write_csv, write_jsonl, write_parquet
from utils.errors import InputError

OURS = Rules.load(RULES)
AGREEING = [
    ({"gender": "male", "Gender": "M"}, "male"),
    ({"gender": "", "Gender": "male"}, "male"),
    ({"Sex": "male", "gender": "unknown"}, "male"),
    ({"sex": "m", "SEX": "man"}, "m"),
    ({"gender": "other words", "sex": "male"}, "male"),
]


@pytest.mark.field_case("Columns gender and Gender (or sex, speaker and spk, ...) that disagree are an error")
@pytest.mark.parametrize(
    ("first", "second", "values"),
    [
        ("gender", "Gender", ("male", "female")),
        ("gender", " sex ", ("male", "f")),
        ("gender", "\u200bgender\ufeff", ("male", "female")),
        ("speaker_id", "Speaker_ID", ("103", "104")),
        ("speaker", "spk", ("Ann", "Bob")),
        ("pitch", "PITCH", ("low-pitched", "high-pitched")),
        ("speaking_rate", "rate", ("slow speed", "fast speed")),
        ("audio_path", "Audio_Path", ("a.wav", "b.wav")),
        ("source", "dataset", ("vctk", "ears")),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_disagreeing_columns(tmp_path, first, second, values, suffix):
    other = {"gender": "male", "pitch": "low-pitched", "speaking_rate": "slow speed", "caption": "x"}
    rows = [
        row | other | {first: values[0], second: values[0 if number != 4 else 1]}
        for number, row in enumerate(make_rows())
    ]
    file = tmp_path / f"train{suffix}"
    {".csv": write_csv, ".jsonl": write_jsonl, ".parquet": write_parquet}[suffix](file, rows)
    message = f"train{suffix}(:6|:5|: row 5): columns '.*' and '.*' disagree: '.*' and '.*'; correct one"
    with pytest.raises(InputError, match=message):
        RowReader(OURS, ("gender", "pitch", "speaking_rate")).read({file: "train"})
    if first != "source":
        with pytest.raises(InputError, match=message):
            read_labels(Options(tmp_path, labels=file), [row["audio_path"] for row in rows], Counter())


@pytest.mark.parametrize(("row", "said"), AGREEING)
def test_agreeing_columns(row, said):
    twins = TwinColumns(OURS, ("gender", "speaker"), list(row))
    ((_, settled),) = twins.settled(iter([("x:1", row)]))
    assert settled[OURS.column("gender", list(row))] == said


def test_names_of_different_things_are_no_twins():
    columns = ["id", "path", "audio_path", "description", "caption", "dataset", "source"]
    row = dict.fromkeys(columns, "x") | {"audio_path": "y", "caption": "z", "source": "vctk", "dataset": "capspeech"}
    names = ("audio_path", "caption", "source", "key", "archive")
    assert list(TwinColumns(OURS, names, columns).settled(iter([("x:1", row)]))) == [("x:1", row)]


def test_columns_of_an_embedding_table(tmp_path):
    (tmp_path / "x.csv").write_text("id,ID,storage_path,storage_byte\na,a,x.ark,2\nb,c,x.ark,2\n")
    with pytest.raises(InputError, match="x.csv:3: b: columns 'id' and 'ID' disagree: 'b' and 'c'"):
        _ = EmbeddingTables(tmp_path, OURS).entries
