"""A small generated corpus, and every way in which a user may hold its rows and its embeddings."""

import csv
import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path

import kaldiio
import numpy as np

SPLITS = {"train": slice(0, 16), "val": slice(16, 20), "test": slice(20, 24)}
PITCH = ["low-pitched", "medium-pitched", "high-pitched"]
RATE = ["slow speed", "measured speed", "fast speed"]


def make_rows() -> list[dict]:
    """24 rows: eight speakers of three utterances, as CapSpeech describes them."""
    return [
        {
            "audio_path": f"id1000{speaker}-Wx_m{speaker}-0000{take}.wav",
            "source": "voxceleb",
            "gender": ["male", "female"][speaker % 2],
            "pitch": PITCH[(speaker + take) % 3],
            "speaking_rate": RATE[take],
            "age": "young adult",
            "caption": f'A voice, number {speaker}, says "no"\nand {take}.',
        }
        for speaker in range(8)
        for take in range(3)
    ]


@dataclass
class Corpus:
    """Rows, the vectors of their audio paths, and writers for them below one folder."""

    folder: Path
    rows: list[dict] = field(default_factory=make_rows)

    def __post_init__(self) -> None:
        self.data, self.embeddings = self.folder / "corpus", self.folder / "embeddings"
        matrix = np.random.default_rng(0).standard_normal((len(self.rows), 8)).astype(np.float32)
        self.vectors = {row["audio_path"]: vector for row, vector in zip(self.rows, matrix, strict=True)}

    def write(self, container: str = "csv", layout: str = "csv") -> "Corpus":
        """Write rows and embeddings."""
        self.write_rows(container)
        self.write_embeddings(layout)
        return self

    def write_rows(self, container: str) -> None:
        """Write train, val and test as the container says."""
        self.data.mkdir(exist_ok=True)
        for name, part in SPLITS.items():
            write = {"shards": write_shards, "saved": write_saved, "parquet": write_parquet, "jsonl": write_jsonl}
            write.get(container, write_csv)(self.data / f"{name}.{container}", self.rows[part])

    def write_embeddings(self, layout: str) -> None:
        """Write the vectors as the layout says."""
        self.embeddings.mkdir(exist_ok=True)
        LAYOUTS[layout](self.embeddings, self.vectors)


def write_csv(path: Path, rows: list[dict]) -> None:
    """Comma or tab between cells; empty cells for None."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writeheader()
        writer.writerows(rows)


def write_jsonl(path: Path, rows: list[dict]) -> None:
    """One object a line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_parquet(path: Path, rows: list[dict], n_rows: int | None = None) -> None:
    """One file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(rows)[:n_rows], path)


def write_shards(path: Path, rows: list[dict]) -> None:
    """Two files, as they lie on the hub."""
    for number, part in enumerate((rows[:2], rows[2:])):
        write_parquet(path.with_name(f"{path.stem}-0000{number}-of-00002.parquet"), part)


def write_arrow(path: Path, rows: list[dict], metadata: dict | None = None, n_rows: int | None = None) -> None:
    """One stream."""
    import pyarrow as pa

    table = pa.Table.from_pylist(rows)[:n_rows].replace_schema_metadata(metadata)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def write_saved(path: Path, rows: list[dict]) -> None:
    """The folder that save_to_disk leaves: two arrow streams, gender as a class label, audio as bytes."""
    folder = path.with_suffix("")
    folder.mkdir()
    names = ["female", "male"]
    coded = [row | {"gender": names.index(row["gender"]), "audio": {"bytes": b"RIFF", "path": "x"}} for row in rows]
    features = {"gender": {"names": names, "_type": "ClassLabel"}, "pitch": {"dtype": "string", "_type": "Value"}}
    files = [f"data-0000{number}-of-00002.arrow" for number in range(2)]
    for name, part in zip(files, (coded[:2], coded[2:]), strict=True):
        write_arrow(folder / name, part, {"huggingface": json.dumps({"info": {"features": features}})})
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in files]}))
    (folder / "dataset_info.json").write_text(json.dumps({"features": features}))


def _ark(folder: Path, vectors: dict, name: str = "xvector", kind: str = "ark,scp") -> dict[str, int]:
    """Let kaldiio write an archive and its script file. Returns the offset of each key."""
    scp = folder / f"{name}.scp"
    with kaldiio.WriteHelper(f"{kind}:{folder / name}.ark,{scp}") as writer:
        for key, vector in vectors.items():
            writer(key, vector)
    return {line.split(" ")[0]: int(line.rpartition(":")[2]) for line in scp.read_text().splitlines()}


def _table(path: Path, header: str, ark: str, offsets: dict[str, int]) -> None:
    """A csv or tsv of key, archive and offset, with one further column."""
    mark = "\t" if path.suffix == ".tsv" else ","
    lines = [[*header.split(","), "speech_duration"], *([key, ark, str(at), "3.0"] for key, at in offsets.items())]
    path.write_text("".join(mark.join(line) + "\n" for line in lines))


def _halves(vectors: dict) -> list[dict]:
    keys = list(vectors)
    return [{key: vectors[key] for key in part} for part in (keys[: len(keys) // 2], keys[len(keys) // 2 :])]


def _csv(folder: Path, vectors: dict) -> None:
    for number, part in enumerate(_halves(vectors), 1):
        offsets = _ark(folder, part, f"xvector.{number}")
        (folder / f"xvector.{number}.scp").unlink()
        _table(folder / f"xvector.{number}.csv", "audio_id,ark_file,byte_offset", f"xvector.{number}.ark", offsets)


def _hyperion(folder: Path, vectors: dict, suffix: str = "csv") -> None:
    """Parts, and the main table that repeats them; paths are those of the recipe's root."""
    directory = folder / "exp" / "xvectors" / "capspeech"
    directory.mkdir(parents=True)
    offsets = {}
    for number, part in enumerate(_halves(vectors), 1):
        ark, name = f"exp/xvectors/capspeech/xvector.{number}.ark", f"xvector.{number}.{suffix}"
        offsets[ark] = _ark(directory, part, f"xvector.{number}")
        (directory / f"xvector.{number}.scp").unlink()
        _table(directory / name, "id,storage_path,storage_byte", ark, offsets[ark])
    parts = [(directory / f"xvector.{number}.{suffix}").read_text().partition("\n") for number in (1, 2)]
    (directory / f"xvector.{suffix}").write_text(parts[0][0] + "\n" + parts[0][2] + parts[1][2])


def _relative_scp(folder: Path, vectors: dict) -> None:
    _ark(folder, vectors)
    scp = folder / "xvector.scp"
    scp.write_text(scp.read_text().replace(f"{folder}/", ""))


def _without_table(folder: Path, vectors: dict, kind: str = "ark,scp") -> None:
    _ark(folder, vectors, kind=kind)
    (folder / "xvector.scp").unlink()


def _packed(folder: Path, vectors: dict) -> None:
    _without_table(folder, vectors)
    (folder / "xvector.ark.gz").write_bytes(gzip.compress((folder / "xvector.ark").read_bytes()))
    (folder / "xvector.ark").unlink()


def _npy(folder: Path, vectors: dict) -> None:
    np.save(folder / "vectors.npy", np.stack(list(vectors.values())))
    (folder / "vectors.txt").write_text("".join(f"{key}\n" for key in vectors))


def _npz(folder: Path, vectors: dict) -> None:
    for number, part in enumerate(_halves(vectors)):
        np.savez(
            folder / f"{number}.npz", ids=np.array(list(part)), embeddings=np.stack(list(part.values())).astype(float)
        )


LAYOUTS = {
    "npy": _npy,
    "npz": _npz,
    "csv": _csv,
    "hyperion csv": _hyperion,
    "hyperion tsv": lambda folder, vectors: _hyperion(folder, vectors, "tsv"),
    "scp": _ark,
    "relative scp": _relative_scp,
    "one-row matrices": lambda folder, vectors: _ark(folder, {key: row[None] for key, row in vectors.items()}),
    "doubles": lambda folder, vectors: _ark(folder, {key: row.astype(float) for key, row in vectors.items()}),
    "ark alone": _without_table,
    "text ark": lambda folder, vectors: _without_table(folder, vectors, "ark,scp,t"),
    "packed ark": _packed,
    "without extension": lambda folder, vectors: _ark(folder, {key[:-4]: row for key, row in vectors.items()}),
    "below folders": lambda folder, vectors: _ark(folder, {f"wav/x/{key}": row for key, row in vectors.items()}),
}
