"""Recordings in rows of tables, through the reader of all audio."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steps.audio.containers import AudioProblem, open_audio
from steps.audio.packed_rows import file_of, is_row, row_path
from tests.local.audio_files import write_noise


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A parquet file of three rows: wav, nothing, half of a flac."""
    contents = [write_noise(tmp_path / name, 0.5).read_bytes() for name in ("a.wav", "b.flac")]
    pq.write_table(pa.table({"n": [0, 1, 2], "audio": [contents[0], None, contents[1][:3000]]}), tmp_path / "x.parquet")
    return tmp_path / "x.parquet"


def test_a_column_of_bytes(table):
    with open_audio(row_path(table, 0)) as file:
        assert (file.frames, file.samplerate) == (8000, 16000)


@pytest.mark.parametrize(
    "row, reason, detail",
    [
        (1, "missing", "x.parquet#1: the row has no bytes of audio"),
        (2, "corrupt", "x.parquet#2: breaks off, its last sample is not there"),
        (3, "missing", "x.parquet: has 3 rows, none of number 3"),
    ],
)
def test_rows_that_cannot_be_used(table, row, reason, detail):
    with pytest.raises(AudioProblem) as problem:
        open_audio(row_path(table, row))
    assert problem.value.reason == reason and detail in problem.value.detail


@pytest.mark.hostile("Files that claim to be tables of audio")
@pytest.mark.parametrize("content", [b"", b"PAR1" * 9, b"version https://git-lfs.github.com/spec/v1\nsize 5\n"])
@pytest.mark.parametrize("name", ["y.parquet", "y.arrow"])
def test_tables_that_are_none(tmp_path, content, name):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AudioProblem, match=f"missing: {tmp_path}/{name}: ."):
        open_audio(row_path(tmp_path / name, 0))


def test_a_table_that_is_gone(tmp_path):
    with pytest.raises(AudioProblem, match="missing: .*z.arrow: No such file"):
        open_audio(tmp_path / "z.arrow#0")


def test_names():
    assert is_row(Path("/a b/x.arrow#12")) and not is_row(Path("/a/x#12.flac")) and not is_row(Path("x.parquet"))
    assert file_of(Path("/a/x.arrow#12")) == Path("/a/x.arrow") and file_of(Path("x#1.wav")) == Path("x#1.wav")
