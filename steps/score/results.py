"""The document of scores.json: every figure of one run, plain JSON, the same bytes for the same inputs and seed."""

import json
import math
from collections.abc import Mapping
from typing import Any

from steps.score.evaluation import Examples, Scorer
from steps.score.likelihood import compare

REFERENCE_NAMES = {"real_same_group": "real, same group", "real_any_group": "real, any group"}


def build_document(scorer: Scorer, evaluated: Mapping[str, tuple[dict, Examples]]) -> dict:
    """All figures, rounded to what is stable across machines.

    Args:
        evaluated: name -> scores and examples of each generator or directory of samples.
    """
    data = scorer.data
    models = {name: scores for name, (scores, _) in evaluated.items()}
    densities = {name: scores["log_density"] for name, scores in models.items() if "log_density" in scores}
    document = {
        "data": {
            **{
                name: {"segments": len(one.x), "speakers": one.n_speakers}
                for name, one in (("train", data.train), ("dev", data.dev), ("test", data.test))
            },
            "dim": data.train.x.shape[1],
            "subspace_dim": scorer.density.subspace.latent_dim,
            "groups": len(data.groups),
            "groups_left_out": list(data.left_out),
        },
        "settings": {
            "seed": scorer.seed,
            "n_draws": len(scorer.draws),
            "samples_per_draw": len(scorer.draws[0].labels),
        },
        "yardsticks": scorer.yardsticks,
        "references": {name: scores for name, (scores, _) in scorer.references.items()},
        "models": models,
        "comparisons": compare(densities, scorer.seed),
    }
    return plain(document)


def plain(value: Any) -> Any:
    """Numbers rounded to six significant digits; what is not finite becomes null."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def to_json(document: dict) -> str:
    """The text of scores.json. Keys are sorted; `order` keeps the order in which the generators were given."""
    ordered = {**document, "order": list(document["models"])}
    return json.dumps(ordered, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def primary(scores: dict) -> dict:
    """The figures of samples that stand in overviews: for seen texts, or of the samples as they were given."""
    return scores["samples"].get("seen") or scores["samples"]["given"]
