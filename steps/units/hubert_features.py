"""Frames of a HuBERT's layer as a type of features, to train a k-means of them.

steps/units/train.sh --type steps.units.hubert_features:HubertFeatures --feats_set model=DIR,layer=9 <data> <out>
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from steps.features.rates import OTHER_RATES, RESAMPLE, at_rate
from steps.units.hubert_layers import SAMPLE_RATE, HubertLayer, frame_times
from utils.options import option


@dataclass(frozen=True)
class HubertFeatureOptions:
    """What decides the features."""

    model: Path = option(help="directory in transformers' format")
    layer: int = option(help="whose output is taken, from 1", least=1, most=1000)
    normalise: str = option("auto", "waveforms first; auto: as the model says", choices=("auto", "true", "false"))
    sample_rate: int = option(
        SAMPLE_RATE, "Hz of the waveforms", choices=(SAMPLE_RATE,), least=SAMPLE_RATE, most=SAMPLE_RATE
    )
    other_rates: str = option(RESAMPLE, "what becomes of audio of another rate", choices=OTHER_RATES)


class HubertFeatures:
    """Waveforms (samples,) -> frames (T, dim) float32."""

    Options: ClassVar[type] = HubertFeatureOptions

    def __init__(self, options: HubertFeatureOptions):
        self.options, self.sample_rate = options, options.sample_rate
        self.layer = HubertLayer(options.model, options.layer, options.normalise)
        self.dim = self.layer.network.config.hidden_size

    def __call__(self, waveform: np.ndarray, sample_rate: int) -> np.ndarray:
        """The frames (T, dim) of a waveform."""
        return self.layer([at_rate(waveform, sample_rate, self.sample_rate, self.options.other_rates)])[0]

    def shift_seconds(self, sample_rate: int) -> float:
        """Seconds between the beginnings of two frames."""
        return frame_times(self.options.model)[0]
