"""The encoders of speech as units by name.

    cls = BACKENDS.load("kmeans")
    info = cls.describe(Path("exp/kmeans"), cls.Options())         # from small files, without the model
    encoder = cls(Path("exp/kmeans"), cls.Options())
    units = encoder([waveform, ...])                               # (T,) int32 of each

An encoder is a class with frozen options in `Options` and their names in `FREE` that do not change the units; with
`describe`, which gives UnitsInfo with `sample_rate` and `window_seconds` in it, the Hz of waveforms (samples,) float32
in -1..1 and what the first frame is of; and a call as above, which may give an ItemProblem in place of units.
"""

from utils.registry import Registry

KMEANS, HUBERT = "kmeans", "hubert"
BACKENDS = Registry(
    "encoder of units",
    {KMEANS: "steps.units.kmeans_encoder:KmeansEncoder", HUBERT: "steps.units.hubert_encoder:HubertEncoder"},
    needs=("Options", "FREE", "describe", "__call__"),
)
