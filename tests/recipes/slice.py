"""A slice of the real embeddings, laid out as the whole is: every n-th speaker of capspeech-libri."""

import csv
from pathlib import Path

import numpy as np

SETS = ("train", "val", "test")
TABLES = Path("embeddings/xvector/CapSpeech-real")
EVERY = 4  # 63 of 251 speakers, in all 18 groups


def write_slice(corpus: Path, out: Path, every: int = EVERY) -> Path:
    """Copy the rows of every n-th speaker with their embeddings. Returns `out`."""
    rows = {name: _read(corpus / f"{name}.csv") for name in SETS}
    speakers = sorted({row["speaker_id"] for part in rows.values() for row in part})[::every]
    kept = {name: [row for row in part if row["speaker_id"] in speakers] for name, part in rows.items()}
    out.mkdir(parents=True)
    for name, part in kept.items():
        _write(out / f"{name}.csv", part)
    wanted = {row["audio_path"] for part in kept.values() for row in part}
    (out / TABLES).mkdir(parents=True)
    for table in sorted((corpus / TABLES).glob("*.csv")):
        _copy_vectors(table, wanted, out / TABLES)
    return out


def _copy_vectors(table: Path, wanted: set[str], out: Path) -> None:
    """Copy the records of one archive, and name them in a table as the original names them."""
    archive, lines = bytearray(), []
    for row in _read(table):
        if row["audio_id"] not in wanted:
            continue
        at = int(row["byte_offset"])
        with (table.parent / row["ark_file"]).open("rb") as file:
            file.seek(at)
            head = file.read(10)  # \0B, then FV and a space, then \4 and the dimension
            record = head + file.read(4 * int(np.frombuffer(head[6:], "<i4")[0]))
        archive += row["audio_id"].encode() + b" "
        lines.append(row | {"byte_offset": len(archive)})
        archive += record
    (out / table.with_suffix(".ark").name).write_bytes(archive)
    _write(out / table.name, lines)


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, rows: list[dict]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
