"""Train a network for some seconds on a part of a corpus that is repeated until its updates are as large as in the run.

Input: index, descriptions and text vectors of the part. Nothing is kept but the figures: how long the start and an
update take, and the density of the dev set before and after.
"""

import contextlib
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from steps.generators.train import FITS, Entry
from steps.training.curve import METRICS
from utils.forked import map_forked
from utils.run_again import RunAgain

if TYPE_CHECKING:
    from steps.generators.pairs import Pairs

MOST_ROWS = 20_000  # embeddings to train on: larger updates take as much longer as they are larger
LONGEST_START = 120.0  # seconds


class Training(NamedTuple):
    """What a training of some seconds has shown.

    Attributes:
        rows: embeddings that it was on. start: seconds before the first update. updates: done in `seconds`.
        first, last: the dev figure after the start, and of the last epoch.
    """

    rows: int
    start: float
    updates: int
    seconds: float
    first: float
    last: float

    def span(self, options: Any, rows: int) -> tuple[float, float]:
        """Seconds on so many embeddings: where no epoch is better than the start, and where all are done."""
        update = self.seconds / max(1, self.updates) / (self.rows / options.n_updates(self.rows))  # for an embedding
        start, epoch = self.start * max(1.0, rows / self.rows), update * rows
        return start + epoch * min(options.epochs, options.patience + 1), start + epoch * options.epochs


def train_for(
    entry: Entry, options: Any, places: tuple[Path, Path, Path], whole: int, device: str, out: Path, seconds: float
) -> Training:
    """Train the network of `entry` for some seconds, in a process of its own.

    Args:
        places: index, descriptions and text vectors. whole: training embeddings of the run. out: an empty directory.
    Raises:
        InputError: what the training itself says.
    """
    (training,) = map_forked(lambda out: _train(entry, options, places, whole, device, out, seconds), [out], 1)
    return training


def _train(
    entry: Entry, options: Any, places: tuple[Path, Path, Path], whole: int, device: str, out: Path, seconds: float
) -> Training:
    from steps.generators.conditioning import fit_generator
    from steps.generators.pairs import load_pairs
    from steps.training.workplace import Workplace

    index, descriptions, texts = places
    train, dev = (load_pairs(index / name, descriptions, texts) for name in ("train", "dev"))
    train = repeated(train, min(whole, MOST_ROWS))
    out.mkdir(parents=True)
    begin, calls = time.monotonic(), []

    def is_over() -> bool:
        now = time.monotonic()
        if calls or (out / METRICS).is_file():
            calls.append(now)
        return now - (calls[0] if calls else begin + LONGEST_START) > seconds

    with contextlib.suppress(RunAgain):  # time is over
        fit_generator(FITS.load(entry.fit), train, dev, options, Workplace(out, device, is_over), texts)
    end = time.monotonic()
    first = calls[0] if calls else end
    figures = [json.loads(line)["dev_nll"] for line in _lines(out / METRICS)] or [float("nan")]
    return Training(len(train.x), first - begin, max(0, len(calls) - 1), end - first, figures[0], figures[-1])


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def repeated(pairs: "Pairs", rows: int) -> "Pairs":
    """The pairs again and again, each time of new speakers, until there are about so many embeddings."""
    times = max(1, round(rows / len(pairs.x)))
    speakers, copies = pairs.speakers.max() + 1, np.arange(times)[:, None]
    return replace(
        pairs,
        x=np.tile(pairs.x, (times, 1)),
        speakers=(pairs.speakers + copies * speakers).ravel(),
        groups=np.tile(pairs.groups, times),
        captions=np.tile(pairs.captions, (times, 1)),
        caption_rows=(pairs.caption_rows + copies * len(pairs.x)).ravel(),
    )
