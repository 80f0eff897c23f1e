"""A small generated experiment, laid out as stages 0 to 3 leave it: descriptions, sentence vectors and an index.

Its 10 dimensions have every fault that embeddings have: of seven that live, one is mostly zero; of three that do not,
one is constant, one a copy of another, and one the sum of two.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from steps.data import build_index
from steps.generators.pairs import Pairs, load_pairs
from steps.text.layout import READER, TextLayout
from utils.archive_writer import write_vectors
from utils.archives import read_vectors
from utils.data_dir import write_data_dir
from utils.tables import read_table, write_table

GROUPS = ("female_high", "female_low", "male_high", "male_low")
LIVE, DIM, TEXT_DIM = 7, 10, 8
SETS = {"train": range(0, 40), "dev": range(40, 52), "test": range(52, 60)}  # speakers
UTTERANCES, VARIANTS = 4, 5

Encode = Callable[[list[str]], np.ndarray]


@dataclass(frozen=True)
class Experiment:
    """Where the files are."""

    root: Path

    @property
    def index(self) -> Path:
        return self.root / "index"

    @property
    def descriptions(self) -> Path:
        return self.root / "descriptions"

    @property
    def text_vectors(self) -> Path:
        return self.root / "text"

    def pairs(self, name: str, nuisance: str | None = None) -> Pairs:
        """The pairs of one set, as training reads them."""
        return load_pairs(self.index / name, self.descriptions, self.text_vectors, nuisance)

    def options(self, model: str, *more: str) -> list[str]:
        """Words for `steps.generators.train`, which then writes `model` below the root."""
        return [
            "--index", str(self.index), "--descriptions", str(self.descriptions),
            "--text_vectors", str(self.text_vectors), "--out", str(self.root), "--name", model, *more,
        ]  # fmt: skip


def make_voices(seed: int = 0) -> tuple[np.ndarray, list[str], list[str], list[str]]:
    """Embeddings (N, DIM), and utterance, speaker and group of each."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(LIVE, LIVE))
    shift = {group: rng.normal(size=LIVE) for group in ("female", "male", "high", "low")}
    rows, utterances, speakers, groups = [], [], [], []
    for number in range(60):
        group = GROUPS[number % 4]
        voice = sum(shift[value] for value in group.split("_")) + mixing @ rng.normal(size=LIVE)
        for take in range(UTTERANCES):
            live = voice + 0.5 * rng.normal(size=LIVE)
            live[2] *= rng.random() < 0.15
            rows.append([*live, 3.0, live[0], live[0] + live[1]])
            speakers.append(f"gen-s{number:02d}")
            utterances.append(f"gen-s{number:02d}-u{take}")
            groups.append(group)
    return np.array(rows, dtype=np.float32), utterances, speakers, groups


def make_texts() -> dict[str, tuple[str, str]]:
    """Text id -> group and words, for the variants of all groups."""
    words = ("A {} voice.", "One hears a {} speaker.", "Someone {}.", "The voice is {}.", "It sounds {}.")
    return {
        f"{group}-v{number:02d}": (group, template.format(group.replace("_", " and ")))
        for group in GROUPS
        for number, template in enumerate(words, 1)
    }


def encode_by_chance(texts: list[str]) -> np.ndarray:
    """Unit vectors (T, TEXT_DIM): where the gender and pitch of a text's words put it, and noise."""
    rng = np.random.default_rng(1)
    words = {word: rng.normal(size=TEXT_DIM) for word in ("female", "male", "high", "low")}
    vectors = []
    for text in texts:
        named = [words[word] for word in text.replace(".", "").split() if word in words]
        vectors.append(np.sum(named, axis=0) + 0.2 * rng.normal(size=TEXT_DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def write_experiment(
    root: Path,
    change: Callable[[np.ndarray], np.ndarray] = lambda x: x,
    encode: Encode = encode_by_chance,
    identity: dict | None = None,
    captions: str = "none",
) -> Experiment:
    """Write an experiment below `root`.

    Args:
        change: applied to all embeddings (N, DIM) before they are written.
        encode, identity: the encoder, and what encoder.json says of it.
        captions: none; beside: every utterance of a female speaker has one; instead: all have one, the variants are
            held out.
    """
    made = Experiment(root)
    x, utterances, speakers, groups = make_voices()
    x = change(x)
    (root / "ark").mkdir(parents=True)
    for name, members in SETS.items():
        rows = [row for row, speaker in enumerate(speakers) if int(speaker[-2:]) in members]
        keys, ark = [utterances[row] for row in rows], root / "ark" / f"{name}.ark"
        write_vectors(ark, ark.with_suffix(".scp"), keys, x[rows])
        scp = dict(line.split(maxsplit=1) for line in ark.with_suffix(".scp").read_text().splitlines())
        tables = {
            "utt2spk": {utterances[row]: speakers[row] for row in rows},
            "utt2group": {utterances[row]: groups[row] for row in rows},
            "spk2gender": {speakers[row]: groups[row][0] for row in rows},
            "xvector.scp": scp,
        }
        write_data_dir(root / "data" / name, tables)
    build_index.work(build_index.Options(root / "data", made.index))
    write_texts(made, encode, identity, captions, dict(zip(utterances, groups, strict=True)))
    return made


def write_texts(made: Experiment, encode: Encode, identity: dict | None, captions: str, utt2group: dict) -> None:
    """Write descriptions and sentence vectors."""
    text = {key: words for key, (_, words) in make_texts().items()}
    text2group = {key: group for key, (group, _) in make_texts().items()}
    unseen = [key for key in text if captions == "instead" or key.endswith("-v05")]
    captioned = {"none": "-", "beside": "female", "instead": ""}[captions]
    for utterance, group in utt2group.items():
        if group.startswith(captioned):
            text[utterance] = f"{utterance} is {group.replace('_', ' and ')}."
            text2group[utterance] = group
    made.descriptions.mkdir()
    made.text_vectors.mkdir()
    write_table(made.descriptions / "text", text)
    write_table(made.descriptions / "text2group", text2group)
    write_table(made.descriptions / "text2set", {key: "heldout" if key in unseen else "seen" for key in text})
    if captions != "none":
        write_table(made.descriptions / "text2utt", {key: key for key in text if key in utt2group})
    vectors = encode(list(text.values()))
    archive = made.text_vectors / "text_vec.ark"
    write_vectors(archive, archive.with_suffix(".scp"), list(text), vectors)
    identity = identity or {"name": "by chance", "sha256": "0" * 64, "dim": vectors.shape[1]}
    (made.text_vectors / "encoder.json").write_text(json.dumps(identity) + "\n")


LAYOUT = TextLayout(TEXT_DIM, {"gender": ("female", "male"), "pitch": ("high", "low")})
SAID = 0.99  # posterior of the value that a text names


def read_texts(made: Experiment, layout: TextLayout = LAYOUT) -> Experiment:
    """Rewrite the text vectors as a reader leaves them: posteriors of the group's values beside sentence vectors."""
    script = made.text_vectors / "text_vec.scp"
    keys, sentence = read_vectors(script)
    text2group = read_table(made.descriptions / "text2group")
    posteriors = {}
    for axis, (attribute, values) in enumerate(layout.attributes.items()):
        named = [values.index(text2group[key].split("_")[axis]) for key in keys]
        posteriors[attribute] = np.where(np.eye(len(values) + 1)[named], SAID, (1 - SAID) / len(values))
    write_vectors(script.with_suffix(".ark"), script, keys, layout.join(sentence, posteriors))
    (made.text_vectors / READER).write_text(json.dumps({"kind": "posterior", **layout.as_dict()}))
    return made
