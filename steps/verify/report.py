"""Report verification: equal error rates, and how often sampled speakers are accepted beside real strangers.

    python3 -m steps.verify.report --trials exp/trials --scores exp/scores/plda,exp/scores/cosine --out exp/report

Reads the list --trials/trials, --trials/test/utt2spk and `scores` of each directory of --scores. Writes figures.json
(every figure), summary.md (tables) and scores.png (how the scores of the three kinds of trials are distributed). Of
trials of steps.verify.make_pairs it also gives the minimum detection cost, and draws DET curves (det.png).
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from utils.command import logger, run_command
from utils.errors import InputError
from utils.json_files import json_text
from utils.options import MAX_SEED, option
from utils.stage_dir import StageDir
from utils.tables import read_table

log = logger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.verify.report"
    trials: Path = option(help="directory of steps.verify.make_trials")
    scores: tuple[str, ...] = option(help="directories of steps.verify.score_trials, each named by its last part")
    out: Path = option(help="directory to write")
    draws: int = option(1000, "of speakers, for the intervals", least=1, most=100_000)
    seed: int = option(0, "of the draws", least=0, most=MAX_SEED)
    force: bool = option(False, "report again even if nothing has changed")


def work(options: Options) -> None:
    """Measure and commit the report."""
    if not options.scores:
        raise InputError("--scores: expected directories of steps.verify.score_trials, separated by commas, found none")
    directories = {Path(name).resolve().name: Path(name) for name in options.scores}
    if len(directories) < len(options.scores):
        raise InputError(f"--scores {','.join(options.scores)}: two directories have one name; rename one of them")
    listed, speakers = options.trials / "trials", options.trials / "test" / "utt2spk"
    files = {name: directory / "scores" for name, directory in directories.items()}
    of_pairs = [path for name in ("enrol2spk", "design.json") if (path := options.trials / name).is_file()]
    with StageDir(options.out, options, [listed, speakers, *files.values(), *of_pairs], options.force) as stage:
        if stage.done:
            return
        from steps.metrics.trial_files import enrolment_speakers, read_trial_scores, read_trials
        from steps.verify.acceptance import measure, sources
        from steps.verify.detection import add_detection
        from steps.verify.summary import draw_scores, markdown

        trials, utt2spk = read_trials(listed), read_table(speakers)
        enrolments = enrolment_speakers(options.trials, trials.enrolments)
        scores = {name: read_trial_scores(path, trials) for name, path in files.items()}
        scored = {name: trials.scored(values, enrolments, utt2spk) for name, values in scores.items()}
        figures = {name: measure(trials, one, options.draws, options.seed) for name, one in scored.items()}
        if not all(figures.values()):
            raise InputError(f"{listed}: too few trials for an equal error rate; targets and ten strangers are needed")
        if of_pairs:
            add_detection(figures, trials, scored, stage.dir / "det.png", options.draws, options.seed)
        text = json_text(figures, stage.dir / "figures.json", indent=1)
        (stage.dir / "figures.json").write_text(f"{text}\n", encoding="utf-8")
        (stage.dir / "summary.md").write_text(markdown(figures, options.draws), encoding="utf-8")
        draw_scores(stage.dir / "scores.png", scores, sources(trials), figures)
        log.info("%s:\n%s", stage.final / "summary.md", (stage.dir / "summary.md").read_text(encoding="utf-8"))


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
