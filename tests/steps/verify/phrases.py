"""A made-up corpus of phrases in the files of a recipe: lists, trials of four kinds, and scores of systems."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from steps.metrics.trial_files import write_scores
from steps.metrics.trials import TrialPairs
from utils.tables import write_table

SENTENCES, TAKES = ("s1", "s2", "s3"), 4  # of which two enrol
KINDS = {(True, True): "TC", (True, False): "TW", (False, True): "IC", (False, False): "IW"}
Row = tuple[str, str, str]  # model, test, kind


def write_phrases(data: Path, speakers: int = 12, folds: int = 0, genders: str = "fm", part: str = "01") -> list[Row]:
    """Write lists, enrol_<part>, test_<part> and, with folds, spk2fold and the lists of pairs of folds."""
    names = [f"v{number:02d}" for number in range(speakers)]
    utterances = {f"{one}-{said}-{take}": one for one in names for said in SENTENCES for take in range(TAKES)}
    enrol, test = ({u: one for u, one in utterances.items() if (u[-1] < "2") == first} for first in (True, False))
    models = {f"{one}_{said}": f"{one}-{said}-0 {one}-{said}-1" for one in names for said in SENTENCES}
    rows = list(_trials(models, test))
    fold = {one: number % max(folds, 1) for number, one in enumerate(names)}
    lists: dict[str, list[Row]] = {}
    for model, heard, kind in rows:
        pair = sorted({fold[model.split("_")[0]], fold[test[heard]]})
        lists.setdefault(f"{part}-{''.join(f'f{one}' for one in pair)}" if folds else part, []).append(
            (model, heard, kind)
        )
    for name, own in (lists | {part: rows}).items():
        for directory, table in ((data / f"enrol_{name}", enrol), (data / f"test_{name}", test)):
            directory.mkdir(parents=True)
            write_table(directory / "utt2spk", table)
        write_table(data / f"enrol_{name}/enrol_map", models)
        write_table(data / f"enrol_{name}/model2sent", {model: model.split("_")[1] for model in models})
        if genders:
            sexes = {one: genders[number % len(genders)] for number, one in enumerate(names)}
            write_table(data / f"enrol_{name}/spk2gender", sexes)
        lines = [f"{model} {heard} {'target' if kind == 'TC' else 'nontarget'} {kind}\n" for model, heard, kind in own]
        (data / f"test_{name}/trials").write_text("".join(lines))
    write_table(data / "lists", dict.fromkeys(lists, part))
    if folds:
        write_table(data / "spk2fold", {one: str(number) for one, number in fold.items()})
    return rows


def _trials(models: dict[str, str], test: dict[str, str]) -> Iterator[Row]:
    """Each model against its own recordings, and each third other one."""
    for number, model in enumerate(models):
        speaker, said = model.split("_")
        for other, (heard, one) in enumerate(test.items()):
            kind = KINDS[one == speaker, heard.split("-")[1] == said]
            if kind == "TC" or (number + other) % 3 == 0:
                yield model, heard, kind


def made_up_scores(rows: list[Row], seed: int, voice: float, words: float, noise: float = 1.0) -> np.ndarray:
    """Scores (P,) that rise by `voice` for the right speaker and by `words` for the right sentence."""
    right = np.array([[kind[0] == "T", kind[1] == "C"] for _, _, kind in rows])
    own = {model: shift for model, shift in zip(sorted({row[0] for row in rows}), _shifts(seed), strict=False)}
    shifts = np.array([own[row[0]] for row in rows])
    return right @ [voice, words] + shifts + noise * np.random.default_rng(seed).normal(size=len(rows))


def _shifts(seed: int) -> list[float]:
    return (0.3 * np.random.default_rng(seed + 1).normal(size=1000)).tolist()


def write_system(directory: Path, rows: list[Row], scores: np.ndarray) -> Path:
    """A directory of scores of some trials."""
    directory.mkdir(parents=True)
    models, tests = sorted({row[0] for row in rows}), sorted({row[1] for row in rows})
    pairs = TrialPairs(
        models, tests, np.array([models.index(row[0]) for row in rows]), np.array([tests.index(row[1]) for row in rows])
    )
    write_scores(directory / "scores", pairs, scores)
    return directory
