"""Error rates of PocketSphinx on real speech, its speed, and what journals cost of its time.

Data of PSEUDOSPEAKERS_DATA: every few utterances of librispeech-251 and of librispeech-sessions-14 with the language
model of the package; spoken digits of fsdd, single and joined to four, with a grammar. Writes a section of RESULTS.md.
"""

import csv
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from steps.asr import compute, error_rates, merge, plan
from steps.asr.asr_job import Options as JobOptions
from steps.asr.pocketsphinx import Pocketsphinx, PocketsphinxOptions
from tests.bench.results import PATH, Row, command_line, record, table, target
from tests.bench.timing import require_one_thread
from utils.command import run_command
from utils.data_dir import write_data_dir
from utils.errors import InputError
from utils.options import option

TITLE = "Speech recognition"
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
DIGIT, FOUR = Path("conf/asr/digit.jsgf"), Path("conf/asr/four_digits.jsgf")
PADDING = 0.2  # seconds of silence around digits
BETWEEN = 0.1  # seconds of silence between joined digits
JOINED = 4  # digits
# error rates of digits as first measured, in %, and 20 % room
BARS = {"fsdd, one digit": 25.2, "fsdd, four digits": 29.7}
MOST_JOURNALS = 2.0  # % of the recognition's time


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    every: int = option(3, "every how manieth utterance of librispeech-251", least=1, most=251)
    per_speaker: int = option(5, "utterances of each speaker of librispeech-sessions-14", least=1, most=100)
    takes: int = option(12, "of each speaker and digit of fsdd", least=1, most=50)
    strings: int = option(30, "of four digits of each speaker of fsdd", least=1, most=1000)
    journalled: int = option(12, "utterances of librispeech-251 with which journals are timed", least=1, most=251)
    results: Path = option(PATH, "file whose section is written")


class Spoken(NamedTuple):
    """An utterance of the benchmark: its speaker, its file, and what is said."""

    id: str
    speaker: str
    path: Path
    text: str


class Judged(NamedTuple):
    """What came of one set of utterances: their hours, seconds of processor time, and the rates."""

    n: int
    seconds: float
    spent: float
    rates: dict[str, Any]


def work(options: Options) -> None:
    """Recognise, count and record."""
    require_one_thread()
    root = Path(os.environ.get("PSEUDOSPEAKERS_DATA", "nowhere"))
    if not (root / "librispeech-251").is_dir():
        raise InputError(f"{root}: no librispeech-251 here; set PSEUDOSPEAKERS_DATA to the directory that has it")
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        read = librispeech_251(root, options.every)
        digits = [f"grammar={DIGIT}", f"padding={PADDING}"], [f"grammar={FOUR}", f"padding={PADDING}"]
        found = {
            "librispeech-251": judge(here / "251", read, []),
            "librispeech-sessions-14": judge(here / "14", sessions_14(root, options.per_speaker), []),
            "fsdd, one digit": judge(here / "one", single_digits(root, options.takes), digits[0]),
            "fsdd, four digits": judge(here / "four", joined_digits(root, options.strings, here / "joined"), digits[1]),
        }
        share = share_of_journals(here / "journals", read[: options.journalled])
    record(options.results, TITLE, command_line("tests.bench.recognition", options), section(found, share, options))


def librispeech_251(root: Path, every: int) -> list[Spoken]:
    """Every few of the utterances, sorted by id."""
    audio = root / "librispeech-251" / "LibriSpeech" / "train-clean-100"
    with (root / "librispeech-text" / "librispeech-251.csv").open(encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["utterance"])
    return [
        Spoken(key, row["speaker"], audio / row["speaker"] / key.split("-")[1] / f"{key}.flac", row["text"])
        for row in rows[::every]
        for key in [row["utterance"]]
    ]


def sessions_14(root: Path, per_speaker: int) -> list[Spoken]:
    """The first utterances of each speaker, in the order of the ids."""
    folder, found = root / "librispeech-sessions-14", []
    with (folder / "utterances.csv").open(encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["utterance"])
    for row in rows:
        if sum(one.speaker == row["speaker"] for one in found) < per_speaker:
            found.append(Spoken(row["utterance"], row["speaker"], folder / row["path"], row["text"]))
    return found


def single_digits(root: Path, takes: int) -> list[Spoken]:
    """The first takes of each speaker and digit."""
    paths = sorted((root / "fsdd" / "flac").glob("*.flac"))
    parts = [(*path.stem.split("_"), path) for path in paths]
    return [
        Spoken(f"{speaker}-{digit}-{take}", speaker, path, NAMES[int(digit)])
        for digit, speaker, take, path in parts
        if int(take) < takes
    ]


def joined_digits(root: Path, strings: int, out: Path) -> list[Spoken]:
    """Strings of four digits of one speaker, drawn at random, with silence between them."""
    import soundfile

    out.mkdir()
    paths = sorted((root / "fsdd" / "flac").glob("*.flac"))
    rng, found = np.random.default_rng(0), []
    for speaker in sorted({path.stem.split("_")[1] for path in paths}):
        own = [path for path in paths if path.stem.split("_")[1] == speaker]
        for number in range(strings):
            chosen = [own[i] for i in rng.integers(len(own), size=JOINED)]
            sounds = [soundfile.read(path, dtype="float32") for path in chosen]
            rate = sounds[0][1]
            silence = np.zeros(round(BETWEEN * rate), np.float32)
            wave = np.concatenate([part for sound, _ in sounds for part in (sound, silence)][:-1])
            key = f"{speaker}-{number:04d}"
            soundfile.write(out / f"{key}.flac", wave, rate)
            words = " ".join(NAMES[int(path.stem[0])] for path in chosen)
            found.append(Spoken(key, speaker, out / f"{key}.flac", words))
    return found


def write_spoken(directory: Path, spoken: Iterable[Spoken]) -> None:
    """A data directory of utterances; ids begin with the speaker's, as tables must be sorted."""
    keyed = {f"{one.speaker}-{one.id}": one for one in spoken}
    tables = {
        "utt2spk": {key: one.speaker for key, one in keyed.items()},
        "wav.scp": {key: str(one.path) for key, one in keyed.items()},
        "text": {key: one.text for key, one in keyed.items()},
    }
    write_data_dir(directory, tables)


def judge(directory: Path, spoken: list[Spoken], settings: list[str]) -> Judged:
    """Recognise utterances by the commands, and count the errors."""
    write_spoken(directory / "data", spoken)
    words = ["--data", str(directory / "data"), "--out", str(directory / "asr"), "--keep_text", "false"]
    words += ["--set", ",".join(settings)] if settings else []
    begin = time.process_time()
    run(plan, words)
    run(compute, words)
    spent = time.process_time() - begin
    run(merge, words)
    texts = [f"--{name}={directory / folder / 'text'}" for name, folder in (("ref", "data"), ("hyp", "asr"))]
    run(error_rates, [*texts, "--out", str(directory / "rates")])
    rates = json.loads((directory / "rates" / "error_rates.json").read_text(encoding="utf-8"))
    summary = json.loads((directory / "asr" / "summary.json").read_text(encoding="utf-8"))
    return Judged(len(spoken), summary["seconds"], spent, rates)


def run(command: Any, words: list[str]) -> None:
    """Run a command here. Raises InputError where it fails."""
    if command.main(words):
        raise InputError(f"{command.__name__} {' '.join(words)}: failed")


class TimedTranscription(compute.Transcription):
    """A transcription that measures the time outside of its journals."""

    spent = 0.0

    def rows(self, utterances: Any) -> list[dict[str, Any]]:
        """What was said in utterances."""
        begin = time.perf_counter()
        rows = super().rows(utterances)
        self.spent += time.perf_counter() - begin
        return rows


def share_of_journals(directory: Path, spoken: list[Spoken]) -> float:
    """The time that journals take, flushes to disk among it, in % of that of reading and recognising."""
    from steps.audio.recordings import read_utterances

    write_spoken(directory / "data", spoken)
    own = TimedTranscription(Pocketsphinx(PocketsphinxOptions()), JobOptions.min_seconds)
    own.recogniser.start()
    begin = time.perf_counter()
    own.write(directory / "part.jsonl", read_utterances(directory / "data"))
    return 100 * (time.perf_counter() - begin - own.spent) / own.spent


def section(found: dict[str, Judged], share: float, options: Options) -> str:
    """The section's text."""
    header = ("", "utterances", "minutes", "WER, %", "95 % interval", "sub", "ins", "del", "CER, %", "real-time factor")
    goals: list[Row] = [
        (f"WER of {name}, %", f"{100 * found[name].rates['words']['rate']:.1f}", target_of(found[name], f"< {bar:g}"))
        for name, bar in BARS.items()
    ]
    goals.append(("journals, % of the recognition's time", f"{share:.3f}", target(share, f"< {MOST_JOURNALS:g}")))
    about = (
        f"PocketSphinx with the model of its package, which is one of US English at 16 kHz; one thread. LibriSpeech by"
        f" its language model: one in {options.every} utterances of librispeech-251, one a speaker, and the first"
        f" {options.per_speaker} of each of the 14 speakers of librispeech-sessions-14. FSDD (8 kHz, converted) by a"
        f" grammar: the first {options.takes} takes of each digit and speaker by `{DIGIT}`, and {options.strings}"
        f" strings of four a speaker, drawn at random and joined with {BETWEEN:g} s of silence, by `{FOUR}`;"
        f" {PADDING:g} s of silence before and after. Substitutions, insertions and"
        " deletions are % of the words of the reference; intervals are over speakers, of whom FSDD has six; the"
        " real-time factor is processor time by that of the audio, loading included."
    )
    after = (
        "The bars of digits are the rates of the first run and 20 % room. Of journals it is wall-clock time, with"
        f" {options.journalled} utterances of librispeech-251."
    )
    measured = table(header, rows_of(found))
    return "\n\n".join([about, measured, table(("", "measured", "target"), goals), after])


def target_of(judged: Judged, bound: str) -> str:
    """Whether a word error rate in % keeps its bound."""
    return target(100 * judged.rates["words"]["rate"], bound)


def rows_of(found: dict[str, Judged]) -> Iterator[tuple[str, ...]]:
    """A row for each set."""
    for name, one in found.items():
        words, characters = one.rates["words"], one.rates["characters"]
        kinds = [
            f"{100 * words[kind] / words['reference']:.1f}" for kind in ("substitutions", "insertions", "deletions")
        ]
        low, high = words["interval"] or (float("nan"),) * 2
        yield (
            *(name, str(one.n), f"{one.seconds / 60:.1f}", f"{100 * words['rate']:.1f}"),
            *(f"{100 * low:.1f} to {100 * high:.1f}", *kinds, f"{100 * characters['rate']:.1f}"),
            f"{one.spent / one.seconds:.2f}",
        )


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
