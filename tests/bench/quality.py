"""How well generators obey their texts: the quality figures of RESULTS.md, over several splits and training seeds.

Needs PSEUDOSPEAKERS_DATA with capspeech-libri. Runs the recipe's own commands: one corpus and one set of texts, then
for each split seed the split, the index, the default generator with each training seed, the baselines with the first,
and the scorer. Ratios are formed inside their split and averaged after. Takes about half an hour; finished models are
kept in --work and not trained again.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.results import PATH, command_line, record, table
from utils.command import logger, progress, run_command
from utils.errors import InputError
from utils.options import option

log = logger(__name__)
FIRST = "mdn"
ATTRIBUTES = ("gender", "pitch", "speaking_rate")
Scores = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    work: Path = option(Path("exp/bench/quality"), "directory for data and models")
    splits: tuple[int, ...] = option((1, 2, 3, 4, 5), "split seeds")
    seeds: tuple[int, ...] = option((0, 1, 2, 3, 4), "training seeds of the default generator")
    n_draws: int = option(20, "draws of samples for each figure")
    results: Path = option(PATH, "file to write the section into")


def work(options: Options) -> None:
    """Train, score, write the section."""
    from steps.generators.train import read_list

    prepare(capspeech_libri(), options.work)
    names = [entry.name for entry in read_list(Path("conf/generators.txt"))]
    scores: dict[int, dict[str, list[Scores]]] = {}
    for split in progress(options.splits, len(options.splits), "splits"):
        scores[split] = score_split(options, split, names)
        (options.work / "scores.json").write_text(json.dumps(scores) + "\n", encoding="utf-8")
    body = "\n\n".join([introduction(options), figures(scores), densities(scores)])
    record(options.results, "Quality of the generators", command_line("tests.bench.quality", options), body)


def capspeech_libri() -> Path:
    """The corpus of real speakers, where PSEUDOSPEAKERS_DATA has it."""
    data = os.environ.get("PSEUDOSPEAKERS_DATA")
    if not data or not (Path(data) / "capspeech-libri").is_dir():
        raise InputError("PSEUDOSPEAKERS_DATA: expected the directory that holds capspeech-libri")
    return Path(data) / "capspeech-libri"


def prepare(corpus: Path, directory: Path, *words: str) -> None:
    """Stages 0 and 1, the latter with these options."""
    from local.capspeech.__main__ import main as prepare_capspeech
    from steps.text.augment import main as augment

    embeddings = ["--embedding_dir", str(corpus / "embeddings")]
    run(prepare_capspeech, "--data_dir", corpus, *embeddings, "--out", directory / "all")
    out = ["--out", directory / "descriptions", "--vec_out", directory / "text"]
    run(augment, "--data", directory / "all", *out, *words)


def split_and_index(data: Path, directory: Path, split: int) -> Path:
    """Stages 2 and 3: the index."""
    from steps.data.build_index import main as build_index
    from steps.data.split_speakers import main as split_speakers

    run(split_speakers, "--data", data, "--out", directory, "--split_seed", split)
    run(build_index, "--data", directory, "--out", directory / "index")
    return directory / "index"


def score_split(options: Options, split: int, names: list[str]) -> dict[str, list[Scores]]:
    """Stages 2, 3, 4 and 6 of one split: generator -> scores of each seed."""
    from steps.generators.contract import load_generator
    from steps.generators.train import main as train
    from steps.score.data import load_score_data
    from steps.score.evaluation import Scorer

    directory, texts = options.work / f"split{split}", (options.work / "descriptions", options.work / "text")
    index = split_and_index(options.work / "all", directory, split)
    scorer = Scorer(load_score_data(index, *texts, ATTRIBUTES), options.seeds[0], options.n_draws)
    scores: dict[str, list[Scores]] = {}
    inputs = ["--index", index, "--descriptions", texts[0], "--text_vectors", texts[1]]
    for name in names:
        for seed in options.seeds if name == FIRST else options.seeds[:1]:
            out = directory / f"seed{seed}"
            run(train, *inputs, "--out", out, "--name", name, "--seed", seed, "--use_gpu", "false")
            scores.setdefault(name, []).append(scorer.score_generator(load_generator(out / name)))
            log.info("split %d, %s, seed %d", split, name, seed)
    return scores


def run(main: Any, *words: Any) -> None:
    """Run a command of the recipe in this process."""
    if main([str(word) for word in words]) != 0:
        raise InputError(f"{main.__module__} failed; its message is above")


def introduction(options: Options) -> str:
    """What the tables show."""
    return (
        f"capspeech-libri (251 real speakers), {len(options.splits)} splits; `{FIRST}` with {len(options.seeds)}"
        " training seeds each, the baselines with one. Attributes: balanced accuracy of independent classifiers on"
        " samples, as a ratio to real training segments of the same groups, for texts seen in training and for held-out"
        " paraphrases. Inside gender: classifiers fitted inside each gender, averaged over the genders; pooled: one"
        " for both, which the gender alone satisfies in part. Fréchet: ratio to the distance from training to test"
        " speakers. Wanted: gender >= .97, pitch and rate inside gender .95 to 1.08, held-out within .05 of seen,"
        " Fréchet <= 1.10, g2s / t2s and g2g / s2s .90 to 1.10, no copies."
    )


def judged() -> dict[str, tuple[str, str]]:
    """Column -> family of judges, and attribute."""
    from steps.score.judges import INSIDE_GENDER, POOLED

    return {
        "gender": (POOLED, "gender"),
        "pitch inside gender": (INSIDE_GENDER, "pitch"),
        "rate inside gender": (INSIDE_GENDER, "speaking_rate"),
        "pitch pooled": (POOLED, "pitch"),
        "rate pooled": (POOLED, "speaking_rate"),
    }


def figures(scores: Mapping[int, Mapping[str, list[Scores]]]) -> str:
    """Tables of the figures of samples, averaged over seeds and splits; of the first their range over splits, too."""
    texts = [f"{name}, {texts}" for name in judged() for texts in ("seen", "held out")]
    others = ["Fréchet", "g2s / t2s", "g2g / s2s", "copies", "told apart"]
    columns = {name: sample_figures(scores, name) for name in first_of(scores)}
    rows = [[name, *(f"{sum(values) / len(values):.3f}" for values in found)] for name, found in columns.items()]
    spread = [f"{min(values):.3f} to {max(values):.3f}" for values in columns[FIRST]]
    rows.append([f"{FIRST}, range over splits", *spread])
    halves = [row[: len(texts) + 1] for row in rows], [[row[0], *row[len(texts) + 1 :]] for row in rows]
    return "\n\n".join(table(["generator", *names], half) for names, half in zip((texts, others), halves, strict=True))


def sample_figures(scores: Mapping[int, Mapping[str, list[Scores]]], name: str) -> list[list[float]]:
    """For each figure of a generator, its value in each split: the mean over seeds."""
    by_split = [[one_figures(score) for score in found[name]] for found in scores.values()]
    means = [[sum(values) / len(values) for values in zip(*seeds, strict=True)] for seeds in by_split]
    return [list(values) for values in zip(*means, strict=True)]


def one_figures(score: Scores) -> list[float]:
    """The figures of one trained generator."""
    seen, heldout = score["samples"]["seen"], score["samples"]["heldout"]
    ratios = [part[family][name]["ratio"] for family, name in judged().values() for part in (seen, heldout)]
    distances = [seen["distances"][name] for name in ("g2s_to_t2s", "g2g_to_s2s")]
    copies, told_apart = score["memorisation"]["copies"], score["two_sample_accuracy"]
    return [*ratios, seen["frechet"]["ratio"], *distances, copies, told_apart]


def densities(scores: Mapping[int, Mapping[str, list[Scores]]]) -> str:
    """Paired differences of test log density, over all test speakers: the first generator that has one, less others."""
    import numpy as np

    from steps.metrics.bootstrap import mean_interval

    one = next(iter(scores.values()))
    dense = [name for name, found in one.items() if "per_speaker" in found[0]["log_density"]]
    rows = []
    for name in dense[1:]:
        of_speaker: dict[str, list[float]] = {}
        splits = []
        for found in scores.values():
            mine = [score["log_density"]["per_speaker"] for score in found[dense[0]]]
            theirs = found[name][0]["log_density"]["per_speaker"]
            differences = {speaker: np.mean([one[speaker] for one in mine]) - theirs[speaker] for speaker in theirs}
            splits.append(float(np.mean(list(differences.values()))))
            for speaker, difference in differences.items():
                of_speaker.setdefault(speaker, []).append(difference)
        values = np.array([np.mean(found) for found in of_speaker.values()])
        low, high = mean_interval(values, np.random.default_rng(0))
        range_over_splits = f"{min(splits):+.1f} to {max(splits):+.1f}"
        rows.append([f"{dense[0]} - {name}", f"{values.mean():+.2f}", f"{low:+.2f} to {high:+.2f}", range_over_splits])
    lead = "Test log density in one subspace for all, in nats an embedding: paired differences, with the 95 % bootstrap"
    header = ["", "nats", "95 % interval", "range over splits"]
    without = ", ".join(name for name in one if name not in dense)
    none = f" Without a density: {without}." if without else ""
    return f"{lead} interval over the test speakers of all splits.{none}\n\n{table(header, rows)}"


def first_of(scores: Mapping[int, Mapping[str, list[Scores]]]) -> Iterable[str]:
    """The names of the generators."""
    return next(iter(scores.values()))


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
