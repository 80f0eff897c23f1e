"""Bring alignments of another recogniser into the form of `steps/hmm/align.sh`.

Input: a language directory, features, a data directory, and one of

    --ctm FILE          `utterance channel begin duration label`: labels are units of the language, perhaps with a digit
                        of stress and Kaldi's marks _B _I _E _S behind them, or words of its lexicon
    --ali SCRIPT        archives of int32 vectors: the density of each frame, or with --of units its unit (phones.txt)
    --posteriors SCRIPT archives of matrices: posteriors of densities, or with --of units of units, in their order

The states of a unit share its frames in equal parts, as do those of a word's first pronunciation; what no line covers
is silence. Output, a directory with ali.{ark,scp} or post.{ark,scp}, phones.txt, and failures.tsv, for --ali of
`steps/hmm/train_mono.sh` and for i-vectors.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from steps.audio.failures import FAILURES, Failure, check_failures, read_failures, write_failures
from utils.command import logger, run_command
from utils.errors import InputError
from utils.options import option
from utils.stage_dir import StageDir

if TYPE_CHECKING:
    from steps.hmm.foreign_alignments import Converter
    from steps.hmm.lang import Lang

log = logger(__name__)
DENSITIES, UNITS = OF = ("densities", "units")


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.hmm.import_ali"

    data: Path = option(help="data directory: the utterances")
    lang: Path = option(help="language directory, of steps.hmm.make_lang")
    feats: Path = option(help="directory of features with vad.scp, of steps.features.normalise")
    out: Path = option(help="directory of alignments to write")
    ctm: Path | None = option(None, "CTM file of units or of words")
    ali: Path | None = option(None, "script file of int32 vectors")
    posteriors: Path | None = option(None, "script file of matrices of posteriors")
    of: str = option(DENSITIES, "what --ali and --posteriors tell apart", OF)
    tolerance: int = option(
        2, "frames by which an archive may be longer or shorter than the features", least=0, most=99
    )
    max_fail: float = option(0.05, "largest share of utterances without alignment", least=0, most=1)
    force: bool = option(False, "import again even if nothing has changed")


def work(options: Options) -> None:
    """Convert the alignments of all utterances, and commit the directory."""
    given = [path for path in (options.ctm, options.ali, options.posteriors) if path is not None]
    if len(given) != 1:
        raise InputError(f"expected one of --ctm, --ali and --posteriors, found {len(given)}")
    settings = {"of": options.of, "tolerance": options.tolerance, "kind": _kind(options), "data": options.data}
    inputs = [options.data / "utt2spk", options.lang, options.feats, *given]
    archive = given[0].with_suffix(".ark")
    inputs += [archive] if options.ctm is None and archive.is_file() else []
    with StageDir(options.out, settings, inputs, options.force, command=options.COMMAND) as stage:
        if not stage.done:
            n_failed, n = write_outputs(stage, options)
            log.info("%s: %d of %d utterances", options.out, n - n_failed, n)
            return
    from utils.data_dir import DataDir

    failures, n = read_failures(options.out / FAILURES), len(DataDir(options.data).utt2spk)
    check_failures(failures, n, options.max_fail, options.out)


def _kind(options: Options) -> str:
    return next(name for name in ("ctm", "ali", "posteriors") if getattr(options, name) is not None)


def write_outputs(stage: StageDir, options: Options) -> tuple[int, int]:
    """Write all files. Returns how many utterances have no alignment, and how many there are."""
    from steps.features.speech_frames import FramesProblem, SpeechFrames
    from steps.hmm.lang import Lang
    from utils.archive_writer import ArchiveWriter

    frames, lang = SpeechFrames(options.feats, options.data), Lang.load(options.lang)
    converter = converter_of(options, lang, frames.feats.frames_per_second)
    failures: list[Failure] = []
    name = "post" if options.posteriors is not None else "ali"
    files = (stage.dir / f"{name}.ark", stage.dir / f"{name}.scp", stage.final / f"{name}.ark")
    with ArchiveWriter(*files) as writer:
        for utterance in frames.utterances:
            try:
                found = converter.convert(utterance, len(frames.all_frames(utterance)))
            except FramesProblem as problem:
                failures.append((problem.utterance, problem.reason, problem.detail))
                continue
            writer.add(utterance, found)
    check_failures(failures, len(frames.utterances), options.max_fail, options.out)
    write_failures(stage.dir / FAILURES, failures)
    lang.write_symbols(stage.dir)
    return len(failures), len(frames.utterances)


def converter_of(options: Options, lang: "Lang", frames_per_second: float) -> "Converter":
    """What converts the alignments that the options name."""
    from steps.hmm.foreign_alignments import CtmConverter, NumberConverter, PosteriorConverter

    if options.ctm is not None:
        return CtmConverter(options.ctm, lang, frames_per_second)
    kind = NumberConverter if options.ali is not None else PosteriorConverter
    return kind(options.ali or options.posteriors, lang, options.of == UNITS, options.tolerance)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
