"""All generators and the rivals of the literature in one table, over several splits: a section of RESULTS.md.

Needs PSEUDOSPEAKERS_DATA with capspeech-libri, and the extra `rivals`. Runs the recipe's own commands: one corpus and
one set of texts, then for each split seed the split, the index, all generators of conf/generators.txt and
conf/generators_rivals.txt, and stage 6. Ratios are formed inside their split and averaged after. Finished models and
scores are kept in --work and not made again.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.quality import FIRST, capspeech_libri, judged, prepare, run, split_and_index
from tests.bench.results import PATH, command_line, record, table
from utils.command import progress, run_command
from utils.json_files import read_json
from utils.option_values import word_of
from utils.options import option

LISTS = (Path("conf/generators.txt"), Path("conf/generators_rivals.txt"))
SECTION = "Generators beside rivals"
Scores = Mapping[str, Any]


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    work: Path = option(Path("exp/bench/rivals"), "directory for data, models and scores")
    splits: tuple[int, ...] = option((1, 2, 3, 4, 5), "split seeds")
    manifold: str | None = option(None, "of all rivals and baselines: auto or none; by default as their lists have it")
    metrics: tuple[str, ...] = option(("quick", "told_apart"), "of samples beside real speakers, as stage 6 has them")
    results: Path = option(PATH, "file to write the section into")


def work(options: Options) -> None:
    """Train, score, write the section."""
    prepare(capspeech_libri(), options.work)
    documents = [score_split(options, split) for split in progress(options.splits, len(options.splits), "splits")]
    record(options.results, SECTION, command_line("tests.bench.rivals", options), section(documents))


def score_split(options: Options, split: int) -> Scores:
    """Stages 2, 3, 4 and 6 of one split: the document of scores."""
    from steps.generators.calibration import FILE as CALIBRATION
    from steps.generators.train import main as train
    from steps.generators.train import read_list
    from steps.score.score import main as score

    directory, texts = options.work / f"split{split}", (options.work / "descriptions", options.work / "text")
    index = split_and_index(options.work / "all", directory, split)
    inputs = ["--index", index, "--descriptions", texts[0], "--text_vectors", texts[1]]
    made: dict[str, Path] = {}
    for path in LISTS:
        for name in (entry.name for entry in read_list(path)):
            if name not in made:
                made[name] = directory / "models" / name
                more = ["--set", f"manifold={options.manifold}"] if options.manifold and name != FIRST else []
                words = ["--generators", path, "--name", name, "--out", directory / "models", "--use_gpu", "false"]
                run(train, *inputs, *words, *more)
    models = ["--models", word_of(tuple(map(str, made.values()))), "--metrics", word_of(options.metrics)]
    run(score, *inputs, *models, "--out", directory / "score")
    scores = read_json(directory / "score" / "scores.json")
    for name, model in made.items():
        if (model / CALIBRATION).is_file():  # pools have no density
            scores["models"][name]["calibration"] = read_json(model / CALIBRATION)
    return scores


def columns() -> dict[str, Callable[[Scores], float | None]]:
    """Column -> its figure of one model's scores; None where it has none."""

    def at(*keys: str) -> Callable[[Scores], float | None]:
        def find(scores: Scores) -> float | None:
            for key in keys:
                scores = scores.get(key) if isinstance(scores, Mapping) else None
            return scores

        return find

    held_out = {name: at("samples", "heldout", *place, "ratio") for name, place in judged().items()}
    return {
        **{name: held_out[name] for name in ("gender", "pitch inside gender", "rate inside gender")},
        "Fréchet": at("samples", "seen", "frechet", "ratio"),
        "g2s / t2s": at("samples", "seen", "distances", "g2s_to_t2s"),
        "g2g / s2s": at("samples", "seen", "distances", "g2g_to_s2s"),
        "copies": at("memorisation", "copies"),
        "told apart": at("measured", "told_apart", "value"),
        "energy score": at("measured", "energy.energy_score_groups", "value"),
        "in 80 %": at("calibration", "after", "80"),
        "norms": at("measured", "shape.norm_distance", "value"),
        "zeros": at("measured", "shape.zero_share", "value"),
        "nats / dim": at("log_density", "nats_per_dim"),
    }


def section(documents: Sequence[Scores]) -> str:
    """The tables."""
    rows = {name: figures([one["models"][name] for one in documents]) for name in documents[0]["order"]}
    header = list(columns())
    half = len(header) // 2
    told = [
        table(["generator", *header[part]], [[name, *found[part]] for name, found in rows.items()])
        for part in (slice(0, half), slice(half, None))
    ]
    return "\n\n".join([introduction(len(documents), real_told_apart(documents)), *told])


def figures(scores: Sequence[Scores]) -> list[str]:
    """The mean over splits of each column, with half of its 95 % interval."""
    return [cell([find(one) for one in scores]) for find in columns().values()]


def cell(values: Iterable[float | None]) -> str:
    """Mean of the values of splits and half of the 95 % interval of it, by Student's t."""
    from scipy.stats import t

    known = np.array([value for value in values if value is not None])
    if not len(known):
        return "-"
    if len(known) == 1:
        return f"{known[0]:.3f}"
    half = t.ppf(0.975, len(known) - 1) * known.std(ddof=1) / np.sqrt(len(known))
    return f"{known.mean():.3f} ± {half:.3f}"


def real_told_apart(documents: Sequence[Scores]) -> str:
    """How well real training speakers are told from test speakers."""
    return cell([one["models"][FIRST].get("measured", {}).get("told_apart", {}).get("real") for one in documents])


def introduction(splits: int, real: str) -> str:
    """What the tables show."""
    return (
        f"capspeech-libri (251 real speakers), {splits} splits, one training seed; means over the splits with 95 %"
        " intervals (Student's t). Attributes: ratio to real training segments of the same groups, for held-out"
        " paraphrases. Fréchet: ratio to the distance from training to test speakers. Told apart: best of three"
        f" classifiers in two spaces, samples from test speakers, .5 is chance; real training speakers {real}. Energy"
        " score: of test speakers given samples of their group, lower is better. In 80 %: dev speakers in the region of"
        " highest density that holds 80 % of the samples of their group, after calibration. Norms: distance of the"
        " distributions"
        " of norms. Zeros: share of entries that are exactly 0. Nats: log density in the score's subspace, none where"
        " samples lie on a surface or have no density."
    )


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
