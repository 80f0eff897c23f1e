"""Embeddings of whole utterances by a trained model, from their features.

    python3 -m steps.sid.embed --model exp/mamba2 --feats exp/feats/open --out exp/mamba2_embed/open

Reads a model directory of `steps.sid.train` or `steps.sid.baseline`, and a directory of features of the kind that the
model was trained on. Writes a data directory:

    xvector.{ark,scp}    the embedding of each utterance
    trained_on           the training speakers of the model, one a line: trials and cohorts check that theirs are others
    failures.tsv         utterances without an embedding, with the reason
    utt2spk, ...         the tables of --feats, without those of audio and features
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from utils.command import logger, progress, run_command
from utils.data_dir import DataDir, restrict, write_data_dir
from utils.options import option
from utils.stage_dir import StageDir

if TYPE_CHECKING:
    import numpy as np

    from steps.audio.failures import Failure
    from steps.features.feats_dir import FeatsDir
    from steps.sid.systems import SpeakerSystem

log = logger(__name__)
NOT_KEPT = ("wav.scp", "reco2dur", "feats.scp", "vad.scp", "cmvn.scp", "utt2num_frames", "xvector.scp")


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.sid.embed"
    model: Path = option(help="model directory of steps.sid.train or steps.sid.baseline")
    feats: Path = option(help="directory of features")
    out: Path = option(help="directory to write")
    use_gpu: str = option("auto", "compute on a GPU; auto: where there is one", choices=("auto", "true", "false"))
    batch_frames: int = option(20_000, "frames in a batch with their padding, at most", least=1, most=10**8)
    max_fail: float = option(0.01, "share of utterances without an embedding, at most", least=0, most=1)
    force: bool = option(False, "embed again even if nothing has changed")


def work(options: Options) -> None:
    """Embed and commit the directory."""
    from steps.sid.systems import system_files

    inputs = [*system_files(options.model), options.feats]
    with StageDir(options.out, options, inputs, options.force) as stage:
        if stage.done:
            return
        from steps.audio.failures import FAILURES, check_failures, write_failures
        from steps.data.spoken_vectors import TRAINED_ON
        from steps.data.vector_table import SCRIPT
        from steps.features.feats_dir import FeatsDir
        from steps.sid.systems import in_order, length_batches, load_system, require_features
        from steps.training.workplace import find_device
        from utils.archive_writer import write_vectors
        from utils.tables import read_table

        feats = FeatsDir(options.feats)
        system = load_system(options.model, find_device(options.use_gpu, 1))
        require_features(system.features, feats.features, options.feats)
        batches = list(length_batches(feats.num_frames, options.batch_frames))
        failures: list[Failure] = []
        found = list(progress(embed(system, feats, batches, failures), len(batches), "embed"))
        check_failures(failures, len(feats.utterances), options.max_fail, options.out)
        write_failures(stage.dir / FAILURES, failures)
        failed = {utterance for utterance, *_ in failures}
        utterances = [one for one in feats.utterances if one not in failed]
        ark, scp = stage.dir / "xvector.ark", stage.dir / SCRIPT
        write_vectors(ark, scp, utterances, in_order(found, utterances), stage.final / ark.name)
        tables = {name: table for name, table in DataDir(options.feats).tables().items() if name not in NOT_KEPT}
        write_data_dir(stage.dir, restrict(tables, utterances) | {scp.name: read_table(scp)})
        (stage.dir / TRAINED_ON).write_text("\n".join(system.speakers) + "\n", encoding="utf-8")
        log.info("%s: %d utterances by %s", stage.final, len(utterances), options.model)


def embed(
    system: "SpeakerSystem", feats: "FeatsDir", batches: Sequence[Sequence[str]], failures: "list[Failure]"
) -> "Iterator[tuple[list[str], np.ndarray]]":
    """The utterances of each batch that have an embedding, and these; the others are added to `failures`."""
    import numpy as np

    for batch in batches:
        frames = {utterance: feats.read(utterance) for utterance in batch}
        good = [utterance for utterance in batch if np.isfinite(frames[utterance]).all()]
        x = system.embed([frames[utterance] for utterance in good]) if good else np.empty((0, 0), np.float32)
        done = [row for row in range(len(good)) if np.isfinite(x[row]).all()]
        failures += [(one, "not_finite", "features that are not finite") for one in batch if one not in good]
        failures += [
            (good[row], "not_finite", "its embedding is not finite") for row in sorted({*range(len(good))} - {*done})
        ]
        yield [good[row] for row in done], x[done]


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
