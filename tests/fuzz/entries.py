"""The entries of the recipe: for each, valid input, the commands that read it, and what must hold when they end.

`ENTRIES` maps a name to an Entry. A trial copies the input, mutates one or two of the files that `Entry.open_to` names,
runs the commands and asks `Entry.check` whether what they left is whole.
"""

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz import inputs
from tests.fuzz.checks import check_data_dir, check_rows, check_stage, check_vectors
from tests.fuzz.machine import Command
from tests.fuzz.trees import OPTIONS
from tests.steps.embed.extractions import SMALL, TELLING
from tests.steps.gmm.voices import write_voices
from tests.steps.hmm.phrases import write_phrases

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Entry:
    """One way in.

    Attributes:
        build: writes valid input below a directory.
        commands: the commands for such a directory, in which they run; they write `out` there.
        open_to: patterns of the files that are mutated; one that stands twice is mutated more often.
        check: given the directory and whether the commands succeeded, what is wrong with what they left.
        cost: seconds of a trial, roughly.
    """

    build: Callable[[Path], None]
    commands: Callable[[Path], list[Command]]
    open_to: tuple[str, ...]
    check: Callable[[Path, bool], list[str]]
    cost: float = 0.2


def always(module: str, words: str) -> Callable[[Path], list[Command]]:
    """One command with the same words in every directory."""
    return lambda folder: [(module, words.split())]


def is_stage(folder: Path, whole: bool, name: str = "out") -> list[str]:
    """`out` is complete, or no stage at all."""
    return check_stage(folder / name, whole)


def is_data(folder: Path, whole: bool) -> list[str]:
    """`out` is a complete data directory, or no stage at all."""
    return is_stage(folder, whole) or (check_data_dir(folder / "out") if whole else [])


def is_corpus(folder: Path, whole: bool) -> list[str]:
    """The same, and every row is used or counted as left out."""
    return is_data(folder, whole) or (check_rows(folder / "corpus", folder / "out") if whole else [])


def is_lists(folder: Path, whole: bool) -> list[str]:
    """`out` is a stage whose directories are data directories, or no stage at all."""
    inner = sorted(path.parent for path in (folder / "out").glob("*/utt2spk")) if whole else []
    return is_stage(folder, whole) or [fault for path in inner for fault in check_data_dir(path)]


def is_samples(folder: Path, whole: bool) -> list[str]:
    """`out` is a complete data directory with its vectors, or no stage at all."""
    return is_data(folder, whole) or (check_vectors(folder / "out") if whole else [])


def is_anything(folder: Path, whole: bool) -> list[str]:
    """Outputs of several directories, which no single `.done` tells."""
    return []


def corpus(container: str, layout: str) -> Entry:
    """Rows in one container, embeddings in one layout."""
    words = "--data_dir corpus --embedding_dir embeddings --out out --min_match 0.3 --max_unknown 1"
    build = functools.partial(inputs.build_corpus, container=container, layout=layout)
    return Entry(build, always("local.capspeech.__main__", words), ("corpus/**/*", "embeddings/**/*"), is_corpus)


def extraction(folder: Path) -> list[Command]:
    """The three commands of an extraction."""
    words = ["--data", "data", "--out", "out", "--backend", TELLING, *SMALL, "--max_fail", "0.9", "--nj", "1"]
    return [("steps.embed.plan", words), ("steps.embed.extract", [*words, "--job", "1"]), ("steps.embed.merge", words)]


def features(folder: Path) -> list[Command]:
    """Audio is perturbed, and features of it are computed."""
    words = ["--data", "perturbed", "--out", "out", "--copies", "1", "--max_fail", "0.9"]
    return [
        ("steps.audio.perturb", ["--data", "data", "--out", "perturbed", "--max_fail", "0.9"]),
        *((f"steps.features.{name}", words) for name in ("plan", "compute", "merge")),
    ]


def split_after(module: str, words: str, by: str) -> Callable[[Path], list[Command]]:
    """A corpus is prepared, and split into sets for the recognition of speakers."""
    pieces = "--piece_seconds 0.5 --pieces train,test --unsplittable leave_out"
    split = f"--data out --out sets --by {by} {pieces}"
    return lambda folder: [
        (module, [*words.split(), "--out", "out"]),
        ("steps.data.split_utterances", split.split()),
    ]


def attributes(folder: Path) -> list[Command]:
    """The three commands of the attributes."""
    rules = str(ROOT / "local/rules/attributes.yaml")
    labels = ["--data", "data", "--embeddings", "x.scp", "--out", "out", "--rules", rules, "--max_fail", "0.9"]
    return [
        ("steps.attributes.plan", ["--data", "data", "--out", "out"]),
        ("steps.attributes.measure", ["--out", "out", "--nj", "1", "--job", "1"]),
        ("steps.attributes.label", labels),
    ]


def mixtures(folder: Path) -> list[Command]:
    """A UBM is trained; a mixture of others is copied."""
    small = "--components 4 --passes 2 --least_frames 2 --sexes by_sex --full_passes 1 --max_fail 0.9"
    return [
        ("steps.gmm.copy", ["--gmm", "kaldi.dubm", "--out", "copy"]),
        ("steps.gmm.train_ubm", ["--data", "feats", "--feats", "feats", "--out", "out", *small.split()]),
    ]


def claims(room: str, words: str, folder: Path) -> list[Command]:
    """Models are adapted to speakers, and trials of them scored."""
    lenient = ["--max_fail", "0.9", "--feats", "feats"]
    return [
        (f"steps.{room}.map_adapt", [*words.split(), *lenient, "--out", "models"]),
        (f"steps.{room}.score", ["--trials", "trials", "--models", "models", *lenient, "--out", "out"]),
    ]


def verification(folder: Path) -> list[Command]:
    """A PLDA is trained, trials are scored."""
    words = "--trials data/test/trials --enrol data/test --test data/test --plda plda --out out"
    training = ["--data", "data/train", "--out", "plda"]
    return [("steps.verify.train_plda", training), ("steps.verify.score_trials", words.split())]


def decisions(folder: Path) -> list[Command]:
    """Scores of lists are joined, fused and reported."""
    data = ["--data", "data"]
    return [
        ("steps.verify.pool_scores", [*data, "--exp", "exp", "--out", "pooled"]),
        ("steps.verify.fuse", [*data, "--scores", "pooled", "--out", "fused"]),
        ("steps.verify.error_report", [*data, "--scores", "pooled,fused", "--out", "out", "--draws", "5"]),
    ]


def given(folder: Path) -> list[str]:
    """The options of words.json for a command line."""
    words = json.loads((folder / OPTIONS).read_text(encoding="utf-8"))
    return [word for key, value in words.items() for word in (f"--{key}", str(value))]


def with_options(module: str, words: str) -> Callable[[Path], list[Command]]:
    """One command with the options of words.json."""
    return lambda folder: [(module, [*words.split(), *given(folder)])]


def run_sh(folder: Path) -> list[Command]:
    """Stage 0 of run.sh with the options of words.json; its outputs stay in the directory."""
    places = {"data_dir": "corpus", "embedding_dir": "embeddings", "data": "data", "exp": "exp"}
    where = [word for key, name in places.items() for word in (f"--{key}", str(folder / name))]
    return [("tests.fuzz.shell", ["run.sh", *given(folder), "--corpus", "capspeech", "--stop_stage", "0", *where])]


LAYOUTS = {
    "csv": "csv", "tsv": "scp", "jsonl": "hyperion csv", "parquet": "text ark", "saved": "npz", "shards": "packed ark",
}  # fmt: skip
TEXTS = "--descriptions descriptions --text_vectors text"
ENTRIES = {
    **{f"rows in {rows}, vectors in {vectors}": corpus(rows, vectors) for rows, vectors in LAYOUTS.items()},
    "a tree of audio": Entry(
        inputs.build_folder,
        always("local.folder", "--data_dir tree --labels known.csv --out out --min_match 0.3 --max_fail 0.7"),
        ("tree/**/*", "known.csv", "known.csv", "known.csv"),
        is_data,
    ),
    "LibriSpeech": Entry(
        inputs.build_librispeech,
        always("local.librispeech", "--data_dir LibriSpeech --out out --max_fail 0.7"),
        ("LibriSpeech/**/*",),
        is_data,
    ),
    "RedDots": Entry(
        inputs.build_reddots,
        always("local.reddots.__main__", "--data_dir reddots --out out --max_fail 0.7 --background all"),
        ("reddots/ndx/*", "reddots/ndx/*", "reddots/infos/*", "reddots/pcm/**/*"),
        is_lists,
        0.3,
    ),
    "a saved LibriSpeech": Entry(
        inputs.build_saved,
        split_after(
            "local.librispeech", "--data_dir hf --segment_seconds 0 --with_chapters true --max_fail 0.7", "segment"
        ),
        ("hf/*",),
        is_anything,
        0.8,
    ),
    "a Kaldi data directory": Entry(
        inputs.build_kaldi,
        split_after("local.folder", "--data_dir data --max_fail 0.7", "chapter --leave_out some"),
        ("*.wav", "data/*", "data/*", "some"),
        is_anything,
        0.8,
    ),
    "extraction": Entry(inputs.build_recordings, extraction, ("*.wav", "data/*"), is_stage),
    "features": Entry(inputs.build_recordings, features, ("*.wav", "data/*"), is_data, 0.3),
    "speech": Entry(
        inputs.build_speech,
        always("steps.features.normalise", "--feats feats --vad vad --out out --max_fail 0.9"),
        ("feats/*", "vad/*"),
        is_data,
    ),
    "mixtures": Entry(
        inputs.build_mixtures,
        mixtures,
        ("feats/*", "feats/*", "feats/spk2gender", "kaldi.dubm", "kaldi.dubm"),
        is_stage,
        0.5,
    ),
    "claims of mixtures": Entry(
        write_voices,
        functools.partial(claims, "gmm", "--data enrol --ubm ubm"),
        ("enrol/*", "enrol/enrol_map", "feats/*", "ubm/*", "trials", "trials"),
        is_stage,
    ),
    "claims of phrases": Entry(
        write_phrases,
        functools.partial(claims, "hmm", "--data feats --mono mono"),
        ("feats/*", "feats/enrol_map", "feats/model2sent", "mono/*", "trials", "trials"),
        is_stage,
        0.5,
    ),
    "attributes": Entry(inputs.build_measured, attributes, ("*.wav", "data/*", "x.*"), is_stage, 0.6),
    "split": Entry(
        inputs.build_sets,
        always(
            "steps.data.split_speakers", "--data all --out out --attributes gender,pitch --allow_missing_groups true"
        ),
        ("all/*",),
        is_anything,
    ),
    "index": Entry(
        inputs.build_index_input,
        always("steps.data.build_index", "--data data --out out"),
        ("data/*/*", "ark/*"),
        is_stage,
    ),
    "texts": Entry(
        inputs.build_texts,
        always(
            "steps.text.augment",
            "--data all --out out --vec_out vectors --conf augment.yaml --augment_file paraphrases.json",
        ),
        ("all/utt2*", "paraphrases.json", "augment.yaml"),
        is_stage,
        1,
    ),
    "training": Entry(
        inputs.build_training,
        always("steps.generators.train", f"--index index {TEXTS} --out . --generators generators.txt --job 2"),
        ("index/*/*", "descriptions/*", "text/*", "generators.txt", "two.yaml"),
        functools.partial(is_stage, name="two"),
    ),
    "sampling of texts": Entry(
        inputs.build_model,
        always("steps.generators.sample", "--model model --text_file texts.tsv --conf sample.yaml --out out"),
        ("model/*", "texts.tsv", "texts.tsv", "sample.yaml", "sample.yaml"),
        is_samples,
        0.6,
    ),
    "sampling of groups": Entry(
        inputs.build_model,
        always("steps.generators.sample", f"--model model {TEXTS} -n 3 --out out"),
        ("model/*", "descriptions/*", "text/*"),
        is_samples,
        0.3,
    ),
    "training on texts that were read": Entry(
        inputs.build_read_training,
        always("steps.generators.train", f"--index index {TEXTS} --out . --generators generators.txt"),
        ("text/reader.json", "text/*", "descriptions/*"),
        functools.partial(is_stage, name="one"),
    ),
    "sampling of texts that are read": Entry(
        inputs.build_read_model,
        always("steps.generators.sample", "--model model --text_file texts.tsv -n 3 --out out"),
        ("model/reader.json", "model/generator.json", "model/*", "texts.tsv"),
        is_samples,
        0.6,
    ),
    "scores": Entry(
        inputs.build_model,
        always(
            "steps.score.score",
            f"--index index {TEXTS} --models model --out out --n_draws 2 --max_samples 200 --attributes gender,pitch",
        ),
        ("model/*", "index/*/*", "descriptions/*", "text/*"),
        is_stage,
        1.5,
    ),
    "trials": Entry(inputs.build_trials, verification, ("data/t*/*", "ark/*"), is_stage),
    "phrases": Entry(
        inputs.build_phrases, decisions, ("exp/**/*", "data/*/*", "data/*", "data/test*/trials"), is_stage, 1
    ),
    "fixing": Entry(inputs.build_sets, always("utils.fix_data_dir", "all"), ("all/*",), is_anything),
    "sweep": Entry(
        inputs.build_sweep,
        always("utils.sweep", "sweep.yaml --out out --cmd run.pl"),
        ("sweep.yaml", "sweep.yaml", "one.json"),
        is_anything,
        1,
    ),
    "options of sampling": Entry(
        inputs.build_options_of_sampling,
        with_options("steps.generators.sample", "--model model --out out"),
        (OPTIONS,),
        is_samples,
        0.4,
    ),
    "options of the split": Entry(
        inputs.build_options_of_split,
        with_options("steps.data.split_speakers", "--data all --out out"),
        (OPTIONS,),
        is_anything,
    ),
    "options of run.sh": Entry(inputs.build_options_of_run, run_sh, (OPTIONS,), is_anything, 1),
}
