"""The measurements of utterances, and their two formats: the journals of jobs, and `measurements.tsv` in the result.

An identity names the audio and the constants of the measurement, so that measurements of other audio are never joined.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from steps.audio.failures import Failure
from steps.audio.packed_rows import file_of
from steps.audio.recordings import Utterance
from utils.errors import InputError
from utils.journal import read_journal
from utils.parts import JOURNAL, Work
from utils.stage_dir import signature
from utils.tables import read_lines

PLANNER = "steps/attributes/measure.sh, or python3 -m steps.attributes.plan,"
# part of the identity: raise the version if values change (not for a rule that takes F0 from some utterances: finished
# directories would be measured anew); "shard" has no use but stays, or all audio is measured anew
DECIDES = {"version": 1, "shard": 200}
TABLES = ("wav.scp", "segments", "utt2spk")
UNVOICED = "unvoiced"
MEASUREMENTS, SIGNATURE = "measurements.tsv", "measurements.signature"  # in the directory of attributes


@dataclass(frozen=True)
class Measurement:
    """The measurements of one utterance; of unreadable audio there is only the reason.

    Attributes:
        utterance: its id.
        seconds: of audio. voiced: seconds of voiced frames. nuclei: number of syllable nuclei.
        f0: median of the voiced frames in Hz; None if there are too few.
        reason: why a value is absent: unvoiced, missing, corrupt, empty or silent; "" if all are there.
        detail: a sentence about it.
    """

    utterance: str
    seconds: float = 0.0
    f0: float | None = None
    voiced: float = 0.0
    nuclei: int = 0
    reason: str = ""
    detail: str = ""

    @property
    def failure(self) -> Failure:
        """The line of failures.tsv."""
        return self.utterance, self.reason, self.detail


HEADER = "\t".join(field.name for field in fields(Measurement))


def identity_of(data: Path, utterances: Sequence[Utterance]) -> str:
    """A hash of the ids and audio of the utterances of a data directory or tree, and of the version of the method."""
    tables = [path for path in (data / name for name in TABLES) if path.is_file()]
    recordings = sorted({file_of(utterance.path) for utterance in utterances})
    return signature(
        {**DECIDES, "ids": [utterance.id for utterance in utterances]}, [*tables, *filter(Path.is_file, recordings)]
    )


def is_measured(out: Path, identity: str) -> bool:
    """Does the directory of attributes `out` hold the measurements with this identity?"""
    path = out / SIGNATURE
    return path.is_file() and path.read_text().strip() == identity


def collect(out: Path, identity: str) -> list[Measurement]:
    """All measurements, sorted by utterance: those of `out`, if it has them, or else those in the parts."""
    if is_measured(out, identity):
        return read_measurements(out / MEASUREMENTS)
    planned = Work.load(out, identity, PLANNER)
    planned.require(planned.missing(suffix=JOURNAL), ["python3", "-m", "steps.attributes.measure", "--out", str(out)])
    measured: list[Measurement] = []
    for shard, items in planned.shards(range(planned.n_shards)):
        path = planned.part(shard, JOURNAL)
        part = [Measurement(*row) for row in read_journal(path)]
        if [one.utterance for one in part] != [item.id for item in items]:
            raise InputError(
                f"{path}: expected the {len(items)} utterances of shard {shard}; remove it and run its job again"
            )
        measured += part
    return measured


def write_measurements(path: Path, measurements: Iterable[Measurement]) -> None:
    """Write lines of tab-separated values under a header."""
    lines = ["\t".join(map(_text, astuple(measurement))) for measurement in measurements]
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")


def _text(value: str | float | int | None) -> str:
    if isinstance(value, str):
        return " ".join(value.split())
    return "" if value is None else f"{value:.3f}".rstrip("0").rstrip(".")


def read_measurements(path: Path) -> list[Measurement]:
    """Read a table of `write_measurements`. Raises InputError with the line that is not as expected."""
    header, *lines = read_lines(path) or [""]
    if header != HEADER:
        raise InputError(f"{path}:1: expected the columns {HEADER.split()}, found {header!r}")
    return [_measurement(line.split("\t"), f"{path}:{number}") for number, line in enumerate(lines, 2)]


def _measurement(values: Sequence[str], where: str) -> Measurement:
    if len(values) != len(fields(Measurement)):
        raise InputError(f"{where}: expected {len(fields(Measurement))} columns, found {len(values)}; measure again")
    utterance, seconds, f0, voiced, nuclei, reason, detail = values
    return Measurement(utterance, float(seconds), float(f0) if f0 else None, float(voiced), int(nuclei), reason, detail)
