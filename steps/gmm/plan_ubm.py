"""Plan the training of a UBM: read all speech frames once, divide the utterances into shards for any number of jobs.

Input: a data directory, and features with speech marks. Output: the table of shards that `utils.parts` describes,
beside --out, with mean and variance of the frames of each mixture, and the utterances that have no frames.
"""

import sys
from collections.abc import Sequence

import numpy as np

from steps.audio.failures import check_failures
from steps.features.speech_frames import SpeechFrames
from steps.gmm.ubm_job import BY_SEX, Group, Options, groups_of, identity_of, is_trained
from utils.command import logger, progress, run_command
from utils.data_dir import check_genders
from utils.errors import InputError
from utils.finished import refuse_unfinished
from utils.out_dir import check_out
from utils.parts import Item, Work, remove_parts
from utils.shards import shards_of
from utils.tables import read_table

log = logger(__name__)
MOST_SHARDS = 32  # each has a file of sums in every pass
RELEASE = 256  # utterances after which archives are let go of
CONSTANT = 1e-12  # variance of a feature, over its mean square, that is rounding


def work(options: Options) -> None:
    """Write the table of shards, unless it or the model exists."""
    if is_trained(options):
        return
    refuse_unfinished(options.out, False)
    identity = identity_of(options)
    if options.force:
        remove_parts(options.out, identity)
    check_out(options.out, options.COMMAND, [options.data, options.feats])
    check(options, Work.find(options.out, identity) or write_work(options, identity))


def check(options: Options, planned: Work) -> None:
    """Raise InputError where too many utterances have no frames, or frames are too few or do not vary."""
    n_utterances = planned.n_items + len(planned.about["failures"])
    check_failures([tuple(row) for row in planned.about["failures"]], n_utterances, options.max_fail, options.out)
    for group in groups_of(planned):
        require_frames(group, options)


def write_work(options: Options, identity: str) -> Work:
    """Read the frames, and write the table."""
    frames = SpeechFrames(options.feats, options.data)
    items: list[Item] = []
    groups: list[Group] = []
    by_name = utterances_by_group(options, frames)
    for number, (name, utterances) in enumerate(by_name.items()):
        sizes, mean, variance = measure(frames, utterances)
        n_frames, first = sum(sizes.values()), items[-1].shard + 1 if items else 0
        shards = list(shards_of(list(sizes.values()), max(options.shard_frames, n_frames / MOST_SHARDS)))
        items += [Item(key, first + shard) for key, shard in zip(sizes, shards, strict=True)]
        components = (options.components + number) // len(by_name)
        n_shards = shards[-1] + 1 if shards else 0
        groups.append(Group(name, components, first, n_shards, n_frames, mean, variance))
        log.info("%s: %d utterances, %d frames of speech, %d shards", name, len(sizes), n_frames, n_shards)
    return Work.write(options.out, identity, items, {"failures": frames.skipped, "groups": groups})


def utterances_by_group(options: Options, frames: SpeechFrames) -> dict[str, list[str]]:
    """The utterances of each mixture: all of them, or those of each sex that there is."""
    if options.sexes != BY_SEX:
        return {"all": frames.utterances}
    table = options.data / "spk2gender"
    genders = read_table(table)
    check_genders(genders, table)
    groups: dict[str, list[str]] = {}
    for utterance, speaker in frames.utt2spk.items():
        if speaker not in genders:
            raise InputError(f"{table}: no line for {speaker}; expected m or f for every speaker of utt2spk")
        groups.setdefault(genders[speaker], []).append(utterance)
    return dict(sorted(groups.items()))


def measure(frames: SpeechFrames, utterances: Sequence[str]) -> tuple[dict[str, int], list[float], list[float]]:
    """Frames of each utterance that has any; mean and variance of all, feature by feature (variance 0: rounding)."""
    sizes: dict[str, int] = {}
    first, second = np.zeros(frames.dim), np.zeros(frames.dim)
    for utterance, x in progress(frames.usable(utterances), len(utterances), "utterances"):
        exact = x.astype(np.float64)
        sizes[utterance] = len(x)
        first += exact.sum(axis=0)
        second += (exact**2).sum(axis=0)
        if len(sizes) % RELEASE == 0:
            frames.release()
    n = max(1, sum(sizes.values()))
    mean, square = first / n, second / n
    variance = square - mean**2
    return sizes, mean.tolist(), np.where(variance > CONSTANT * square, variance, 0).tolist()


def require_frames(group: Group, options: Options) -> None:
    """Raise InputError where the frames of a group are too few, or do not vary."""
    where = f"{options.data}" if group.name == "all" else f"{options.data}: speakers of sex {group.name}"
    if group.components < 1:
        raise InputError(f"--components {options.components}: expected 2 or more with --sexes {BY_SEX}")
    if group.n_frames < group.components:
        raise InputError(
            f"{where}: {group.n_frames} frames of speech for {group.components} Gaussians; expected as many at least:"
            " give more speech, or fewer --components"
        )
    constant = [column for column, variance in enumerate(group.variance) if not variance]
    if constant:
        raise InputError(
            f"{options.feats / 'feats.scp'}: feature {constant[0]} (from 0) has the same value in all"
            f" {group.n_frames} frames of speech of {where}; expected features that vary: leave it out"
        )


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
