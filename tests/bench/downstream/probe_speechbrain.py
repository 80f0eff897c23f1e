"""SpeechBrain: its PLDA, trained on the training set and asked for all trials; tables as items of a data set."""

import kaldiio
import numpy as np
from probing import Probe, lines_of, table
from speechbrain.dataio.dataset import DynamicItemDataset
from speechbrain.processing.PLDA_LDA import LDA, PLDA, Ndx, StatObject_SB, fast_PLDA_scoring

DIM = 64
probe = Probe()


def statistics(name, speakers):
    """Vectors that kaldiio reads, as SpeechBrain holds them; models are speakers where they are given."""
    path = probe.setting["scripts"][name][0]
    vectors = dict(kaldiio.load_scp(path).items())
    keys = np.array(list(vectors), dtype="|O")
    models = keys if speakers is None else np.array([speakers[key] for key in vectors], dtype="|O")
    none = np.array([None] * len(keys))
    x = np.array(list(vectors.values()), dtype=np.float64)
    return StatObject_SB(models, keys, none, none, np.ones((len(keys), 1)), x)


def score(live):
    """Scores of all pairs of enrolments and tests; `live`: only dimensions that are not always zero."""
    trials = probe.directories["verify/trials"]
    train = statistics("training set", table(f"{probe.directories['data/train']}/utt2spk"))
    enrol, test = statistics("enrolment", table(f"{trials}/enrol/utt2spk")), statistics("tests, real and sampled", None)
    keep = train.stat1.std(axis=0) > 0 if live else slice(None)
    mean = train.stat1[:, keep].mean(axis=0)
    for one in (train, enrol, test):
        one.stat1 = one.stat1[:, keep] - mean
    lda = LDA()
    train = lda.do_lda(train, reduced_dim=DIM)
    enrol, test = (lda.do_lda(one, transform_mat=lda.transform_mat) for one in (enrol, test))
    for one in (train, enrol, test):
        one.norm_stat1()
    plda = PLDA(rank_f=DIM)
    plda.plda(train)
    enrol = enrol.mean_stat_per_model()
    pairs = Ndx(models=enrol.modelset, testsegs=test.segset)
    pairs.modelset, pairs.segset = enrol.modelset, test.segset
    pairs.trialmask = np.ones((len(enrol.modelset), len(test.segset)), dtype="bool")
    return fast_PLDA_scoring(enrol, test, pairs, plda.mean, plda.F, plda.Sigma, check_missing=False)


def listed(name, live):
    """The scores of the listed trials, which are also written."""
    scores = score(live)
    rows, columns = ({key: n for n, key in enumerate(keys)} for keys in (scores.modelset, scores.segset))
    path = f"{probe.directories['verify/trials']}/pairs"
    pairs = [line.split() for line in lines_of(path)]
    found = [(enrol, test, scores.scoremat[rows[enrol], columns[test]]) for enrol, test in pairs]
    if not np.isfinite([value for *_, value in found]).all():
        raise ValueError("scores that are not finite")
    probe.write_scores(name, found)
    return ((tuple(pair), True) for *pair, _ in found)


for name, path, expected in probe.scripts():
    if name in ("samples", "tests, real and sampled"):
        items = {key: {"vector_path": value} for key, value in table(path).items()}
        data = DynamicItemDataset(items, output_keys=["id", "vector"])
        data.add_dynamic_item(kaldiio.load_mat, takes="vector_path", provides="vector")
        probe.count(
            f"{name}: a DynamicItemDataset of xvector.scp", expected, lambda d=data: ((i["id"], i["vector"]) for i in d)
        )
wanted = {tuple(line.split()): True for line in lines_of(f"{probe.directories['verify/trials']}/pairs")}
probe.count(
    "LDA and PLDA of all 256 dimensions: trials scored", wanted, lambda: listed("speechbrain, all dimensions", False)
)
probe.count("LDA and PLDA of dimensions that vary: trials scored", wanted, lambda: listed("speechbrain", True))
