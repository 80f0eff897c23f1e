"""Train PLDA on the embeddings of real speakers: centring, projection, length normalisation, two covariances.

    python3 -m steps.verify.train_plda --data data/librispeech/train --out exp/plda

Reads utt2spk and xvector.scp of --data. Writes

    plda.npz    plain arrays (see steps/metrics/plda_files.py)
    train       the training speakers as a data directory whose paths hold where this command runs, for Kaldi
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from utils.command import logger, run_command
from utils.data_dir import write_data_dir
from utils.errors import InputError
from utils.options import option
from utils.script_files import renew_paths
from utils.stage_dir import StageDir
from utils.tables import read_table

log = logger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.verify.train_plda"
    data: Path = option(help="data directory of the training speakers, with xvector.scp")
    out: Path = option(help="directory to write")
    projection: str = option("lda", "in front of PLDA", choices=("none", "whitening", "lda"))
    dim: int = option(
        0, "directions that the projection keeps at most; 0: all in which the embeddings vary", least=0, most=10**6
    )
    length_norm: bool = option(True, "give all vectors one length after the projection")
    iterations: int = option(100, "of the EM algorithm, at most", least=0, most=100_000)
    force: bool = option(False, "train again even if nothing has changed")


def work(options: Options) -> None:
    """Train and commit the directory."""
    inputs = [options.data / name for name in ("utt2spk", "xvector.scp")]
    with StageDir(options.out, options, inputs, options.force) as stage:
        if stage.done:
            return
        from steps.data.spoken_vectors import read_spoken
        from steps.data.vector_table import SCRIPT
        from steps.metrics.plda import PldaSettings, fit_plda
        from steps.metrics.plda_files import save_plda
        from steps.metrics.speaker_transform import TransformSettings, fit_transform

        spoken = read_spoken(options.data)
        settings = TransformSettings(options.projection, options.dim, options.length_norm)
        try:
            transform = fit_transform(spoken.x, spoken.speakers, settings)
            model = fit_plda(transform(spoken.x), spoken.speakers, PldaSettings(options.iterations))
        except InputError as error:
            raise InputError(f"{options.data}: {error}") from error
        save_plda(stage.dir, transform, model)
        table = read_table(script := options.data / SCRIPT)
        scripts = renew_paths(script, {utterance: table[utterance] for utterance in spoken.utterances})
        utt2spk = dict(zip(spoken.utterances, spoken.speakers, strict=True))
        write_data_dir(stage.dir / "train", {"utt2spk": utt2spk, SCRIPT: scripts})
        n, dim = spoken.x.shape
        log.info(
            "%s: %d utterances of %d speakers, %d dimensions projected to %d",
            stage.final, n, len(set(spoken.speakers)), dim, len(model.psi),
        )  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
