"""The arithmetic of the benchmark of people's words, and the form of its held-out texts."""

from collections import Counter

import numpy as np
import pytest

from tests.bench.followed import BLIND, REAL, Measured, balanced, divergence, mean, ratio, stacked
from tests.bench.heard import INSIDE
from tests.bench.results import SECTIONS
from tests.bench.worded_texts import ATTRIBUTES, FOLDER, Wording, of_group, parse_cells, read_captions, read_wordings
from tests.bench.wording_tables import Readings, beside, denials, following, kind_of, loudness, reading, sets_of, unsaid
from utils.errors import InputError

CLASSES = {"gender": ("female", "male"), "pitch": ("high", "low"), "speaking_rate": ("fast", "slow")}
LEAST = {"denied": 60, "idioms": 60, "languages": 60, "partial": 40, "registers": 120, "tables": 40, "typos": 60}


def test_cells_say_deny_and_contradict():
    said, denied = parse_cells(["", "!low|!high", "slow|fast"])
    assert said == {"speaking_rate": ("slow", "fast")}
    assert denied == {"pitch": ("low", "high")}
    one = Wording("contradictions", "a", "slow and fast", said, denied)
    assert one.value("speaking_rate") is None
    assert one.allows({"gender": "male", "pitch": "medium", "speaking_rate": "fast"})
    assert not one.allows({"gender": "male", "pitch": "low", "speaking_rate": "fast"})


def test_held_out_texts_are_many_and_have_known_values():
    values = {"gender": {"male", "female"}, "pitch": {"low", "medium", "high"}}
    values["speaking_rate"] = {"slow", "measured", "fast"}
    wordings = [one for path in sorted(FOLDER.glob("*.tsv")) for one in read_wordings(path)]
    kinds = Counter(one.kind for one in wordings)
    assert {kind: least for kind, least in LEAST.items() if kinds[kind] < least} == {}
    assert len({one.text_id for one in wordings}) == len(wordings)
    for one in wordings:
        assert one.text.strip() == one.text != ""
        for name, found in (*one.said.items(), *one.denied.items()):
            assert set(found) <= values[name], one.text_id


def test_idioms_are_balanced_over_values():
    idioms = read_wordings(FOLDER / "idioms.tsv")
    for name in ATTRIBUTES[1:]:
        counts = Counter(one.value(name) for one in idioms if name in one.said)
        assert min(counts.values()) >= 14
    assert abs(sum("gender" in one.said for one in idioms) / len(idioms) - 0.5) < 0.2


def test_plain_wording_is_a_text_of_its_own():
    typos = read_wordings(FOLDER / "typos.tsv")
    assert Counter(one.kind for one in typos) == {"typos": 64, "typos, plain wording": 64}
    assert typos[0].said == typos[1].said and typos[0].text != typos[1].text


def test_table_of_another_form_is_refused(tmp_path):
    (tmp_path / "odd.tsv").write_text("id\ttext\tgender\na\tb\tmale\n")
    with pytest.raises(InputError, match=r"odd\.tsv: expected columns"):
        read_wordings(tmp_path / "odd.tsv")


def test_captions_that_contradict_their_key_are_left_out(tmp_path):
    rows = ["key,group,energy,contradiction,caption", "k,male_low_slow,high,,loud", "k,male_low_slow,low,pitch,odd"]
    (tmp_path / "captions.csv").write_text("\n".join(rows) + "\n")
    (one,) = read_captions(tmp_path / "captions.csv")
    assert (one.text, one.marks, one.value("pitch")) == ("loud", {"loudness": "high"}, "low")


def test_balanced_mean_weighs_values_equally():
    shares = np.array([[1.0, 1.0, 1.0, 0.0]])
    texts = np.array([[1, 1, 1, 1], [0, 0, 0, 2], [1, 0, 0, 3]])
    assert balanced(shares, np.array(["low", "low", "low", "high"]), texts).ravel().tolist() == [0.5, 0.0, 0.5]


def test_ratio_is_formed_inside_each_split():
    ours, theirs = np.array([[0.4, 0.4], [0.9, 0.9]]), np.array([[0.8, 0.8], [0.9, 0.9]])
    found = ratio(ours, theirs, np.array(["low", "high"]))
    assert found.value == pytest.approx(0.75)
    assert (found.low, found.high) == (0.5, 1.0)  # only the splits differ


def test_interval_widens_with_the_spread_of_texts():
    alike, apart = mean(np.full((5, 40), 0.5)), mean(np.tile([0.0, 1.0], (5, 20)))
    assert alike.high - alike.low == pytest.approx(0)
    assert 0.2 < apart.high - apart.low < 0.4
    assert str(alike) == "0.50 (0.50 to 0.50)"


def test_divergence_of_equal_and_of_disjoint_shares():
    found = divergence(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([[0.5, 0.5], [0.0, 1.0]]))
    assert found.tolist() == [0.0, 1.0]


def measured() -> Measured:
    """Six texts, two splits; samples always low and slow, of the gender that was asked for."""
    wordings = [
        Wording("registers", "a", "a", of_group("male_low_slow")),
        Wording("registers", "b", "b", of_group("female_high_slow")),
        Wording("denied", "c", "c", {"gender": ("male",)}, {"pitch": ("low",)}, {"plain": "yes"}),
        Wording("partial", "d", "d", {"gender": ("male",)}),
        Wording("loudness", "e", "e", of_group("male_high_fast"), marks={"pair": "p", "loudness": "loud"}),
        Wording("loudness", "f", "f", of_group("male_high_fast"), marks={"pair": "p", "loudness": "quiet"}),
    ]
    male = np.array([0.0, 1.0])
    gender = np.array([male, 1 - male, male, male, male, male])
    followed = {"gender": gender, "pitch": np.tile([0.0, 1.0], (6, 1)), "speaking_rate": np.tile([0.0, 1.0], (6, 1))}
    even = {name: np.full((6, 2), 0.5) for name in CLASSES}
    heard = {"posterior": followed, REAL: even, BLIND: even}
    for found in heard.values():
        found.update({name + INSIDE: found[name] for name in ATTRIBUTES[1:]})
    heard["posterior"]["pitch" + INSIDE] = np.array([[0.0, 1.0]] * 4 + [[0.75, 0.25], [0.5, 0.5]])
    return Measured(wordings, CLASSES, {name: stacked([found, found]) for name, found in heard.items()})


def test_tables_of_what_was_measured():
    result = measured()
    read = Readings(
        {name: np.tile([0.25, 0.25, 0.5], (6, 1)) for name in CLASSES}, [("'a' and 'b' exclude each other",), *[()] * 5]
    )
    sets = sets_of(result, read)
    registers = {"registers": sets["registers"]}
    assert "| registers | 2 | 2.00 (2.00 to 2.00) | 1.00 (0.00 to 2.00) |" in following(result, registers, "posterior")
    assert "| registers | 1.00 | 1.00 | 1.00 |" in beside(result, registers, {"text-blind": BLIND})
    assert '| by a plain "not" or "no" | 1 | 1.00 (1.00 to 1.00) | 0.50 | 0.50 |' in denials(result, ["posterior"])
    assert "| pitch, only male said (high / low) | 1 | 0 / 100 | 50 / 50 | 0.311 | 50 |" in unsaid(result, "posterior")
    assert "| our pairs, pitch | 1 | 0.75 | 0.50 | 0.25 (0.25 to 0.25) |" in loudness(result, "posterior")
    assert "| registers | 2 | 0.25 | 0.25 | 0.25 | - | - | 1 | 0 | 0 | 0 | 0 |" in reading(result, sets, read)


@pytest.mark.parametrize(
    ("warning", "kind"),
    [("'deep' and 'high ... voice' exclude each other", "contradiction"), ("some other matter", "other")],
)
def test_warnings_have_kinds(warning, kind):
    assert kind_of(warning) == kind


def test_section_has_a_place():
    assert "Following people's words" in SECTIONS
