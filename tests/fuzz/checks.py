"""What must hold of a command's output: complete or absent, a valid data directory, no row lost."""

import gzip
from pathlib import Path

import numpy as np

from utils.archives import read_vectors
from utils.errors import InputError
from utils.tables import read_table


def check_stage(out: Path, whole: bool) -> list[str]:
    """A command that succeeded leaves `.done`; one that failed leaves none."""
    done = (out / ".done").is_file()
    if whole and not done:
        return [f"success without {out.name}/.done"]
    return [f"failure with {out.name}/.done"] if done and not whole else []


def check_data_dir(out: Path) -> list[str]:
    """Every table has the same keys, sorted, once each."""
    found = []
    try:
        speakers = set(read_table(out / "utt2spk").values())
        utterances = set(read_table(out / "utt2spk"))
    except (InputError, OSError) as error:
        return [f"no utt2spk: {error}"]
    for path in sorted(out.iterdir()):
        if path.name.startswith(("utt2", "spk2", "wav.scp", "segments", "text")) and path.suffix != ".tsv":
            keys = [line.partition(" ")[0] for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
            if keys != sorted(set(keys)):
                found.append(f"{path.name} is not sorted or has a key twice")
            if path.name.startswith("utt2") and not set(keys) <= utterances:
                found.append(f"{path.name} has keys that utt2spk lacks")
            if path.name.startswith("spk2") and not set(keys) <= speakers:
                found.append(f"{path.name} has speakers that utt2spk lacks")
    return found


def check_vectors(out: Path) -> list[str]:
    """Every utterance has a finite vector, and no other has one."""
    try:
        keys, vectors = read_vectors(out / "xvector.scp")
        utterances = set(read_table(out / "utt2spk"))
    except (InputError, OSError) as error:
        return [f"vectors cannot be read: {error}"]
    whole = set(keys) == utterances and np.isfinite(vectors).all()
    return [] if whole else ["xvector.scp is not that of utt2spk, or has vectors that are not finite"]


def check_rows(rows: Path, out: Path) -> list[str]:
    """The rows of all files are as many as row_counts.tsv has as kept or left out."""
    there = sum(count_rows(path) for path in sorted(rows.rglob("*")) if path.is_file())
    lines = [line.split("\t") for line in (out / "row_counts.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    counted = sum(
        int(count)
        for source, reason, count in lines
        if source != "all sources" and (reason == "kept" or reason.startswith("left out"))
    )
    if any(b'"' in path.read_bytes() for path in rows.rglob("*") if path.is_file() and path.suffix in (".csv", ".tsv")):
        return []  # a cell may span lines: the lines are no count of the rows
    return [f"{there} rows in, {counted} rows used or left out"] if there != counted else []


def count_rows(path: Path) -> int:
    """The rows of one file, by means other than the recipe's."""
    if path.suffix in (".csv", ".tsv", ".jsonl"):
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        lines = [line for line in raw.decode("utf-8-sig").splitlines() if line.strip()]
        return max(len(lines) - (path.suffix != ".jsonl"), 0)
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return pq.ParquetFile(path).metadata.num_rows
    if path.suffix == ".arrow":
        import pyarrow as pa

        with pa.memory_map(str(path)) as source:
            return pa.ipc.open_stream(source).read_all().num_rows
    return 0
