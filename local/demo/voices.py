"""The plan of the demo corpus: from rules and a seed, the voices, with the sentences and the speeds of each."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from utils.errors import InputError
from utils.yaml_files import read_yaml

SOURCE = "demo"


@dataclass(frozen=True)
class PlannedUtterance:
    """One sentence to be spoken at one speed; `rate` in words per minute, `rate_label` its label."""

    name: str
    sentence: str
    rate: int
    rate_label: str


@dataclass(frozen=True)
class Voice:
    """One speaker: a variant of espeak-ng at one pitch setting (0..99)."""

    speaker: str
    language: str
    variant: str
    gender: str
    pitch: int
    utterances: tuple[PlannedUtterance, ...]


def read_rules(path: Path) -> dict[str, Any]:
    """The rules of the demo corpus as plain values."""
    return read_yaml(path)


def plan_voices(rules: dict[str, Any], n_voices: int, seed: int) -> list[Voice]:
    """The first `n_voices` of all variants at all pitch settings, alternating between genders, sorted by speaker.

    The sentences and speeds of a voice depend on the seed and on that voice alone. Raises InputError if there are fewer
    voices.
    """
    by_gender = [
        _combinations(gender, rules["variants"][gender], rules["pitch"][gender]) for gender in sorted(rules["variants"])
    ]
    available = len(by_gender) * min(map(len, by_gender))
    if not 1 <= n_voices <= available:
        raise InputError(
            f"--n_voices: expected 1 to {available}, found {n_voices}; more voices need more variants or pitch settings"
        )
    turns = [combination for turn in zip(*by_gender, strict=False) for combination in turn]
    return sorted((_voice(rules, *turn, seed) for turn in turns[:n_voices]), key=lambda voice: voice.speaker)


def _combinations(gender: str, variants: list[str], pitches: list[int]) -> list[tuple[str, str, int]]:
    """Each variant at each pitch once, in an order whose first items already vary in variant and pitch."""
    rounds, count = len(pitches), len(variants)
    return [(gender, variants[i % count], pitches[(i // count + i % count) % rounds]) for i in range(rounds * count)]


def _voice(rules: dict[str, Any], gender: str, variant: str, pitch: int, seed: int) -> Voice:
    speaker = f"{SOURCE}-{variant}-p{pitch:02d}"
    rng = np.random.default_rng([seed, crc32(speaker.encode())])
    sentences = rng.choice(len(rules["sentences"]), size=rules["utterances"], replace=False)
    labels = list(rules["rate"])
    first = int(rng.integers(len(labels)))
    utterances = []
    for number, sentence in enumerate(sentences):
        label = labels[(first + number) % len(labels)]
        slowest, fastest = rules["rate"][label]
        rate = int(rng.integers(slowest, fastest + 1))
        name, words = f"{speaker}-{number + 1:02d}", rules["sentences"][sentence]
        utterances.append(PlannedUtterance(name, words, rate, label))
    return Voice(speaker, rules["language"], variant, gender, pitch, tuple(utterances))
