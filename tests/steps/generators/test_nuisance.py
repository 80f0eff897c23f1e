"""A nuisance: sources that shift embeddings and are spread over the groups unevenly."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from steps.data import build_index
from steps.generators import train
from steps.generators.contract import load_generator
from steps.generators.corpus_groups import CorpusGroups
from steps.generators.mdn.closed_form import by_sums, direct
from steps.generators.mdn.options import MdnOptions
from steps.generators.nuisance import MIXES, Nuisance
from steps.generators.tempered_generator import tempered
from tests.steps.generators.conftest import fit
from tests.steps.generators.experiment import GROUPS, LAYOUT, SETS, Experiment, read_texts, write_experiment
from tests.steps.generators.test_read_generator import CERTAIN
from utils.errors import InputError
from utils.tables import read_table, write_table

FAR = 8.0  # what the source "far" adds to the first dimension
MODELS = ("ridge_gaussian none", "ridge_gaussian group", "ridge_gaussian corpus", "group_gaussian corpus", "mdn group")
MOST_FAR = "female_low"  # the group whose speakers are three in four of that source, of the others one in four


def source_of(speaker: str, group: str) -> str:
    often = int(speaker[-2:]) // 4 % 4 != 0
    return "far" if often == (group == MOST_FAR) else "near"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """The generated experiment with sources, its texts read."""
    places = [source_of(f"{number:02d}", GROUPS[number % 4]) for number in range(60) for _ in range(4)]
    far = np.array([place == "far" for place in places])

    def shifted(x: np.ndarray) -> np.ndarray:
        x[far, 0] += FAR
        return x

    made = write_experiment(tmp_path_factory.mktemp("sources"), shifted)
    for name in SETS:
        data = made.root / "data" / name
        speakers = read_table(data / "utt2spk")
        groups = read_table(data / "utt2group")
        write_table(data / "utt2source", {key: source_of(speakers[key], groups[key]) for key in speakers})
    build_index.work(build_index.Options(made.root / "data", made.index, force=True))
    return read_texts(made)


@pytest.fixture(scope="module")
def models(made: Experiment) -> dict[str, Path]:
    """Models without the source and with it, by name and mix."""
    found = {}
    for one in MODELS:
        name, mix = one.split()
        words = () if mix == "none" else ("--nuisance", "source", "--nuisance_mix", mix)
        found[one] = fit(made, name, *words).rename(made.root / one.replace(" ", "_"))
    return found


def mean_of(model: Path, group: str) -> float:
    """The mean of the first dimension for a text that says the group."""
    x, _ = load_generator(model).mixtures(CERTAIN[group])[0].sample(np.random.default_rng(0), 4000)
    return float(x[:, 0].mean())


def far_share(model: Path, group: str) -> float:
    """The share of the source "far" that samples of a group have."""
    generator = load_generator(model)
    return sum(
        share for (_, value), share in generator.nuisance.cells(group) if generator.nuisance.values[value] == "far"
    )


def test_what_the_source_adds_follows_the_mix(models):
    apart = {}
    for mix in ("none", *MIXES):
        means = {group: mean_of(models[f"ridge_gaussian {mix}"], group) for group in GROUPS}
        apart[mix] = means.pop(MOST_FAR) - np.mean(list(means.values()))
    assert apart["group"] == pytest.approx(apart["none"], abs=FAR / 5)
    assert (
        apart["none"] - apart["corpus"] > FAR / 4
    )  # of FAR / 2, as three in four are far, not one; a ridge shrinks it


def test_shares_of_a_group_and_of_the_corpus(models):
    assert far_share(models["mdn group"], MOST_FAR) > 0.5 > far_share(models["mdn group"], "male_low")
    assert {far_share(models["ridge_gaussian corpus"], group) for group in GROUPS} == {
        far_share(models["ridge_gaussian corpus"], "male_low")
    }
    assert far_share(models["mdn group"], "never_seen") == far_share(models["ridge_gaussian corpus"], "never_seen")


@pytest.mark.parametrize("name", ["mdn group", "group_gaussian corpus"])
def test_saved_and_loaded_is_the_same(models, tmp_path, name):
    load_generator(models[name]).save(tmp_path)
    for file in ("generator.json", "weights.safetensors"):
        assert (tmp_path / file).read_bytes() == (models[name] / file).read_bytes()


def test_a_table_for_a_text_knows_the_sources(models):
    generator = load_generator(models["mdn group"])
    vector = CERTAIN[MOST_FAR]
    small = generator.in_table(vector, 10**8)
    x = np.zeros((3, generator.dim))
    np.testing.assert_allclose(small.log_density(x, vector), generator.log_density(x, vector), rtol=1e-5)


def test_other_temperatures_keep_the_sources(models):
    generator = load_generator(models["ridge_gaussian group"])
    other = tempered(generator, 1.0, 0.5)
    assert other.nuisance is generator.nuisance
    x = np.zeros((1, generator.dim))
    assert other.log_density(x, CERTAIN[MOST_FAR]) != generator.log_density(x, CERTAIN[MOST_FAR])


def test_the_sources_of_a_group_share_its_weight(made):
    pairs = made.pairs("train", "source")
    groups = CorpusGroups.count(LAYOUT, pairs.speakers, pairs.groups, pairs.group_names)
    told = Nuisance.count("source", "group", pairs).conditioned(pairs, groups)
    np.testing.assert_allclose(told.weights, made.pairs("train").weights)
    assert len(told.group_names) == 8 and told.variants.shape == (8, groups.n_features + 2)
    assert len({tuple(row) for row in told.variants[told.groups[pairs.nuisance == "far"], -2:].tolist()}) == 1


def test_the_two_ways_to_the_start_agree(made):
    pairs = made.pairs("train", "source")
    groups = CorpusGroups.count(LAYOUT, pairs.speakers, pairs.groups, pairs.group_names)
    told = Nuisance.count("source", "corpus", pairs).conditioned(pairs, groups)
    options = MdnOptions(folds=5, penalty=0.1)
    one, other = direct(told, options, lambda: None), by_sums(told, options, "cpu", lambda: None)
    np.testing.assert_allclose(one.mean_of.weights, other.mean_of.weights, atol=1e-6)
    np.testing.assert_allclose(np.abs(one.radii), np.abs(other.radii), rtol=1e-4)


def test_what_cannot_be_told_apart_is_refused(made, tmp_path, capsys):
    plain = read_texts(write_experiment(tmp_path / "plain"))
    assert train.main(plain.options("gaussian", "--nuisance", "source")) == 1
    assert "--nuisance source: the index has no utt2source" in capsys.readouterr().err
    for name in SETS:
        data = plain.root / "data" / name
        write_table(data / "utt2source", dict.fromkeys(read_table(data / "utt2spk"), "here"))
    build_index.work(build_index.Options(plain.root / "data", plain.index))
    assert train.main(plain.options("gaussian", "--nuisance", "source")) == 1
    assert "--nuisance source: all training speakers have 'here'" in capsys.readouterr().err
    (made.text_vectors / "reader.json").rename(made.root / "kept.json")
    assert train.main(made.options("gaussian", "--nuisance", "source")) == 1
    (made.root / "kept.json").rename(made.text_vectors / "reader.json")
    assert "texts were not read into groups" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"mix": "some"}, "nuisance: expected a name, values"),
        ({"values": ["near"]}, "nuisance: expected"),
        ({"values": ["a", "b", "c"]}, "nuisance_shares"),
    ],
)
def test_a_damaged_description_is_refused(models, tmp_path, change, told):
    shutil.copytree(models["ridge_gaussian group"], tmp_path / "model")
    file = tmp_path / "model" / "generator.json"
    content = json.loads(file.read_text())
    content["values"]["nuisance"] |= change
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match=told):
        load_generator(tmp_path / "model")
