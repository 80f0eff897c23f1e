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
    others/<set>                            trials, open and report of each open set of --others, such as other corpora

Without open, and with test speakers that are not in train, the test set is the open one. An open set <set> has its
perturbed condition in <set>_perturbed beside it.
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
    others: tuple[str, ...] = option((), "further open sets: directories of features, each named by its last part")
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
    """The sets beside that of training: condition -> directory of features.

    Attributes:
        closed: empty where there is none. open: the same of each open set, by the directory of its outputs.
    """

    closed: dict[str, Path]
    open: dict[Path, dict[str, Path]]

    @classmethod
    def find(cls, options: Options) -> "JudgedSets":
        """The sets that are there."""
        feats = options.feats
        training = set(DataDir(feats / TRAIN).require_utterances().utt2spk.values())
        closed, main = _conditions(feats / TEST), _conditions(feats / OPEN)
        if closed and not training & set(DataDir(feats / TEST).utt2spk.values()):
            log.info("%s: no speaker is in %s: it is no closed set", feats / TEST, TRAIN)
            closed, main = {}, main or closed
        opened = {options.out: main} if main else {}
        for other in map(Path, options.others):
            opened[options.out / "others" / other.absolute().name] = _conditions(other)
            if not _conditions(other):
                raise InputError(f"--others {other}: no utt2spk here; expected a directory of features")
        if not closed and not opened:
            raise InputError(f"{feats}: neither {TEST} nor {OPEN} here; make their features first")
        found = cls(closed, opened)
        sources = {path.absolute() for path in found.directories(feats)}
        if len({path.name for path in sources}) < len(sources):
            raise InputError(f"--others {','.join(options.others)}: two sets have one name; rename one of them")
        return found

    def directories(self, feats: Path) -> list[Path]:
        """The directories of features of all sets, with that of training, each once."""
        found = [feats / TRAIN, *self.closed.values()]
        return list(dict.fromkeys(found + [path for conditions in self.open.values() for path in conditions.values()]))


def _conditions(clean: Path) -> dict[str, Path]:
    """The conditions of a set that are there; the perturbed one counts only beside the clean one."""
    paths = {CLEAN: clean, PERTURBED: clean.with_name(f"{clean.name}_{PERTURBED}")}
    found = {condition: path for condition, path in paths.items() if (path / "utt2spk").is_file()}
    return found if CLEAN in found else {}


def work(options: Options) -> None:
    """Judge all systems, or those of --systems."""
    sets = JudgedSets.find(options)
    models = {Path(name).absolute().name: Path(name) for name in options.models}
    baselines = dict(_baselines(options.feats))
    names = [*baselines, *models, *options.backends]
    if len(set(names)) < len(baselines) + len(options.models) + len(options.backends):
        raise InputError(
            f"--models, --backends: two systems have one name among {', '.join(names)}; rename one of them"
        )
    unknown = [name for name in options.systems if name not in names]
    if unknown:
        raise InputError(f"--systems {unknown[0]}: no such system; expected some of {', '.join(names)}")
    for root, conditions in sets.open.items():
        make_trials(conditions[CLEAN], root, options)
    for name in options.systems or names:
        if name in baselines:
            models[name] = train_baseline(name, options, *baselines[name])
        judge(name, models.get(name), sets, options)
    if not options.systems:
        own = [options.out] if sets.closed or not sets.open else []  # else other corpora alone are judged
        for root in dict.fromkeys([*own, *sets.open]):
            report(root, bool(sets.closed) and root == options.out, root in sets.open, list(baselines), options)


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


def make_trials(feats: Path, root: Path, options: Options) -> None:
    """Pair the utterances of an open set."""
    from steps.verify import make_pairs

    data = DataDir(feats)
    across = options.across_chapters and data.has("utt2chapter") and _has_pairs_across(data)
    make_pairs.work(make_pairs.Options(feats, root / "trials", options.nontargets, across, options.seed, options.force))


def _has_pairs_across(data: DataDir) -> bool:
    """Whether some speaker has two chapters."""
    chapters = data.table("utt2chapter")
    return any(len({chapters.get(one) for one in own} - {None}) > 1 for own in data.spk2utt.values())


def judge(name: str, model: Path | None, sets: JudgedSets, options: Options) -> None:
    """Embed all sets by a model, or find their embeddings; then name and score."""
    from steps.sid import classify, embed
    from steps.verify import score_trials

    embedded, force = options.out / "embed" / name, options.force
    for feats in sets.directories(options.feats):
        out = embedded / feats.absolute().name
        if model is not None:
            embed.work(embed.Options(model, feats, out, use_gpu=options.use_gpu, force=force))
        elif not (out / "xvector.scp").is_file():
            raise InputError(f"{out}: no xvector.scp here; extract the embeddings of {name} to it first")
    known = {"model": model} if model is not None else {"enrol": embedded / TRAIN}
    for condition, feats in sets.closed.items():
        out = options.out / "closed" / name / condition
        classify.work(
            classify.Options(embedded / feats.absolute().name, out, train=options.feats / TRAIN, force=force, **known)
        )
    for root, conditions in sets.open.items():
        for condition, feats in conditions.items():
            words = {"embeddings": embedded / feats.absolute().name, "cohort_top": options.cohort_top, "force": force}
            for scoring, cohort in (("cosine", None), ("as_norm", embedded / TRAIN)):
                out = root / "open" / name / condition / scoring
                score_trials.work(score_trials.Options(root / "trials", out, as_norm=cohort, **words))


def report(root: Path, closed: bool, opened: bool, baselines: list[str], options: Options) -> None:
    """Write the report of all systems on one open set, with the closed set, if there is one, beside the first."""
    from steps.sid import report as reports

    words = {"closed": root / "closed"} if closed else {}
    words |= {"open": root / "open", "trials": root / "trials"} if opened else {}
    words |= {"draws": options.draws, "seed": options.seed, "force": options.force}
    reports.work(reports.Options(root / "report", baselines=tuple(baselines), **words))


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
