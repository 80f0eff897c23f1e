"""A Kaldi data directory of others as a corpus: checked, its paths made absolute, its durations read.

Tables of utterances and speakers are kept; features, CMVN and voice activity, which were made with settings that nobody
tells, are not. Utterances that cannot be read are listed in left_out.tsv, and counted.
"""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from local.audio_corpus import SHORTEST, complete_genders, write_counts, write_left_out
from steps.audio.lengths import read_lengths
from steps.audio.recordings import read_data_dir
from steps.data.sets import write_set
from steps.data.spellings import DISTINCT, mentions_in, require_distinct
from utils.command import logger
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.stage_dir import StageDir

if TYPE_CHECKING:
    from local.folder import Options

log = logger(__name__)
NOT_KEPT = ("spk2utt", "feats.scp", "cmvn.scp", "vad.scp", "utt2num_frames", "utt2dur", "reco2dur")


def take_data_dir(options: "Options") -> None:
    """Write the data directory `--out` of the one in `--data_dir`."""
    if options.labels or options.segment_seconds:
        option = "--labels" if options.labels else "--segment_seconds"
        raise InputError(
            f"{option}: is for a tree of audio, but {options.data_dir} is a Kaldi data directory; write what is known "
            "into its tables (utt2spk, spk2gender, utt2<attribute>, segments)"
        )
    data = DataDir(options.data_dir).require_utterances()
    utterances = read_data_dir(options.data_dir)
    recordings = sorted({utterance.path for utterance in utterances})
    with StageDir(options.out, options, [options.data_dir, *filter(Path.is_file, recordings)], options.force) as stage:
        if stage.done:
            return
        distinct = require_distinct(
            mentions_in(data), options.distinct_ids, f"give one id to both in {options.data_dir}"
        )
        measured = list(read_lengths(utterances, SHORTEST))
        faults = [one for one in measured if one.outcome.reason]
        if len(faults) > options.max_fail * len(measured):
            where = "; ".join(f"{one.utterance.id}: {one.outcome.detail}" for one in faults[:3])
            raise InputError(
                f"{len(faults)} of {len(measured)} utterances cannot be read, more than --max_fail {options.max_fail}: "
                f"{where}; repair or remove them"
            )
        seconds = {one.utterance.id: f"{one.outcome.seconds:.2f}" for one in measured if not one.outcome.reason}
        tables = _tables(data) | {"utt2dur": seconds, DISTINCT: distinct}
        genders = complete_genders(tables.get("spk2gender", {}), {data.utt2spk[name] for name in seconds})
        write_set(stage, tables | {"spk2gender": genders}, list(seconds), options.data_dir)
        write_left_out(stage.dir, [(one.utterance.path, one.outcome.detail) for one in faults])
        write_counts(stage.dir, Counter(f"utterances left out: {one.outcome.reason}" for one in faults))
        log.info("%s: %d of %d utterances of %s", stage.final, len(seconds), len(measured), options.data_dir)


def _tables(data: DataDir) -> dict[str, dict[str, str]]:
    """The tables that are kept, with absolute paths of recordings."""
    tables = {name: table for name, table in data.tables().items() if name not in NOT_KEPT}
    tables["wav.scp"] = {name: str(Path(path).absolute()) for name, path in tables["wav.scp"].items()}
    return tables
