"""Which metric of samples catches which fault, and does any cry where nothing is wrong? Faults in real speakers.

The speakers of capspeech-libri (below PSEUDOSPEAKERS_DATA) are dealt into three sets of one size, again and again: a
training set, a test set, and one in the place of the samples, as it is or with a fault planted. A figure alarms where
it lies outside all that it had in `--draws` draws without a fault, by more than a tenth of their range, since of new
draws as many as the known ones some lie a little further out; p values alarm at 1 %, those of the classifiers, which
are conservative, at 5 %. As many other draws without a fault give the false alarms. In these the judgement of the
score is counted, too: how often it says of a quick figure that real speakers are not as real ones (`as_real`, corrected
for all figures). Writes a section of RESULTS.md; some 15 minutes of processor time.
"""

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from steps.metrics import speaker_vectors
from steps.metrics.sample_metrics import METRICS, measure
from steps.metrics.speaker_vectors import Comparison, NotMeasured, SpeakerVectors
from steps.score.measured import SampleSource, measure_sources
from tests.bench.quality import capspeech_libri
from tests.bench.results import PATH, command_line, record, table
from utils.command import progress, run_command
from utils.errors import InputError
from utils.forked import map_forked
from utils.options import option

ALARMS = {"mmd_p": 0.01, "told_apart_p": 0.05}  # p values that alarm below a level of their own
MARGIN = 0.1  # of the range without a fault
SLOW = ("told_apart",)
NOT_SHOWN = ("told_apart", "linear_raw", "trees_raw", "neighbours_raw")
NOT_SHOWN += ("linear_whitened", "trees_whitened", "neighbours_whitened", "mmd")
Fault = Callable[[SpeakerVectors, SpeakerVectors, np.random.Generator], SpeakerVectors]


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    draws: int = option(200, "draws without a fault, to learn from, and as many to count false alarms in", least=20)
    faulty: int = option(20, "draws of each fault", least=1)
    slow_faulty: int = option(5, "those of them that classifiers are tried on", least=1)
    nj: int = option(2, "draws at a time", least=1)
    results: Path = option(PATH, "file whose section is written")


def work(options: Options) -> None:
    """Measure and record."""
    speakers = read_speakers(capspeech_libri())
    speaker_vectors.MOST_DRAWS = 4  # of rows, in each draw of speakers
    n = options.draws
    tasks = [partial(figures_of, speakers, seed, None, seed >= n) for seed in range(2 * n)]
    kinds = ["none"] * (2 * n)
    for fault in FAULTS:
        for number in range(options.faulty):
            tasks.append(partial(figures_of, speakers, 2 * n + number, fault, number < options.slow_faulty))
            kinds.append(fault)
    measured = list(progress(map_forked(lambda task: task(), tasks, options.nj), len(tasks), "draws"))
    shares = alarms(measured, kinds, n)
    judged = list(map_forked(lambda seed: cries(dealt(speakers, seed)), range(n, 2 * n), options.nj))
    record(
        options.results,
        "Planted faults",
        command_line("tests.bench.planted_faults", options),
        body(shares, judged, options),
    )


def read_speakers(corpus: Path) -> SpeakerVectors:
    """All real speakers of the corpus, with their groups."""
    from local.capspeech.__main__ import main as prepare
    from steps.data.groups import read_groups
    from utils.archives import read_vectors
    from utils.data_dir import DataDir

    with tempfile.TemporaryDirectory() as name:
        words = ["--data_dir", str(corpus), "--embedding_dir", str(corpus / "embeddings"), "--out", f"{name}/all"]
        if prepare(words):
            raise InputError(f"{corpus}: could not be prepared; see above")
        data = DataDir(Path(name) / "all")
        groups = dict(read_groups(data).utt2group)
        keys, x = read_vectors(data.path / "xvector.scp", groups)
        return SpeakerVectors.of(x, [data.utt2spk[key] for key in keys], [groups[key] for key in keys])


def figures_of(speakers: SpeakerVectors, seed: int, fault: str | None, slow: bool) -> dict[str, float]:
    """All figures of one draw."""
    comparison, found = dealt(speakers, seed), {}
    if fault:
        rng = np.random.default_rng([7, seed, 1])
        samples = FAULTS[fault](comparison.samples, comparison.train, rng)
        comparison = replace(comparison, samples=samples)
    for name in METRICS:
        if slow or name not in SLOW:
            found |= measured_or_nothing(name, comparison)
    return found


def dealt(speakers: SpeakerVectors, seed: int) -> Comparison:
    """A third of the speakers as samples, one as the training and one as the test set."""
    third = speakers.n_speakers // 3
    order = np.random.default_rng([7, seed]).permutation(speakers.n_speakers)
    train, test, samples = (speakers.of_speakers(order[k * third : (k + 1) * third]) for k in range(3))
    return Comparison(samples, train, test, seed)


def cries(comparison: Comparison) -> dict[str, bool]:
    """Figure of the quick metrics -> whether the score says that it differs from real speakers."""
    names = [name for name, metric in METRICS.items() if metric.quick]
    found = measure_sources({"samples": SampleSource(comparison)}, names, halves=20, nj=1)["samples"]["figures"]
    return {name: not one.get("as_real", True) for name, one in found.items()}


def measured_or_nothing(name: str, comparison: Comparison) -> dict[str, float]:
    """The figures of a metric; none where it is not measured, as where a fault has left a group out."""
    try:
        return measure(name, comparison)
    except NotMeasured:
        return {}


def alarms(measured: Sequence[Mapping[str, float]], kinds: Sequence[str], n: int) -> dict[str, dict[str, float]]:
    """Figure -> fault, or `none` -> share of the draws in which it alarms."""
    shares: dict[str, dict[str, float]] = {}
    for figure in dict.fromkeys(name for one in measured for name in one):
        if figure in NOT_SHOWN:
            continue
        bounds = ALARMS.get(figure, 0.0) * (1 + 1e-9), np.inf
        if figure not in ALARMS:
            known = [one[figure] for one in measured[:n] if figure in one]
            beyond = MARGIN * (max(known) - min(known))
            bounds = min(known) - beyond, max(known) + beyond
        for kind, one in zip(kinds[n:], measured[n:], strict=True):
            if figure in one:
                outside = not bounds[0] <= one[figure] <= bounds[1]
                shares.setdefault(figure, {}).setdefault(kind, []).append(outside)
    return {figure: {kind: float(np.mean(found)) for kind, found in one.items()} for figure, one in shares.items()}


def body(shares: Mapping[str, Mapping[str, float]], judged: Sequence[Mapping[str, bool]], options: Options) -> str:
    """The section: the share of draws in which a figure alarms, by fault."""
    header = ("figure", "nothing", *FAULTS)
    rows = [
        (figure, *(f"{one[kind]:.0%}" if kind in one else "" for kind in ("none", *FAULTS)))
        for figure, one in shares.items()
    ]
    worst = max(one["none"] for one in shares.values())
    cried = {name: np.mean([one[name] for one in judged]) for name in judged[0]}
    loudest, anything = max(cried, key=cried.__getitem__), np.mean([any(one.values()) for one in judged])
    missed = [fault for fault in FAULTS if max(one.get(fault, 0) for one in shares.values()) < 1]
    return "\n\n".join(
        [
            f"Share of draws in which a figure alarms; {options.draws} draws of real speakers without a fault, and"
            f" {options.faulty} of each fault ({options.slow_faulty} for classifiers). Figures as in the README of"
            " steps/metrics.",
            table(header, rows),
            f"Most false alarms of a figure: {worst:.1%} (at most 5 %: {'met' if worst <= 0.05 else 'MISSED'})."
            f" Faults that no figure catches every time: {', '.join(missed) or 'none'}.",
            f"The score's judgement of real speakers, {len(judged)} draws: some quick figure is said to differ in"
            f" {anything:.1%} (at most 5 %: {'met' if anything <= 0.05 else 'MISSED'}), most often `{loudest}` in"
            f" {cried[loudest]:.1%}.",
        ]
    )


def _with(samples: SpeakerVectors, x: np.ndarray) -> SpeakerVectors:
    return replace(samples, x=x.astype(np.float32))


def _copies(samples: SpeakerVectors, train: SpeakerVectors, rng: np.random.Generator) -> SpeakerVectors:
    """Training speakers themselves."""
    return train


def _collapse(samples: SpeakerVectors, train: SpeakerVectors, rng: np.random.Generator) -> SpeakerVectors:
    """Ten voices for all, each with its groups."""
    few = rng.permutation(samples.n_speakers)[:10]
    parts = [samples.of_speakers(few[[number % 10]]) for number in range(samples.n_speakers)]
    x, groups = (np.concatenate([getattr(part, name) for part in parts]) for name in ("x", "groups"))
    noise = 0.02 * samples.x.std(axis=0) * rng.normal(size=x.shape)
    return SpeakerVectors.of(
        (x + noise).astype(np.float32), np.repeat(np.arange(len(parts)), [len(part.x) for part in parts]), groups
    )


def _shifted(samples: SpeakerVectors, train: SpeakerVectors, rng: np.random.Generator) -> SpeakerVectors:
    """One deviation along the widest direction."""
    widest = train.whitening.projection[0]
    return _with(samples, samples.x + widest / (widest @ widest))


def _wrong_gender(samples: SpeakerVectors, train: SpeakerVectors, rng: np.random.Generator) -> SpeakerVectors:
    """Each asked for with the other gender."""
    other = {"female": "male", "male": "female"}
    names = [name.split("_", 1) for name in samples.groups.tolist()]
    return replace(samples, groups=np.array([f"{other[gender]}_{rest}" for gender, rest in names]))


def _spread(factor: float, samples: SpeakerVectors, train: SpeakerVectors, rng: np.random.Generator) -> SpeakerVectors:
    """All deviations from the mean `factor` times as large."""
    mean = samples.x.mean(axis=0)
    return _with(samples, mean + factor * (samples.x - mean))


def _wrong_norm(samples: SpeakerVectors, train: SpeakerVectors, rng: np.random.Generator) -> SpeakerVectors:
    """A tenth longer."""
    return _with(samples, 1.1 * samples.x)


def _missing(samples: SpeakerVectors, train: SpeakerVectors, rng: np.random.Generator) -> SpeakerVectors:
    """No speaker of one gender and pitch, the most frequent one."""
    kinds = np.array([name.rsplit("_", 1)[0] for name in samples.groups.tolist()])
    names, counts = np.unique(kinds, return_counts=True)
    return samples.rows(~np.isin(samples.speakers, samples.speakers[kinds == names[counts.argmax()]]))


FAULTS: dict[str, Fault] = {
    "copies": _copies,
    "collapse": _collapse,
    "shifted mean": _shifted,
    "wrong gender": _wrong_gender,
    "too little spread": partial(_spread, 0.8),
    "too much spread": partial(_spread, 1.25),
    "wrong norm": _wrong_norm,
    "missing group": _missing,
}


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
