"""Training under a reader: pairs that are conditioned on groups, and a generator that mixes over them.

An embedding's group is known, whatever its texts say. So any generator is fitted with one text a group, the group's
features (`CorpusGroups.features`), and learns nothing from how descriptions are worded; that is for the reader. What
captions say of persons beyond their groups moves the means of that generator (`caption_fit.py`).
"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from steps.generators.caption_fit import fit_shift
from steps.generators.contract import Fit, Generator
from steps.generators.corpus_groups import CorpusGroups
from steps.generators.nuisance import Nuisance
from steps.generators.pairs import Pairs
from steps.generators.read_generator import ReadGenerator
from steps.text.consensus import CONSENSUS, Consensus
from steps.text.layout import TextLayout
from steps.training.workplace import Workplace
from utils.command import logger
from utils.errors import InputError

log = logger(__name__)
Asked = tuple[str, str] | None
NO_GROUPS = "texts were not read into groups, which a source is told apart in"
PENALTY_OF_CAPTIONS = 3.0  # of a ridge regression on the sentence vectors of captions of some 100 to 200 speakers


def fit_generator(
    fit: Fit, train: Pairs, dev: Pairs, options: Any, workplace: Workplace, text_vectors: Path, nuisance: Asked = None
) -> Generator:
    """Fit a generator to pairs: of sentence vectors, or of what the reader in `text_vectors` has read.

    Args:
        nuisance: the name and the mix of what no text tells, where the generator is to know it.
    """
    layout = TextLayout.read(text_vectors, train.text_dim)
    if not layout.attributes:
        if nuisance:
            raise InputError(f"--nuisance {nuisance[0]}: {NO_GROUPS}; run stage 1 again with text.reader=posterior")
        if len(train.captions) and getattr(options, "penalty", PENALTY_OF_CAPTIONS) < PENALTY_OF_CAPTIONS:
            log.warning(
                "captions are learnt with a penalty of %g; on those of few speakers %g follows unseen ones better"
                " (--set train.penalty=%g), or text.reader=posterior",
                options.penalty, PENALTY_OF_CAPTIONS, PENALTY_OF_CAPTIONS,
            )  # fmt: skip
        return fit.fit(train, dev, options, workplace)
    groups = CorpusGroups.count(layout, train.speakers, train.groups, train.group_names)
    told = Nuisance.count(*nuisance, train) if nuisance else None
    condition = partial(told.conditioned, groups=groups) if told else partial(conditioned, groups=groups)
    inner = fit.fit(condition(train), condition(dev), options, workplace)
    consensus = text_vectors / CONSENSUS
    shift = fit_shift(train, layout.sentence_dim, Consensus.load(consensus) if consensus.is_file() else None)
    return ReadGenerator(inner, groups, shift, told)


def conditioned(pairs: Pairs, groups: CorpusGroups) -> Pairs:
    """The same embeddings, with one text for each group: its features (F)."""
    features = groups.features(pairs.group_names)
    return replace(
        pairs,
        variants=features,
        variant_groups=np.arange(len(features)),
        captions=np.empty((0, features.shape[1]), dtype=np.float32),
        caption_rows=np.empty(0, dtype=np.int64),
    )
