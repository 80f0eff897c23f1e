"""Write a corpus of digits in the files of RedDots: pcm/, ndx/, infos/, which `local.reddots` reads.

Corpora: `fsdd` (the Free Spoken Digit Dataset, six men), `arabic-digits` (thirty speakers; the part words has the lists
that come with it), `synthetic` (voices made of formant filters, no data). Digits are joined to phrases of four. Output:
pcm/<speaker>/<recording>.pcm (16 bits, 16 kHz, no header; what is recorded at 8 kHz is upsampled), ndx/*.trn and *.ndx,
infos/script.txt, infos/phones.csv (English), infos/folds.txt (`<speaker> <fold>`), infos/sexes.txt (of arabic-digits,
estimates), infos/sources.tsv (the files that each recording is joined of) and infos/speakers.tsv.
`local/look_alike/plan.py` tells the parts.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from local.look_alike.listed_words import listed_words
from local.look_alike.plan import PARTS, WORDS, Plan, PlannedRecording, check_takes, make_plan
from local.look_alike.real_digits import ArabicDigits, Fsdd
from local.look_alike.sources import CMUDICT, DigitSource
from local.look_alike.synthetic_digits import SyntheticDigits
from local.reddots.list_files import FLAGS, KINDS
from steps.audio.containers import PCM_RATE
from utils.command import logger, progress, run_command
from utils.errors import InputError
from utils.options import MAX_SEED, option
from utils.stage_dir import StageDir

log = logger(__name__)
FSDD, ARABIC, SYNTHETIC = "fsdd", "arabic-digits", "synthetic"
FOLDS = {FSDD: 2, ARABIC: 3, SYNTHETIC: 3}
FLAGS_OF = {KINDS[number]: flags for flags, number in FLAGS.items()}
PHONES_HEADER = "sentence_id;content;phones"


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "local.prepare_look_alike"
    corpus: str = option(help="what the digits are of", choices=(FSDD, ARABIC, SYNTHETIC))
    out: Path = option(help="directory to write")
    data_dir: Path | None = option(None, "the corpus, with flac/; not for synthetic")
    parts: tuple[str, ...] = option(PARTS, "parts to write")
    n_folds: int = option(0, "folds of speakers; 0: 2 of fsdd, else 3", least=0, most=1000)
    n_speakers: int = option(10, "speakers of synthetic, every second one a woman", least=2, most=9999)
    seed: int = option(1, "decides own and prompted phrases, and synthetic voices", least=0, most=MAX_SEED)
    force: bool = option(False, "redo the stage even if it is up to date")


def work(options: Options) -> None:
    """Plan the lists, and write them with their recordings."""
    unknown = [part for part in options.parts if part not in PARTS]
    if unknown or not options.parts:
        raise InputError(f"--parts {','.join(options.parts)}: expected some of {','.join(PARTS)}")
    source = find_source(options)
    with StageDir(options.out, options, source.inputs, options.force) as stage:
        if stage.done:
            return
        plan = make_plan(source, sorted(set(options.parts)), options.seed)
        if options.corpus == ARABIC and WORDS in options.parts:
            plan = with_listed_words(plan, options)
        write_lists(stage.dir, plan)
        write_infos(stage.dir, plan)
        seconds = write_recordings(stage.dir, plan)
        log.info(
            "%s: %d recordings of %d speakers, %.1f minutes", stage.final, len(plan.recordings), len(source.speakers),
            seconds / 60,
        )  # fmt: skip


def find_source(options: Options) -> DigitSource:
    """The digits of a corpus."""
    n_folds = options.n_folds or FOLDS[options.corpus]
    if options.corpus == SYNTHETIC:
        if options.data_dir is not None:
            raise InputError("--data_dir: synthetic speakers need no data; leave it out, or name another --corpus")
        return SyntheticDigits(options.n_speakers, n_folds, options.seed)
    if options.data_dir is None:
        raise InputError(f"--data_dir: missing; give the directory of {options.corpus}, which has flac/")
    return (Fsdd if options.corpus == FSDD else ArabicDigits)(options.data_dir, n_folds)


def with_listed_words(plan: Plan, options: Options) -> Plan:
    """The same with the lists of words that come with the data, in place of those of the rule."""
    assert options.data_dir is not None
    fresh = make_plan(plan.source, [part for part in plan.parts if part != WORDS], options.seed)
    fresh.parts[WORDS] = listed_words(fresh, options.data_dir)
    check_takes(fresh)
    return fresh


def write_lists(out: Path, plan: Plan) -> None:
    """Write ndx/: lists of both sexes, empty ones too."""
    (out / "ndx").mkdir()
    sexes = {speaker.id: speaker.sex for speaker in plan.source.speakers}
    for name, part in plan.parts.items():
        for sex in "fm":
            for way, models in part.models.items():
                lines = [
                    f"{model} {','.join(f'{one.speaker}/{one}' for one in recordings)}\n"
                    for model, recordings in sorted(models.items())
                    if sexes[model.speaker] == sex
                ]
                (out / "ndx" / f"{sex}_part_{name}{way}.trn").write_text("".join(lines), encoding="latin-1")
            trials = sorted((row for row in part.trials if sexes[row[0].speaker] == sex), key=_order)
            lines = [f"{model},{test.speaker}/{test},{FLAGS_OF[kind]}\n" for model, test, kind in trials]
            (out / "ndx" / f"{sex}_part_{name}.ndx").write_text("".join(lines), encoding="latin-1")


def _order(row: tuple) -> tuple:
    model, test, kind = row
    return model, KINDS.index(kind), test


def write_infos(out: Path, plan: Plan) -> None:
    """Write infos/."""
    (out / "infos").mkdir()
    texts = {name: " ".join(plan.source.words[digit] for digit in digits) for name, digits in plan.sentences.items()}
    recordings = sorted(plan.recordings.values(), key=lambda one: str(one.name))
    sources = [
        f"{one.name}\t{','.join(plan.source.name(one.speaker, *pair) for pair in one.heard())}" for one in recordings
    ]
    said = sorted({one.name.sentence for one in recordings}, key=int)
    tables = {
        "script.txt": [f"{one.name};{texts[one.name.sentence]}" for one in recordings],
        "folds.txt": [f"{speaker.id} {speaker.fold}" for speaker in plan.source.speakers],
        "speakers.tsv": ["speaker\tsource\tsex", *(f"{s.id}\t{s.name}\t{s.sex}" for s in plan.source.speakers)],
        "sources.tsv": ["recording\tfiles", *sources],
    }
    if set(plan.source.words) <= CMUDICT.keys():
        rows = [f"{name};{texts[name]};{' _ '.join(CMUDICT[word] for word in texts[name].split())}" for name in said]
        tables["phones.csv"] = [PHONES_HEADER, *rows]
    if plan.source.estimated:
        tables["sexes.txt"] = [f"{speaker.id} {speaker.sex}?" for speaker in plan.source.speakers]
    for name, lines in tables.items():
        (out / "infos" / name).write_text("\n".join(lines) + "\n", encoding="latin-1")


def write_recordings(out: Path, plan: Plan) -> float:
    """Write pcm/. Returns the seconds of all."""
    total = 0
    for speaker in progress(plan.source.speakers, len(plan.source.speakers), "speakers"):
        folder = out / "pcm" / speaker.id
        folder.mkdir(parents=True)
        heard: dict[tuple[int, int], np.ndarray] = {}
        for one in (one for one in plan.recordings.values() if one.speaker == speaker):
            content = samples_of(plan.source, one, heard).tobytes()
            (folder / f"{one.name}.pcm").write_bytes(content)
            total += len(content) // 2
    return total / PCM_RATE


def samples_of(source: DigitSource, one: PlannedRecording, heard: dict[tuple[int, int], np.ndarray]) -> np.ndarray:
    """The samples (samples,) int16 of a recording; `heard` keeps the digits and takes of its speaker."""
    for pair in one.heard():
        if pair not in heard:
            heard[pair] = source.read(one.speaker, *pair)
    takes = [heard[pair] for pair in one.heard()]
    samples = takes[0] if len(takes) == 1 else source.join(takes)
    return np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2")


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
