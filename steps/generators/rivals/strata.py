"""Embeddings that a rival takes together: those of a gender, of a group, or all, and how a text chooses among them."""

from typing import NamedTuple

import numpy as np

from steps.generators.gender import gender_of
from steps.generators.linear import GroupClassifier
from steps.generators.pairs import Pairs
from utils.command import logger

log = logger(__name__)
GENDER, GROUP, NONE = "gender", "group", "none"
BY = (GENDER, GROUP, NONE)
HELP = "what a text decides: the gender alone | the group | none: nothing"


class Strata(NamedTuple):
    """Training embeddings in parts.

    Attributes:
        rows: (N,) the part of each embedding, from 0; each part has some.
        classifier: the part that a text vector means; None where there is only one part.
        number: of the parts.
    """

    rows: np.ndarray
    classifier: GroupClassifier | None
    number: int

    @classmethod
    def of(cls, pairs: Pairs, by: str) -> "Strata":
        """The parts of training pairs, by one of `BY`; groups whose name has no gender are a part of their own."""
        keys = {GENDER: lambda name: gender_of(name) or "", GROUP: lambda name: name, NONE: lambda name: ""}[by]
        of_group = np.array([keys(name) for name in pairs.group_names])
        parts, rows = np.unique(of_group[pairs.groups], return_inverse=True)
        if by == GENDER and list(parts) == [""]:
            log.warning("no group tells a gender: all speakers are taken together")
        if len(parts) == 1:
            return cls(rows, None, 1)
        of_text = of_group[pairs.text_groups]
        mine = np.isin(of_text, parts)
        classifier = GroupClassifier.fit(pairs.texts[mine], np.searchsorted(parts, of_text[mine]), len(parts))
        return cls(rows, classifier, len(parts))
