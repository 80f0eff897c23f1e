"""Closed-set identification: a score of each training speaker for each test utterance, and who is named.

    python3 -m steps.sid.classify --model exp/mamba2 --embeddings exp/mamba2_embed/test --out exp/mamba2_named/test
    python3 -m steps.sid.classify --enrol exp/resemblyzer/train --embeddings exp/resemblyzer/test --out exp/named/test

Reads utt2spk and xvector.scp of --embeddings. The scores are those of the model that made the embeddings; or, with
--enrol, a data directory of training utterances with embeddings of the same kind, cosines with the mean embedding of
each speaker. Writes

    predictions.tsv   utterance, speaker, predicted, rank (of the true speaker, from 1), score, best_score, gender
    left_out.tsv      utterances of speakers whom the model does not know
    scores.{ark,scp}  a vector (S,) an utterance, in the order of the file `speakers`
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from utils.command import logger, run_command
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.options import option
from utils.stage_dir import StageDir

if TYPE_CHECKING:
    import numpy as np

    from steps.data.spoken_vectors import SpokenVectors

log = logger(__name__)
PREDICTIONS = "predictions.tsv"
COLUMNS = ("utterance", "speaker", "predicted", "rank", "score", "best_score", "gender")


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.sid.classify"
    embeddings: Path = option(help="data directory of test utterances, with xvector.scp")
    out: Path = option(help="directory to write")
    model: Path | None = option(None, "model directory that made the embeddings")
    enrol: Path | None = option(None, "instead of a model: data directory of training utterances, with xvector.scp")
    force: bool = option(False, "classify again even if nothing has changed")


def work(options: Options) -> None:
    """Classify and commit the directory."""
    if (options.model is None) == (options.enrol is None):
        raise InputError("expected --model or --enrol, one of the two")
    from steps.data.spoken_vectors import spoken_files
    from steps.sid.systems import system_files

    known = system_files(options.model) if options.model else spoken_files(options.enrol)
    genders = options.embeddings / "spk2gender"
    inputs = [*spoken_files(options.embeddings), *([genders] if genders.is_file() else [])]
    with StageDir(options.out, options, [*inputs, *known], options.force) as stage:
        if stage.done:
            return
        import numpy as np

        from steps.data.spoken_vectors import read_spoken
        from utils.archive_writer import write_vectors

        spoken = read_spoken(options.embeddings)
        speakers, scores = score(spoken, options)
        numbers = {speaker: number for number, speaker in enumerate(speakers)}
        rows = np.flatnonzero([speaker in numbers for speaker in spoken.speakers])
        unknown = sorted(set(spoken.speakers) - numbers.keys())
        if not len(rows):
            raise InputError(
                f"{options.embeddings}: none of its {len(unknown)} speakers is a training speaker; is it the open set?"
            )
        write_left_out(stage.dir / "left_out.tsv", spoken, unknown)
        if unknown:
            log.warning(
                "%s: %d utterances of %d speakers unknown to the model are left out: %s",
                options.embeddings, len(spoken.x) - len(rows), len(unknown), " ".join(unknown[:10]),
            )  # fmt: skip
        truth = np.array([numbers[spoken.speakers[row]] for row in rows])
        ids = [spoken.utterances[row] for row in rows]
        gender = DataDir(options.embeddings).table(genders.name) if genders.is_file() else {}
        write_predictions(stage.dir / PREDICTIONS, ids, speakers, scores[rows], truth, gender)
        (stage.dir / "speakers").write_text("\n".join(speakers) + "\n", encoding="utf-8")
        ark, scp = (stage.dir / f"scores.{kind}" for kind in ("ark", "scp"))
        write_vectors(ark, scp, ids, scores[rows].astype(np.float32), stage.final / ark.name)
        right = int((scores[rows].argmax(axis=1) == truth).sum())
        log.info(
            "%s: %d of %d utterances named rightly (%.2f %%)", stage.final, right, len(rows), 100 * right / len(rows)
        )


def score(spoken: "SpokenVectors", options: Options) -> "tuple[Sequence[str], np.ndarray]":
    """The training speakers (S), and the scores (N, S) of the embeddings."""
    from steps.data.spoken_vectors import read_spoken
    from steps.sid.systems import load_system
    from utils.vectors import unit_rows

    if options.model is not None:
        system = load_system(options.model)
        require_width(spoken, system.dim, options.model, options)
        return system.speakers, system.scores(spoken.x)
    enrolled = read_spoken(options.enrol)
    require_width(spoken, enrolled.x.shape[1], options.enrol, options)
    speakers, means, _ = enrolled.speaker_means()
    return speakers, unit_rows(spoken.x.astype("float64")) @ unit_rows(means).T


def require_width(spoken: "SpokenVectors", width: int, source: Path, options: Options) -> None:
    """Raise InputError where the embeddings have another number of dimensions than those of `source`."""
    if spoken.x.shape[1] != width:
        raise InputError(
            f"{options.embeddings}: embeddings of {spoken.x.shape[1]} dimensions, those of {source} have {width}; use"
            " embeddings of one kind"
        )


def write_left_out(path: Path, spoken: "SpokenVectors", unknown: Sequence[str]) -> None:
    """Write the utterances of unknown speakers."""
    pairs = zip(spoken.utterances, spoken.speakers, strict=True)
    lines = [f"{utterance}\t{speaker}\tno training speaker" for utterance, speaker in pairs if speaker in unknown]
    path.write_text("\n".join(["utterance\tspeaker\treason", *lines]) + "\n", encoding="utf-8")


def write_predictions(
    path: Path,
    utterances: Sequence[str],
    speakers: Sequence[str],
    scores: "np.ndarray",
    truth: "np.ndarray",
    gender: dict[str, str],
) -> None:
    """Write a line an utterance: scores (N, S) of `speakers` (S), of which `truth` (N,) are the true ones."""
    from steps.metrics.identification import ranks

    lines = ["\t".join(COLUMNS)]
    for utterance, row, true, rank in zip(utterances, scores, truth, ranks(scores, truth), strict=True):
        best, speaker = int(row.argmax()), speakers[true]
        numbers = f"{rank}\t{row[true]:.6g}\t{row[best]:.6g}"
        lines.append(f"{utterance}\t{speaker}\t{speakers[best]}\t{numbers}\t{gender.get(speaker, '')}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
