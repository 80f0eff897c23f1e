"""The picture of the README: sampled speakers among real ones, of a finished experiment.

    OMP_NUM_THREADS=1 python3 -m tests.bench.front_picture --corpus capspeech

Reads exp/<corpus> and data/<corpus> after stage 4; writes steps/score/sampled_among_real.png.
"""

import io
import sys
from dataclasses import dataclass
from pathlib import Path

from utils.command import run_command
from utils.options import option


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    corpus: str = option("capspeech", "whose experiment is shown")
    model: str = option("mdn", "generator that samples")
    out: Path = option(Path("steps/score/sampled_among_real.png"), "picture to write")


def work(options: Options) -> None:
    """Sample as stage 6 does, and draw its map."""
    import matplotlib.pyplot as plt
    import numpy as np

    from steps.data.groups import ATTRIBUTES
    from steps.generators.contract import load_generator
    from steps.score.data import load_score_data
    from steps.score.evaluation import Scorer
    from steps.score.map_pictures import maps, widest
    from utils.report_page import png_of

    exp, data = Path("exp") / options.corpus, Path("data") / options.corpus
    real = load_score_data(exp / "index", data / "descriptions", exp / "text", ATTRIBUTES)
    scorer = Scorer(real, seed=0, n_draws=1)
    _, shown = scorer.evaluate_generator(load_generator(exp / options.model))
    places = [(one.x, real.values(one.groups)[:, 0]) for one in (real.test, shown)]
    drawn = maps(widest(scorer.density.subspace), places[0], {"speakers sampled from descriptions": places[1]})
    panels = [plt.imread(io.BytesIO(png_of(figure))) for _, figure in drawn]
    plt.imsave(options.out, np.concatenate(panels, axis=1), metadata={"Software": None})


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
