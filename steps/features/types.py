"""The types of features by name, and the features that a directory or a model says it has: its `features.json`.

    extractor = load_features(FeatsDir(Path("exp/feats/test")).features)
    features = extractor(waveform, 16000)                    # (T, dim) float32

A type is a class with frozen options in `Options`, which its `options` hold, `sample_rate` (None: that of each
waveform), `dim`, a call as above and `shift_seconds`.
"""

from collections.abc import Mapping
from typing import Any

from steps.features.normalised import NORMALISED, NormalisedFeatures
from utils.errors import InputError, brief
from utils.option_values import as_dict, convert
from utils.registry import Registry

FEATURES = "features.json"
MOST_DIM = 65_536
LEAST_RATE, MOST_RATE = 1e-3, 1e6  # frames in a second
TYPES = Registry(
    "type of features",
    {
        "logmel": "steps.features.logmel:LogMel",
        "fbank": "steps.features.logmel:LogMel",
        "mfcc": "steps.features.mfcc:Mfcc",
    },
    needs=("Options", "shift_seconds"),
)


def told(options: Any) -> dict[str, Any]:
    """The options of a type as plain values, without those of its `LATER` that are as they were before they came.

    So features of that time are described as they were then.
    """
    later = getattr(options, "LATER", {})
    return {name: value for name, value in as_dict(options).items() if (name, value) not in later.items()}


def describe_features(name: str, extractor: Any, sample_rate: int) -> dict[str, Any]:
    """What features.json says: all that must agree between the features of a model and those that it is given."""
    options = told(extractor.options) | {"sample_rate": sample_rate}
    seconds = extractor.shift_seconds(sample_rate)
    return {"type": name, "options": options, "dim": extractor.dim, "frames_per_second": round(1 / seconds, 6)}


def check_features(features: Any, where: str) -> dict[str, Any]:
    """What `describe_features` gave, as it is read from a file. Raises InputError for what no features have."""
    known = features if isinstance(features, dict) else {}
    dim, rate = known.get("dim"), known.get("frames_per_second")
    fits = {
        "type": isinstance(known.get("type"), str),
        "options": isinstance(known.get("options"), dict),
        "dim": isinstance(dim, int) and 1 <= dim <= MOST_DIM,
        "frames_per_second": isinstance(rate, int | float) and LEAST_RATE <= rate <= MOST_RATE,
        NORMALISED: isinstance(known.get(NORMALISED, {}), dict),
    }
    for key, good in fits.items():
        if not good:
            raise InputError(f"{where}: {key}: {brief(known.get(key))} is none; make the features anew")
    return known


def load_features(features: Mapping[str, Any], where: str = FEATURES) -> Any:
    """The extractor that `describe_features` has described; `where` begins the message on what is wrong.

    That of features of `steps.features.normalise` is called with the frames that are speech, too.
    """
    if not isinstance(features.get("type"), str) or not isinstance(features.get("options"), dict):
        raise InputError(f"{where}: expected 'type' and 'options', as steps/features/make_feats.sh writes them")
    cls = TYPES.load(features["type"])
    values = {
        name: convert(cls.Options, name, value, f"{where}: {name}") for name, value in features["options"].items()
    }
    extractor = cls(cls.Options(**values))
    return NormalisedFeatures(extractor, features[NORMALISED], where) if NORMALISED in features else extractor
