"""Which utterance goes into train, dev or test: by chapters, at random, by pieces of utterances, or by speakers.

A plan follows from the seed and the ids, not from the order of rows. What cannot be on both sides is named, never drawn
for again and again: a speaker of one chapter, of one utterance, or without an utterance that is long enough.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from steps.data.sets import SETS, chance
from utils.errors import InputError, cut

MOST_DRAWS = 100
LISTED = 5  # speakers that a message names


@dataclass
class SplitPlan:
    """A split.

    Attributes:
        sets: utterance (or unit of utterances) -> name of its set.
        unsplit: speaker -> why it cannot be in train and in test; its utterances are in no set of the plan.
        notes: what else there is to tell.
    """

    sets: dict[str, str] = field(default_factory=dict)
    unsplit: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def shares(number: int, fractions: Sequence[float]) -> tuple[int, int, int]:
    """Of `number` things, how many train, dev and test get: each at least one of three or more; dev none of two."""
    if number < len(SETS):
        return (1, 0, number - 1)
    dev, test = (max(1, round(number * part / sum(fractions))) for part in fractions[1:])
    while dev + test >= number:  # both shares are large: train has one at least
        dev, test = (dev, test - 1) if test >= dev else (dev - 1, test)
    return number - dev - test, dev, test


def _deal(things: Sequence[str], counts: tuple[int, int, int]) -> dict[str, str]:
    """Thing -> set, the first for train, the next for dev, the last for test."""
    names = [name for name, count in zip(SETS, counts, strict=True) for _ in range(count)]
    return dict(zip(things, names, strict=True))


def _drawn(things: Iterable[str], seed: int, salt: str = "") -> list[str]:
    """Things in an order that follows from the seed."""
    return sorted(things, key=lambda thing: (chance(seed, f"{salt}{thing}"), thing))


def _by_speaker(unit2spk: Mapping[str, str]) -> dict[str, list[str]]:
    units: dict[str, list[str]] = defaultdict(list)
    for unit in sorted(unit2spk):
        units[unit2spk[unit]].append(unit)
    return dict(sorted(units.items()))


def by_chapter(
    utt2spk: Mapping[str, str], utt2chapter: Mapping[str, str], fractions: Sequence[float], seed: int
) -> SplitPlan:
    """No chapter of test is in train or dev; each speaker is in all three sets.

    The largest chapter of each is for train. Of two chapters one is for test, and some utterances of the other for dev.
    """
    plan, narrow = SplitPlan(), 0
    for speaker, utterances in _by_speaker(utt2spk).items():
        chapters: dict[str, list[str]] = defaultdict(list)
        for utterance in utterances:
            chapters[utt2chapter[utterance]].append(utterance)
        if len(chapters) == 1:
            plan.unsplit[speaker] = f"one chapter, {next(iter(chapters))}"
            continue
        order = _drawn(chapters, seed, f"{speaker} ")
        largest = max(order, key=lambda name: len(chapters[name]))
        order = [largest, *(name for name in order if name != largest)]
        sets = _deal(order, shares(len(chapters), fractions))
        plan.sets |= {utterance: sets[name] for name, found in chapters.items() for utterance in found}
        if len(chapters) == 2:
            narrow += 1
            trained = next(name for name, owner in sets.items() if owner == "train")
            rest = _drawn(chapters[trained], seed)
            n_dev = min(len(rest) - 1, max(1, round(len(rest) * fractions[1] / (fractions[0] + fractions[1]))))
            plan.sets |= dict.fromkeys(rest[:n_dev], "dev")
    if narrow:
        plan.notes.append(
            f"{narrow} speakers have two chapters: one is in test alone, the other is shared by train and dev"
        )
    return plan


def at_random(unit2spk: Mapping[str, str], fractions: Sequence[float], seed: int) -> SplitPlan:
    """Of each speaker, utterances at random for each set; of two utterances one is for train and one for test."""
    plan = SplitPlan()
    for speaker, units in _by_speaker(unit2spk).items():
        if len(units) == 1:
            plan.unsplit[speaker] = "one utterance, or one stretch of overlapping ones"
        else:
            plan.sets |= _deal(_drawn(units, seed), shares(len(units), fractions))
    return plan


def at_random_in_sizes(
    unit2spk: Mapping[str, str], sizes: tuple[int, int, int], seed: int, draws: int = MOST_DRAWS
) -> SplitPlan:
    """Utterances of all speakers mixed and cut back to the sizes of the sets.

    Drawn anew, with another seed, until all speakers of dev and test are in train. Raises InputError after `draws`.
    """
    names = sorted(unit2spk)
    code = {speaker: number for number, speaker in enumerate(sorted(set(unit2spk.values())))}
    owner = np.array([code[unit2spk[name]] for name in names])
    if sum(sizes) > len(names):
        raise InputError(f"--sizes {','.join(map(str, sizes))}: {sum(sizes)} utterances, but there are {len(names)}")
    if len(code) == len(names):
        raise InputError(
            f"impossible: each of the {len(names)} speakers has one utterance, so that nobody can be in train and in "
            "test; split --by speaker, or add utterances"
        )
    edges = np.cumsum(sizes)
    fewest: tuple[int, list[str]] | None = None
    for draw in range(draws):
        order = np.random.default_rng([seed, draw]).permutation(len(names))[: edges[-1]]
        trained = np.isin(owner[order[edges[0] :]], owner[order[: edges[0]]])
        if trained.all():
            plan = SplitPlan(_deal([names[place] for place in order], sizes))
            plan.notes.append(f"drawn {draw + 1} times; {len(names) - len(order)} utterances are in no set")
            return plan
        missing = sorted({unit2spk[names[place]] for place in order[edges[0] :][~trained]})
        if fewest is None or len(missing) < fewest[0]:
            fewest = len(missing), missing
    raise InputError(
        f"impossible: in the best of {draws} draws {fewest[0]} speakers are in dev or test and not in train, such as "
        f"{listed(fewest[1])}; give train a larger size, leave out speakers of few utterances, or leave --sizes out"
    )


def by_speaker(spk2gender: Mapping[str, str], fractions: Sequence[float], seed: int) -> dict[str, str]:
    """Speaker -> set; the sexes have equal shares in each. `spk2gender` has all speakers, "" where it is not known."""
    if len(spk2gender) < len(SETS):
        raise InputError(
            f"impossible: {len(spk2gender)} speakers ({listed(sorted(spk2gender))}) for three sets without a common one"
        )
    return _deal(interleaved(spk2gender, seed), shares(len(spk2gender), fractions))


def interleaved(spk2gender: Mapping[str, str], seed: int, salt: str = "") -> list[str]:
    """The speakers in a drawn order, any stretch of which has the shares of the sexes that the whole has."""
    places: dict[str, float] = {}
    for gender in sorted(set(spk2gender.values())):
        group = _drawn((speaker for speaker, own in spk2gender.items() if own == gender), seed, salt)
        places |= {speaker: (rank + 0.5) / len(group) for rank, speaker in enumerate(group)}
    return sorted(places, key=lambda speaker: (places[speaker], chance(seed, f"{salt}{speaker}")))


def listed(speakers: Sequence[str] | Mapping[str, str]) -> str:
    """The first speakers, with their reasons if there are any, as a message names them."""
    reasons = speakers if isinstance(speakers, Mapping) else {}
    shown = [cut(speaker) + (f" ({reasons[speaker]})" if reasons else "") for speaker in list(speakers)[:LISTED]]
    return ", ".join(shown) + (" ..." if len(speakers) > LISTED else "")
