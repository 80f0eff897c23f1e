"""Speed and memory of sampling, from the plan to the data directory: a million speakers, one text, and a few speakers.

The commands of steps/generators/sample.sh run one after another, the jobs among them at once, each measured as a
process of its own. With one job and with two they must leave the same bytes. With --before, a checkout of an earlier
revision (`git worktree add DIR REVISION`), its command runs in turn with ours. Writes a section of RESULTS.md.
"""

import hashlib
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.bench.results import PATH, Row, command_line, record, table, target
from tests.bench.timing import Child, require_one_thread, run_module, spread
from utils.command import run_command
from utils.errors import InputError
from utils.options import option

MOST_SECONDS, MOST_MEGABYTES = 20, 500  # of a million speakers, by two jobs
NOT_COMPARED = ("run_info.json", ".done", "config.yaml")


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    n: int = option(81000, "embeddings of the corpus, 18 a speaker")
    dim: int = option(512, "D of the embeddings")
    n_texts: int = option(180, "texts, as many for each group")
    n_components: int = option(15, "K of the mixture")
    n_samples: int = option(1_000_000, "speakers to sample, over all texts")
    one_text: tuple[int, ...] = option((20_000, 50_000, 100_000), "speakers to sample for one text")
    small: int = option(108, "speakers of a small request, over all groups")
    rounds: int = option(5, "how often small requests are timed")
    ridge: bool = option(True, "sample from ridge_student too, whose covariance is full")
    before: Path | None = option(None, "checkout of an earlier revision, whose small requests are timed in turn")
    work_dir: Path | None = option(None, "where to put some GB for a while; default: the system's temporary directory")
    results: Path = option(PATH, "file whose section is written")


class Source(NamedTuple):
    """What is sampled from: the words of a model and its texts."""

    model: Path
    descriptions: Path
    text_vectors: Path

    def words(self, out: Path, n: int) -> list[object]:
        """Options of the commands, for n speakers a group."""
        named = {"model": self.model, "descriptions": self.descriptions, "text_vectors": self.text_vectors, "out": out}
        return [word for name, value in (named | {"n_samples": n}).items() for word in (f"--{name}", value)]


class Run(NamedTuple):
    """The commands of one call of sample.sh."""

    plan: Child
    jobs: list[Child]
    merge: Child
    digest: str

    @property
    def seconds(self) -> float:
        """Wall time."""
        return self.plan.seconds + max(job.seconds for job in self.jobs) + self.merge.seconds

    @property
    def megabytes(self) -> float:
        """The largest sum of what runs at once."""
        return max(self.plan.megabytes, sum(job.megabytes for job in self.jobs), self.merge.megabytes)


def work(options: Options) -> None:
    """Measure and record."""
    require_one_thread()
    from tests.bench.generated import GROUPS, Corpus
    from tests.bench.memory import train_once

    corpus = Corpus(options.n, options.dim, options.n_texts)
    with tempfile.TemporaryDirectory(dir=options.work_dir) as name:
        directory = Path(name)
        model, _, _ = train_once(corpus, directory, options.n_components, epochs=1)
        models = [model, *([train_ridge(directory)] if options.ridge else [])]
        sources = [Source(model, directory / "descriptions", directory / "text") for model in models]
        large = [
            row for source in sources for row in measure_large(source, directory, options.n_samples // len(GROUPS))
        ]
        alone = one_text(sources[0], directory)
        divided = [measure_one_text(alone, directory, n) for n in options.one_text]
        small = [
            row
            for source in sources
            for row in measure_small(source, directory, max(1, options.small // len(GROUPS)), options)
        ]
    header = ("what", "measured", "target")
    speakers = corpus.n_speakers
    parts = [
        f"{options.n_samples:,} speakers of {options.dim} dimensions, {options.n_texts} texts, {speakers:,} training"
        " speakers. Seconds of wall time, of processor time in parentheses, and MB at the peak of a process.",
        table(header, large),
        f"One text ({sources[0].model.name}): seconds from the plan to the data directory.",
        table(("speakers", "1 job", "2 jobs", "1 job / 2 jobs"), divided),
        "Small requests: `steps.generators.sample` alone, seconds of processor time.",
        table(header, small),
    ]
    record(options.results, "Sampling speed", command_line("tests.bench.sampling_speed", options), "\n\n".join(parts))


def train_ridge(directory: Path) -> Path:
    """Fit a generator in closed form to the index that is there. Returns its directory."""
    run_module(
        "steps.generators.train", "--index", directory / "index", "--descriptions", directory / "descriptions",
        "--text_vectors", directory / "text", "--out", directory, "--name", "ridge_student",
        "--conf", "conf/ridge_student.yaml",
    )  # fmt: skip
    return directory / "ridge_student"


def one_text(source: Source, directory: Path) -> Source:
    """The same with the first text alone."""
    from utils.tables import read_table, write_table

    (directory / "one").mkdir()
    for name in ("text", "text2group", "text2set"):
        key, value = next(iter(read_table(source.descriptions / name).items()))
        write_table(directory / "one" / name, {key: value})
    return source._replace(descriptions=directory / "one")


def run_jobs(source: Source, out: Path, n: int, nj: int) -> Run:
    """Sample n speakers a group with nj jobs, measure the commands, and remove the samples."""
    words = [*source.words(out, n), "--nj", nj]
    plan = run_module("steps.generators.plan_samples", *words)
    with ThreadPoolExecutor(nj) as launcher:
        jobs = list(
            launcher.map(lambda job: run_module("steps.generators.sample", *words, "--job", job), range(1, nj + 1))
        )
    merge = run_module("steps.generators.merge_samples", *words)
    digest = digest_of(out)
    shutil.rmtree(out)
    return Run(plan, jobs, merge, digest)


def digest_of(directory: Path) -> str:
    """A hash of all files but those that tell how they were made."""
    digest = hashlib.sha256()
    for path in sorted(directory.iterdir()):
        if path.name not in NOT_COMPARED:
            with path.open("rb") as file:
                digest.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def measure_large(source: Source, directory: Path, n: int) -> list[Row]:
    """Many speakers, with one job and with two. Raises InputError where they leave other bytes."""
    rows, runs = [], []
    for nj in (1, 2):
        run = run_jobs(source, directory / "samples" / "many", n, nj)
        name = f"{source.model.name}, {nj} job{'s' * (nj > 1)}"
        for part, children in (("plan", [run.plan]), ("jobs", run.jobs), ("merge", [run.merge])):
            rows.append((f"{name}: {part}", "; ".join(map(told, children)), ""))
        limits = (f"< {MOST_SECONDS}", f"< {MOST_MEGABYTES}") if nj == 2 else ("", "")
        rows.append((f"{name}: in all, s", f"{run.seconds:.1f}", limits[0] and target(run.seconds, limits[0])))
        rows.append((f"{name}: at once, MB", f"{run.megabytes:.0f}", limits[1] and target(run.megabytes, limits[1])))
        runs.append(run)
    if len({run.digest for run in runs}) > 1:
        raise InputError(f"{source.model}: one job and two have left other bytes")
    return [*rows, (f"{source.model.name}: bytes of 1 job and 2 jobs", "the same", "")]


def told(child: Child) -> str:
    """A command in numbers."""
    return f"{child.seconds:.1f} s ({child.processor:.1f}), {child.megabytes:.0f} MB"


def measure_one_text(source: Source, directory: Path, n: int) -> tuple[str, ...]:
    """Seconds for n speakers of one text, with one job and with two, as a row."""
    one, two = (run_jobs(source, directory / "samples" / "one", n, nj).seconds for nj in (1, 2))
    return f"{n:,}", f"{one:.1f}", f"{two:.1f}", f"{one / two:.2f}"


def measure_small(source: Source, directory: Path, n: int, options: Options) -> list[Row]:
    """Processor time of a small request, ours and that of the earlier revision in turn."""
    from tests.bench.generated import GROUPS

    checkouts = {"now": None} | ({"before": options.before.absolute()} if options.before else {})
    seconds: dict[str, list[float]] = {name: [] for name in checkouts}
    for _ in range(options.rounds):
        for name, checkout in checkouts.items():
            out = directory / "samples" / name
            run = run_module("steps.generators.sample", *source.words(out, n), checkout=checkout)
            seconds[name].append(run.processor)
            shutil.rmtree(out)
    rows = [
        (f"{source.model.name}, {n * len(GROUPS)} speakers, {name}", spread(np.array(values), digits=2), "")
        for name, values in seconds.items()
    ]
    if options.before:
        ratio = float(np.median(np.array(seconds["now"]) / seconds["before"]))
        rows.append((f"{source.model.name}: now / before", f"{ratio:.2f}", target(ratio, "< 1")))
    return rows


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
