"""Figures of the report: texts that are known, recognised, or neither, and by what."""

import json
from pathlib import Path

import pytest

from local.amela.figures import find_figures, tables
from utils.tables import write_table

TEXTS = {"a": "one", "b": "two three", "c": ""}


def exp_with(tmp_path: Path, recognised: list[str]) -> Path:
    """An experiment with texts of three recordings, of which these were recognised."""
    (tmp_path / "text" / "recognised").mkdir(parents=True)
    write_table(tmp_path / "text" / "text", TEXTS)
    (tmp_path / "text" / "no_text.tsv").write_text("recording\treason\nc\tno speech\n")
    if recognised:
        write_table(tmp_path / "text" / "recognised" / "utt2spk", {key: key for key in recognised})
        (tmp_path / "asr").mkdir()
        counts = {"recognised": len(recognised), "words": 3, "without_words": 0, "failed": 0}
        (tmp_path / "asr" / "summary.json").write_text(json.dumps(counts))
        (tmp_path / "asr" / "asr.json").write_text('{"backend": "pocketsphinx"}')
    return tmp_path


@pytest.mark.parametrize(
    ("recognised", "known", "caption"),
    [
        (["a", "b"], "0", "Recognised by pocketsphinx; no text was known."),
        (["a"], "1", "Recognised by pocketsphinx; known texts stay (--keep_text false counts errors)."),
        ([], "2", "All texts were known, and stay."),
    ],
)
def test_texts_that_were_known_are_counted(tmp_path, recognised, known, caption):
    (table,) = tables(find_figures(tmp_path / "data", exp_with(tmp_path, recognised)))
    assert table.title == "Transcripts" and table.caption == caption
    shown = {row[0].text: row[1].text for row in table.rows}
    assert shown["of them with a text that was known"] == known and shown["recordings without any words"] == "1"
    assert shown.get("pieces recognised", "0") == str(len(recognised))


def test_pieces_of_speech_that_was_given_are_shown(tmp_path):
    (tmp_path / "data" / "pieces").mkdir(parents=True)
    (tmp_path / "data" / "pieces" / "summary.json").write_text('{"pieces": 2, "longest": 3.5, "cuts": 0}')
    (table,) = tables(find_figures(tmp_path / "data", tmp_path / "exp"))
    assert table.caption == "How speech that was given was packed."
    assert [row[1].text for row in table.rows] == ["2", "3.50", "0"]
