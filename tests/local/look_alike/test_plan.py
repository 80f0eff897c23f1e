"""Lists of look-alikes: their counts and hashes are those of the recipe, and no take is heard on both sides."""

import hashlib
from collections import Counter

import numpy as np
import pytest

from local.look_alike.plan import PARTS, Plan, check_takes, make_plan
from local.look_alike.real_digits import ArabicDigits, Fsdd
from local.look_alike.sources import ENGLISH, SourceSpeaker
from local.reddots.list_files import KINDS
from utils.errors import InputError


class Men(Fsdd):
    """The speakers of FSDD without its files."""

    def __init__(self):
        names = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
        self.inputs, self.folder, self.suffix = (), "flac", ".flac"
        self.speakers = tuple(
            SourceSpeaker(f"m{number + 1:04d}", name, "m", str(number // 3)) for number, name in enumerate(names)
        )


class Thirty(ArabicDigits):
    """Speakers as those of arabic-digits, without files."""

    def __init__(self, women: int = 10, men: int = 20):
        self.inputs = ()
        sexes = "f" * women + "m" * men
        self.speakers = tuple(
            SourceSpeaker(f"{sex}{number + 1:04d}", f"{number + 1:08d}", sex, str(number % 3))
            for number, sex in enumerate(sexes)
        )


@pytest.fixture(scope="module")
def of_men() -> Plan:
    return make_plan(Men(), PARTS, 1)


def kinds(plan: Plan, part: str) -> list[int]:
    counts = Counter(kind for _, _, kind in plan.parts[part].trials)
    return [counts[kind] for kind in KINDS]


def digest(plan: Plan) -> str:
    """A hash of all that is planned."""
    rows = [f"{name} {one.digits} {one.takes}" for name, one in sorted(plan.recordings.items())]
    for name, part in plan.parts.items():
        rows += [
            f"{name}{way} {model} {recordings}"
            for way, models in part.models.items()
            for model, recordings in models.items()
        ]
        rows += [f"{name} {model} {recording} {kind}" for model, recording, kind in part.trials]
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]


def test_fsdd_has_the_published_numbers_of_trials(of_men):
    assert kinds(of_men, "01") == [540, 4860, 1080, 9720] == kinds(of_men, "words")
    assert kinds(of_men, "02") == [162, 324, 36, 36] and kinds(of_men, "03") == [162, 324, 0, 36]
    assert kinds(of_men, "04") == [90, 360, 180, 720]
    assert [len(of_men.parts[part].models[""]) for part in ("01", "02", "03", "words")] == [60, 18, 18, 60]
    assert {way: len(models) for way, models in of_men.parts["04"].models.items()} == {"_td": 30, "_tp": 30}
    assert len(of_men.recordings) == 2088


def test_lists_are_always_the_same(of_men):
    assert digest(of_men) == "f8ed5ed57cccd23f"
    assert digest(make_plan(Thirty(), PARTS, 1)) == "e8a454d337576cd6"


def test_phrases_of_fsdd_are_joined_of_the_takes_of_their_side(of_men):
    for name, part in of_men.parts.items():
        enrol = {one for way in part.models.values() for recordings in way.values() for one in recordings}
        takes = [
            {take for one in names for take in of_men.recordings[one].takes}
            for names in (enrol, {t for _, t, _ in part.trials})
        ]
        assert max(takes[0]) < 12 <= min(takes[1]), name
    phrases = [one for one in of_men.recordings.values() if one.name.sentence == "31" and one.speaker.name == "theo"]
    assert sorted(take for one in phrases for take in one.takes) == list(range(48))


def test_digits_of_common_phrases_stand_once_at_each_place(of_men):
    phrases = np.array([of_men.sentences[str(number)] for number in range(31, 41)])
    assert all(sorted(column) == list(range(10)) for column in phrases.T)
    assert len(set(of_men.sentences.values())) == len(of_men.sentences)
    assert any(int(name) > 2**16 for name in of_men.sentences)


def test_impostors_are_of_the_fold_or_of_the_sex(of_men):
    folds = {speaker.id: speaker.fold for speaker in of_men.source.speakers}
    assert all(
        folds[model.speaker] == folds[test.speaker] for part in of_men.parts.values() for model, test, _ in part.trials
    )
    plan = make_plan(Thirty(), ["01"], 1)
    assert all(model.speaker[0] == test.speaker[0] for model, test, _ in plan.parts["01"].trials)
    assert kinds(plan, "01") == [2100, 2700, 4700, 4700]


def test_sentences_do_not_depend_on_the_parts_that_are_wanted(of_men):
    assert make_plan(Men(), ["03"], 1).sentences == of_men.sentences
    assert make_plan(Men(), ["03"], 2).sentences != of_men.sentences


def test_a_take_on_both_sides_is_refused():
    plan = make_plan(Men(), ["01"], 1)
    model, recordings = next(iter(plan.parts["01"].models[""].items()))
    plan.parts["01"].trials.append((model, recordings[0], "TC"))
    with pytest.raises(InputError, match=r"part 01: flac/0_george_0.flac both enrols and tests"):
        check_takes(plan)


def test_words_are_ten_of_each_corpus():
    assert len(set(ENGLISH)) == len(set(ArabicDigits.words)) == 10
