"""Hyperion: readers of scp and ark, trials, scores, and PLDA trained on the training set and asked for all trials."""

import numpy as np
from hyperion.io import RandomAccessDataReaderFactory, SequentialDataReaderFactory
from hyperion.pdfs import SPLDA
from hyperion.transforms import PCA, LNorm
from hyperion.utils import TrialKey, TrialNdx, TrialScores, Utt2Info
from probing import Probe, lines_of, table

DIM = 64
probe = Probe()
trials = probe.directories["verify/trials"]


def sequential(specifier):
    """All vectors of a script file or archive."""
    with SequentialDataReaderFactory.create(specifier) as reader:
        return zip(*reader.read(0, squeeze=False), strict=True)


def random_access(name):
    """The vectors of the keys of a data directory, in its order."""
    path = probe.setting["scripts"][name][0]
    keys = list(table(path.replace("xvector.scp", "utt2spk")))
    return keys, np.array(RandomAccessDataReaderFactory.create(f"scp:{path}").read(keys, squeeze=True))


def listed(name, live):
    """The scores of the listed trials, which are also written."""
    (train_keys, train), (enrol_keys, enrol), (test_keys, test) = map(
        random_access, ("training set", "enrolment", "tests, real and sampled")
    )
    keep = train.std(axis=0) > 0 if live else slice(None)
    project, length = PCA(pca_dim=DIM, whiten=True), LNorm()
    project.fit(train[:, keep])
    train = project.predict(train[:, keep])
    length.fit(train)
    train = length.predict(train)
    enrol, test = (length.predict(project.predict(x[:, keep])) for x in (enrol, test))
    speakers = Utt2Info.load(f"{probe.directories['data/train']}/utt2spk")
    ids = np.unique([speakers[key] for key in train_keys], return_inverse=True)[1]
    model = SPLDA(y_dim=DIM)
    model.fit(train, class_ids=ids, epochs=20)
    enrolled = Utt2Info.load(f"{trials}/enrol/utt2spk")
    names, numbers = np.unique([enrolled[key] for key in enrol_keys], return_inverse=True)
    scores = model.llr_Nvs1(enrol, test, ids1=numbers, method="book")
    pairs = TrialNdx.load_txt(f"{trials}/pairs")
    rows, columns = ({key: n for n, key in enumerate(keys)} for keys in (names, test_keys))
    found = [
        (model_id, segment, scores[rows[model_id], columns[segment]])
        for number, model_id in enumerate(pairs.model_set)
        for segment in pairs.seg_set[pairs.trial_mask[number]]
    ]
    if not np.isfinite([value for *_, value in found]).all():
        raise ValueError("scores that are not finite")
    probe.write_scores(name, found)
    return ((tuple(pair), True) for *pair, _ in found)


for name, path, expected in probe.scripts():
    probe.count(f"{name}: scp", expected, lambda path=path: sequential(f"scp:{path}"))
for name, path, expected in probe.scripts():
    if name in ("samples", "embeddings"):
        probe.count(f"{name}: ark", expected, lambda path=path: sequential(f"ark:{path.replace('.scp', '.ark')}"))
for directory in ("samples/groups", "data/train"):
    path = f"{probe.directories[directory]}/utt2spk"
    probe.count(
        f"{directory}: utt2spk, Utt2Info",
        table(path),
        lambda path=path: ((key, Utt2Info.load(path)[key]) for key in table(path)),
    )


def masked(load, path):
    """The pairs of a list, as Hyperion holds them, and whether they are targets."""
    found = load(path)
    masks = [(found.tar, True), (found.non, False)] if hasattr(found, "tar") else [(found.trial_mask, None)]
    for mask, target in masks:
        for row, column in zip(*np.nonzero(mask), strict=True):
            yield (found.model_set[row], found.seg_set[column]), target


lines = [line.split() for line in lines_of(f"{trials}/trials")]
key = {tuple(line[:2]): line[2] == "target" for line in lines}
probe.count("trials: TrialKey", key, lambda: masked(TrialKey.load_txt, f"{trials}/trials"))
probe.count("pairs: TrialNdx", dict.fromkeys(key), lambda: masked(TrialNdx.load_txt, f"{trials}/pairs"))


def scored(path):
    """The scores of a file, as Hyperion holds them."""
    found = TrialScores.load_txt(path)
    for row, column in zip(*np.nonzero(found.score_mask), strict=True):
        yield (found.model_set[row], found.seg_set[column]), found.scores[row, column]


path = trials.replace("trials", "scores/plda/scores")
ours = {tuple(line.split()[:2]): float(line.split()[2]) for line in lines_of(path)}
probe.count("scores: TrialScores", ours, lambda: scored(path))
probe.count(
    "PCA and PLDA of all 256 dimensions: trials scored",
    dict.fromkeys(key, True),
    lambda: listed("hyperion, all dimensions", False),
)
probe.count(
    "PCA and PLDA of dimensions that vary: trials scored", dict.fromkeys(key, True), lambda: listed("hyperion", True)
)
