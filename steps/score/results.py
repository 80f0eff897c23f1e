"""The document of scores.json: every figure of one run, plain JSON, the same bytes for the same inputs and seed.

A notebook starts with one line:

    table = read_results("exp/demo")    # a pandas DataFrame: model, kind, texts, metric, item, value
"""

import importlib.util
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from steps.score.evaluation import Examples, Scorer
from steps.score.judges import FAMILIES, INSIDE_GENDER
from steps.score.likelihood import compare
from utils.command import logger
from utils.errors import InputError
from utils.extras import how_to_install
from utils.json_files import json_text, read_json

# Dicts of the document whose keys depend on the data: attributes, conditions, groups, levels and speakers.
ITEMS = {*FAMILIES, "conditions", "groups", "calibration", "per_speaker", "ci95", "real_ci95", "difference_ci95"}
log = logger(__name__)
REFERENCE_NAMES = {"real_same_group": "real, same group", "real_any_group": "real, any group"}


def build_document(
    scorer: Scorer,
    evaluated: Mapping[str, tuple[dict, Examples]],
    understanding: dict | None = None,
    heard: dict | None = None,
) -> dict:
    """All figures, rounded to what is stable across machines.

    Args:
        evaluated: name -> scores and examples of each generator or directory of samples.
        understanding: of the first model (see `understanding`), where it is shown.
        heard: what samples are heard as (see `confusion`), where it is shown.
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
            "not_judged_inside_gender": list(scorer.judges[INSIDE_GENDER].left_out),
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
        "over_seeds": scorer.over_seeds,
    }
    if understanding is not None:
        document["understanding"] = understanding
    if heard is not None:
        document["heard"] = heard
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
    return json_text(ordered, "scores.json", indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def primary(scores: dict) -> dict:
    """The figures shown in overviews: of samples for seen texts, or of given samples."""
    return scores["samples"].get("seen") or scores["samples"]["given"]


def write_results(directory: Path) -> None:
    """Write the table of `read_results` of the scores.json in a directory as scores.csv, and as scores.parquet where
    pyarrow is installed, which the log says.
    """
    table = read_results(directory)
    table.to_csv(directory / "scores.csv", index=False)
    if importlib.util.find_spec("pyarrow") is None:
        log.info("no scores.parquet, only scores.csv: pyarrow is not installed (%s)", how_to_install({"pyarrow"}))
        return
    table.to_parquet(directory / "scores.parquet", engine="pyarrow", index=False)


def read_results(path: Path | str):
    """The figures of generators and of real references as a pandas DataFrame, one a row.

    >>> table = read_results("exp/demo")
    >>> seen = table[(table.texts == "seen") & (table.metric == "attributes.ratio")]
    >>> seen.pivot(index="model", columns="item", values="value").columns.tolist()
    ['gender', 'pitch']

    Args:
        path: exp/<corpus>, the directory of stage 6, or its scores.json.
    Returns:
        Columns model; kind; texts that were sampled for (seen, heldout, given; empty where no text matters); metric, as
        `frechet.ratio`; item, which attribute, condition, group, level or speaker (empty where there is none); value.
    """
    import pandas as pd

    path = Path(path)
    found = [one for one in (path, path / "scores.json", path / "score" / "scores.json") if one.is_file()]
    if not found:
        raise InputError(f"{path}: no scores.json, here or in score/; run stage 6 first")
    document = read_json(found[0], ("models", "order", "references"))
    rows = []
    try:
        models = {name: document["models"][name] for name in document["order"]}
        seeds = {
            f"{name} (seeds)": {"kind": "seeds", "samples": {}, "measured": figures}
            for name, figures in document.get("over_seeds", {}).items()
        }
        for model, scores in (*models.items(), *seeds.items(), *document["references"].items()):
            figures = {**scores, "samples": {}}
            for texts, part in (("", figures), *scores["samples"].items()):
                rows += [(model, scores["kind"], texts, *row) for row in _figures(part)]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{found[0]}: not the scores that stage 6 writes ({error!r}); run it again") from error
    return pd.DataFrame(rows, columns=["model", "kind", "texts", "metric", "item", "value"])


def _figures(value: Any, metric: str = "", item: str = "") -> Iterator[tuple[str, str, float | None]]:
    """Metric, item and value of every number in nested dicts; null is a number that is not there."""
    if isinstance(value, list):  # bounds of an interval
        value = dict(zip(("low", "high"), value, strict=True))
    if not isinstance(value, dict):
        if not isinstance(value, str | bool):
            yield metric, item, value
        return
    of_items = not item and metric.rpartition(".")[2] in ITEMS
    for key, part in value.items():
        yield from _figures(part, *((metric, key) if of_items else (f"{metric}.{key}".lstrip("."), item)))
