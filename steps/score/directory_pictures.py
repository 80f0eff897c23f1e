"""Pictures and players of samples of anyone's directories, beside real speakers: with what is known of them.

Distances and a map need vectors alone; maps of groups need groups, players speech of the training speakers.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib import rc_context

from steps.generators.covariance import principal_subspace
from steps.metrics.distances import nearest, nearest_other
from steps.metrics.speaker_vectors import Comparison, SpeakerVectors
from steps.score.captions import sections_of
from steps.score.confusion import confusion_panels, heard_shares
from steps.score.data import ScoreData, VectorSet
from steps.score.evaluation import Examples
from steps.score.judges import fit_judges
from steps.score.map_pictures import MOST_FITTED, every, label_maps, maps, widest
from steps.score.measured import SampleSource
from steps.score.neighbours import Clips, neighbours_of, usual_distance
from steps.score.page import Part, Section
from steps.score.pictures import Drawn, distance_ridges
from steps.score.players import players
from steps.score.vector_sets import NamedVectors
from utils.vectors import unit_rows

MOST = 3000  # speakers whose distances are drawn
VOICE = "voice"  # what a dot is where no group is known


def shown_of(
    sources: Mapping[str, SampleSource], judged: bool, train: NamedVectors, n_heard: int, clips: Clips
) -> tuple[list[Section], list[Part]]:
    """The sections of pictures, and the part with the players.

    Args:
        judged: whether there are enough speakers, of known groups, for judges of attributes.
        train: the real training speakers by name. n_heard: samples whose neighbours are shown.
    """
    name, source = next(iter(sources.items()))
    first = source.comparison
    with rc_context({"text.parse_math": False}):  # a $ in a name is a $
        drawn = {
            "confusion": confusion_of(name, source) if judged and first.train.groups is not None else [],
            "maps": map_of(sources),
            "groups": groups_of(name, first),
            "distances": distances_of(sources),
        }
        sections = sections_of(drawn, name)
    if not n_heard:
        return sections, []
    speakers = np.array(train.speakers)
    real = VectorSet(train.vectors.x, speakers[train.vectors.speakers], first.train.groups, keys=np.array(train.ids))
    found = neighbours_of(real, first.samples.x, first.samples.groups, n_heard, clips)
    test = VectorSet(first.test.x, first.test.speakers, first.test.groups)
    return sections, [players(name, found, usual_distance(real, test), clips)]


def confusion_of(name: str, source: SampleSource) -> Drawn:
    """What real speakers and the samples are heard as, by judges that are fitted to test speakers, and dev ones."""
    one, metric = source.comparison, source.attributes
    train, test, samples = (vector_set(place, getattr(one, place)) for place in ("train", "test", "samples"))
    known = metric.dev is not None and metric.dev.groups is not None
    dev = vector_set("dev", metric.dev) if known else test.where(np.zeros(len(test.x), bool))
    data = ScoreData(train, dev, test, {}, tuple(metric.attributes))
    judges = fit_judges(data, dev.followed_by(test), one.seed)
    none = np.empty(0)
    heard = heard_shares(data, judges, one.seed, {name: Examples(samples.x, samples.groups, none, none)})
    return confusion_panels(heard, name)


def vector_set(name: str, vectors: SpeakerVectors) -> VectorSet:
    """Vectors of known groups, with names of speakers that no other set has."""
    speakers = np.array([f"{name}-{number}" for number in vectors.speakers.tolist()])
    return VectorSet(vectors.x, speakers, vectors.groups.astype(str))


def distances_of(sources: Mapping[str, SampleSource]) -> Drawn:
    """Nearest-neighbour distances, one vector a speaker, of sets of one size."""
    comparisons = {name: source.comparison for name, source in sources.items()}
    first = next(iter(comparisons.values()))
    most = min(MOST, first.train.n_speakers, *(one.samples.n_speakers for one in comparisons.values()))
    train = _units(first.train, first, most)
    test = _units(first.test, first, MOST)
    examples = {}
    for name, one in comparisons.items():
        samples = _units(one.samples, one, most)
        near = nearest(samples, train)[:, 0], nearest_other(samples)
        examples[name] = Examples(one.samples.x, one.samples.groups, *near)
    return distance_ridges((nearest_other(train), nearest(test, train)[:, 0]), examples)


def _units(vectors: SpeakerVectors, comparison: Comparison, most: int) -> np.ndarray:
    return unit_rows(vectors.one_each(comparison.rng(10), most).x)


def map_of(sources: Mapping[str, SampleSource]) -> Drawn:
    """Samples of each directory on the plane of the real training vectors, coloured by what all groups begin with."""
    test = next(iter(sources.values())).comparison.test
    examples = {name: _labelled(source.comparison.samples, test) for name, source in sources.items()}
    train = next(iter(sources.values())).comparison.train.x
    plane = widest(principal_subspace(train[every(train, MOST_FITTED)]))
    return maps(plane, _labelled(test, test), examples)


def _labelled(vectors: SpeakerVectors, test: SpeakerVectors) -> tuple[np.ndarray, np.ndarray]:
    """Vectors and the first value of each group; the same for all where groups are not known of both sets."""
    if vectors.groups is None or test.groups is None:
        return vectors.x, np.full(len(vectors.x), VOICE)
    return vectors.x, np.array([str(group).partition("_")[0] for group in vectors.groups])


def groups_of(name: str, one: Comparison) -> Drawn:
    """Maps of groups; none where these are not known, or are one."""
    sets = (one.train, one.test, one.samples)
    if any(own.groups is None for own in sets) or len(np.unique(one.test.groups.astype(str))) < 2:
        return []
    train, test, samples = ((own.x, own.groups.astype(str)) for own in sets)
    return label_maps(train, test, samples, name)
