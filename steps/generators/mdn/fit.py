"""Fit a mixture density network in a directory, from its checkpoint there if an earlier run was interrupted."""

from typing import TYPE_CHECKING

from steps.generators.contract import Fit
from steps.generators.mdn.options import MdnOptions
from steps.generators.pairs import Pairs
from steps.training.workplace import Workplace

if TYPE_CHECKING:
    from steps.generators.mdn.generator import MdnGenerator


def fit_mdn(train: Pairs, dev: Pairs, options: MdnOptions, workplace: Workplace) -> "MdnGenerator":
    """Train on `train`, stop by `dev`; writes checkpoints, `metrics.jsonl` and `curve.png` in the workplace."""
    from steps.generators.mdn.task import MdnTask
    from steps.training.loop import Loop
    from steps.training.memory import memory_told
    from steps.training.options import TrainingOptions

    with memory_told(workplace.directory, "all embeddings and texts are held there; train on fewer"):
        task = MdnTask(train, dev, options, workplace.device, stop_requested=workplace.stop_requested)
    return Loop(task, TrainingOptions.of(options), workplace).run()


MDN = Fit(MdnOptions, fit_mdn, shared=True)
