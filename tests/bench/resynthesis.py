"""What is left of speech that went through units: mel-cepstral distortion, lengths, and digits that are recognised.

Of spoken digits and of read sentences: a k-means and a vocoder of some speakers, then speech of others, encoded and
spoken again as the commands do it. The control has the units of each utterance, with their durations, in an order that
is drawn. Digits are recognised by PocketSphinx with a grammar, before and after. Writes a section of RESULTS.md.
"""

import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from steps.data.unit_sequences import UnitsDir, UnitsWriter, deduplicate, expand
from tests.bench.results import PATH, command_line, record, table, target
from tests.bench.timing import run_module
from utils.command import run_command
from utils.data_dir import DataDir, write_data_dir
from utils.errors import InputError
from utils.options import option
from utils.tables import read_lines

DATA = Path(os.environ.get("PSEUDOSPEAKERS_DATA", "nowhere"))
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
GRAMMAR = Path("conf/asr/digit.jsgf")
MARGIN = 1.5  # dB that the round trip must be nearer than the control
HELD_OUT = {"fsdd": ("theo", "yweweler"), "librispeech-sessions-14": ("1998", "2414", "3080", "1688")}


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    units: int = option(100, "how many there are", least=2)
    takes: int = option(15, "recordings of each digit and speaker of fsdd", least=1)
    asr: bool = option(True, "recognise the digits too")
    results: Path = option(PATH, "file whose section is written")


@dataclass(frozen=True)
class Measured:
    """What was measured of a corpus: dB of utterances, round trip and control; lengths; seconds; digits recognised."""

    corpus: str
    train_seconds: float
    db: np.ndarray
    control: np.ndarray
    lengths: np.ndarray
    real_time: float
    right: dict[str, float]


def work(options: Options) -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory() as name:
        found = [measure(corpus, options, Path(name) / corpus) for corpus in HELD_OUT]
    record(options.results, "Resynthesis", command_line("tests.bench.resynthesis", options), section(options, found))


def section(options: Options, found: Sequence[Measured]) -> str:
    """The tables."""
    rows = []
    for one in found:
        gap = one.control - one.db
        error = gap.std(ddof=1) / np.sqrt(len(gap))
        rows.append(
            [
                *(one.corpus, f"{one.train_seconds / 60:.0f} min", len(one.db)),
                *(f"{one.db.mean():.2f}", f"{one.control.mean():.2f}"),
                f"{gap.mean():.2f} ± {1.96 * error:.2f} (>= {MARGIN}: {'met' if gap.mean() >= MARGIN else 'MISSED'})",
                f"{100 * one.lengths.max():.1f} ms ({target(one.lengths.max(), '< 0.010001')})",
                f"{one.real_time:.0f}",
            ]
        )
    head = (
        "",
        "training",
        "utterances",
        "dB",
        "control, dB",
        "nearer by, dB",
        "length differs by at most",
        "x real time",
    )
    body = [
        f"{options.units} units of cepstra, mean spectra and Griffin-Lim; speakers of the test are not those of the"
        " training. Mel-cepstral distortion over frames within 40 dB of the loudest; the control has the same units in"
        " an order that is drawn. Speed: of the vocoder's command, in seconds of processor time, its start included.",
        table(head, rows),
    ]
    right = [[one.corpus, *(f"{100 * share:.1f} %" for share in one.right.values())] for one in found if one.right]
    if right:
        names = next(one.right for one in found if one.right)
        body += ["Digits recognised by PocketSphinx with a grammar of one digit:", table(("", *names), right)]
    return "\n\n".join(body)


def measure(corpus: str, options: Options, root: Path) -> Measured:
    """Train on some speakers, and measure others."""
    sets = write_sets(corpus, options, root)
    feats = ["--type", "mfcc", "--set", "preset=notebook", "--data", root / "train", "--out", root / "feats"]
    for step in ("plan", "compute", "merge"):
        run_module(f"steps.features.{step}", *feats)
    run_module("steps.units.train", "--feats", root / "feats", "--out", root / "kmeans", "--units", options.units)
    for name in ("train", "test"):
        given = ["--model", root / "kmeans", "--data", root / name, "--out", root / f"units_{name}"]
        for step in ("plan", "compute", "merge"):
            run_module(f"steps.units.{step}", *given)
    run_module("steps.vocoder.train", "--data", root / "train", "--units", root / "units_train", "--out", root / "voc")
    shuffle(root / "units_test", root / "units_control")
    seconds = {}
    for name in ("test", "control"):
        given = ["--units", root / f"units_{name}", "--model", root / "voc", "--out", root / f"of_{name}"]
        seconds[name] = run_module("steps.vocoder.resynthesise", *given).processor
        given = ["--ref", root / "test", "--data", root / f"of_{name}", "--out", root / f"db_{name}"]
        run_module("steps.vocoder.distortion", *given)
    made, original = (lengths(root / name) for name in ("of_test", "test"))
    asr = options.asr and corpus == "fsdd"
    kinds = {"before": "test", "after": "of_test", "control": "of_control"}
    return Measured(
        corpus,
        sum(lengths(root / "train").values()),
        decibels(root / "db_test"),
        decibels(root / "db_control"),
        np.array([abs(made[key] - original[key]) for key in made]),
        sum(made.values()) / seconds["test"],
        {kind: recognised(root / name, root / f"asr_{kind}", sets) for kind, name in kinds.items()} if asr else {},
    )


def write_sets(corpus: str, options: Options, root: Path) -> dict[str, str]:
    """Write the data directories `train` and `test`. Returns the words of the utterances of digits."""
    folder = DATA / corpus
    if not folder.is_dir():
        raise InputError(f"{folder}: not there; set PSEUDOSPEAKERS_DATA")
    wav, words = {}, {}
    for path in sorted(folder.rglob("*.flac")):
        if corpus == "fsdd":
            digit, speaker, take = path.stem.split("_")
            if int(take) >= options.takes:
                continue
            key = f"{speaker}-{digit}-{int(take):02d}"
            words[key] = DIGITS[int(digit)]
        else:
            speaker, key = path.stem.split("-")[0], path.stem
        wav[key] = (speaker, str(path))
    for name in ("train", "test"):
        own = {key: one for key, one in sorted(wav.items()) if (one[0] in HELD_OUT[corpus]) == (name == "test")}
        tables = {
            "wav.scp": {key: one[1] for key, one in own.items()},
            "utt2spk": {key: one[0] for key, one in own.items()},
        }
        write_data_dir(root / name, tables | ({"text": {key: words[key] for key in own}} if words else {}))
    return words


def shuffle(source: Path, target: Path) -> None:
    """Write the control: the units of each utterance with their durations in an order that is drawn."""
    units, rng = UnitsDir(source), np.random.default_rng(0)
    target.mkdir()
    with UnitsWriter(target, target, units.info) as writer:
        for key in units.utterances:
            values, durations = units.read(key)
            order = rng.permutation(len(values))
            writer.add(key, *deduplicate(expand(values[order], durations[order])))
    write_data_dir(target, units.data.tables() | writer.tables())


def decibels(directory: Path) -> np.ndarray:
    """The distortion (N,) of each utterance."""
    return np.array([float(line.split("\t")[1]) for line in read_lines(directory / "distortion.tsv")[1:]])


def lengths(directory: Path) -> dict[str, float]:
    """Seconds of each file."""
    import soundfile

    return {key: soundfile.info(path).duration for key, path in DataDir(directory).table("wav.scp").items()}


def recognised(data: Path, out: Path, words: dict[str, str]) -> float:
    """The share of digits that are recognised."""
    given = ["--data", data, "--out", out, "--set", f"grammar={GRAMMAR}", "--keep_text", "false"]
    for step in ("plan", "compute", "merge"):
        run_module(f"steps.asr.{step}", *given)
    heard = {key: words for key, _, words in (line.partition(" ") for line in read_lines(out / "text"))}
    return float(np.mean([heard.get(key, "").lower() == words[key] for key in DataDir(data).utt2spk]))


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
