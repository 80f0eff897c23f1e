"""What is measured on one utterance, and how its parts lie on disk until `steps.attributes.label` joins them.

The utterances, sorted by id, are cut into shards of SHARD. A shard is one file of tab-separated values, written
under another name and renamed: it is complete or absent, and whoever works on it writes the same bytes. Shards lie in
`.<out>.parts/<signature>/`; the signature stands for the audio and for the constants of the measurement, so that
nothing of other audio gets into a result.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from steps.audio.recordings import Utterance, read_utterances
from utils.errors import InputError
from utils.stage_dir import parts_root, signature
from utils.tables import read_lines

SHARD = 200  # utterances
VERSION = 1  # of the measurement: a change that gives other values raises it
TABLES = ("wav.scp", "segments", "utt2spk")
UNVOICED = "unvoiced"
MEASUREMENTS, SIGNATURE = "measurements.tsv", "measurements.signature"  # in the directory of attributes


@dataclass(frozen=True)
class Measurement:
    """One utterance; of what could not be read there is only the reason.

    Attributes:
        utterance: its id.
        seconds: of audio. voiced: seconds of voiced frames. nuclei: number of syllable nuclei.
        f0: median of the voiced frames in Hz; None where there are too few.
        reason: why something is missing: unvoiced, or missing, corrupt, empty, silent; empty where nothing is.
        detail: the same in words.
    """

    utterance: str
    seconds: float = 0.0
    f0: float | None = None
    voiced: float = 0.0
    nuclei: int = 0
    reason: str = ""
    detail: str = ""


HEADER = "\t".join(field.name for field in fields(Measurement))


def read_shards(place: Path) -> tuple[str, list[list[Utterance]]]:
    """Signature and shards of the audio of a data directory or tree."""
    utterances = read_utterances(place)
    tables = [path for path in (place / name for name in TABLES) if path.is_file()]
    recordings = sorted({utterance.path for utterance in utterances})
    there = [path for path in recordings if path.is_file()]
    name = signature({"version": VERSION, "shard": SHARD, "ids": [u.id for u in utterances]}, [*tables, *there])
    return name, [utterances[start : start + SHARD] for start in range(0, len(utterances), SHARD)]


def shard_path(out: Path, name: str, number: int) -> Path:
    """The file of a shard."""
    return parts_root(out) / name / f"{number:06d}.tsv"


def is_measured(out: Path, name: str) -> bool:
    """Does the directory of attributes have the measurements of this signature already?"""
    path = out / SIGNATURE
    return path.is_file() and path.read_text().strip() == name


def collect(out: Path, name: str, shards: Sequence[Sequence[Utterance]]) -> list[Measurement]:
    """All measurements, sorted by utterance: from the shards, or from `out` if it has them already."""
    if is_measured(out, name):
        return read_measurements(out / MEASUREMENTS)
    paths = [shard_path(out, name, number) for number in range(len(shards))]
    missing = sum(not path.is_file() for path in paths)
    if missing:
        raise InputError(
            f"{parts_root(out)}: {missing} of {len(paths)} shards are missing; "
            "run steps.attributes.measure for all jobs, or steps/attributes/measure.sh"
        )
    return [measurement for path in paths for measurement in read_measurements(path)]


def write_measurements(path: Path, measurements: Iterable[Measurement]) -> None:
    """Write lines of tab-separated values under a header."""
    lines = ["\t".join(map(_text, astuple(measurement))) for measurement in measurements]
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")


def _text(value: str | float | int | None) -> str:
    if isinstance(value, str):
        return " ".join(value.split())
    return "" if value is None else f"{value:.3f}".rstrip("0").rstrip(".")


def read_measurements(path: Path) -> list[Measurement]:
    """Read what `write_measurements` has written."""
    header, *lines = read_lines(path) or [""]
    if header != HEADER:
        raise InputError(f"{path}:1: expected the columns {HEADER.split()}, found {header!r}")
    return [_measurement(line.split("\t"), f"{path}:{number}") for number, line in enumerate(lines, 2)]


def _measurement(values: Sequence[str], where: str) -> Measurement:
    if len(values) != len(fields(Measurement)):
        raise InputError(f"{where}: expected {len(fields(Measurement))} columns, found {len(values)}; measure again")
    utterance, seconds, f0, voiced, nuclei, reason, detail = values
    return Measurement(utterance, float(seconds), float(f0) if f0 else None, float(voiced), int(nuclei), reason, detail)
