"""The directory of attributes: tables, failures.tsv, audit.tsv, histograms.png, gender.safetensors, summary.json."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from steps.attributes.audit import audit, write_audit
from steps.attributes.gender import MODEL, save
from steps.attributes.labelling import Corpus, Labelled, Measured
from steps.attributes.pictures import draw
from steps.attributes.rates import DEFINITIONS, agreement
from steps.audio.failures import FAILURES, write_failures
from utils.tables import write_table

if TYPE_CHECKING:
    from steps.attributes.label import Options


def write_attribute_dir(out: Path, corpus: Corpus, labelled: Labelled, options: "Options") -> dict[str, Any]:
    """Write all files into `out`. Returns the summary."""
    _write_tables(out, labelled)
    failures = [(one.utterance, one.reason, one.detail) for one in corpus.measurements if one.reason]
    write_failures(out / FAILURES, failures)
    if labelled.genders.classifier is not None:
        save(out / MODEL, labelled.genders.classifier)
    unit = f"{corpus.rates.unit.replace('_', ' ')} a second"
    panels = {"F0, Hz": labelled.pitch, f"speaking rate, {unit}": labelled.rate}
    draw(out / "histograms.png", panels, labelled.genders.of, labelled.utt2gender)
    summary = _summary(corpus, labelled) | {"audit": _audit(out / "audit.tsv", corpus, labelled, options)}
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return summary


def _write_tables(out: Path, labelled: Labelled) -> None:
    for attribute, table in labelled.labels.items():
        write_table(out / f"utt2{attribute}", table)
    write_table(out / "spk2gender", {speaker: gender[0] for speaker, gender in labelled.genders.of.items()})
    for name, values, digits in (
        ("utt2f0", labelled.pitch.utterances, 2),
        ("spk2f0", labelled.pitch.speakers, 2),
        ("utt2rate", labelled.rate.utterances, 3),
    ):
        write_table(out / name, {key: f"{value:.{digits}f}" for key, value in values.items()})


def _audit(path: Path, corpus: Corpus, labelled: Labelled, options: "Options") -> dict[str, Any]:
    doubts, summaries = [], {}
    for attribute, labels in labelled.labels.items():
        found, summaries[attribute] = audit(attribute, labels, corpus.utt2spk, corpus.keys, corpus.x, options.seed)
        doubts += found[: options.audit_lines]
    write_audit(path, doubts)
    return summaries


def _summary(corpus: Corpus, labelled: Labelled) -> dict[str, Any]:
    reasons = Counter(one.reason for one in corpus.measurements if one.reason)
    unit, source = corpus.rates.unit, corpus.rates.source
    return {
        "utterances": len(corpus.utt2spk),
        "speakers": len(set(corpus.utt2spk.values())),
        "embeddings": len(corpus.keys),
        "seconds": round(sum(one.seconds for one in corpus.measurements), 2),
        "failures": dict(sorted(reasons.items())),
        "rate_unit": unit,
        "gender": labelled.genders.summary,
        "f0": _quantiles(labelled.pitch, labelled) | {"unit": "hertz"},
        "rate": _quantiles(labelled.rate, labelled)
        | {
            "unit": unit,
            "definition": DEFINITIONS[unit],
            "counted_from": source,
            "agreement_with_syllable_nuclei": agreement(corpus.rates, corpus.measurements),
        },
        "labels": {
            "pitch": _cut(labelled.pitch, len(corpus.utt2spk)),
            "speaking_rate": _cut(labelled.rate, len(corpus.utt2spk)),
        },
    }


def _quantiles(measured: Measured, labelled: Labelled) -> dict[str, Any]:
    return {
        "utterances": per_gender(measured.utterances, labelled.utt2gender),
        "speakers": per_gender(measured.speakers, labelled.genders.of),
    }


def per_gender(values: Mapping[str, float], genders: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Count and quantiles of values (key -> value), for each gender that there is, `unknown` among them."""
    groups: dict[str, list[float]] = {}
    for key, value in values.items():
        groups.setdefault(genders.get(key, "unknown"), []).append(value)
    return {
        gender: {"n": len(group)}
        | dict(zip(("p10", "median", "p90"), np.round(np.quantile(group, [0.1, 0.5, 0.9]), 3).tolist(), strict=True))
        for gender, group in sorted(groups.items())
    }


def _cut(measured: Measured, n_utterances: int) -> dict[str, Any]:
    cut, counts = measured.cut, Counter(measured.labels.values())
    return {
        "unit": cut.rule.unit,
        "level": cut.rule.level,
        "bins": "edges of the rules" if cut.rule.edges else "terciles of this corpus",
        "edges": {kind: list(edges) for kind, edges in sorted(cut.edges.items())},
        "utterances": {label: counts[label] for label in cut.rule.labels}
        | {"none": n_utterances - len(measured.labels)},
        f"{cut.rule.level}s_without_gender": len(cut.no_gender),
        f"{cut.rule.level}s_clamped": len(cut.clamped),
    }
