"""Why judges of attributes differ: families of classifiers on the same samples, and on real voices they never saw.

Needs the directories of a finished recipe. Each family is fitted to held-out speakers in folds; its accuracy on real
training segments, in the mix of the test set, is the ceiling, and samples are given as ratios to that. Writes a section
of RESULTS.md.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.bench.results import PATH, command_line, record, table
from utils.command import run_command
from utils.options import option

ATTRIBUTES = ("gender", "pitch", "speaking_rate")
SEEDS = 2  # of the folds
Place = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    exp: Path = option(help="exp/<corpus> of a finished recipe")
    data: Path = option(help="data/<corpus> of it")
    models: tuple[Path, ...] = option(help="models, such as exp/<corpus>/mdn")
    samples: int = option(2000, "samples of each model", least=100)
    results: Path = option(PATH, "file whose section is written")


def work(options: Options) -> None:
    """Measure and record."""
    from steps.generators.contract import load_generator
    from steps.metrics.classifiers import INVERSE_PENALTY, WEAK
    from steps.metrics.speaker_vectors import SpeakerVectors
    from steps.score.attribute_classifiers import mix_weights
    from steps.score.data import load_score_data
    from steps.score.draws import make_draw
    from steps.score.sources import GeneratorSource

    data = load_score_data(options.exp / "index", options.data / "descriptions", options.exp / "text", ATTRIBUTES)
    groups, counts = np.unique(data.test.groups, return_counts=True)
    weights = mix_weights(data.train.groups, dict(zip(groups.tolist(), counts.tolist(), strict=True)))
    draw = make_draw(data, options.samples, np.random.default_rng(0))
    tried = {"real": (data.train.x[weights > 0], data.values(data.train.groups[weights > 0]), weights[weights > 0])}
    for directory in options.models:
        source = GeneratorSource(load_generator(directory), data.texts["heldout"])
        x = source.draw(np.random.default_rng(1), draw.labels)
        tried["/".join(directory.parts[-2:])] = x, data.values(draw.labels), np.ones(len(x))
    known = (
        np.concatenate([data.dev.x, data.test.x]),
        np.concatenate([data.dev.speakers, data.test.speakers]),
        data.values(np.concatenate([data.dev.groups, data.test.groups])),
    )
    spaces: dict[str, Place] = {"raw": lambda x: x, "whitened": SpeakerVectors.of(data.train.x).whitening}
    rows = []
    for space, place in spaces.items():
        for strength, penalty in (("strong", INVERSE_PENALTY), ("weak", WEAK)):
            for inside in (False, True):
                for attribute in ATTRIBUTES[1 if inside else 0 :]:
                    found = accuracies(place, penalty, inside, ATTRIBUTES.index(attribute), known, tried)
                    shown = [
                        f"{found['real']:.2f}",
                        *(f"{found[name] / found['real']:.2f}" for name in list(tried)[1:]),
                    ]
                    rows.append((f"{space}, {strength} penalty, {'inside' if inside else 'pooled'}", attribute, *shown))
    header = ("classifiers", "attribute", "accuracy, real", *list(tried)[1:])
    record(options.results, "Judges of attributes", command_line("tests.bench.judges", options), table(header, rows))


def accuracies(place: Place, penalty: float, inside: bool, column: int, known: tuple, tried: dict) -> dict[str, float]:
    """Balanced accuracy of one attribute on each of `tried`, by classifiers fitted to `known` vectors.

    Args:
        inside: fit and judge within each gender, and take the mean.
        known: vectors (N, D), speakers (N,) and values (N, A). tried: name -> vectors, values, weights.
    """
    from steps.metrics.classifiers import balanced_accuracy, cross_fit, speaker_folds

    x, speakers, values = known
    found: dict[str, list[float]] = {name: [] for name in tried}
    for gender in np.unique(values[:, 0]) if inside else [None]:
        rows = np.ones(len(x), bool) if gender is None else values[:, 0] == gender
        for seed in range(SEEDS):
            models = cross_fit(
                place(x[rows]), values[rows, column], speaker_folds(speakers[rows], seed), inverse_penalty=penalty
            )
            for name, (vectors, wanted, weights) in tried.items():
                mine = np.ones(len(vectors), bool) if gender is None else wanted[:, 0] == gender
                right = np.mean(
                    [model.labels(place(vectors[mine])) == wanted[mine, column] for model in models], axis=0
                )
                found[name].append(balanced_accuracy(right, wanted[mine, column], weights[mine]))
    return {name: float(np.mean(shares)) for name, shares in found.items()}


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
