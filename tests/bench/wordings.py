"""How far samples follow texts in people's own words: "Following people's words" of RESULTS.md.

Needs PSEUDOSPEAKERS_DATA with capspeech-libri, and with humantext for the captions of others. Runs the recipe's own
commands up to the training of the default generator, once for each split and reader; then samples each text of
tests/bench/wordings, of the captions and of the grammar from the model directory, and has the samples judged by
classifiers that know only held-out speakers. Takes about ten minutes; finished models in --work are not trained again.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.quality import FIRST, capspeech_libri, prepare, run, split_and_index
from tests.bench.results import PATH, command_line, record
from utils.command import logger, progress, run_command
from utils.options import option

if TYPE_CHECKING:
    import numpy as np

    from tests.bench.followed import Measured
    from tests.bench.worded_texts import Wording
    from tests.bench.wording_tables import Readings

log = logger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    work: Path = option(Path("exp/bench/wordings"), "directory for data and models")
    splits: tuple[int, ...] = option((1, 2, 3, 4, 5), "split seeds")
    readers: tuple[str, ...] = option(("posterior", "sentence"), "readers of texts; the first one is shown in full")
    n_samples: int = option(30, "samples of each text", least=1)
    texts_per_group: int = option(10, "texts of the grammar for each group, seen and held out", least=1)
    results: Path = option(PATH, "file to write the section into")


def work(options: Options) -> None:
    """Train, sample, judge, write the section."""
    for reader in options.readers:
        prepare(capspeech_libri(), options.work / reader, "--reader", reader)
    wordings = texts_of(options, capspeech_libri().parent / "humantext" / "captions.csv")
    measured, readings = measure(options, wordings)
    body = report(options, measured, readings)
    record(options.results, "Following people's words", command_line("tests.bench.wordings", options), body)


def texts_of(options: Options, captions: Path) -> "list[Wording]":
    """All texts: of the grammar, captions where there are any, the held-out wordings."""
    from tests.bench.worded_texts import FOLDER, read_captions, read_grammar, read_wordings

    wordings = read_grammar(options.work / options.readers[0] / "descriptions", options.texts_per_group)
    wordings.sort(key=lambda one: one.kind, reverse=True)
    if captions.is_file():
        wordings += read_captions(captions)
    for path in sorted(FOLDER.glob("*.tsv")):
        wordings += sorted(read_wordings(path), key=lambda one: one.kind)
    return wordings


def measure(options: Options, wordings: "list[Wording]") -> "tuple[Measured, Readings]":
    """What judges hear in the samples of every split and reader, and what the first reader says."""
    from steps.score.data import load_score_data
    from steps.text.read import Reader
    from tests.bench.followed import BLIND, REAL, Measured, stacked
    from tests.bench.heard import Listener
    from tests.bench.quality import ATTRIBUTES
    from tests.bench.wording_tables import Readings

    texts = [one.text for one in wordings]
    readers = {name: Reader.load(options.work / name / "text") for name in options.readers}
    read = {name: reader.read(texts) for name, reader in readers.items()}
    heard: dict[str, list] = {name: [] for name in (*options.readers, REAL, BLIND)}
    for split in progress(options.splits, len(options.splits), "splits"):
        directory = options.work / f"split{split}"
        index = split_and_index(options.work / options.readers[0] / "all", directory, split)
        inputs = [options.work / options.readers[0] / name for name in ("descriptions", "text")]
        listener = Listener(load_score_data(index, *inputs, ATTRIBUTES), seed=0)
        for name in options.readers:
            model = train(options, name, index, directory / name)
            x = sample(model, read[name].vectors, options.n_samples, split)
            heard[name].append(listener.hear(x, wordings))
        heard[REAL].append(listener.hear_real(wordings))
        heard[BLIND].append(listener.hear_real(wordings, blind=True))
        log.info("split %d", split)
    first = options.readers[0]
    measured = Measured(wordings, listener.classes, {name: stacked(found) for name, found in heard.items()})
    return measured, Readings.of(read[first], readers[first].layout)


def train(options: Options, reader: str, index: Path, directory: Path) -> Path:
    """Stage 4 for the default generator alone: its directory."""
    from steps.generators.train import main as train_generator

    texts = options.work / reader
    inputs = ["--index", index, "--descriptions", texts / "descriptions", "--text_vectors", texts / "text"]
    run(train_generator, *inputs, "--out", directory, "--name", FIRST, "--use_gpu", "false")
    return directory / FIRST


def sample(model: Path, vectors: "np.ndarray", n: int, seed: int) -> "np.ndarray":
    """Samples (T, n, D) of texts with these vectors (T, E), each from a random stream of its own."""
    import numpy as np

    from steps.generators.contract import load_generator

    mixtures = load_generator(model).mixtures(vectors)
    return np.stack([one.sample(np.random.default_rng([seed, row]), n)[0] for row, one in enumerate(mixtures)])


def report(options: Options, measured: "Measured", readings: "Readings") -> str:
    """The tables."""
    from tests.bench import wording_tables as tables
    from tests.bench.followed import BLIND

    sets, first = tables.sets_of(measured, readings), options.readers[0]
    others = {"text-blind": BLIND, **{f"reader {name}": name for name in options.readers[1:]}}
    parts = [introduction(options), tables.following(measured, sets, first)]
    parts += ["A model that ignores its text, and other readers:", tables.beside(measured, sets, others)]
    parts += [tables.plain_wordings(measured, first), tables.denials(measured, options.readers)]
    parts += [tables.unsaid(measured, first), tables.loudness(measured, first)]
    parts += [tables.languages(measured, first, readings)]
    if readings.posteriors:
        parts += ["The reader alone, without any voice:", tables.reading(measured, sets, readings)]
    return "\n\n".join(parts)


def introduction(options: Options) -> str:
    """What the tables show."""
    return (
        f"capspeech-libri (251 real speakers), {len(options.splits)} splits, `{FIRST}`, {options.n_samples} samples a"
        " text. Figures are balanced accuracies of classifiers that know only held-out speakers, as ratios to real"
        " training segments that fit the text; pitch and rate are judged inside each gender, which is stricter than"
        " by classifiers that pool the genders. In brackets the 95 % interval of a bootstrap over texts and splits. The"
        " floor is that of a model that ignores its text. Those who wrote the rules and the lexicon saw figures, kinds"
        " of failure and a few single words of `tests/bench/wordings`, no text; captions are those of humantext,"
        " without ten that contradict their key."
    )


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
