"""Count the errors of transcripts: of words (WER) and of characters (CER), with intervals over speakers.

Inputs: reference and hypothesis, each a table `id words`, or a directory with `text`. Output directory:

    error_rates.json   substitutions, insertions, deletions, rate and its 95 % interval, of words and of characters; the
                       share of utterances with an error; what was missing
    utterances.tsv speakers.tsv   the counts of each

Rates are errors by units of the reference, over all utterances. Characters are those of the words with one blank
between them. Intervals: speakers are drawn with replacement (`steps.metrics.bootstrap`).
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from steps.asr.edits import Edits, edits
from steps.asr.normalisations import NORMALISATIONS, PLAIN, normaliser
from steps.metrics.bootstrap import drawn_shares, interval
from utils.command import logger, progress, run_command
from utils.errors import InputError
from utils.json_files import read_json, write_json
from utils.options import MAX_SEED, option
from utils.stage_dir import StageDir
from utils.tables import iterate_lines, read_table, repeated_key, split_line

log = logger(__name__)
RATES = "error_rates.json"
DELETED, LEFT_OUT, ERROR = "deleted", "left_out", "error"


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.asr.error_rates"
    ref: Path = option(help="what was said: a table 'id words', or a directory with text")
    hyp: Path = option(help="what was recognised, in the same form")
    out: Path = option(help="directory to write")
    normalise: str = option(PLAIN, "how both are written before they are compared", choices=NORMALISATIONS)
    missing: str = option(
        DELETED,
        "references without hypothesis, such as failures: all of their words are deleted, or they do not count",
        choices=(DELETED, LEFT_OUT, ERROR),
    )
    utt2spk: Path | None = option(None, "speakers; default: utt2spk beside --ref or --hyp, else an utterance is one")
    draws: int = option(1000, "of speakers, for the intervals", least=1, most=10**6)
    seed: int = option(0, "of the draws", least=0, most=MAX_SEED)


class Compared(NamedTuple):
    """An utterance: its speaker, and errors of its words and of its characters."""

    id: str
    speaker: str
    words: Edits
    characters: Edits


def work(options: Options) -> None:
    """Count, and write the rates."""
    ref, hyp = text_file(options.ref), text_file(options.hyp)
    speakers = speaker_table(options, ref, hyp)
    with StageDir(options.out, options, [ref, hyp, *filter(None, [speakers])]) as stage:
        if not stage.done:
            write_rates(stage.dir, options, ref, hyp, speakers)
    rates = read_json(options.out / RATES, ("words", "characters"))
    print("\n".join(line(name, rates[key]) for name, key in (("WER", "words"), ("CER", "characters"))))


def write_rates(directory: Path, options: Options, ref: Path, hyp: Path, speakers: Path | None) -> None:
    """Count, and write all files of the result."""
    references, hypotheses = read_texts(ref), read_texts(hyp)
    absent = _absent(options, references, hypotheses, hyp)
    chosen = [key for key in references if options.missing != LEFT_OUT or key in hypotheses]
    utt2spk = _speakers(speakers, chosen)
    compared = list(compare(references, hypotheses, chosen, utt2spk, options.normalise))
    rates = rates_of(compared, options.draws, options.seed)
    if not rates["words"]["reference"]:
        raise InputError(f"{ref}: no words to compare; is this a table of ids and words?")
    about = {"speakers_known": speakers is not None, "normalise": options.normalise, **absent}
    write_json(directory / RATES, rates | about)
    write_counts(directory / "utterances.tsv", "utterance", ((one.id, one) for one in compared))
    write_counts(directory / "speakers.tsv", "speaker", by_speaker(compared).items())


def text_file(path: Path) -> Path:
    """The table of a text, which may be given by its directory."""
    file = path / "text" if path.is_dir() else path
    if not file.is_file():
        raise InputError(f"{file}: no such file; expected a table of lines 'id words'")
    return file


def read_texts(path: Path) -> dict[str, str]:
    """Texts by id; a line may have an id alone, whatever the name of the file."""
    table: dict[str, str] = {}
    for number, one in enumerate(iterate_lines(path), 1):
        key, words = split_line(one)
        if not key:
            raise InputError(f"{path}:{number}: expected an id and words, found a line that begins with a blank")
        if key in table:
            raise repeated_key(path, number, key)
        table[key] = words
    return table


def speaker_table(options: Options, ref: Path, hyp: Path) -> Path | None:
    """The table of speakers: that of the options, or one beside the texts."""
    if options.utt2spk is not None:
        return options.utt2spk
    return next((path for path in (ref.with_name("utt2spk"), hyp.with_name("utt2spk")) if path.is_file()), None)


def _absent(options: Options, references: Mapping, hypotheses: Mapping, hyp: Path) -> dict[str, int]:
    """How many ids one of the two lacks. Raises InputError where they have none in common, or none may be missing."""
    missing = [key for key in references if key not in hypotheses]
    surplus = len(hypotheses) - len(references) + len(missing)
    if references and len(missing) == len(references):
        raise InputError(f"{hyp}: none of the {len(missing)} ids of --ref is here, such as {missing[0]}")
    if missing and options.missing == ERROR:
        raise InputError(f"{hyp}: {len(missing)} ids of --ref are missing, such as {missing[0]}; see --missing")
    if missing:
        how = "do not count" if options.missing == LEFT_OUT else "count as deleted"
        log.warning("%d of %d references have no hypothesis: they %s", len(missing), len(references), how)
    if surplus:
        log.warning("%d hypotheses have no reference: they do not count", surplus)
    return {"without_hypothesis": len(missing), "without_reference": surplus}


def _speakers(path: Path | None, keys: Iterable[str]) -> dict[str, str]:
    """The speaker of each utterance; the utterance itself where no table tells."""
    if path is None:
        log.warning("no utt2spk: intervals are those of independent utterances, and may be too narrow")
        return {key: key for key in keys}
    table = read_table(path)
    unknown = next((key for key in keys if key not in table), None)
    if unknown is not None:
        raise InputError(f"{path}: no line for {unknown}, which --ref has; give another --utt2spk")
    return table


def compare(
    references: Mapping[str, str],
    hypotheses: Mapping[str, str],
    keys: list[str],
    utt2spk: Mapping[str, str],
    normalise: str,
) -> Iterable[Compared]:
    """The errors of each utterance; one without hypothesis has no word."""
    written = normaliser(normalise)
    for key in progress(keys, len(keys), "utterances"):
        reference, hypothesis = written(references[key]), written(hypotheses.get(key, ""))
        words = edits(reference.split(), hypothesis.split())
        yield Compared(key, utt2spk[key], words, edits(reference, hypothesis))


def by_speaker(compared: Iterable[Compared]) -> dict[str, Compared]:
    """The sums of each speaker, sorted."""
    sums: dict[str, Compared] = {}
    for one in compared:
        before = sums.get(one.speaker, Compared("", one.speaker, Edits(), Edits()))
        sums[one.speaker] = before._replace(
            words=before.words.plus(one.words), characters=before.characters.plus(one.characters)
        )
    return dict(sorted(sums.items()))


def rates_of(compared: list[Compared], draws: int, seed: int) -> dict[str, Any]:
    """Counts, rates and intervals; one speaker alone has no interval."""
    speakers = by_speaker(compared)
    n, rng = len(speakers), np.random.default_rng(seed)
    counts = rng.multinomial(n, np.full(n, 1 / n), size=draws) if n > 1 else np.zeros((0, n), int)  # (draws, S)
    wrong = sum(bool(one.words.errors) for one in compared)
    return {
        "words": rate_of([one.words for one in speakers.values()], counts),
        "characters": rate_of([one.characters for one in speakers.values()], counts),
        "utterances": {"n": len(compared), "wrong": wrong, "rate": wrong / max(len(compared), 1)},
        "speakers": n,
    }


def rate_of(sums: list[Edits], counts: np.ndarray) -> dict[str, Any]:
    """Counts over all speakers, the rate, and its interval over draws.

    Args:
        sums: of each speaker. counts: (draws, S) how often each was drawn.
    """
    total = Edits()
    for one in sums:
        total = total.plus(one)
    found = {
        **total._asdict(),
        "errors": total.errors,
        "rate": total.errors / max(total.reference, 1),
        "interval": None,
    }
    if len(counts) and total.reference:
        errors, units = (np.array([[getattr(one, name)] for one in sums], float) for name in ("errors", "reference"))
        found["interval"] = list(interval(drawn_shares(errors, units, counts, np.ones((len(counts), 1)))))
    return found


def write_counts(path: Path, noun: str, rows: Iterable[tuple[str, Compared]]) -> None:
    """Write a table of counts, a line for each utterance or speaker."""
    names = [f"{unit}_{name}" for unit in ("words", "characters") for name in Edits._fields]
    lines = ["\t".join([noun, "speaker", *names])]
    lines += ["\t".join(map(str, [key, one.speaker, *one.words, *one.characters])) for key, one in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def line(name: str, found: Mapping[str, Any]) -> str:
    """A rate as Kaldi's scripts print it, and its interval."""
    low, high = found["interval"] or (None, None)
    over = "" if low is None else f", 95 % interval {100 * low:.2f} to {100 * high:.2f}"
    return (
        f"%{name} {100 * found['rate']:.2f} [ {found['errors']} / {found['reference']}, {found['insertions']} ins,"
        f" {found['deletions']} del, {found['substitutions']} sub ]{over}"
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
