"""Rows by the million: time and memory of stages 0, 2 and 3 for simulated rows of a captioned corpus.

Three sources whose paths differ, forty utterances a speaker, captions in quotes, a table of embeddings whose keys lack
the extensions, small vectors in archives of 100,000. Each stage runs as a process of its own. What lies between the two
largest sizes is growth; the last lines are reckoned from it. Writes a section of RESULTS.md.
"""

import csv
import resource
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.bench.results import PATH, command_line, record, table, target
from tests.bench.timing import require_one_thread, run_module
from utils.archive_writer import ArchiveWriter
from utils.chunks import chunked
from utils.command import logger, run_command
from utils.errors import InputError
from utils.options import option

log = logger(__name__)
UTTERANCES_OF_SPEAKER = 40
VECTORS_OF_ARCHIVE = 100_000
GENDERS, PITCHES = ("male", "female"), ("low-pitched", "medium-pitched", "high-pitched")
RATES = ("slow speed", "measured speed", "fast speed")
COLUMNS = ("audio_path", "source", "gender", "pitch", "speaking_rate", "age", "caption")
WORDS = "speaks in a low voice at a measured speed with a clear and warm tone in a quiet room, as if alone"
STAGES = ("0, rows", "2, split", "3, index")
MACHINE, OF_MACHINE = 24e9, 0.9  # bytes of memory, and the share that one process may have


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    n: tuple[int, ...] = option((100_000, 400_000, 1_000_000), "numbers of rows")
    reckoned: tuple[int, ...] = option((10_000_000,), "numbers of rows that are reckoned from the growth")
    dim: int = option(8, "D of the embeddings", least=1)
    work_dir: Path | None = option(None, "where to put 2 kB a row for a while; default: the temporary directory")
    results: Path = option(PATH, "file whose section is written")


class Need(NamedTuple):
    """What a stage needs: seconds by the clock, of the processor (user and system), and bytes at its peak."""

    seconds: float
    processor: float
    size: float


def work(options: Options) -> None:
    """Measure and record."""
    require_one_thread()
    if len(options.n) < 2 or sorted(set(options.n)) != list(options.n):
        raise InputError("expected two or more growing --n: growth is what lies between them")
    measured = {}
    for n in options.n:
        with tempfile.TemporaryDirectory(dir=options.work_dir) as name:
            measured[n] = measure(Path(name), n, options.dim)
            log.info("%d rows: %s", n, measured[n])
    body = written(measured, options.reckoned)
    record(options.results, "Rows by the million", command_line("tests.bench.rows", options), body)


def written(measured: dict[int, list[Need]], reckoned: tuple[int, ...]) -> str:
    """The table and what follows from its last two sizes."""
    (before, first), (last, final) = list(measured.items())[-2:]
    pairs, none = list(zip(first, final, strict=True)), Need(0, 0, 0)
    growth = [along(one, other, 1 / (last - before), none) for one, other in pairs]
    rows = [(f"{n:,}", *shown(needs)) for n, needs in measured.items()]
    for n in (n for n in reckoned if n > last):
        share = (n - last) / (last - before)
        needs = [along(one, other, share, other) for one, other in pairs]
        rows.append((f"{n:,}, reckoned", *shown(needs)))
    largest, steepest = max(need.size for need in final), max(each.size for each in growth)
    fits = last + (MACHINE * OF_MACHINE - largest) / steepest
    bytes_each = ", ".join(f"{each.size:.0f}" for each in growth)
    seconds, processor = sum(need.seconds for need in final), sum(need.processor for need in final)
    return (
        f"{table(('rows', *(f'stage {name}: s, processor s, MB' for name in STAGES), 'all, s'), rows)}\n\n"
        f"From {before:,} rows to {last:,} memory grows by {bytes_each} bytes a row (stages 0, 2, 3;"
        f" {target(steepest, '< 300')}), the processor's time by"
        f" {1e6 * sum(each.processor for each in growth):.0f} µs. The three stages of {last:,} rows take"
        f" {seconds:.0f} s, {processor:.0f} s of the processor, and {largest / 1e6:.0f} MB. By this growth a machine of"
        f" {MACHINE / 1e9:.0f} GB takes {fits / 1e6:.0f} million rows ({OF_MACHINE:.0%} of its memory for one stage)."
    )


def along(one: Need, other: Need, share: float, origin: Need) -> Need:
    """`origin` and a share of the way from one need to another."""
    return Need(*(begin + share * (b - a) for begin, a, b in zip(origin, one, other, strict=True)))


def shown(needs: list[Need]) -> list[str]:
    """The cells of one size."""
    cells = [f"{need.seconds:,.0f}, {need.processor:,.0f}, {need.size / 1e6:,.0f}" for need in needs]
    return [*cells, f"{sum(need.seconds for need in needs):,.0f}"]


def measure(folder: Path, n: int, dim: int) -> list[Need]:
    """What the stages need for a corpus of `n` rows."""
    write_corpus(folder, n, dim)
    data = folder / "data"
    commands = (
        (
            "local.capspeech",
            "--data_dir",
            folder / "rows",
            "--embedding_dir",
            folder / "vectors",
            "--out",
            data / "all",
        ),
        ("steps.data.split_speakers", "--data", data / "all"),
        ("steps.data.build_index", "--data", data, "--out", folder / "index"),
    )
    needs = []
    for command in commands:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        child = run_module(*command)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        needs.append(Need(child.seconds, processor, child.megabytes * 1e6))
    return needs


def write_corpus(folder: Path, n: int, dim: int) -> None:
    """Write `rows`, csv files of three sets, and `vectors`, a table and its archives."""
    rows, vectors = folder / "rows", folder / "vectors"
    rows.mkdir(parents=True)
    vectors.mkdir()
    ends = {"train": n * 9 // 10, "val": n * 95 // 100, "test": n}
    begin = 0
    for name, end in ends.items():
        with (rows / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(simulated(begin, end))
        begin = end
    rng = np.random.default_rng(0)
    with (vectors / "xvector.csv").open("w", encoding="utf-8") as file:
        file.write("audio_id,ark_file,byte_offset\n")
        keys = (row[0].rpartition(".")[0] for row in simulated(0, n))
        for number, some in enumerate(chunked(keys, VECTORS_OF_ARCHIVE)):
            ark = vectors / f"xvector.{number}.ark"
            with ArchiveWriter(ark, folder / "unused") as writer:
                writer.write(some, rng.standard_normal((len(some), dim), dtype=np.float32))
            file.writelines(f"{key},{ark},{at}\n" for key, at in zip(some, writer.offsets, strict=True))


def simulated(begin: int, end: int) -> Iterator[tuple[str, ...]]:
    """Rows of a captioned corpus, as `COLUMNS`."""
    for row in range(begin, end):
        speaker, take = divmod(row, UTTERANCES_OF_SPEAKER)
        number, gender = 10_000 + speaker, GENDERS[speaker % 2]
        source, path = (
            ("mls", f"mls_english/train/audio/{number}/{3 * number}/{number}_{3 * number}_{take:06d}.flac"),
            ("emilia", f"EN_B{number % 100_000:05d}/EN_B{number % 100_000:05d}_S{number % 99_991:05d}_W{take:06d}.mp3"),
            ("voxceleb", f"id{number % 100_000:05d}/5r0d{number:07d}/{take:05d}.wav"),
        )[speaker % 3]
        caption = f"A {gender} person, number {speaker}, {WORDS[row % 7 :]}."
        yield path, source, gender, PITCHES[speaker // 2 % 3], RATES[row % 3], "young adult", caption


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
