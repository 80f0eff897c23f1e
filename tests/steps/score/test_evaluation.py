"""Scores of generators whose distribution is known: the true one, too narrow, too wide, text-blind, and copies."""

from pathlib import Path

import numpy as np
import pytest

from steps.score.data import ScoreData
from steps.score.evaluation import Scorer
from steps.score.likelihood import compare
from steps.score.report import write_report
from steps.score.results import plain
from tests.steps.score.voices import GROUPS, make_data, make_texts, truth
from utils.errors import InputError


@pytest.fixture(scope="module")
def scores(scorer: Scorer) -> dict[str, dict]:
    """Scores of generators by what is wrong with them."""
    wrong = {"truth": truth(), "narrow": truth(scale=0.3), "wide": truth(scale=2.5), "blind": truth(blind=True)}
    return {name: scorer.score_generator(generator) for name, generator in wrong.items()}


def seen(scores: dict[str, dict], name: str) -> dict:
    """The figures of samples for seen texts."""
    return scores[name]["samples"]["seen"]


def test_the_truth_reaches_every_yardstick(scores: dict[str, dict]):
    own = seen(scores, "truth")
    assert own["attributes"]["gender"]["ratio"] == pytest.approx(1, abs=0.03)
    assert own["attributes"]["pitch"]["ratio"] == pytest.approx(1, abs=0.06)
    assert own["frechet"]["ratio"] < 1.5
    assert own["distances"]["g2s_to_t2s"] == pytest.approx(1, abs=0.1)
    assert own["distances"]["g2g_to_s2s"] == pytest.approx(1, abs=0.1)
    assert own["coverage"]["coverage"] == pytest.approx(0.97, abs=0.04)
    assert own["coverage"]["density"] == pytest.approx(1, abs=0.2)
    assert scores["truth"]["memorisation"]["copies"] == 0
    assert scores["truth"]["two_sample_accuracy"] < 0.6


def test_a_text_blind_generator_is_found_out(scores: dict[str, dict], scorer: Scorer):
    own = seen(scores, "blind")
    for name, ceiling in scorer.yardsticks["attributes"].items():
        assert own["attributes"][name]["accuracy"] == pytest.approx(ceiling["floor"], abs=0.05)
    assert own["frechet"]["mean_over_conditions"] > 3 * seen(scores, "truth")["frechet"]["mean_over_conditions"]
    assert own["coverage"]["coverage"] > 0.7  # its spread is right, which is why coverage alone says little


def test_collapse_and_excess_are_found_out(scores: dict[str, dict]):
    narrow, wide, true = (seen(scores, name) for name in ("narrow", "wide", "truth"))
    assert narrow["distances"]["g2g_to_s2s"] < 0.6 < 1.3 < wide["distances"]["g2g_to_s2s"]
    assert narrow["diversity"]["within_group"] < true["diversity"]["within_group"] < wide["diversity"]["within_group"]
    assert min(narrow["frechet"]["ratio"], wide["frechet"]["ratio"]) > 3 * true["frechet"]["ratio"]
    assert narrow["coverage"]["density"] > true["coverage"]["density"] + 0.2 > wide["coverage"]["density"] + 0.4


def test_the_truth_has_the_highest_density_and_is_calibrated(scores: dict[str, dict]):
    densities = {name: one["log_density"] for name, one in scores.items()}
    assert max(densities, key=lambda name: densities[name]["nats"]) == "truth"
    differences = compare(densities, seed=0)["truth"]
    assert all(difference["ci95"][0] > 0 for difference in differences.values())
    for level, share in densities["truth"]["calibration"].items():
        assert share == pytest.approx(int(level) / 100, abs=0.12)
    assert densities["narrow"]["calibration"]["95"] < 0.3
    assert densities["wide"]["calibration"]["50"] > 0.9


def test_the_log_density_is_that_of_the_law(scores: dict[str, dict], data: ScoreData):
    """The voices' own entropy, in the units of the embeddings: a copied dimension stretches its axis by sqrt 2."""
    spread = np.linalg.norm(truth().frame.basis, axis=0)
    entropy = np.log(spread * np.sqrt(2 * np.pi * np.e)).sum()
    low, high = scores["truth"]["log_density"]["ci95"]
    assert abs(scores["truth"]["log_density"]["nats"] + entropy) < high - low  # four standard errors


def test_differences_are_paired_and_change_sign(scores: dict[str, dict]):
    table = compare({name: one["log_density"] for name, one in scores.items()}, seed=0)
    there, back = table["truth"]["wide"], table["wide"]["truth"]
    assert there["nats"] == pytest.approx(-back["nats"])
    assert there["ci95"] == pytest.approx([-bound for bound in reversed(back["ci95"])])


def test_copies_reach_the_ceiling_and_are_named(scorer: Scorer):
    copies, blind = (scorer.references[name][0] for name in ("real_same_group", "real_any_group"))
    for name in ("gender", "pitch"):
        assert copies["samples"]["given"]["attributes"][name]["ratio"] == pytest.approx(1, abs=0.02)
        floor = scorer.yardsticks["attributes"][name]["floor"]
        assert blind["samples"]["given"]["attributes"][name]["accuracy"] == pytest.approx(floor, abs=0.05)
    assert copies["memorisation"]["copies"] == copies["memorisation"]["n_samples"]
    assert copies["samples"]["given"]["distances"]["g2s_to_t2s"] < 0.7
    assert max(one["two_sample_accuracy"] for one in (copies, blind)) < 0.52  # rows of a speaker are in one fold


def test_the_same_seed_gives_the_same_scores(scores: dict[str, dict], data: ScoreData):
    again = Scorer(data, seed=0, n_draws=4).score_generator(truth())
    assert plain(again) == plain(scores["truth"])
    assert plain(Scorer(data, seed=1, n_draws=4).score_generator(truth())) != plain(again)


def test_samples_at_hand_score_as_the_generator_they_came_from(scorer: Scorer, scores: dict[str, dict]):
    groups = np.repeat(GROUPS, 200)
    texts = make_texts().vectors[::2]
    rng = np.random.default_rng(0)
    x = np.concatenate([mixture.sample(rng, 200)[0] for mixture in truth().mixtures(texts)])
    given = scorer.score_samples(x, groups)
    assert "log_density" not in given and given["repeats_in_a_draw"] == 0
    own, model = given["samples"]["given"], seen(scores, "truth")
    assert own["attributes"]["pitch"]["ratio"] == pytest.approx(model["attributes"]["pitch"]["ratio"], abs=0.05)
    assert own["distances"]["g2s"] == pytest.approx(model["distances"]["g2s"], rel=0.1)


def test_too_few_samples_are_repeated_and_it_is_said(scorer: Scorer, data: ScoreData):
    rows = np.concatenate([np.flatnonzero(data.train.groups == group)[:5] for group in GROUPS])
    given = scorer.score_samples(data.train.x[rows], data.train.groups[rows])
    assert given["repeats_in_a_draw"] == len(data.train.x) - len(rows)


def test_a_missing_group_is_named(scorer: Scorer, data: ScoreData):
    rows = data.train.groups != "male_low"
    with pytest.raises(InputError, match="mine: no samples for the groups male_low"):
        scorer.score_samples(data.train.x[rows], data.train.groups[rows], name="mine")


def test_a_model_of_other_dimensions_is_refused(scorer: Scorer):
    other = truth()
    other.dim = 512
    with pytest.raises(InputError, match="512-d embeddings"):
        scorer.score_generator(other)


def test_groups_without_training_speakers_are_left_out_and_named(data: ScoreData):
    train = data.train.where(data.train.groups != "male_low")
    kept = ScoreData.build(train, data.dev, data.test, data.texts, data.attributes)
    assert kept.left_out == ("male_low",)
    assert "male_low" not in kept.test.groups
    figures = Scorer(kept, seed=0, n_draws=1).score_generator(truth())["samples"]["seen"]
    assert "male_low" not in figures["coverage"]["groups"]


def test_group_ids_must_have_a_value_for_each_attribute(data: ScoreData):
    with pytest.raises(InputError, match="expected 3 values .* --attributes gender,pitch,speaking_rate"):
        ScoreData.build(data.train, data.dev, data.test, data.texts, ("gender", "pitch", "speaking_rate"))


def test_there_are_samples_for_all_training_speakers(data: ScoreData):
    scorer = Scorer(data, seed=0, n_draws=1, max_samples=3)
    assert len(scorer.draws[0].labels) == data.train.n_speakers > 3
    with pytest.raises(InputError, match="--max_samples 0: expected 1 or more"):
        Scorer(data, seed=0, n_draws=1, max_samples=0)


def test_other_splits_give_other_ceilings():
    ceilings = [
        Scorer(make_data(seed), seed=0, n_draws=1).yardsticks["attributes"]["pitch"]["ceiling"] for seed in (0, 5)
    ]
    assert ceilings[0] != ceilings[1]


def test_one_gender_and_hardly_any_test_speaker_can_be_scored_and_shown(data: ScoreData, tmp_path: Path):
    """Groups of one test speaker have no neighbourhood and no pairs; an attribute of one value is always right."""
    women = [np.char.startswith(one.groups, "female") for one in (data.train, data.dev, data.test)]
    women[2][13:] = False
    sets = [one.where(keep) for one, keep in zip((data.train, data.dev, data.test), women, strict=True)]
    scorer = Scorer(ScoreData.build(*sets, data.texts, data.attributes), seed=0, n_draws=2)
    evaluated = scorer.evaluate_generator(truth())
    figures = plain(evaluated[0])["samples"]["seen"]
    assert figures["attributes"]["gender"] == {"accuracy": 1, "ratio": 1}
    assert figures["coverage"]["groups"] == {} and figures["frechet"]["mean_over_conditions"] is None
    assert plain(scorer.yardsticks)["diversity"]["test"]["within_group"] is None
    write_report(tmp_path, scorer, {"truth": evaluated})
    assert (tmp_path / "report.html").read_text().count("<img ") == len(list((tmp_path / "pictures").iterdir())) > 8
