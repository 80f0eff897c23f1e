"""The figures as tables: built once, shown as Markdown in summary.md and as HTML in the report.

Input: the document of scores.json (see `results`).
"""

from collections.abc import Iterable, Mapping

from steps.score.figure_meanings import meaning_table
from steps.score.group_table import per_group
from steps.score.judges import FAMILIES, INSIDE_GENDER, POOLED, stricter
from steps.score.likelihood import LEVELS
from steps.score.measured_tables import measured_models, side_by_side
from steps.score.over_seeds import seed_tables
from steps.score.results import REFERENCE_NAMES, primary
from steps.score.source_tables import source_tables
from steps.score.understanding import understood_texts
from utils.report_tables import Cell, Table, escaped, interval_cell, number_cell, table_lines, unjudged

RATIO_TARGET, GENDER_TARGET = (0.95, 1.08), (0.97, 1.08)
FRECHET_TARGET, DISTANCE_TARGET, COPIES_TARGET = (0, 1.10), (0.90, 1.10), (0, 0)


def tables(document: dict) -> list[Table]:
    """All tables, the most telling first."""
    judged = [attributes(document, family) for family in reversed(FAMILIES)]
    built = [overview(document), per_group(document), densities(document), *judged]
    built += [understood_texts(document), spread(document)]
    measured = measured_models(document)
    beside = [side_by_side(measured), meaning_table(measured)]
    built += [conditions(document), *source_tables(document, dict(shown(document)))]
    return [table for table in (*built, *beside, *seed_tables(document)) if table.rows]


def target_of(attribute: str) -> tuple[float, float]:
    """The range that the accuracy ratio of an attribute should lie in."""
    return GENDER_TARGET if attribute == "gender" else RATIO_TARGET


def overview(document: dict) -> Table:
    """One row a generator, one column a question, with the real speakers below."""
    real = document["yardsticks"]
    names = list(real[POOLED])
    header = ["", "log density", *(heading(name, real) for name in names)]
    header += ["Fréchet", "g2s / t2s", "g2g / s2s", "coverage", "copies", "told apart"]
    wanted = [Cell("wanted"), Cell("high"), *(Cell("{:.2f} to {:.2f}".format(*target_of(name))) for name in names)]
    wanted += [Cell("at most 1.10"), Cell("0.90 to 1.10"), Cell("0.90 to 1.10")]
    expected = real["coverage_expected"]["coverage"]
    rows = [[*wanted, Cell(f"about {expected:.2f}"), Cell("0"), Cell("low")]]
    for name, scores in shown(document):
        own = primary(scores)
        row = [
            Cell(name),
            number_cell(scores.get("log_density", {}).get("nats_per_dim")),
            *(number_cell(stricter(own, each)["ratio"], 3, target_of(each)) for each in names),
            number_cell(own["frechet"]["ratio"], 2, FRECHET_TARGET),
            number_cell(own["distances"]["g2s_to_t2s"], 2, DISTANCE_TARGET),
            number_cell(own["distances"]["g2g_to_s2s"], 2, DISTANCE_TARGET),
            number_cell(own["coverage"]["coverage"], 2),
            number_cell(scores["memorisation"]["copies"], 0, COPIES_TARGET),
            number_cell(scores["two_sample_accuracy"], 2),
        ]
        rows.append(unjudged(row) if scores["kind"] == "real" else row)
    return Table("At a glance", OVERVIEW, header, rows)


def heading(attribute: str, families: Mapping) -> str:
    """The name of an attribute, and whether its judges stay inside each gender."""
    return attribute.replace("_", " ") + (", inside gender" if attribute in families[INSIDE_GENDER] else "")


OVERVIEW = (
    "Log density: of unseen speakers, in nats a dimension, for held-out texts. Attributes: how often independent "
    "classifiers find the attribute that was asked for, as a ratio to real training speakers (1 is as good as real); "
    "inside gender: by classifiers that were fitted inside each gender, which the gender alone does not satisfy. "
    "Fréchet: distance to the test speakers, as a ratio to that of the training speakers. g2s / t2s: how far new "
    "speakers are from the training speakers, as a ratio to how far unseen real speakers are; g2g / s2s: how far they "
    "are from each other, as a ratio to real speakers. Coverage: share of test speakers with a new speaker near them. "
    "Copies: samples equal to a training vector. Told apart: accuracy of boosted trees in telling samples from test "
    "segments, in the subspace of the training speakers (0.5 is chance; these themselves, below, are told apart by the "
    "subspace alone, which is fitted to them: told_apart of --metrics full compares with real speakers fairly). "
    "The last two rows are real training segments, under labels of their own group and under any label."
)


def densities(document: dict) -> Table:
    """Log density with intervals, differences to the first generator, and calibration."""
    d = document["data"]["subspace_dim"]
    header = ["", "nats", "95 % interval", "nats / dim", "first minus this", "95 % interval", "seen texts"]
    header += [f"in {level} % region" for level in LEVELS]
    first = next(iter(document["comparisons"]), None)
    rows = []
    for name, scores in document["models"].items():
        density = scores.get("log_density")
        if density is None:
            continue
        if density["nats"] is None:
            rows.append([Cell(name), Cell(density["reason"]), *(Cell("-") for _ in header[2:])])
            continue
        difference = document["comparisons"].get(first, {}).get(name)
        rows.append(
            [
                Cell(name),
                number_cell(density["nats"], 1),
                interval_cell(density["ci95"], 1),
                number_cell(density["nats_per_dim"]),
                number_cell(difference["nats"], 1, sign=True) if difference else Cell("-"),
                interval_cell(difference["ci95"], 1) if difference else Cell("-"),
                number_cell(density["nats_seen_texts"], 1),
                *(Cell(f"{100 * density['calibration'][str(level)]:.0f} %") for level in LEVELS),
            ]
        )
    caption = (
        f"Higher is better; measured for all generators in the same {d} principal directions of the training set, in "
        "original units, averaged over texts, segments and then speakers. Intervals resample the test speakers, for "
        "differences in pairs: one that excludes 0 is a difference. A calibrated generator has 50, 80 and 95 % of "
        "unseen voices in the regions that it holds for these shares; lower figures mean that it is too sure of itself."
    )
    return Table("Test log density", caption, header, rows)


def attributes(document: dict, family: str) -> Table:
    """Accuracies of a family of judges for seen and held-out texts, with ceiling and floor."""
    real = document["yardsticks"][family]
    header = [""]
    for name in real:
        header += [f"{name.replace('_', ' ')}, {texts}" for texts in ("seen texts", "held-out texts")]
    rows = []
    for bound in ("ceiling", "floor") if real else ():
        cells = [number_cell(real[name][bound]) for name in real]
        rows.append([Cell(bound), *(cell for cell in cells for _ in range(2))])
    for name, scores in shown(document) if real else ():
        cells = []
        for attribute in real:
            for texts in ("seen", "heldout"):
                own = scores["samples"].get(texts) or scores["samples"].get("given")
                figures = own[family][attribute]
                cells.append(accuracy_cell(attribute, figures, figures is stricter(own, attribute)))
        rows.append([Cell(name), *(unjudged(cells) if scores["kind"] == "real" else cells)])
    title, caption = JUDGES[family]
    left_out = document["data"]["not_judged_inside_gender"]
    if left_out and (family == INSIDE_GENDER or not document["yardsticks"][INSIDE_GENDER]):
        caption += f" Not judged inside a gender: {', '.join(left_out)}."
    return Table(title, caption, header, rows)


def accuracy_cell(attribute: str, figures: Mapping, judged: bool) -> Cell:
    """An accuracy with its ratio to the ceiling, marked if `judged`."""
    accuracy, ratio = figures["accuracy"], figures["ratio"]
    if accuracy is None:
        return Cell("-")
    good = number_cell(ratio, 3, target_of(attribute)).good if judged else None
    return Cell(f"{accuracy:.3f} ({ratio:.2f})", good)


CLASSIFIERS = (
    "Balanced accuracy, and in brackets its ratio to the ceiling: real training segments of the same groups. The floor "
    "is chance, what a generator gets that does not read its text. The classifiers are linear and were fitted on dev "
    "and test speakers, whom no generator has seen. Held-out texts were not used in training. "
)
JUDGES = {
    POOLED: (
        "Accuracy of the attributes, genders pooled",
        CLASSIFIERS
        + "One classifier for both genders: samples of the right gender get a part of the pitch for nothing.",
    ),
    INSIDE_GENDER: (
        "Accuracy of the attributes, inside each gender",
        CLASSIFIERS + "A classifier for each gender judges the samples that were asked for with it, and the accuracies "
        "are averaged over the genders: what the gender alone tells does not count.",
    ),
}


def spread(document: dict) -> Table:
    """Distances and diversity beside those of real speakers."""
    real = document["yardsticks"]
    header = [
        "",
        "to training speakers (g2s)",
        "to each other (g2g)",
        "diversity",
        "within a group",
        "closer than real",
    ]
    rows = [
        [
            Cell("real speakers"),
            Cell(f"{real['distances']['t2s']:.3f} (t2s)"),
            Cell(f"{real['distances']['s2s']:.3f} (s2s)"),
            number_cell(real["diversity"]["train"]["overall"]),
            number_cell(real["diversity"]["train"]["within_group"]),
            Cell(f"{100 * real['memorisation']['close_share_of_test']:.1f} %"),
        ]
    ]
    for name, scores in shown(document):
        own = primary(scores)
        rows.append(
            [
                Cell(name),
                number_cell(own["distances"]["g2s"]),
                number_cell(own["distances"]["g2g"]),
                number_cell(own["diversity"]["overall"]),
                number_cell(own["diversity"]["within_group"]),
                Cell(f"{100 * scores['memorisation']['close_share']:.1f} %"),
            ]
        )
    caption = (
        "Cosine distances. g2s and g2g: median distance to the nearest neighbour, one vector a speaker, sets of equal "
        "size. Diversity: mean distance over all pairs of speakers, and over pairs of one group. Closer than real: "
        "share whose nearest training vector is nearer than the nearest other speaker is for 99 % of training segments."
    )
    return Table("Distances and diversity", caption, header, rows)


def conditions(document: dict) -> Table:
    """Frechet ratio within each condition that has enough real segments."""
    names = [name for name, _ in shown(document)]
    values = {name: primary(scores)["frechet"]["conditions"] for name, scores in shown(document)}
    rows = [
        [Cell(condition.replace("_", " ")), *(number_cell(values[name][condition], 2) for name in names)]
        for condition in document["yardsticks"]["frechet"]["conditions"]
    ]
    caption = (
        "Fréchet distance between samples and test segments of one attribute value or group, as a ratio to that of the "
        "training segments, wherever there are 50 test segments. A text-blind generator is found out here."
    )
    return Table("Fréchet ratio within each condition", caption, ["", *names], rows)


def shown(document: dict) -> Iterable[tuple[str, dict]]:
    """Names and scores of the generators, then of the real references."""
    yield from document["models"].items()
    for key, scores in document["references"].items():
        yield REFERENCE_NAMES[key], scores


def markdown(document: dict) -> str:
    """summary.md."""
    lines = [f"# {TITLE}", "", escaped(about(document)), ""]
    return "\n".join([*lines, *(line for table in tables(document) for line in table_lines(table))])


TITLE = "Sampled speakers against real ones"


def about(document: dict) -> str:
    """What was measured against what, in two sentences."""
    data = document["data"]
    sets = ", ".join(f"{data[name]['speakers']:,} {name}" for name in ("train", "dev", "test"))
    text = (
        f"Real speakers: {sets}; {data['train']['segments']:,} training and {data['test']['segments']:,} test "
        f"segments of {data['dim']} dimensions in {data['groups']} groups. Samples follow the group mix of the test "
        f"set; figures are means of {document['settings']['n_draws']} draws."
    )
    if data["groups_left_out"]:
        text += f" Not scored, for want of training speakers or texts: {', '.join(data['groups_left_out'])}."
    return text
