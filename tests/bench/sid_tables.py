"""The tables of the benchmark of speaker networks, from the reports of `steps.verify.evaluate`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench import sid_data
from tests.bench.results import table

if TYPE_CHECKING:
    from tests.bench.sid import Options, Training

BASELINES = {
    "lda": "LDA of mean and deviation",
    "lda_no_mean": "LDA without the channel mean",
    "lda_copies": "LDA of mean and deviation, copies",
    "lda_no_mean_copies": "LDA without the channel mean, copies",
}
BY_COSINES = {"lda_copies_cosine": "lda_copies", "lda_no_mean_copies_cosine": "lda_no_mean_copies"}
BASELINES |= {name: f"{BASELINES[of]}, by cosines" for name, of in BY_COSINES.items()}
VARIANTS = {
    "_seed": ", seed ",
    "_long": ", trained long",
    "_learned": ", without refit",
    "_untrained": ", refit of random weights",
}
CLEAN_ONLY, WITH_COPIES = ("lda", "lda_no_mean"), ("lda_copies", "lda_no_mean_copies", *BY_COSINES)
PROVES_NOTHING = "Clean figures prove nothing: one session a speaker measures the channel."
FULL = """Not run here: the table of all of LibriSpeech. Wanted: closed, chapters disjoint, accuracy >= 98 %; open,
train-clean-100 alone, test-clean trials across chapters, EER <= 3 %, from 460 h <= 1.5 %. The commands stand ready in
egs/librispeech/sid/README.md."""
Figures = Mapping[str, Any]


def section(options: "Options", trainings: Sequence["Training"]) -> str:
    """The text of the section."""
    judged = options.work / "judged"
    closed, folds = (read_figures(judged / part) for part in ("closed/all", "folds/report"))
    seconds = processor_seconds(options, trainings)
    parts = [
        introduction(options),
        closed_table(closed, seconds["closed"]),
        open_table(folds, seconds["folds"]),
        *(others_table(judged, trained) for trained in sid_data.OTHERS if (judged / trained / "others").is_dir()),
        FULL,
    ]
    return "\n\n".join(parts)


def introduction(options: "Options") -> str:
    """What was done."""
    return (
        "librispeech-251, 180 speakers with 12 s or more, four pieces of 3 s each from one session. Closed set: pieces"
        f" 0 to 2 ({180 * 9 // 60} minutes) train, 3 is named. Open set: {sid_data.FOLDS} folds of speakers, all pairs"
        " of a fold's pieces are trials; scores of all folds together. Perturbed: each utterance with an equaliser,"
        " room, noise and gain of its own, on the waveform. Networks and the LDA marked `copies` see"
        f" {sid_data.COPIES} perturbed copies of each training piece, the other LDA the clean pieces; the last epoch"
        " counts unless other copies of training pieces have a lower loss before it. The embedding of a network is"
        " refitted by LDA when training has ended (`refit`). One core a training, all networks about the same processor"
        " time. [..]: 95 % intervals of speakers drawn with replacement. x: ratio to the better LDA, trained on clean"
        " pieces / with copies. The configurations were chosen by perturbed figures of the closed set and of folds 0"
        " and 1, so that the networks' figures are somewhat too good; LDA had no such choice."
    )


def read_figures(report: Path) -> Figures:
    """The document of a report."""
    return json.loads((report / "figures.json").read_text(encoding="utf-8"))


def processor_seconds(options: "Options", trainings: Sequence["Training"]) -> dict[str, dict[str, str]]:
    """`closed` and `folds` -> system -> seconds of a training, or their range."""
    found: dict[str, dict[str, list[float]]] = {"closed": {}, "folds": {}}
    for one in trainings:
        name = one.name(options.seeds[0])
        path = options.work / "models" / one.part / f"{name}.json"
        part = "folds" if one.part.startswith("fold") else one.part
        if part in found and path.is_file():
            used = json.loads(path.read_text(encoding="utf-8"))["processor_seconds"]
            found[part].setdefault(name, []).append(used)
    return {part: {name: span(values) for name, values in of.items()} for part, of in found.items()}


def span(values: Sequence[float]) -> str:
    """One number, or the least and the largest."""
    low, high = round(min(values)), round(max(values))
    return f"{low}" if low == high else f"{low} to {high}"


def closed_table(figures: Figures, seconds: Mapping[str, str]) -> str:
    """Errors of the closed set."""
    closed = figures["closed"]
    rates = {name: {condition: 1 - one["top1"] for condition, one in of.items()} for name, of in closed.items()}
    rows = []
    for name in in_order(closed):
        cells = [interval(1 - one["top1"], reversed_(one["top1_ci95"])) for one in conditions(closed[name])]
        rows.append([called(name), *cells, ratios(name, rates), seconds.get(name, "-")])
    header = ["closed set, error in %", "clean", "perturbed", "x of perturbed (wanted .70)", "processor s"]
    return f"{PROVES_NOTHING}\n\n{table(header, rows)}"


def open_table(figures: Figures, seconds: Mapping[str, str]) -> str:
    """Equal error rates of the open set."""
    opened = figures["open"]
    rates = {
        scoring: {
            name: {condition: one[scoring]["all"]["eer"] for condition, one in of.items()}
            for name, of in opened.items()
        }
        for scoring in ("cosine", "as_norm")
    }
    rows = []
    for name in in_order(opened):
        clean, perturbed = conditions(opened[name])
        cells = [eer(clean["cosine"]["all"]), eer(perturbed["cosine"]["all"]), ratios(name, rates["cosine"])]
        cells += [eer(perturbed["cosine"]["same gender"])]
        cells += [eer(perturbed["as_norm"]["all"]), ratios(name, rates["as_norm"])]
        rows.append([called(name), *cells, seconds.get(name, "-")])
    header = ["open set, EER in %", "clean", "perturbed", "x (wanted 1.00, goal .70)", "perturbed, same sex"]
    header += ["perturbed, AS-norm", "x of it", "processor s"]
    return f"{PROVES_NOTHING}\n\n{table(header, rows)}"


OTHER_NAMES = {"home": "librispeech-251", "ocean": "speechocean762-250", "sessions": "librispeech-sessions-14"}


def others_table(judged: Path, trained: str) -> str:
    """Equal error rates on other corpora than that of training."""
    columns: dict[str, dict[str, str]] = {}
    for name in sid_data.OTHERS[trained]:
        opened = read_figures(judged / trained / "others" / name / "report")["open"]
        for condition in ("clean", "perturbed"):
            for subset, words in (("all", ""), ("same gender", ", same sex")):
                column = f"{OTHER_NAMES[name]}, {condition}{words}"
                found = {
                    system: eer(of[condition]["cosine"][subset])
                    for system, of in opened.items()
                    if subset in of[condition]["cosine"]
                }
                columns |= {column: found} if found else {}
    systems = in_order({system: 0 for of in columns.values() for system in of})
    rows = [[called(system), *(of.get(system, "-") for of in columns.values())] for system in systems]
    source = OTHER_NAMES["ocean" if trained == "ocean" else "home"]
    without = "" if trained == "ocean" else f", without {', '.join(sid_data.IN_BOTH)} and 33 others"
    lead = (
        f"Other voices: trained on {source}{without}; EER in %, cosines. Targets of librispeech-sessions-14 are across"
        f" chapters, of four speakers; those of the other corpora are of one session, which measures the channel."
    )
    return f"{lead}\n\n{table([f'trained on {source}', *columns], rows)}"


def in_order(names: Mapping[str, Any]) -> Iterator[str]:
    """Baselines first, then Resemblyzer, then the networks as they come."""
    first = [*BASELINES, "resemblyzer"]
    yield from (name for name in first if name in names)
    yield from (name for name in names if name not in first)


def called(name: str) -> str:
    """The name of a system in a table."""
    words = BASELINES.get(name, name)
    for end, meaning in VARIANTS.items():
        words = words.replace(end, meaning)
    return words


def conditions(of_system: Mapping[str, Any]) -> Iterator[Any]:
    """Clean, then perturbed."""
    return (of_system[condition] for condition in ("clean", "perturbed"))


def eer(figures: Figures) -> str:
    """An equal error rate with its interval."""
    return interval(figures["eer"], figures["eer_ci95"])


def interval(value: float, bounds: Sequence[float]) -> str:
    """A share and its bounds, in per cent."""
    return f"{100 * value:.1f} [{100 * bounds[0]:.1f}, {100 * bounds[1]:.1f}]"


def reversed_(bounds: Sequence[float]) -> list[float]:
    """The bounds of an error from those of a share."""
    return [1 - bounds[1], 1 - bounds[0]]


def ratios(name: str, rates: Mapping[str, Mapping[str, float]]) -> str:
    """The perturbed rate over that of the better baseline of either kind."""
    if name in BASELINES:
        return ""
    kinds = [[rates[one]["perturbed"] for one in names if one in rates] for names in (CLEAN_ONLY, WITH_COPIES)]
    return " / ".join(f"{rates[name]['perturbed'] / min(found):.2f}" for found in kinds)
