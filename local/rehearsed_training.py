"""Train a network for some seconds on a part of a corpus that is repeated until its updates are as large as in the run.

Input: index, descriptions and text vectors of the part. Nothing is kept but the times of the start and of an update:
what is learnt from repeated embeddings means nothing.
"""

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from steps.generators.train import FITS, Entry
from steps.training.curve import METRICS
from utils.command import logger
from utils.run_again import RunAgain

if TYPE_CHECKING:
    from steps.generators.pairs import Pairs

log = logger(__name__)
MOST_ROWS = 20_000  # embeddings to train on: larger updates take as much longer as they are larger
LONGEST_START = 120.0  # seconds


class Training(NamedTuple):
    """What a training of some seconds has shown.

    Attributes:
        rows: embeddings that it was on. start: seconds before the first update. updates: done in `seconds`.
    """

    rows: int
    start: float
    updates: int
    seconds: float

    def span(self, options: Any, rows: int) -> tuple[float, float]:
        """Seconds on so many embeddings: where no epoch is better than the start, and where all are done."""
        update = self.seconds / max(1, self.updates) / (self.rows / options.n_updates(self.rows))  # for an embedding
        start, epoch = self.start * max(1.0, rows / self.rows), update * rows
        return start + epoch * min(options.epochs, options.patience + 1), start + epoch * options.epochs


def train_for(
    entry: Entry, options: Any, places: tuple[Path, Path, Path], whole: int, device: str, out: Path, seconds: float
) -> Training:
    """Train the network of `entry` for some seconds.

    Args:
        places: index, descriptions and text vectors. whole: training embeddings of the run. out: a directory to make.
    """
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

    logging.disable(logging.INFO)
    try:
        fit_generator(FITS.load(entry.fit), train, dev, options, Workplace(out, device, is_over), texts)
    except RunAgain:
        log.info("%s: time is over", entry.name)
    finally:
        logging.disable(logging.NOTSET)
    end = time.monotonic()
    first = calls[0] if calls else end
    return Training(len(train.x), first - begin, max(0, len(calls) - 1), end - first)


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
