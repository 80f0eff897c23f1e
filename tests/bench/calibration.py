"""Do the regions of the default generator hold as many unseen speakers as they say? A section of RESULTS.md.

Needs PSEUDOSPEAKERS_DATA with capspeech-libri. In each split of the speakers, test speakers stand in the place of dev
speakers: their regions of highest density, of pre-activations, before and after calibration. Beside it what needs no
imputation: the regions by distances from samples, and real training speakers in the place of the samples. Models in
--work, which `tests.bench.rivals` may have made, stay finished.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.bench.quality import FIRST, capspeech_libri, prepare, run, split_and_index
from tests.bench.results import PATH, command_line, record, table
from utils.command import progress, run_command
from utils.json_files import read_json
from utils.options import option

TITLE = "Calibration"
ROWS = ("density, before", "density, after", "distances, samples", "distances, real training speakers")
Shares = dict[str, np.ndarray]  # row -> shares (3,) of test speakers


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    work: Path = option(Path("exp/bench/rivals"), "directory for data and models")
    splits: tuple[int, ...] = option((1, 2, 3, 4, 5), "split seeds")
    results: Path = option(PATH, "file to write the section into")


def work(options: Options) -> None:
    """Train, measure, write the section."""
    prepare(capspeech_libri(), options.work)
    found = [of_split(options, split) for split in progress(options.splits, len(options.splits), "splits")]
    record(options.results, TITLE, command_line("tests.bench.calibration", options), section(found))


def of_split(options: Options, split: int) -> tuple[float, Shares]:
    """The temperature of the spread, and the shares of test speakers in the regions, in one split."""
    from steps.generators.calibration import FILE, DevRanks
    from steps.generators.contract import load_generator
    from steps.generators.imputation import impute
    from steps.generators.pairs import load_pairs
    from steps.generators.train import main as train

    directory, texts = options.work / f"split{split}", (options.work / "descriptions", options.work / "text")
    index, model = split_and_index(options.work / "all", directory, split), directory / "models" / FIRST
    inputs = ["--index", index, "--descriptions", texts[0], "--text_vectors", texts[1]]
    run(train, *inputs, "--name", FIRST, "--out", directory / "models", "--use_gpu", "false")
    generator, temperature = load_generator(model), read_json(model / FILE)["temperatures"]["between"]
    sets = [load_pairs(index / part, *texts) for part in ("train", "test")]
    ranks = DevRanks.of(impute(generator.manifold, *sets, 0)[1], 0)
    after = [mixture.inner for mixture in generator.mixtures(ranks.texts)]
    before = [mixture.tempered(spread=1 / temperature) for mixture in after]
    by_density = [shares(ranks.ranks(mixtures), ranks.speakers) for mixtures in (before, after)]
    return temperature, dict(zip(ROWS, [*by_density, *by_distances(index, texts, model)], strict=True))


def by_distances(index: Path, texts: Sequence[Path], model: Path) -> list[np.ndarray]:
    """The shares (3,) of test speakers in regions of samples, and in those of real training speakers."""
    from steps.generators.contract import load_generator
    from steps.metrics.calibration_ranks import LEVELS
    from steps.metrics.sample_metrics import measure, reference
    from steps.metrics.speaker_vectors import Comparison, SpeakerVectors
    from steps.score.data import load_score_data
    from steps.score.draws import make_draw
    from steps.score.sources import GeneratorSource
    from tests.bench.quality import ATTRIBUTES

    data, rng = load_score_data(index, *texts, ATTRIBUTES), np.random.default_rng(0)
    groups = make_draw(data, len(data.train.x), rng).labels
    samples = GeneratorSource(load_generator(model), data.texts["seen"]).draw(rng, groups)
    real = (SpeakerVectors.of(one.x, one.speakers, one.groups) for one in (data.train, data.test))
    comparison = Comparison(SpeakerVectors.of(samples, groups=groups), *real)
    return [
        np.array([figures[f"inside_{level:g}"] for level in LEVELS])
        for figures in (measure("calibration", comparison), reference("calibration", comparison))
    ]


def shares(ranks: np.ndarray, speakers: np.ndarray) -> np.ndarray:
    """The shares (3,) of speakers in the regions of 50, 80 and 95 %, for ranks (N,) and speakers (N,)."""
    from steps.metrics.calibration_ranks import coverage_curve

    return np.array(list(coverage_curve(ranks, speakers).values()))


def section(found: Sequence[tuple[float, Shares]]) -> str:
    """The table."""
    temperatures = [temperature for temperature, _ in found]
    rows = []
    for name in ROWS:
        values = 100 * np.array([shares[name] for _, shares in found])
        spread = values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(3)
        rows.append([name, *(f"{mean:.0f} ± {own:.0f}" for mean, own in zip(values.mean(axis=0), spread, strict=True))])
    return (
        f"capspeech-libri, {len(found)} splits: test speakers in per cent, each as one, in regions that hold 50, 80 and"
        " 95 % of the samples of their group; mean and deviation over splits. By density: pre-activations, of which"
        " those below zero are drawn from what training speakers have. Temperatures of the spread:"
        f" {min(temperatures):.2f} to {max(temperatures):.2f}. By distances: of embeddings from all samples of their"
        " group, or from real training speakers in their place.\n\n"
        + table(["regions by", "50 %", "80 %", "95 %"], rows)
    )


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
