"""Judge systems that recognise speakers: closed set and open set, clean and perturbed, with baselines beside them.

    python3 -m steps.verify.evaluate --models exp/conv1d,exp/mamba2 --feats exp/feats --out exp/evaluation

Reads the directories of features <feats>/{train,test,test_perturbed,open,open_perturbed}, of the last four those that
are there. The steps are those of single commands, in one process; what is finished is not done again. In --out:

    lda, lda_no_mean        baselines (steps.sid.baseline); lda_copies, ...: trained on perturbed copies too
    embed/<system>/<set>    embeddings (steps.sid.embed); those of --backends are there already (steps/embed/extract.sh)
    closed/<system>/<condition>             who was named (steps.sid.classify), where test speakers are in train
    trials                                  pairs of utterances (steps.verify.make_pairs)
    open/<system>/<condition>/<scoring>     cosines, and AS-norm by the training speakers (steps.verify.score_trials)
    report                                  all of it in tables and pictures (steps.sid.report)

Without open, and with test speakers that are not in train, the test set is the open one.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from utils.command import logger, run_command
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.options import MAX_SEED, option

log = logger(__name__)
TRAIN, TEST, OPEN = "train", "test", "open"
CLEAN, PERTURBED = "clean", "perturbed"
BASELINES = {"lda": ("mean", "deviation"), "lda_no_mean": ("deviation", "change", "relation")}
COPIES = "_copies"  # end of the names of those that are trained on copies too


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.verify.evaluate"
    feats: Path = option(
        help="directory of the directories of features: train, test, test_perturbed, open, open_perturbed"
    )
    out: Path = option(help="directory of all outputs")
    models: tuple[str, ...] = option((), "model directories of steps.sid.train, each named by its last part")
    backends: tuple[str, ...] = option((), "systems whose embeddings are in <out>/embed/<name>/<set> already")
    systems: tuple[str, ...] = option((), "judge these alone, without the report; default: all, and the report")
    across_chapters: bool = option(True, "targets of different chapters only, where there are such")
    nontargets: int = option(500_000, "trials of different speakers, at most; 0: all", least=0, most=10**8)
    cohort_top: int = option(300, "AS-norm: nearest speakers of the cohort, at most", least=2, most=10**6)
    use_gpu: str = option("auto", "compute on a GPU; auto: where there is one", choices=("auto", "true", "false"))
    draws: int = option(1000, "of speakers, for the intervals", least=1, most=100_000)
    seed: int = option(0, "of the draws of trials and speakers", least=0, most=MAX_SEED)
    force: bool = option(False, "judge again even if nothing has changed")


@dataclass(frozen=True)
class JudgedSets:
    """The sets beside that of training: condition -> name of its directory."""

    closed: dict[str, str]
    open: dict[str, str]

    @classmethod
    def find(cls, feats: Path) -> "JudgedSets":
        """The sets that are there."""
        training = set(DataDir(feats / TRAIN).require_utterances().utt2spk.values())
        closed, others = _conditions(feats, TEST), _conditions(feats, OPEN)
        if closed and not training & set(DataDir(feats / TEST).utt2spk.values()):
            log.info("%s: no speaker is in %s: it is no closed set", feats / TEST, TRAIN)
            closed, others = {}, others or closed
        if not closed and not others:
            raise InputError(f"{feats}: neither {TEST} nor {OPEN} here; make their features first")
        return cls(closed, others)

    @property
    def names(self) -> list[str]:
        """All sets, with that of training, each once."""
        return list(dict.fromkeys([TRAIN, *self.closed.values(), *self.open.values()]))


def _conditions(feats: Path, name: str) -> dict[str, str]:
    """The conditions of a set that are there; the perturbed one counts only beside the clean one."""
    names = {CLEAN: name, PERTURBED: f"{name}_{PERTURBED}"}
    found = {condition: one for condition, one in names.items() if (feats / one / "utt2spk").is_file()}
    return found if CLEAN in found else {}


def work(options: Options) -> None:
    """Judge all systems, or those of --systems."""
    sets = JudgedSets.find(options.feats)
    models = {Path(name).resolve().name: Path(name) for name in options.models}
    baselines = dict(_baselines(options.feats))
    names = [*baselines, *models, *options.backends]
    if len(set(names)) < len(baselines) + len(options.models) + len(options.backends):
        raise InputError(
            f"--models, --backends: two systems have one name among {', '.join(names)}; rename one of them"
        )
    unknown = [name for name in options.systems if name not in names]
    if unknown:
        raise InputError(f"--systems {unknown[0]}: no such system; expected some of {', '.join(names)}")
    if sets.open:
        make_trials(sets, options)
    for name in options.systems or names:
        if name in baselines:
            models[name] = train_baseline(name, options, *baselines[name])
        judge(name, models.get(name), sets, options)
    if not options.systems:
        report(sets, list(baselines), options)


def _baselines(feats: Path) -> Iterator[tuple[str, tuple[tuple[str, ...], bool]]]:
    """Name -> statistics, and whether copies are used, of each baseline that the features allow."""
    data = DataDir(feats / TRAIN)
    copies = data.has("utt2uniq") and any(copy != utterance for copy, utterance in data.table("utt2uniq").items())
    for end, with_copies in (("", False), (COPIES, True)):
        if copies or not with_copies:
            yield from ((f"{name}{end}", (statistics, with_copies)) for name, statistics in BASELINES.items())


def train_baseline(name: str, options: Options, statistics: tuple[str, ...], copies: bool) -> Path:
    """The model directory of a baseline."""
    from steps.sid import baseline

    out = options.out / name
    baseline.work(baseline.Options(options.feats / TRAIN, out, statistics, copies, options.force))
    return out


def make_trials(sets: JudgedSets, options: Options) -> None:
    """Pair the utterances of the open set."""
    from steps.verify import make_pairs

    data = DataDir(options.feats / sets.open[CLEAN])
    across = options.across_chapters and data.has("utt2chapter") and _has_pairs_across(data)
    make_pairs.work(
        make_pairs.Options(data.path, options.out / "trials", options.nontargets, across, options.seed, options.force)
    )


def _has_pairs_across(data: DataDir) -> bool:
    """Whether some speaker has two chapters."""
    chapters = data.table("utt2chapter")
    return any(len({chapters.get(one) for one in own} - {None}) > 1 for own in data.spk2utt.values())


def judge(name: str, model: Path | None, sets: JudgedSets, options: Options) -> None:
    """Embed all sets by a model, or find their embeddings; then name and score."""
    from steps.sid import classify, embed
    from steps.verify import score_trials

    embedded = options.out / "embed" / name
    for one in sets.names:
        if model is not None:
            embed.work(
                embed.Options(model, options.feats / one, embedded / one, use_gpu=options.use_gpu, force=options.force)
            )
        elif not (embedded / one / "xvector.scp").is_file():
            raise InputError(f"{embedded / one}: no xvector.scp here; extract the embeddings of {name} to it first")
    for condition, one in sets.closed.items():
        known = {"model": model} if model is not None else {"enrol": embedded / TRAIN}
        out = options.out / "closed" / name / condition
        train = options.feats / TRAIN
        classify.work(classify.Options(embedded / one, out, train=train, force=options.force, **known))
    for condition, one in sets.open.items():
        trials, out = options.out / "trials", options.out / "open" / name / condition
        for scoring, cohort in (("cosine", None), ("as_norm", embedded / TRAIN)):
            words = {"embeddings": embedded / one, "as_norm": cohort, "cohort_top": options.cohort_top}
            score_trials.work(score_trials.Options(trials, out / scoring, force=options.force, **words))


def report(sets: JudgedSets, baselines: list[str], options: Options) -> None:
    """Write the report of all systems."""
    from steps.sid import report as reports

    closed = options.out / "closed" if sets.closed else None
    trials, scores = (options.out / "trials", options.out / "open") if sets.open else (None, None)
    words = {"draws": options.draws, "seed": options.seed, "force": options.force}
    out = options.out / "report"
    reports.work(reports.Options(out, closed, scores, trials, tuple(baselines), **words))


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
