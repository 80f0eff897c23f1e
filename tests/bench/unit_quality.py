"""Bits of networks and of n-grams on units of unseen speakers, and real orders of spoken digits beside random ones."""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from steps.data.sets import chance
from steps.data.unit_sequences import UnitsDir, UnitsWriter
from steps.unit_lm import score, train, train_ngram
from tests.bench.results import table, target
from tests.bench.unit_corpus import make_units
from utils.data_dir import write_data_dir
from utils.errors import InputError

ORDERS = (2, 3, 5)
PAIRS = ">= 95"  # per cent right
TRAINING = "dropout=0.1,schedule=cosine,patience=none"
NETWORKS = {
    "LSTM": f"hidden=128,lr=3e-3,warm_up=50,{TRAINING}",
    "transformer": f"network=transformer,hidden=128,layers=3,lr=2e-3,warm_up=100,batch_units=2048,{TRAINING}",
}
Figures = dict[str, dict]  # what steps.unit_lm.score says, by the name of the model


def quality(folders: Path, directory: Path, shares: tuple[float, ...], epochs: int, nj: int) -> str:
    """Bits of all models, for each share of the training speakers."""
    sets = make_units(folders, directory, nj)
    found: list[tuple[str, str, Figures]] = []  # hours, units
    for share in shares:
        part = directory / "units" / f"train_{share:g}"
        write_share(sets["train"], part, share)
        models = train_models(
            directory / "models" / f"{share:g}", part, sets["dev"], math.ceil(epochs / math.sqrt(share))
        )
        own = {name: figures(model, sets["test"]) for name, model in models.items()}
        n_units = sum(UnitsDir(part).num_units.values())
        found.append((f"{seconds_of(part) / 3600:.2f}", f"{n_units:,}", own))
    digits = {name: figures(model, sets["digits"])["pairs"] for name, model in models.items()}
    return "\n\n".join([facts(sets["test"], epochs), *curves(found), *judged(found[-1][2], digits)])


def facts(test: Path, epochs: int) -> str:
    """What was trained, and on what it was measured."""
    units = UnitsDir(test)
    settings = "; ".join(f"{name}: `{words}`" for name, words in NETWORKS.items())
    return (
        f"k-means of 100 units of cepstra every {units.info.frame_seconds * 1000:.0f} ms, of training speakers."
        f" Measured on {sum(units.num_units.values()):,} units of {len(set(units.utt2spk.values()))} unseen"
        f" speakers, the end counted as a unit, by the amount of training speech. N-grams have interpolated Kneser-Ney"
        f" smoothing with three discounts. {settings}; {epochs} epochs of all, of a share as many more as the root of"
        f" it is less."
    )


def curves(found: Sequence[tuple[str, str, Figures]]) -> Iterator[str]:
    """Bits a unit and bits a second of all models over hours."""
    for key, words, digits in (("bits_per_unit", "Bits a unit", 3), ("bits_per_second", "Bits a second", 1)):
        rows = [(hours, n, *(f"{one[key]:.{digits}f}" for one in own.values())) for hours, n, own in found]
        yield f"{words}:"
        yield table(("hours", "units", *found[-1][2]), rows)


def judged(last: Figures, digits: Figures) -> Iterator[str]:
    """Whether networks have fewer bits than n-grams, and find the real orders of spoken digits."""
    best = min(last[f"{order}-gram"]["bits_per_unit"] for order in ORDERS)
    won = {name: "met" if last[name]["bits_per_unit"] < best else "MISSED" for name in NETWORKS}
    yield "Below all n-grams, in the last line: " + ", ".join(f"{name} {word}" for name, word in won.items()) + "."
    yield "Real orders of the units of spoken digits beside random ones without equal neighbours:"
    rows = [
        (name, one["n"], f"{100 * one['right']:.1f}", target(100 * one["right"], PAIRS) if name in NETWORKS else "")
        for name, one in digits.items()
    ]
    yield table(("", "pairs", "right, %", "goal"), rows)


def write_share(source: Path, out: Path, share: float) -> None:
    """The sequences of a share of the speakers, those with the lowest numbers of `chance`."""
    if (out / "utt2spk").is_file():  # written last, by an earlier run in the same directory
        return
    units = UnitsDir(source)
    speakers = sorted(set(units.utt2spk.values()), key=lambda speaker: chance(0, speaker))
    chosen = set(speakers[: max(1, round(share * len(speakers)))])
    own = {utterance: speaker for utterance, speaker in units.utt2spk.items() if speaker in chosen}
    out.mkdir(parents=True, exist_ok=True)
    with UnitsWriter(out, out, units.info) as writer:
        for utterance in own:
            writer.add(utterance, *units.read(utterance))
    write_data_dir(out, {"utt2spk": own, **writer.tables()})


def train_models(directory: Path, part: Path, dev: Path, epochs: int) -> dict[str, Path]:
    """The models of the units of one directory, by name."""
    models = {f"{order}-gram": directory / f"{order}gram" for order in ORDERS}
    for order, model in zip(ORDERS, models.values(), strict=True):
        run(train_ngram.main, "--train", part, "--order", order, "--out", model)
    for name, settings in NETWORKS.items():
        models[name] = directory / name.lower()
        words = ["--train", part, "--dev", dev, "--set", f"{settings},epochs={epochs}", "--use_gpu", "false"]
        run(train.main, *words, "--out", models[name])
    return models


def figures(model: Path, units: Path) -> dict:
    """What steps.unit_lm.score says of a model."""
    out = model.with_name(f"{model.name}_{units.name}")
    run(score.main, "--model", model, "--units", units, "--out", out, "--shuffled", "true", "--use_gpu", "false")
    return json.loads((out / "figures.json").read_text(encoding="utf-8"))


def seconds_of(units: Path) -> float:
    """Speech in a directory of units."""
    own = UnitsDir(units)
    frames = np.array(list(map(int, own.data.table("utt2num_frames").values())))
    return float(frames.sum() * own.info.frame_seconds)


def run(command, *words: object) -> None:
    """Run a command in this process. Raises InputError where it fails."""
    if command(list(map(str, words))):
        raise InputError(f"{command.__module__} failed")
