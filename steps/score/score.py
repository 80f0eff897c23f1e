"""Score generators, and directories of samples, against real speakers: stage 6.

Reads the index (train, dev, test), the descriptions with their text vectors, and the models; measures all of them
with the same classifiers, draws and subspace, fits none. Writes scores.json (every figure), summary.md (tables),
report.html (tables and pictures in one file, nothing else needed) and pictures/.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from steps.data.groups import ATTRIBUTES
from steps.generators.train import read_list
from steps.text.read import FILES as READER
from utils.command import doing, logger, progress, run_command
from utils.errors import InputError, brief
from utils.forked import map_forked
from utils.options import MAX_SEED, option
from utils.shards import MOST_JOBS
from utils.stage_dir import StageDir

log = logger(__name__)
MODEL = ("generator.json", "weights.safetensors")
HISTORY = ("metrics.jsonl", "calibration.json")  # what training has left beside a model
SAMPLES = ("xvector.ark", "xvector.scp", "utt2group", "utt2spk")


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.score.score"
    out: Path = option(help="directory to write")
    index: Path | None = option(None, "exp/<corpus>/index, with train, dev and test")
    descriptions: Path | None = option(None, "data/<corpus>/descriptions")
    text_vectors: Path | None = option(None, "exp/<corpus>/text")
    train: Path | None = option(
        None,
        "in place of --index, and of --descriptions and --text_vectors: real speakers of training, a Kaldi data "
        "directory (utt2spk, xvector.scp) or a set of an index",
    )
    test: Path | None = option(None, "real speakers that are not in --train")
    models: tuple[str, ...] = option((), "model directories, the one of most interest first")
    generators: Path | None = option(None, "list of generators (conf/generators.txt): score those of --exp too")
    exp: Path | None = option(None, "exp/<corpus>, where the generators of the list are")
    samples: tuple[str, ...] = option(
        (), "directories of samples to score: xvector.scp, and with --index also utt2group"
    )
    dev: Path | None = option(None, "more real speakers that are not in --train, whom judges of attributes learn from")
    metrics: tuple[str, ...] = option(
        (), "of samples beside real speakers: names, quick or full (default: quick with --index, full with --train)"
    )
    n_halves: int = option(
        20, "random halves of the speakers that intervals of these metrics are made of", least=3, most=1000
    )
    attributes: tuple[str, ...] = option(ATTRIBUTES, "names of the values that group ids are made of")
    n_draws: int = option(20, "draws of samples that each figure is averaged over", least=1, most=10_000)
    max_samples: int = option(
        8000, "samples in a draw; fewer training segments give fewer, more training speakers more", least=1, most=10**7
    )
    data: Path | None = option(
        None, "data/<corpus>, whose training speakers are heard in the report, where there is audio"
    )
    n_heard: int = option(6, "samples whose nearest real speakers are in the report, with speech", least=0, most=100)
    clip_seconds: float = option(4.0, "of speech of each of these speakers", least=0.5, most=30)
    texts: Path | None = option(None, "file of texts, one a line, to show what the first model understands of them")
    encoder: Path | None = option(None, "directory of the sentence encoder, if it is not the installed one")
    seed: int = option(0, "of every random choice", least=0, most=MAX_SEED)
    nj: int = option(1, "models scored at a time; the figures do not depend on it", least=1, most=MOST_JOBS)
    force: bool = option(False, "score again even if nothing has changed")


def work(options: Options) -> None:
    """Score and commit the directory."""
    directories = named_directories(options)
    if options.train is not None or options.test is not None:
        from steps.score.directories import score_directories

        score_directories(options, directories)
        return
    absent = [name for name in ("index", "descriptions", "text_vectors") if getattr(options, name) is None]
    if absent or options.dev is not None:
        given = f"--{absent[0]}: missing" if absent else "--dev: of the index, where --index is given"
        raise InputError(f"{given}; give --index, --descriptions and --text_vectors, or --train and --test")
    inputs = [options.index / part for part in ("train", "dev", "test")]
    inputs += [options.descriptions, options.text_vectors]
    inputs += [file for directory in directories.values() for file in scored_files(directory)]
    inputs += [] if options.texts is None else [options.texts]
    inputs += [] if options.data is None else heard_files(options.data)
    from steps.score.measured import chosen_metrics

    names = chosen_metrics(options.metrics, "quick")
    with StageDir(options.out, options, inputs, options.force) as stage:
        if not stage.done:
            score_models(stage, options, directories, names)


def score_models(stage: StageDir, options: Options, directories: dict[str, Path], names: Sequence[str]) -> None:
    """Score models, and samples of their groups, and write all files; `names` are the metrics of --metrics."""
    from threadpoolctl import threadpool_limits

    from steps.score.data import load_score_data
    from steps.score.evaluation import Scorer
    from steps.score.halves import write_halves
    from steps.score.judges import INSIDE_GENDER
    from steps.score.report import write_report
    from steps.score.results import write_results
    from steps.score.surroundings import read_surroundings
    from steps.score.understanding import TEXTS, read_texts

    texts = TEXTS if options.texts is None else read_texts(options.texts)
    data = load_score_data(options.index, options.descriptions, options.text_vectors, options.attributes)
    if data.left_out:
        log.warning("groups without training speakers or texts, not scored: %s", " ".join(data.left_out))
    around = read_surroundings(options, directories)
    with threadpool_limits(1):  # the same bytes for any number of threads, which on a busy machine stall each other
        with doing("fit classifiers to held-out speakers"):
            scorer = Scorer(data, options.seed, options.n_draws, options.max_samples)
        if left_out := scorer.judges[INSIDE_GENDER].left_out:
            log.warning("not judged inside a gender: %s", ", ".join(left_out))
        understood, scorer.references, evaluated = measure_all(scorer, options, directories, texts)
        with doing("measure samples beside real speakers"):
            sources, measured = measure_beside(scorer, options, directories, evaluated, names)
        with doing("draw the report"):
            write_report(stage.dir, scorer, evaluated, understood, around, options.nj)
            write_halves(stage.dir, sources, measured, options.n_halves)
            write_results(stage.dir)
    log.info("wrote %s", stage.final / "report.html")


def measure_all(
    scorer, options: Options, directories: dict[str, Path], texts: Sequence[str]
) -> tuple[dict | None, dict, dict]:
    """What the first model understands, the real references by name, and all models by name, `options.nj` at a time."""
    first, directory = next(iter(directories.items()))
    real = list(scorer.real_sources)
    tasks = [partial(understand_texts, scorer, options, first, directory, texts)]
    tasks += [partial(evaluate, scorer, name, directory) for name, directory in directories.items()]
    tasks += [partial(scorer.evaluate_real, name) for name in real]
    with doing("measure real speakers"):
        scorer.prepare()  # what they share, before there are forks
    understood, *found = progress(map_forked(lambda task: task(), tasks, options.nj), len(tasks), "scoring")
    references = dict(zip(real, found[len(directories) :], strict=True))
    return understood, references, dict(zip(directories, found, strict=False))


def measure_beside(
    scorer, options: Options, directories: dict[str, Path], evaluated: dict, names: Sequence[str]
) -> tuple[dict, dict]:
    """Measure the samples of each model, a speaker each, or of a directory, beside the real speakers.

    Their figures are added to the scores. Returns the sources by name, and what `measure_sources` finds of them.
    """
    from steps.generators.contract import load_generator
    from steps.metrics.speaker_vectors import Comparison, SpeakerVectors
    from steps.score.attribute_metric import AttributeMetric
    from steps.score.measured import SampleSource, measure_sources
    from steps.score.over_seeds import over_seeds
    from steps.score.text_metrics import TextMetrics
    from steps.score.vector_sets import read_sampled

    data, sources = scorer.data, {}
    train, dev, test = (SpeakerVectors.of(one.x, one.speakers, one.groups) for one in (data.train, data.dev, data.test))
    judged = AttributeMetric(data.attributes, dev)
    for name, (_, shown) in evaluated.items():
        directory = directories[name]
        is_model = (directory / MODEL[0]).is_file()
        if is_model:
            samples = SpeakerVectors.of(shown.x, groups=shown.groups)
        else:
            samples = read_sampled(directory, options.attributes).vectors
        texts = TextMetrics(load_generator(directory), data.texts) if is_model else None
        sources[name] = SampleSource(Comparison(samples, train, test, scorer.seed), judged, texts)
    measured = measure_sources(sources, names, options.n_halves, options.nj)
    scorer.over_seeds = over_seeds(measured)
    for name, (scores, _) in evaluated.items():
        scores["measured"], scores["skipped"] = (measured[name][key] for key in ("figures", "skipped"))
    return sources, measured


def understand_texts(
    scorer, options: Options, name: str, directory: Path, texts: Sequence[str]
) -> dict[str, Any] | None:
    """What the first model understands of texts; None where nobody reads them for it."""
    from steps.generators.contract import load_generator
    from steps.score.understanding import understand

    reader = reader_of(options, name, directory)
    if reader is None:
        return None
    log.info("what %s understands", name)
    return understand(scorer, name, load_generator(directory), reader, texts)


def named_directories(options: Options) -> dict[str, Path]:
    """Name -> directory of every model and directory of samples, named after its last part."""
    listed: list[Path] = []
    if options.generators is not None:
        if options.exp is None:
            raise InputError("--generators: give --exp too, the directory that these generators are in")
        listed = [options.exp / entry.name for entry in read_list(options.generators)]
    directories: dict[str, Path] = {}
    for directory in (*map(Path, options.models), *listed, *map(Path, options.samples)):
        name = directory.resolve().name
        if directory.is_file():
            raise InputError(f"{directory}: a file; give the directory that it is in")
        if not directory.is_dir():
            raise InputError(f"{directory}: no such directory; train it (stage 4) or sample it (stage 5) first")
        if not name.isprintable():
            raise InputError(f"{brief(str(directory))}: a name that cannot be printed; rename the directory")
        if name in directories:
            raise InputError(f"{directory}: {directories[name]} has the same name; rename one of the two directories")
        directories[name] = directory
    if not directories:
        raise InputError("nothing to score: give --models, --generators or --samples")
    return directories


def scored_files(directory: Path) -> list[Path]:
    """The files of a model or of a directory of samples that decide its scores."""
    return [directory / name for name in (*MODEL, *READER, *HISTORY, *SAMPLES) if (directory / name).is_file()]


def heard_files(data: Path) -> list[Path]:
    """The files of a corpus that decide what is heard in the report."""
    from steps.score.neighbours import audio_files

    if not data.is_dir():
        raise InputError(f"--data {data}: no such directory; expected data/<corpus>, with train")
    return audio_files(data / "train")


def evaluate(scorer, name: str, directory: Path):
    """Figures, and data of pictures, of one directory, which holds a model or samples."""
    from steps.generators.contract import load_generator
    from steps.score.data import read_samples

    log.info("%s", name)
    if (directory / MODEL[0]).is_file():
        generator = load_generator(directory)
        try:
            return scorer.evaluate_generator(generator)
        except InputError as error:
            raise InputError(f"{directory}: {error}") from error
    return scorer.evaluate_samples(*read_samples(directory), name=str(directory))


def reader_of(options: Options, name: str, directory: Path):
    """The reader of the first model; None where there is none, or no encoder for it, unless it was asked for."""
    from steps.text.read import Reader

    if not (directory / MODEL[0]).is_file():
        if options.texts:
            raise InputError(f"--texts: the first to be scored, {directory}, is no model that could read them")
        return None
    try:
        return Reader.load(directory, options.encoder)
    except InputError as error:
        if options.texts or options.encoder:
            raise
        log.warning("the report does not show what %s understands: %s", name, error)
        return None


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
