"""What judges hear in samples: the share of samples of each text that has each value of each attribute.

The judges are classifiers that know only held-out speakers: for the gender one that pools all of them, for pitch and
rate one that pools the genders and, stricter, one inside each gender: the gender that a text says, else the one that is
heard in the sample.
"""

from collections.abc import Sequence

import numpy as np

from steps.score.data import ScoreData, VectorSet
from steps.score.judges import INSIDE_GENDER, POOLED, fit_judges
from tests.bench.worded_texts import ATTRIBUTES, Wording

GENDER = ATTRIBUTES[0]
INSIDE = " inside gender"  # what is heard by the stricter judges
Heard = dict[str, np.ndarray]  # attribute, pooled or inside gender -> (T, values) shares


class Listener:
    """The judges of one split, and what they hear in its real training segments.

    Attributes:
        classes: attribute -> its values, sorted.
    """

    def __init__(self, data: ScoreData, seed: int):
        held_out = VectorSet(
            np.concatenate([data.dev.x, data.test.x]),
            np.concatenate([data.dev.speakers, data.test.speakers]),
            np.concatenate([data.dev.groups, data.test.groups]),
        )
        judges = fit_judges(data, held_out, seed)
        self.pooled, self.inside = judges[POOLED], judges[INSIDE_GENDER]
        self.classes = dict(zip(data.attributes, self.pooled.classes, strict=True))
        self._train_values = data.values(data.train.groups)
        self._train = {gender: self._of_samples(data.train.x, gender) for gender in (None, *self.classes[GENDER])}

    def hear(self, x: np.ndarray, wordings: Sequence[Wording]) -> Heard:
        """The shares in samples (T, n, D) of texts (T)."""
        asked, size = [one.value(GENDER) for one in wordings], x.shape[1]
        shares: Heard = {}
        for gender in set(asked):
            rows = np.flatnonzero([one == gender for one in asked])
            for key, found in self._of_samples(x[rows].reshape(len(rows) * size, -1), gender).items():
                of_text = found.reshape(len(rows), size, -1).mean(axis=1)
                shares.setdefault(key, np.zeros((len(wordings), of_text.shape[1])))[rows] = of_text
        return shares

    def hear_real(self, wordings: Sequence[Wording], blind: bool = False) -> Heard:
        """The shares in all real training segments that fit each text; if `blind`, in all there are."""
        of_text = []
        for one in wordings:
            rows = [
                blind or one.allows(dict(zip(self.classes, map(str, row), strict=True))) for row in self._train_values
            ]
            heard = self._train[one.value(GENDER)]
            of_text.append({key: shares[rows].mean(axis=0) for key, shares in heard.items()})
        return _stack(of_text)

    def _of_samples(self, x: np.ndarray, gender: str | None) -> Heard:
        """The shares (N, values) of judges, for samples (N, D) that were asked for with a gender, or with none."""
        heard = {name: self._shares(self.pooled, column, x) for column, name in enumerate(self.classes)}
        genders = np.array(self.classes[GENDER])
        asked = genders[heard[GENDER].argmax(axis=1)] if gender is None else np.full(len(x), gender)
        for name, judges in self.inside.judges.items():
            shares = np.zeros((len(x), len(self.classes[name])))
            for one, judge in judges.items():
                rows, columns = asked == one, [self.classes[name].index(value) for value in judge.classes[0]]
                if rows.any():
                    shares[np.ix_(rows, columns)] = self._shares(judge, 0, x[rows])
            heard[name + INSIDE] = shares
        return heard

    @staticmethod
    def _shares(judge, column: int, x: np.ndarray) -> np.ndarray:
        """The share (N, values) of a judge's folds that hear each value of an attribute, of one in `column`."""
        found = []
        for value in judge.classes[column]:
            wanted = np.array([[classes[0] for classes in judge.classes]] * len(x), dtype=object)
            wanted[:, column] = value
            found.append(judge.correct(x, wanted)[:, column])
        return np.stack(found, axis=1)


def _stack(of_text: Sequence[Heard]) -> Heard:
    return {key: np.stack([heard[key] for heard in of_text]) for key in of_text[0]}
