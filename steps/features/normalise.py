"""Normalise features over speech: the mean of the speech frames is taken off, per utterance or per speaker.

Input: a directory of features, and a directory with vad.scp, as steps/vad/detect.sh or Kaldi writes it. Output: a
directory of features with

    feats.{ark,scp}            all frames, normalised: x - mean, or with --variance true (x - mean) / deviation
    vad.{ark,scp}              of each utterance: 1 for each frame that is speech, 0 for the others
    utt2num_speech_frames      how many are
    features.json              that of the features, and under `normalised` what was done; vad.json: the detector
    failures.tsv summary.json  utterances with too little speech, or values that are no numbers; counts
    utt2spk and the others     of these utterances

Mean and deviation are of the frames that are speech, in double precision, as Kaldi's apply-cmvn with the statistics of
select-voiced-frames has them. More failures than --max_fail are an error, and only their list is written, beside --out.
`steps.features.speech_frames` reads the result.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from steps.audio.failures import FAILURES, Failure, check_failures, count_reasons, write_failures
from steps.features.feats_dir import FeatsDir
from steps.features.normalised import NORMALISED, PER, SPEAKER, UTTERANCE, FrameSums
from steps.features.speech_frames import NO_SPEECH, NOT_FINITE
from steps.features.speech_masks import SpeechMasks
from steps.features.types import FEATURES
from utils.archive_writer import ArchiveWriter
from utils.command import logger, progress, run_command
from utils.data_dir import restrict, write_data_dir
from utils.errors import InputError
from utils.json_files import read_json, write_json
from utils.options import option
from utils.script_files import ARK_PATHS, ARK_PATHS_HELP, RECIPE
from utils.stage_dir import StageDir

log = logger(__name__)
VAD = "vad.json"
TOO_LITTLE, NO_VAD, CONSTANT = "too_little_speech", "no_vad", "constant"
REMADE = ("feats.scp", "vad.scp", "cmvn.scp", "utt2num_speech_frames")
RELEASE = 1000  # utterances, after which archives are closed: memory does not grow with them


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.features.normalise"
    feats: Path = option(help="directory of features, of steps/features/make_feats.sh")
    vad: Path = option(help="directory with vad.scp, of steps/vad/detect.sh")
    out: Path = option(help="directory of features to write")
    per: str = option(UTTERANCE, "whose frames mean and deviation are of", choices=PER)
    variance: bool = option(False, "divide by the deviation")
    least_frames: int = option(2, "an utterance with fewer speech frames fails", least=1, most=10**6)
    max_fail: float = option(0.01, "largest share of utterances that may fail", least=0, most=1)
    ark_paths: str = option(RECIPE, ARK_PATHS_HELP, choices=ARK_PATHS)
    force: bool = option(False, "redo the stage even if it is up to date")


def work(options: Options) -> None:
    """Normalise, unless the result is up to date."""
    feats, masks = FeatsDir(options.feats), SpeechMasks(options.vad)
    detector = read_json(options.vad / VAD) if (options.vad / VAD).is_file() else {}
    check_pair(feats, detector, options)
    with StageDir(options.out, options, [options.feats, options.vad], options.force) as stage:
        if not stage.done:
            write_outputs(stage, Normaliser(feats, masks, options), detector)


def check_pair(feats: FeatsDir, detector: Mapping, options: Options) -> None:
    """Raise InputError where features are normalised already, or have other frames than the detector."""
    if NORMALISED in feats.features:
        raise InputError(f"{feats.path / FEATURES}: these features are normalised; give --feats those before")
    rate = detector.get("frames_per_second", feats.frames_per_second)
    if rate != feats.frames_per_second:
        raise InputError(
            f"{options.vad / VAD}: {rate} frames in a second, the features have {feats.frames_per_second}; run"
            f" steps/vad/detect.sh with --sample_rate {feats.features['options'].get('sample_rate')}"
        )


class Normaliser:
    """What turns the features of utterances into normalised ones.

    Attributes:
        failures: utterances that have none.
    """

    def __init__(self, feats: FeatsDir, masks: SpeechMasks, options: Options):
        self.feats, self.masks, self.options = feats, masks, options
        self.failures: list[Failure] = []

    def utterances(self) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """Each utterance with normalised features (T, D) float32 and the flags (T,) bool of its speech."""
        speakers = self._speakers() if self.options.per == SPEAKER else {}
        self.failures = []
        for utterance, features, speech in self._pairs():
            sums = speakers.get(self.feats.utt2spk[utterance]) or FrameSums.of(features[speech])
            constant = sums.constant() if self.options.variance else ()
            if len(constant):
                detail = f"its speech frames have one value in the column {constant[0]}, and no deviation"
                self.failures.append((utterance, CONSTANT, detail))
                continue
            yield utterance, sums.apply(features, self.options.variance), speech

    def _speakers(self) -> dict[str, FrameSums]:
        """The sums of each speaker's speech frames."""
        found: dict[str, FrameSums] = {}
        for utterance, features, speech in self._pairs():
            speaker, own = self.feats.utt2spk[utterance], FrameSums.of(features[speech])
            found[speaker] = found[speaker] + own if speaker in found else own
        return found

    def _pairs(self) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """Each utterance that can be used, with its features and its speech; the others are added to `failures`."""
        every = self.feats.utterances
        for number, utterance in enumerate(progress(every, len(every), "utterances"), 1):
            original = self.feats.uniq.get(utterance, utterance)  # a copy speaks when its utterance does
            if original not in self.masks:
                self.failures.append((utterance, NO_VAD, f"{self.masks.script}: no line for {original}"))
                continue
            features, speech = self.feats.read(utterance), self.masks.of(original, self.feats.num_frames[utterance])
            if len(features) != len(speech):
                raise InputError(
                    f"{self.feats.path / 'utt2num_frames'}: {utterance}: {len(speech)}, its features have"
                    f" {len(features)}; make the features again"
                )
            n = int(speech.sum())
            if n < self.options.least_frames:
                detail = f"{n} of {len(speech)} frames are speech, expected {self.options.least_frames} or more"
                self.failures.append((utterance, TOO_LITTLE if n else NO_SPEECH, detail))
            elif not np.isfinite(features).all():
                self.failures.append((utterance, NOT_FINITE, "values that are no numbers"))
            else:
                yield utterance, features, speech
            if number % RELEASE == 0:
                self.feats.release()
                self.masks.release()


def write_outputs(stage: StageDir, normaliser: Normaliser, detector: Mapping) -> None:
    """Write all files of the result."""
    options, feats, counts = normaliser.options, normaliser.feats, {}
    with (
        ArchiveWriter(stage.dir / "feats.ark", stage.dir / "feats.scp", stage.final / "feats.ark") as frames,
        ArchiveWriter(stage.dir / "vad.ark", stage.dir / "vad.scp", stage.final / "vad.ark") as flags,
    ):
        for utterance, features, speech in normaliser.utterances():
            frames.add(utterance, features)
            flags.add(utterance, speech.astype(np.float32))
            counts[utterance] = int(speech.sum())
    failures, n = normaliser.failures, len(feats.utterances)
    check_failures(failures, n, options.max_fail, options.out)
    done = {"per": options.per, "over": "speech", "variance": options.variance, "vad": dict(detector)}
    write_json(stage.dir / FEATURES, feats.features | {NORMALISED: done})
    if detector:
        write_json(stage.dir / VAD, detector)
    write_failures(stage.dir / FAILURES, failures)
    n_frames = sum(feats.num_frames[key] for key in counts)
    summary = {
        **{"utterances": len(counts), "frames": n_frames, "speech": round(sum(counts.values()) / n_frames, 4)},
        **{"failed": len(failures), "failures": count_reasons(failures)},
    }
    write_json(stage.dir / "summary.json", summary)
    own = {name: table for name, table in feats.data.tables().items() if name not in REMADE}
    tables = restrict(own, counts) | {"utt2num_speech_frames": {key: str(one) for key, one in counts.items()}}
    write_data_dir(stage.dir, {name: table for name, table in tables.items() if table})
    log.info("%s: %d of %d utterances, %.1f %% speech", stage.final, len(counts), n, 100 * summary["speech"])


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
