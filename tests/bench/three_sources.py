"""One corpus of three sources: does a description choose the source, and what does it change to know the source?

Needs PSEUDOSPEAKERS_DATA with librispeech-251, librispeech-sessions-14, speechocean762-250 and librispeech-text, and
the extras audio, attributes and lexicon. Makes the corpus by the commands of local/README.md, with children and adults,
and embeds it by the recipe. Then, in several splits: generators without the source and with it (`--nuisance source`, in
the mix of the group or of the corpus), scored by source; and the gain of the network over its start in closed form, on
some training speakers and on all. Beside it, rates in phonemes and in syllable nuclei. Writes a section of RESULTS.md.
What is finished in --work is not made again.
"""

import csv
import os
import shutil
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.quality import run
from tests.bench.rate_units import speaker_rates, tables_of_rates
from tests.bench.results import PATH, command_line, record, table
from tests.bench.start_gain import Experiment, Gain, gain, simulated, table_of_gains
from tests.bench.timing import run_child
from utils.command import logger, progress, run_command
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.options import option

log = logger(__name__)
TITLE = "Three sources"
READERS, SESSIONS, OCEAN, TEXTS = "librispeech-251", "librispeech-sessions-14", "speechocean762-250", "librispeech-text"
SOURCES = {"librispeech": ("librivox", "adult"), "sessions": ("librivox", "adult"), "speechocean": ("", "")}
ATTRIBUTES = ("gender", "pitch", "speaking_rate", "age")
KNOWN = {
    "without": (),
    "group": ("--nuisance", "source"),
    "corpus": ("--nuisance", "source", "--nuisance_mix", "corpus"),
}
GENERATORS = {"mdn": tuple(KNOWN), "group_gaussian": ("without", "group")}
CHILD, ADULT, OLDEST = "child", "adult", 15
Scores = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    work: Path = option(Path("exp/bench/three_sources"), "directory for data and models")
    splits: tuple[int, ...] = option((1, 2, 3), "split seeds")
    sizes: tuple[int, ...] = option((100, 200), "training speakers of the smaller trainings; the last is on all")
    simulated: tuple[int, ...] = option((2000, 10000), "simulated training speakers, in --dim directions")
    dim: int = option(64, "principal directions of simulated speakers", least=1, most=4096)
    n_draws: int = option(5, "draws of samples for each figure", least=1, most=1000)
    backend: str = option("resemblyzer", "the network that embeds")
    per_speaker: int = option(0, "recordings of a speaker that are used, the first by id; 0: all", least=0, most=10**6)
    nj: int = option(1, "jobs of the extraction and the measurement", least=1, most=1024)
    results: Path = option(PATH, "file to write the section into")


def work(options: Options) -> None:
    """Make the corpus, train, score, write the section."""
    corpora = os.environ.get("PSEUDOSPEAKERS_DATA")
    if not corpora or not all((Path(corpora) / name).is_dir() for name in (READERS, SESSIONS, OCEAN, TEXTS)):
        raise InputError(
            f"PSEUDOSPEAKERS_DATA: expected the directory that holds {READERS}, {SESSIONS}, {OCEAN}, {TEXTS}"
        )
    joined = join(Path(corpora), options)
    data, exp = options.work / "data", options.work / "exp"
    embed(joined, data, exp, options)
    scores: dict[int, dict[str, Scores]] = {}
    gains: dict[str, list[Gain]] = {}
    for split in progress(options.splits, len(options.splits), "splits"):
        files = split_and_index(options.work, data, exp, split)
        scores[split] = score_split(options, files, split)
        for most in (*options.sizes, sys.maxsize):
            name = f"{most} speakers" if most < sys.maxsize else "all"
            gains.setdefault(name, []).append(gain(files, most, split))
    for n in options.simulated:
        gains[f"{n:,} simulated"] = [simulated(files, n, options.dim)]
    parts = [
        introduction(options, data),
        mixes(scores),
        inside(scores),
        RATES,
        rates(options, joined, exp),
        GAIN,
        table_of_gains(gains),
    ]
    record(options.results, TITLE, command_line("tests.bench.three_sources", options), "\n\n".join(parts))


def join(corpora: Path, options: Options) -> Path:
    """The corpus of three sources, by the commands of local/README.md. Returns its directory."""
    from local.folder import main as folder
    from local.join_corpora import main as join_corpora
    from local.librispeech import main as librispeech

    work = options.work
    tree, parts = work / "corpora" / READERS, work / "parts"
    if not tree.is_dir():  # links, so that transcripts lie beside the recordings
        for root in (corpora / READERS / "LibriSpeech", corpora / TEXTS / "LibriSpeech"):
            shutil.copytree(root, tree, copy_function=os.symlink, dirs_exist_ok=True)
    whole = ("--segment_seconds", 0)
    run(librispeech, "--data_dir", tree, *whole, "--out", parts / "librispeech")
    run(librispeech, "--data_dir", corpora / SESSIONS / "LibriSpeech", *whole, "--out", parts / "sessions")
    ocean = ("--data_dir", corpora / OCEAN, "--labels", corpora / OCEAN / "utterances.csv")
    run(folder, *ocean, "--oldest_child", OLDEST, "--out", parts / "speechocean")
    listed = work / "corpora.csv"
    with listed.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["source", "data_dir", "readers", "age"])
        rows.writerows([name, parts / name, *told] for name, told in SOURCES.items())
    run(join_corpora, "--corpora", listed, "--out", work / "joined")
    return fewer(work / "joined", work / "some", options.per_speaker) if options.per_speaker else work / "joined"


def fewer(joined: Path, out: Path, most: int) -> Path:
    """A data directory of the first recordings of each speaker."""
    from steps.data.sets import write_set
    from utils.stage_dir import StageDir

    data = DataDir(joined)
    with StageDir(out, {"most": most}, [joined], command="tests.bench.three_sources") as stage:
        if not stage.done:
            utterances = sorted(name for names in data.spk2utt.values() for name in names[:most])
            write_set(stage, data.tables(), utterances, joined)
    return out


def embed(joined: Path, data: Path, exp: Path, options: Options) -> None:
    """Stages 0 and 1 of the recipe."""
    words = ["./run.sh", "--corpus", "folder", "--data_dir", joined, "--data", data, "--exp", exp, "--stop_stage", 1]
    words += ["--backend", options.backend, "--attributes", ",".join(ATTRIBUTES), "--nj", options.nj]
    words += ["--set", "prepare.rate_from=audio", "--launcher", "run.pl"]
    run_child([str(word) for word in words])


def split_and_index(work: Path, data: Path, exp: Path, split: int) -> Experiment:
    """Stages 2 and 3 of a split."""
    from steps.data.build_index import main as build_index
    from steps.data.split_speakers import main as split_speakers

    directory = work / f"split{split}"
    attributes = ("--attributes", ",".join(ATTRIBUTES), "--allow_missing_groups", "true")
    run(split_speakers, "--data", data / "all", "--out", directory, "--split_seed", split, *attributes)
    run(build_index, "--data", directory, "--out", directory / "index")
    return Experiment(directory / "index", data / "descriptions", exp / "text")


def score_split(options: Options, files: Experiment, split: int) -> dict[str, Scores]:
    """Train and score: name of generator and what it knows -> scores; last real speakers, and the yardsticks."""
    from steps.generators.contract import load_generator
    from steps.generators.train import main as train
    from steps.score.data import load_score_data
    from steps.score.evaluation import Scorer

    scorer = Scorer(load_score_data(*files, ATTRIBUTES), split, options.n_draws)
    inputs = ["--index", files.index, "--descriptions", files.descriptions, "--text_vectors", files.text_vectors]
    scores: dict[str, Scores] = {}
    for name, known in GENERATORS.items():
        for what in known:
            out = options.work / f"split{split}" / what
            settings = ("--set", "manifold=auto", "--use_gpu", "false", "--seed", split)
            run(train, *inputs, "--out", out, "--name", name, *settings, *KNOWN[what])
            scores[f"{name}, {what}"] = scorer.score_generator(load_generator(out / name))
            log.info("split %d: %s, %s", split, name, what)
    return scores | {"real": scorer.references["real_same_group"][0], "yardsticks": scorer.yardsticks}


def introduction(options: Options, data: Path) -> str:
    """The corpus, and what the first tables show."""
    made = DataDir(data / "all")
    sources, ages, speakers = made.table("utt2source"), made.table("utt2age"), made.utt2spk
    people = Counter({(sources[name], ages[name]) for name in ()})
    people = Counter(
        (source, age) for _, source, age in {(speakers[name], sources[name], ages[name]) for name in speakers}
    )
    counts = Counter(sources.values())
    rows = [
        [
            source,
            sum(people[source, age] for age in (CHILD, ADULT)),
            people[source, CHILD],
            people[source, ADULT],
            counts[source],
        ]
        for source in SOURCES
    ]
    rows.append(["together", len(set(speakers.values())), "", "", len(speakers)])
    return (
        f"The corpus of local/README.md, embedded by {options.backend}. Children are up to {OLDEST} years old; readers"
        " of LibriSpeech tell no age, and all count as adults. Three speakers are in two sources. Figures are means"
        f" over {len(options.splits)} splits of the speakers."
        f"\n\n{table(['source', 'speakers', CHILD, ADULT, 'recordings'], rows)}"
    )


def mixes(scores: Mapping[int, Mapping[str, Scores]]) -> str:
    """Whether sources follow the group, beside the figures that a generator pays for it."""
    text = (
        "`without`: the generator does not know the source. `group`, `corpus`: `--nuisance source`, samples in the mix"
        " of sources of their group's training speakers, or of the whole corpus. Distance of sources: between the mix"
        " of a group's samples and of its training speakers, as a judge of sources hears both (0 to 1), mean over"
        " groups. Accuracies are ratios to real training segments, pitch, rate and age inside each gender."
    )
    header = [
        "",
        "distance of sources",
        "gender",
        "pitch",
        "rate",
        "age",
        "Fréchet",
        "g2s / t2s",
        "g2g / s2s",
        "told apart",
    ]
    names = [name for name in scores[next(iter(scores))] if name != "yardsticks"]
    rows = [[name, *(f"{value:.3f}" for value in mean_rows(scores, name, _figures))] for name in names]
    real = [scores[split]["yardsticks"]["by_source"] for split in scores]
    blank = [""] * (len(header) - 2)
    redrawn, blind = (np.mean([one["distance"][what] for one in real]) for what in ("redrawn", "blind"))
    rows += [
        ["training speakers drawn anew", f"{redrawn:.3f}", *blank],
        ["the corpus for each group", f"{blind:.3f}", *blank],
    ]
    right = np.mean([one["accuracy"] for one in real])
    text += f" The judge is right about {100 * right:.0f} % of unseen speakers, sources balanced."
    return f"{text}\n\n{table(header, rows)}"


def mean_rows(scores: Mapping[int, Mapping[str, Scores]], name: str, figures: Any) -> list[float]:
    """The means over splits of what `figures` gives of the scores of one name."""
    return np.mean([figures(scores[split][name]) for split in scores], axis=0).tolist()


def _figures(scores: Scores) -> list[float]:
    from steps.score.judges import stricter
    from steps.score.results import primary

    own = primary(scores)
    return [
        own["by_source"]["distance"],
        *(stricter(own, name)["ratio"] for name in ATTRIBUTES),
        own["frechet"]["ratio"],
        own["distances"]["g2s_to_t2s"],
        own["distances"]["g2g_to_s2s"],
        scores["two_sample_accuracy"],
    ]


def inside(scores: Mapping[int, Mapping[str, Scores]]) -> str:
    """Attributes inside each source, ratios to real speakers of it."""
    from steps.score.results import primary

    names = [name for name in scores[next(iter(scores))] if name != "yardsticks"]
    found = {name: [primary(scores[split][name])["by_source"]["attributes"] for split in scores] for name in names}
    columns = [
        (source, attribute)
        for source in SOURCES
        for attribute in ATTRIBUTES
        if all(attribute in one.get(source, {}) for several in found.values() for one in several)
    ]
    rows = [
        [
            name,
            *(f"{np.mean([one[source][attribute]['ratio'] for one in several]):.2f}" for source, attribute in columns),
        ]
        for name, several in found.items()
    ]
    header = ["", *(f"{source}: {attribute.replace('speaking_', '')}" for source, attribute in columns)]
    return (
        "Inside each source: samples that are judged to be of it, by judges of its own held-out speakers, as ratios to"
        " real training segments of the same groups, judged likewise. What too few held-out speakers of a source have,"
        f" in any split, is not shown.\n\n{table(header, rows)}"
    )


RATES = (
    "Speaking rates of the same speakers in phonemes of their transcripts (the unit of the published edges) and in"
    " syllable nuclei of the audio. Labels are terciles inside each gender, in either unit; opposite: slow in one, fast"
    " in the other. Phonemes are those of CMUdict, and of letters to sounds for other words (`steps.hmm.make_lexicon"
    " --english true`, then `--set prepare.lexicon=...`); without a lexicon the recipe counts by spelling, which the"
    " last two columns compare. The second table has the labels of `local/rules/attributes.yaml`: published edges of"
    " phonemes, terciles of nuclei."
)


def rates(options: Options, joined: Path, exp: Path) -> str:
    """The tables of rates."""
    from steps.hmm.make_lexicon import main as make_lexicon

    lexicon = options.work / "lexicon"
    run(make_lexicon, "--data", joined, "--english", "true", "--out", lexicon)
    data = DataDir(joined)
    source = data.table("utt2source")
    sources = {speaker: source[names[0]] for speaker, names in data.spk2utt.items()}
    of = speaker_rates(joined, exp / "attributes", lexicon / "lexicon.txt")
    return tables_of_rates(of, sources, data.table("spk2gender"))


GAIN = (
    "What training the network adds to its own start in closed form: log density of test speakers by the best epoch"
    " less that by epoch 0, in nats an embedding, mean over speakers with the 95 % interval of a bootstrap over the"
    " test speakers of all splits. Fewer training speakers are drawn from the same splits. Densities are of"
    " pre-activations, as these embeddings lie on a surface. Beside it the gain of a Gaussian with a covariance of each"
    " group's own (`group_gaussian`) over the same start. Simulated speakers are drawn from such Gaussians, fitted to"
    " all 512 speakers in their widest principal directions, which are then the truth: they show what thousands of"
    " speakers would give if groups differ so."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
