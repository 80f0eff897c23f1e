"""The directory of attributes: tables, failures.tsv, audit.tsv, histograms.png, gender.safetensors, summary.json."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from steps.attributes.audit import audit, write_audit
from steps.attributes.gender_model import MODEL, write_gender_model
from steps.attributes.histograms import draw_histograms
from steps.attributes.labels import Attribute, Corpus, Labels
from steps.attributes.rates import DEFINITIONS, agreement
from steps.audio.failures import FAILURES, write_failures
from utils.json_files import json_text
from utils.tables import write_table


def write_attribute_dir(out: Path, corpus: Corpus, labels: Labels, audit_lines: int, seed: int) -> dict[str, Any]:
    """Write all files into `out`. Returns the summary."""
    _write_tables(out, labels)
    write_failures(out / FAILURES, [one.failure for one in corpus.measurements if one.reason])
    if labels.genders.model is not None:
        write_gender_model(out / MODEL, labels.genders.model)
    unit = f"{corpus.rates.unit.replace('_', ' ')} a second"
    panels = {"F0, Hz": labels.pitch, f"speaking rate, {unit}": labels.rate}
    draw_histograms(out / "histograms.png", panels, labels.genders.of, labels.utt2gender)
    summary = _summary(corpus, labels) | {"audit": _audit(out / "audit.tsv", corpus, labels, audit_lines, seed)}
    text = json_text(summary, out / "summary.json", indent=2)
    (out / "summary.json").write_text(f"{text}\n", encoding="utf-8")
    return summary


def _write_tables(out: Path, labels: Labels) -> None:
    for attribute, table in labels.tables.items():
        write_table(out / f"utt2{attribute}", table)
    write_table(out / "spk2gender", {speaker: gender[0] for speaker, gender in labels.genders.of.items()})
    for name, values, digits in (
        ("utt2f0", labels.pitch.utterances, 2),
        ("spk2f0", labels.pitch.speakers, 2),
        ("utt2rate", labels.rate.utterances, 3),
    ):
        write_table(out / name, {key: f"{value:.{digits}f}" for key, value in values.items()})


def _audit(path: Path, corpus: Corpus, labels: Labels, audit_lines: int, seed: int) -> dict[str, Any]:
    doubts, summaries = [], {}
    for attribute, table in labels.tables.items():
        found, summaries[attribute] = audit(attribute, table, corpus.utt2spk, corpus.keys, corpus.x, seed)
        doubts += found[:audit_lines]
    write_audit(path, doubts)
    return summaries


def _summary(corpus: Corpus, labels: Labels) -> dict[str, Any]:
    reasons = Counter(one.reason for one in corpus.measurements if one.reason)
    unit, source = corpus.rates.unit, corpus.rates.source
    return {
        "utterances": len(corpus.utt2spk),
        "speakers": len(set(corpus.utt2spk.values())),
        "embeddings": len(corpus.keys),
        "seconds": round(sum(one.seconds for one in corpus.measurements), 2),
        "failures": dict(sorted(reasons.items())),
        "rate_unit": unit,
        "gender": labels.genders.summary,
        "f0": _quantiles(labels.pitch, labels) | {"unit": "hertz"},
        "rate": _quantiles(labels.rate, labels)
        | {
            "unit": unit,
            "definition": DEFINITIONS[unit],
            "counted_from": source,
            "agreement_with_syllable_nuclei": agreement(corpus.rates, corpus.measurements),
        }
        | ({"not_counted": dict(sorted(corpus.rates.not_counted.items()))} if corpus.rates.not_counted else {}),
        "labels": {
            "pitch": _bins(labels.pitch, len(corpus.utt2spk)) | _whispering(labels),
            "speaking_rate": _bins(labels.rate, len(corpus.utt2spk)),
        },
    }


def _whispering(labels: Labels) -> dict[str, int]:
    return {"speakers_who_whisper": len(labels.whisperers)} if labels.whisperers else {}


def _quantiles(attribute: Attribute, labels: Labels) -> dict[str, Any]:
    return {
        "utterances": per_gender(attribute.utterances, labels.utt2gender),
        "speakers": per_gender(attribute.speakers, labels.genders.of),
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


def _bins(attribute: Attribute, n_utterances: int) -> dict[str, Any]:
    binned, counts = attribute.binned, Counter(attribute.labels.values())
    return {
        "unit": binned.rule.unit,
        "level": binned.rule.level,
        "bins": "edges of the rules" if binned.rule.edges else "terciles of this corpus",
        "edges": {kind: list(edges) for kind, edges in sorted(binned.edges.items())},
        "utterances": {label: counts[label] for label in binned.rule.labels}
        | {"none": n_utterances - len(attribute.labels)},
        f"{binned.rule.level}s_without_gender": len(binned.no_gender),
        f"{binned.rule.level}s_clamped": len(binned.clamped),
    }
