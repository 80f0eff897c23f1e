"""Train what compares i-vectors, on those of the background: LDA, whitening within classes, length, and PLDA.

    python3 -m steps.ivector.train_backend --data exp/01/ivectors/background --out exp/01/ivector_backend

Classes are speakers and sentences, pairs of both (utt2sent), or speakers alone. The projection makes the covariance
within classes the identity (WCCN, A. Hatch, S. Kajarekar, A. Stolcke, "Within-class covariance normalization for
SVM-based speaker recognition", Interspeech 2006), and keeps the --dim directions in which classes differ most (LDA);
vectors then get one length, and PLDA is trained on them. Writes `plda.npz`, as steps.verify.train_plda does.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from utils.command import logger, run_command
from utils.errors import InputError
from utils.options import option
from utils.stage_dir import StageDir
from utils.tables import read_table

log = logger(__name__)
PAIRS, SPEAKERS = "pairs", "speakers"
SENTENCES = "utt2sent"


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.ivector.train_backend"
    data: Path = option(help="data directory with xvector.scp: i-vectors of the recordings of the background")
    out: Path = option(help="directory to write")
    classes: str = option(PAIRS, "told apart: pairs of speaker and sentence, or speakers", choices=(PAIRS, SPEAKERS))
    projection: str = option(
        "lda", "whitening within classes and LDA; whitening of all; or none", choices=("lda", "whitening", "none")
    )
    dim: int = option(0, "directions that the projection keeps at most; 0: all", least=0, most=10_000)
    shrinkage: float = option(
        0.5,
        "lda: share of a multiple of the identity in the covariance within classes, for few recordings",
        least=0,
        most=1,
    )
    length_norm: bool = option(True, "give all vectors one length after the projection")
    iterations: int = option(100, "of PLDA's EM, at most", least=0, most=100_000)
    force: bool = option(False, "train again even if nothing has changed")


def work(options: Options) -> None:
    """Train and commit the directory."""
    from steps.data.spoken_vectors import spoken_files

    inputs = spoken_files(options.data) + ([options.data / SENTENCES] if options.classes == PAIRS else [])
    with StageDir(options.out, options, inputs, options.force) as stage:
        if stage.done:
            return
        from steps.data.spoken_vectors import read_spoken
        from steps.metrics.plda import PldaSettings, fit_plda
        from steps.metrics.plda_files import save_plda
        from steps.metrics.speaker_transform import TransformSettings, fit_transform

        spoken = read_spoken(options.data)
        classes = spoken.speakers
        if options.classes == PAIRS:
            classes = pairs_of(spoken.utterances, spoken.speakers, options.data / SENTENCES)
        n_classes = len(set(classes))
        try:
            settings = TransformSettings(options.projection, options.dim, options.length_norm, options.shrinkage)
            transform = fit_transform(spoken.x, classes, settings)
            model = fit_plda(transform(spoken.x), classes, PldaSettings(options.iterations))
        except InputError as error:
            raise InputError(f"{options.data}: classes are {options.classes}, {n_classes} of them: {error}") from error
        save_plda(stage.dir, transform, model)
        n, dim = spoken.x.shape
        log.info(
            "%s: %d vectors of %d %s, %d dimensions projected to %d",
            *(stage.final, n, n_classes, options.classes, dim, len(model.psi)),
        )


def pairs_of(utterances: list[str], speakers: np.ndarray, sentences: Path) -> np.ndarray:
    """The pair of speaker and sentence of each utterance (N,)."""
    table = read_table(sentences)
    missing = [utterance for utterance in utterances if utterance not in table]
    if missing:
        raise InputError(
            f"{sentences}: {missing[0]}: no line for this utterance ({len(missing)} such); add them, or train with"
            " --classes speakers"
        )
    return np.array([f"{who} {table[one]}" for one, who in zip(utterances, speakers, strict=True)], dtype=object)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
