"""The sets of the benchmark of speaker networks have no speaker on both sides, and its tables say what they are of."""

import numpy as np
import pytest

from tests.bench import sid_data
from tests.bench.sid_tables import in_order, interval, ratios
from tests.conftest import real_data
from utils.data_dir import write_data_dir
from utils.errors import InputError


def speakers_of(corpus):
    """The speakers whose audio a copy of LibriSpeech has."""
    return {path.stem.partition("-")[0] for path in (real_data(corpus) / "LibriSpeech").glob("*/*/*/*.flac")}


def test_speakers_of_both_corpora_are_on_the_test_side_of_fold_0():
    home, sessions = speakers_of("librispeech-251"), speakers_of("librispeech-sessions-14")
    assert home & sessions == set(sid_data.IN_BOTH)
    folds = sid_data.folds_of(home)
    trained = {speaker for speaker, fold in folds.items() if fold != 0}
    assert trained and not trained & sessions


def test_each_speaker_is_in_one_fold_of_like_size():
    speakers = [str(number) for number in range(180)]
    folds = sid_data.folds_of(speakers)
    assert folds.keys() == set(speakers)
    assert np.bincount(list(folds.values())).tolist() == [36] * sid_data.FOLDS
    assert folds == sid_data.folds_of(speakers[::-1] + speakers)


def test_sets_of_all_trainings(tmp_path):
    speakers = [*sid_data.IN_BOTH, *map(str, range(100, 117))]
    for name, ids in {"home": speakers, "ocean": ["o1", "o2"], "sessions": ["19", "1089"]}.items():
        copies = 0 if name == "sessions" else sid_data.COPIES + 1
        for one, n in ((name, copies), (f"{name}_perturbed", 0)):
            write_features(tmp_path / "features" / one, ids, n)
    sid_data.make_sets(tmp_path)
    sets = tmp_path / "sets"

    def utterances(*parts):
        return (sets.joinpath(*parts) / "utt2spk").read_text().split()[::2]

    assert {sid_data.number_of(one) for one in utterances("closed", "train")} == {0, 1, 2}
    assert {sid_data.number_of(one) for one in utterances("closed", "test_perturbed")} == {3}
    assert all(one.endswith(f"-p{sid_data.COPIES + 1}") for one in utterances("closed", "dev"))
    assert not set(utterances("closed", "dev")) & set(utterances("closed", "train"))
    tested = []
    for fold in range(sid_data.FOLDS):
        train, test = (
            {one.partition("-")[0] for one in utterances(f"fold{fold}", part)} for part in ("train", "open_perturbed")
        )
        assert train and test and not train & test and train | test == set(speakers)
        tested += test
    assert sorted(tested) == sorted(speakers)
    assert not set(sid_data.IN_BOTH) & {one.partition("-")[0] for one in utterances("fold0", "train")}
    before = (sets / "fold0" / "train").stat().st_ino
    sid_data.make_sets(tmp_path)
    assert (sets / "fold0" / "train").stat().st_ino == before  # nothing has changed


def write_features(path, speakers, copies):
    """A directory of features without features."""
    path.mkdir(parents=True)
    names = [f"{one}-{n * 300:07}-{n * 300 + 300:07}" for one in speakers for n in range(4)]
    names += [f"{name}-p{copy}" for name in names for copy in range(1, copies + 1)]
    write_data_dir(path, {"utt2spk": {name: name.partition("-")[0] for name in names}})
    (path / "features.json").write_text("{}\n")


def test_an_id_that_is_no_piece_is_named():
    with pytest.raises(InputError, match="u1: expected the id of a piece"):
        sid_data.number_of("u1")


def test_ratios_are_to_the_better_baseline_of_either_kind():
    rates = {"lda": 0.4, "lda_no_mean": 0.3, "lda_copies": 0.2, "lda_no_mean_copies": 0.25, "conv1d": 0.1}
    of = {name: {"perturbed": rate} for name, rate in rates.items()}
    assert ratios("conv1d", of) == "0.33 / 0.50" and ratios("lda", of) == ""
    assert interval(0.1234, [0.1, 0.2]) == "12.3 [10.0, 20.0]"
    assert list(in_order({"conv1d": 0, "resemblyzer": 0, "lda": 0})) == ["lda", "resemblyzer", "conv1d"]
