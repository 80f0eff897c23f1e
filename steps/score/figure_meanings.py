"""What the figures of samples beside real speakers say, in words, with the source of their formula: a table.

The formulas stand in the modules of steps/metrics that compute them (`sample_metrics` names these).
"""

from collections.abc import Mapping
from typing import Any

from steps.score.measured import ALL_METRICS
from utils.report_tables import Cell, Table

MEANINGS: Mapping[str, str] = {
    "distances": "g2s: median cosine distance of a sample to the nearest training speaker. Below real: copies; "
    "above: voices that nobody has.",
    "crowding": "g2g: median cosine distance of a sample to the nearest other one. Below real: voices too much alike.",
    "same_speaker": "Cosine distance of two utterances of a speaker: its median, and the deviation over speakers.",
    "trials": "A verification system that compares a sampled with a training speaker, an utterance of each: equal "
    "error rate, minDCF, the share that is accepted, and the share of two sampled speakers that is.",
    "speaker_trials": "The same with means of several utterances of a speaker.",
    "distinctiveness": "gvd: how well sampled speakers are told from each other, in decibels beside training "
    "speakers. -10 is as good as collapsed.",
    "frechet": "Distance of mean and covariance from those of test speakers, in whitened directions, for infinitely"
    " many speakers. Next to 0 it may be negative.",
    "frechet_groups": "The same inside each group and each value of an attribute, the mean.",
    "balls": "Precision: share of samples that lie near a test speaker. Recall: share of test speakers near "
    "samples. Density and coverage: the same, less moved by outliers.",
    "groups": "Absent: share of test speakers whose group no sample is of. Own_coverage: share of test speakers near a "
    "sample of their own group.",
    "heard_mix": "How far the shares of the values of attributes, as classifiers hear samples, are from those of test "
    "speakers, 0 to 1: above real: kinds of speakers are missing, or too frequent. Needs no groups of the samples.",
    "kernel": "mmd: squared distance of two distributions; it may be negative. mmd_p: share of permutations as far "
    "apart.",
    "told_apart": "Share that the best of three classifiers in two spaces tells from test speakers, .5 is chance; "
    "how likely chance does as well (p); and each of them.",
    "energy": "How well the samples foretell test speakers, all of them and those of their group; lower is better.",
    "calibration": "Share of test speakers in the regions that hold 50, 80 and 95 % of the samples; rank_distance: "
    "the largest difference from what it should be, at any level.",
    "memorisation": "Share of samples that are copies of a training vector, and of those closer to one than two "
    "speakers ever are.",
    "shape": "Norms: the largest difference of their distributions, and the mean. Shares of entries that are 0, and"
    " negative.",
    "spread": "Variances along directions of training speakers beside those of test speakers: the mean logarithm "
    "(below 0: too little), its deviation, the share outside the band of real ones, and how many dimensions are "
    "filled.",
    "attributes": "Share of samples heard as what was asked for, balanced over the values: by classifiers of all "
    "voices, inside each gender, and on whitened directions.",
    "text_agreement": "How alike the samples of paraphrases are, in bits, and how often a text's own group is the "
    "most alike of all.",
    "pit": "The largest difference of the ranks of test vectors, by the density, from uniform ones.",
}
OF_SHARES = {"groups", "heard_mix", "trials", "speaker_trials", "told_apart", "calibration", "memorisation"}
OF_SHARES |= {"attributes"}  # all figures of these metrics
SHARES = {"precision", "recall", "coverage", "mmd_p", "norm_distance", "zero_share", "negative_share", "outside_band"}
CAPTION = (
    "The word before the point is the metric. Each figure belongs where real speakers in the place of the samples have "
    "it, unless the tables above say low or high."
)


def meaning_table(models: Mapping[str, Any]) -> Table:
    """What the metrics that any source was measured by say."""
    known = {key.partition(".")[0] for scores in models.values() for key in scores["measured"]}
    rows = [[Cell(name), Cell(MEANINGS[name]), Cell(ALL_METRICS[name].source)] for name in MEANINGS if name in known]
    return Table("What the figures say", CAPTION, ["", "figures", "source"], rows)


def is_share(key: str) -> bool:
    """Is a figure, `metric.figure`, a share or a p value, which no interval leads out of 0 to 1?"""
    metric, _, figure = key.partition(".")
    return metric in OF_SHARES or figure in SHARES
