"""Units of HuBERT: the nearest centroid to each frame of one of its layers, in this interpreter or in another one."""

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from steps.data.unit_sequences import UnitsInfo
from steps.units.backends import HUBERT
from steps.units.hubert_layers import HIDDEN, SAMPLE_RATE, HubertLayer, frame_times
from steps.units.hubert_model import CONFIG, is_normalised, read_config, weights_file
from steps.units.kmeans_files import read_centroids
from utils.errors import InputError
from utils.foreign_worker import HOW, ROOT, ForeignWorker, InterpreterOptions, engine_call
from utils.item_batches import ItemBatches
from utils.option_values import as_dict
from utils.options import option


@dataclass(frozen=True, kw_only=True)
class HubertOptions(InterpreterOptions):
    """What decides the units, and how they are made."""

    layer: int = option(help="whose output is taken, from 1", least=1, most=1000)
    kmeans: Path = option(help="centroids: of steps/units/train.sh, or a file .npz, .npy or of faiss")
    normalise: str = option("auto", "waveforms first; auto: as the model says", choices=("auto", "true", "false"))
    use_gpu: str = option("auto", "run the network on a GPU", choices=("auto", "true", "false"))
    batch_seconds: float | None = option(
        None, "most audio in a batch; default: as the memory allows", above=0, most=1e6
    )


class HubertEncoder:
    """Waveforms -> units; an ItemProblem in place of those that another interpreter has none for."""

    Options: ClassVar[type] = HubertOptions
    FREE: ClassVar[tuple[str, ...]] = (*HOW, "use_gpu", "batch_seconds", "kmeans")  # its content is in the model's name

    def __init__(self, model: Path, options: HubertOptions):
        self.centroids, hidden = read_centroids(options.kmeans), read_config(model).get("hidden_size", HIDDEN)
        if self.centroids.dim != hidden:
            raise InputError(
                f"{options.kmeans}: centroids of {self.centroids.dim} values, frames of {model} of {hidden}; are they"
                " of another model?"
            )
        if options.python is None:
            self.layer = HubertLayer(model, options.layer, options.normalise, options.use_gpu, options.batch_seconds)
            self.worker, self.facts = None, {"batch_seconds": self.layer.batch_seconds}
        else:
            self.worker = foreign_hubert(model, options)
            weakref.finalize(self, self.worker.stop)
            self.worker.start()
            self.facts = self.worker.facts

    @classmethod
    def describe(cls, model: Path, options: HubertOptions) -> UnitsInfo:
        """What the units are."""
        centroids = read_centroids(options.kmeans)
        step, window = frame_times(model)
        normalise = is_normalised(model, options.normalise)
        digest = sha256(f"{centroids.digest()} {options.layer} {normalise}".encode())
        for path in (model / CONFIG, weights_file(model)):
            with path.open("rb") as file:
                digest.update(file_digest(file, "sha256").digest())
        about = {"sample_rate": SAMPLE_RATE, "window_seconds": window, "layer": options.layer, "normalise": normalise}
        return UnitsInfo(len(centroids), step, f"{HUBERT}-{digest.hexdigest()[:12]}", about)

    def __call__(self, waveforms: Sequence[np.ndarray]) -> list[Any]:
        if self.worker is not None:
            return ItemBatches(self._there, len(waveforms)).results(waveforms)
        return [self.centroids.units(frames) for frames in self.layer(waveforms)]

    def _there(self, waveforms: Sequence[np.ndarray]) -> list[np.ndarray]:
        return self.worker.ask({"waveforms": list(waveforms)})["units"]


def foreign_hubert(model: Path, options: HubertOptions) -> ForeignWorker:
    """The same encoder in the interpreter that the options name."""
    file = Path(__file__).with_name("hubert_engine.py")
    words = engine_call(options.python, file, "HubertEngine", ours=True)
    own = {name: value for name, value in as_dict(options).items() if name not in HOW}
    paths = {"model": str(model.absolute()), "kmeans": str(options.kmeans.absolute())}
    return ForeignWorker(words, own | paths, options.start_seconds, options.item_seconds, ROOT)
