"""Who speaks? All networks of the recipe `egs/librispeech/sid` beside LDA and Resemblyzer, on half an hour of speech.

Needs PSEUDOSPEAKERS_DATA with librispeech-251, librispeech-sessions-14 and speechocean762-250. Runs the recipe's own
commands: `tests.bench.sid_data` makes the sets, every network is trained once on the closed set, once without each of
five folds of the speakers, and once on another corpus; `tests.bench.sid_tables` tells what came out. What is finished
is not done again: a benchmark that was stopped goes on, and a changed configuration repeats its own trainings only.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

from tests.bench import sid_data
from tests.bench.results import PATH, command_line, record
from utils.command import logger, progress, run_command
from utils.errors import InputError
from utils.options import option

log = logger(__name__)
MODELS = ("conv1d", "conv2d", "transformer", "mamba1", "mamba2", "bimamba2")
CONF = Path("egs/librispeech/sid/conf/minutes")
RESEMBLYZER = "resemblyzer"
LONG, LEARNED, UNTRAINED = "long", "learned", "untrained"  # variants of trainings of the best network
PART = ("closed", *(f"fold{number}" for number in range(sid_data.FOLDS)), "ocean")


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    COMMAND: ClassVar[str] = "tests.bench.sid"
    work: Path = option(help="directory of all data, models and judgements")
    models: tuple[str, ...] = option(MODELS, f"networks, each with a configuration in {CONF}", choices=MODELS)
    best: str = option("conv1d", "the network that is trained with all seeds, and for long", choices=MODELS)
    seeds: tuple[int, ...] = option((0, 1, 2), "of training; the other networks have the first", least=0)
    long: int = option(45, "times the epochs of the long training on the closed set; 0: none", least=0, most=1000)
    jobs: int = option(2, "trainings at a time", least=1, most=64)
    train_only: bool = option(False, "train, and judge nothing")
    results: Path = option(PATH, "file to write the section into")


class Training(NamedTuple):
    """A network on a set, as its configuration says, or in a variant."""

    part: str
    model: str
    seed: int
    variant: str = ""

    def name(self, first_seed: int) -> str:
        """The last part of its directory, which is the name of the system."""
        seed = f"seed{self.seed}" if self.seed != first_seed else ""
        return "_".join(filter(None, [self.model, seed, self.variant]))


def work(options: Options) -> None:
    """Make the sets, train, judge, write the section."""
    from tests.bench.sid_tables import section

    corpora = Path(os.environ.get("PSEUDOSPEAKERS_DATA", "nowhere"))
    for name in ("librispeech-251", "librispeech-sessions-14", "speechocean762-250"):
        if not (corpora / name).is_dir():
            raise InputError(f"{corpora / name}: no such directory; set PSEUDOSPEAKERS_DATA to the one that has it")
    sid_data.prepare(corpora, options.work)
    sid_data.make_features(options.work, call)
    sid_data.make_sets(options.work)
    trainings = list(trainings_of(options))
    in_jobs(options.jobs, lambda one: train(one, options), trainings, "trainings")
    if options.train_only:
        return
    embed_by_resemblyzer(options.work)
    in_jobs(options.jobs, lambda part: judge(part, trainings, options), PART, "judgements")
    pool_folds(options.work / "judged")
    body = section(options, trainings)
    record(options.results, "Who speaks?", command_line("tests.bench.sid", options), body)


def trainings_of(options: Options) -> Iterator[Training]:
    """All trainings, those that tell most first."""
    first, *others = options.seeds
    *home, away = PART
    for part in home:
        yield from (Training(part, model, first) for model in options.models)
    for variant in (LEARNED, UNTRAINED):
        yield from (Training(part, options.best, first, variant) for part in home)
    yield from (Training(part, options.best, seed) for seed in others for part in home)
    yield from (Training(away, model, first) for model in options.models)
    if options.long:
        yield Training(home[0], options.best, first, LONG)


def in_jobs(jobs: int, do: Callable, items: Sequence, what: str) -> None:
    """Do something with each item, some at a time; the first error ends it."""
    with ThreadPoolExecutor(jobs) as pool:
        for _ in progress(pool.map(do, items), len(items), what):
            pass


def train(one: Training, options: Options) -> None:
    """Train a network in a process of its own, and keep the processor time that it took in all."""
    name = one.name(options.seeds[0])
    out = options.work / "models" / one.part / name
    words = ["--feats", options.work / "sets" / one.part, "--out", out, "--conf", CONF / f"{one.model}.yaml"]
    words += ["--seed", one.seed, "--use_gpu", "false", "--test_figures", "false"]
    words += {
        LONG: ["--epochs", options.long * epochs_of(one.model)],
        LEARNED: ["--refit", "none"],
        UNTRAINED: ["--epochs", 0],
    }.get(one.variant, [])
    weights = out / "weights.safetensors"
    before = weights.stat().st_mtime_ns if weights.is_file() else None
    seconds = call(sys.executable, "-m", "steps.sid.train", *words)
    if weights.stat().st_mtime_ns != before:
        log.info("%s/%s: %.0f s of processor time", one.part, name, seconds)
        out.with_name(f"{name}.json").write_text(json.dumps({"processor_seconds": seconds}) + "\n", encoding="utf-8")


def epochs_of(model: str) -> int:
    """The epochs of a model's configuration."""
    import yaml

    return yaml.safe_load((CONF / f"{model}.yaml").read_text(encoding="utf-8"))["epochs"]


def call(*words: object) -> float:
    """Run a command with its log kept away unless it fails; its processor time in seconds, children included."""
    process = subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise InputError(f"{' '.join(map(str, words))}: exit status {process.returncode}: {said[-2000:]}")
    return used.ru_utime + used.ru_stime


def embed_by_resemblyzer(work: Path) -> None:
    """Embeddings of Resemblyzer of all corpora, and where the judges look for them, those of each set."""
    for name in sid_data.CORPORA:
        for one in (name, f"{name}_perturbed"):
            call("steps/embed/extract.sh", "--backend", RESEMBLYZER, work / "data" / one, work / RESEMBLYZER / one)
    for part in PART:
        corpus = "ocean" if part == "ocean" else "home"
        own = [path.name for path in (work / "sets" / part).iterdir() if path.name not in ("dev",)]
        sources = {name: corpus + "_perturbed" * name.endswith("_perturbed") for name in own if name[0] != "."}
        for other in sid_data.OTHERS.get(part, ()):
            sources |= {other: other, f"{other}_perturbed": f"{other}_perturbed"}
        for name, source in sources.items():
            listed = work / "sets" / (part if name in own else "others") / name
            out = work / "judged" / part / "embed" / RESEMBLYZER / name
            sid_data.embeddings_of(work / RESEMBLYZER / source, listed, out)


def judge(part: str, trainings: Sequence[Training], options: Options) -> None:
    """Judge all systems that were trained on one set."""
    names = [one.name(options.seeds[0]) for one in trainings if one.part == part]
    models = [options.work / "models" / part / name for name in names]
    words = ["--models", ",".join(map(str, models)), "--backends", RESEMBLYZER, "--feats", options.work / "sets" / part]
    others = [str(options.work / "sets" / "others" / name) for name in sid_data.OTHERS.get(part, ())]
    words += ["--others", ",".join(others)] if others else []
    words += ["--out", options.work / "judged" / part, "--use_gpu", "false"]
    call(sys.executable, "-m", "steps.verify.evaluate", *words)
    if part == "closed":
        name_by_cosines(options.work / "judged" / part)


def name_by_cosines(judged: Path) -> None:
    """LDA once more, by cosines instead of likelihoods, which is better for it; and a report with these rows."""
    from steps.sid.classify import main as classify
    from steps.sid.report import main as report
    from tests.bench.quality import run
    from tests.bench.sid_tables import BY_COSINES

    for name, source in BY_COSINES.items():
        embedded = judged / "embed" / source
        for condition, test in (("clean", "test"), ("perturbed", "test_perturbed")):
            words = ["--enrol", embedded / "train", "--embeddings", embedded / test]
            run(classify, *words, "--out", judged / "closed" / name / condition)
    run(report, "--closed", judged / "closed", "--out", judged / "all")


def pool_folds(judged: Path) -> None:
    """The trials and scores of all folds as those of one open set, with a report of it."""
    from steps.sid.report import main as report
    from tests.bench.quality import run

    folds = [judged / part for part in PART if part.startswith("fold")]
    out = judged / "folds"

    def write(path: Path) -> None:
        names = ["trials/trials", "trials/enrol2spk", "trials/test/utt2spk", "trials/test/spk2gender"]
        scores = [one.relative_to(folds[0]) for one in sorted((folds[0] / "open").glob("*/*/*/scores"))]
        for name in [*map(Path, names), *scores]:
            lines = [line for fold in folds for line in (fold / name).read_text(encoding="utf-8").splitlines(True)]
            if name.parts[0] == "trials" and name.name != "trials":
                lines.sort()
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_text("".join(lines), encoding="utf-8")

    sid_data.replace(out / "pooled", write)
    words = ["--trials", out / "pooled" / "trials", "--open", out / "pooled" / "open", "--out", out / "report"]
    run(report, *words, "--baselines", "lda,lda_no_mean,lda_copies,lda_no_mean_copies")


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
