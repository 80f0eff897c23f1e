"""Bits of an LSTM and of n-grams on units of unseen speakers, and real orders of spoken digits beside random ones."""

import json
import math
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
SETTINGS = "hidden=128,lr=3e-3,dropout=0.1,schedule=cosine,warm_up=50,patience=none"


def quality(folders: Path, directory: Path, shares: tuple[float, ...], epochs: int, nj: int) -> str:
    """Bits of all models, for each share of the training speakers."""
    sets = make_units(folders, directory, nj)
    rows, last = [], {}
    for share in shares:
        part = directory / "units" / f"train_{share:g}"
        write_share(sets["train"], part, share)
        models = train_models(
            directory / "models" / f"{share:g}", part, sets["dev"], math.ceil(epochs / math.sqrt(share))
        )
        last = {name: figures(model, sets["test"]) for name, model in models.items()}
        hours = seconds_of(part) / 3600
        rows.append((f"{hours:.2f}", *(f"{last[name]['bits_per_unit']:.3f}" for name in models)))
    best = min(last[f"{order}-gram"]["bits_per_unit"] for order in ORDERS)
    won = "below all n-grams: met" if last["LSTM"]["bits_per_unit"] < best else "below all n-grams: MISSED"
    digits = {name: figures(model, sets["digits"])["pairs"] for name, model in models.items()}
    units = UnitsDir(sets["test"])
    facts = (
        f"k-means of 100 units of cepstra every {units.info.frame_seconds * 1000:.0f} ms, of training speakers."
        f" Bits a unit on {sum(units.num_units.values()):,} units of {len(set(units.utt2spk.values()))} unseen"
        f" speakers, the end counted as a unit, by hours of training speech. N-grams have interpolated Kneser-Ney"
        f" smoothing with three discounts. LSTM: `{SETTINGS}`, {epochs} epochs of all."
    )
    bits = table(("hours", *last), rows)
    seconds = ", ".join(f"{name} {one['bits_per_second']:.1f}" for name, one in last.items())
    pairs = table(
        ("", "pairs", "right, %", "goal"),
        [
            (name, one["n"], f"{100 * one['right']:.1f}", target(100 * one["right"], PAIRS) if name == "LSTM" else "")
            for name, one in digits.items()
        ],
    )
    return (
        f"{facts}\n\n{bits}\n\nLSTM {won}. Bits a second of the last line: {seconds}.\n\nReal orders of the units of"
        f" spoken digits beside random ones without equal neighbours:\n\n{pairs}"
    )


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
    models["LSTM"] = directory / "lstm"
    settings = f"{SETTINGS},epochs={epochs}"
    run(train.main, "--train", part, "--dev", dev, "--set", settings, "--use_gpu", "false", "--out", models["LSTM"])
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
