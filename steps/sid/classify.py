"""Closed-set identification: a score of each training speaker for each test utterance, and who is named.

    python3 -m steps.sid.classify --model exp/mamba2 --embeddings exp/mamba2_embed/test --out exp/mamba2_named/test
    python3 -m steps.sid.classify --enrol exp/resemblyzer/train --embeddings exp/resemblyzer/test --out exp/named/test

Reads utt2spk and xvector.scp of --embeddings. The scores are those of the model that made the embeddings; or, with
--enrol, a data directory of training utterances with embeddings of the same kind, cosines with the mean embedding of
each speaker. Writes

    predictions.tsv   utterance, speaker, predicted, rank (of the true speaker, from 1), score, best_score, gender, and
                      session: new, or seen in training, as far as utt2chapter of --embeddings and --train tells
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
COLUMNS = ("utterance", "speaker", "predicted", "rank", "score", "best_score", "gender", "session")


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.sid.classify"
    embeddings: Path = option(help="data directory of test utterances, with xvector.scp")
    out: Path = option(help="directory to write")
    model: Path | None = option(None, "model directory that made the embeddings")
    enrol: Path | None = option(None, "instead of a model: data directory of training utterances, with xvector.scp")
    train: Path | None = option(
        None, "data directory of training utterances with utt2chapter, for the column session; default: --enrol"
    )
    force: bool = option(False, "classify again even if nothing has changed")


def work(options: Options) -> None:
    """Classify and commit the directory."""
    if (options.model is None) == (options.enrol is None):
        raise InputError("expected --model or --enrol, one of the two")
    from steps.data.spoken_vectors import spoken_files
    from steps.sid.systems import system_files

    known = system_files(options.model) if options.model else spoken_files(options.enrol)
    train = options.train or options.enrol
    about = [options.embeddings / "spk2gender", options.embeddings / "utt2chapter"]
    about += [train / "utt2chapter", train / "utt2spk"] if train else []
    inputs = [*spoken_files(options.embeddings), *(path for path in about if path.is_file())]
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
        genders = optional_table(options.embeddings, "spk2gender")
        more = [
            (genders.get(spoken.speakers[row], ""), session)
            for row, session in zip(rows, sessions_of(ids, options.embeddings, train), strict=True)
        ]
        write_predictions(stage.dir / PREDICTIONS, ids, speakers, scores[rows], truth, more)
        (stage.dir / "speakers").write_text("\n".join(speakers) + "\n", encoding="utf-8")
        ark, scp = (stage.dir / f"scores.{kind}" for kind in ("ark", "scp"))
        write_vectors(ark, scp, ids, scores[rows].astype(np.float32), stage.final / ark.name)
        right = int((scores[rows].argmax(axis=1) == truth).sum())
        log.info(
            "%s: %d of %d utterances named rightly (%.2f %%)", stage.final, right, len(rows), 100 * right / len(rows)
        )


def score(spoken: "SpokenVectors", options: Options) -> "tuple[Sequence[str], np.ndarray]":
    """The training speakers (S), and the scores (N, S) of the embeddings."""
    from steps.data.spoken_vectors import read_spoken, training_speakers
    from steps.sid.systems import load_system
    from utils.vectors import unit_rows

    if options.model is not None:
        system = load_system(options.model)
        if training_speakers(options.embeddings) not in ([], list(system.speakers)):
            raise InputError(
                f"{options.embeddings}: embeddings of a model with other training speakers than {options.model}; embed"
                " anew, or name the model that made them"
            )
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


def optional_table(directory: Path, name: str) -> dict[str, str]:
    """A table of a data directory, empty where there is none."""
    data = DataDir(directory)
    return data.table(name) if data.has(name) else {}


def sessions_of(utterances: Sequence[str], test: Path, train: Path | None) -> list[str]:
    """Whether the chapter of each test utterance is one of its speaker's in training: seen, new, or unknown."""
    chapters, speakers = optional_table(test, "utt2chapter"), DataDir(test).utt2spk
    known = optional_table(train, "utt2chapter") if train else {}
    of_training = DataDir(train).utt2spk if known else {}
    seen = {(of_training.get(utterance), chapter) for utterance, chapter in known.items()}
    if not chapters or not known:
        return ["unknown"] * len(utterances)
    pairs = [(speakers[utterance], chapters.get(utterance)) for utterance in utterances]
    return ["unknown" if chapter is None else "seen" if (one, chapter) in seen else "new" for one, chapter in pairs]


def write_predictions(
    path: Path,
    utterances: Sequence[str],
    speakers: Sequence[str],
    scores: "np.ndarray",
    truth: "np.ndarray",
    more: Sequence[tuple[str, str]],
) -> None:
    """Write a line an utterance.

    Args:
        speakers: (S). scores: (N, S). truth: (N,) the number of the true speaker. more: (N) gender and session.
    """
    from steps.metrics.identification import ranks

    lines = ["\t".join(COLUMNS)]
    for utterance, row, true, rank, words in zip(utterances, scores, truth, ranks(scores, truth), more, strict=True):
        best, speaker = int(row.argmax()), speakers[true]
        numbers = f"{rank}\t{row[true]:.6g}\t{row[best]:.6g}"
        lines.append("\t".join([utterance, speaker, speakers[best], numbers, *words]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
