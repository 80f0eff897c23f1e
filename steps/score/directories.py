"""Scores of directories of samples, ours or anyone's, beside real speakers: no index, descriptions or generator needed.

    score_directories(options)    # --train DIR --test DIR --samples DIR,DIR

Real sets are Kaldi data directories (utt2spk, xvector.scp) or sets of an index; samples have vectors, and what there is
of tables (see `vector_sets`). A metric that lacks an input is skipped, and the report says why. Writes scores.json,
scores.csv and scores.parquet, summary.md and report.html.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steps.metrics.speaker_vectors import Comparison
from steps.score.attribute_metric import AttributeMetric
from steps.score.directory_pictures import shown_of
from steps.score.group_mix import in_mix_of
from steps.score.halves import write_halves
from steps.score.inside_gender import GENDER
from steps.score.measured import ATTRIBUTES, SampleSource, chosen_metrics, measure_sources
from steps.score.measured_tables import (
    REAL_ROW,
    TITLE,
    about_directories,
    at_a_glance,
    measured_models,
    measured_tables,
)
from steps.score.neighbours import Clips, audio_files
from steps.score.over_seeds import over_seeds, seed_tables
from steps.score.page import Part, Section, page_of, panels, sorting, write_pictures
from steps.score.results import plain, to_json, write_results
from steps.score.vector_sets import NamedVectors, files_of, read_real, read_sampled, require_comparable
from utils.command import doing, logger
from utils.errors import InputError
from utils.report_tables import escaped, table_lines
from utils.stage_dir import StageDir

if TYPE_CHECKING:
    from steps.score.score import Options

FOR_MODELS = ("index", "descriptions", "text_vectors", "models", "generators", "exp", "data", "texts", "encoder")
NEEDS_MODEL = "vectors have no density and read no text; score the model that made them with --index and --models"
ONLY_OF_MODELS = ("log_density", "gain_over_text_blind", "paraphrases", "retrieval")
log = logger(__name__)


def score_directories(options: "Options", directories: Mapping[str, Path]) -> None:
    """Score samples, name -> directory, and commit the output."""
    if given := [f"--{name}" for name in FOR_MODELS if getattr(options, name)]:
        raise InputError(f"--train, --test: {given[0]} is for scores with --index; give one or the other")
    if options.train is None or options.test is None:
        raise InputError(f"--{'test' if options.test is None else 'train'}: missing; give --train and --test")
    names = chosen_metrics(options.metrics, "full")
    sets = {name: path for name in ("train", "dev", "test") if (path := getattr(options, name)) is not None}
    for (first, path), (second, other) in combinations(sets.items(), 2):
        if path.resolve() == other.resolve():
            raise InputError(f"--{second} {other}: the directory of --{first}; give speakers held out from it")
    inputs = [file for one in (*sets.values(), *directories.values()) for file in files_of(one, options.attributes)]
    inputs += audio_files(options.train)
    with StageDir(options.out, options, inputs, options.force) as stage:
        if stage.done:
            return
        from threadpoolctl import threadpool_limits

        real = {name: read_real(path, options.attributes) for name, path in sets.items()}
        sampled = {name: read_sampled(path, options.attributes) for name, path in directories.items()}
        require_comparable(
            {str(sets[name]): one for name, one in real.items()},
            {str(directories[name]): one for name, one in sampled.items()},
        )
        sources = {name: source_of(options, name, one, real) for name, one in sampled.items()}
        with threadpool_limits(1), doing("measure"):  # the same bytes for any number of threads
            measured = measure_sources(sources, names, options.n_halves, options.nj)
        write_halves(stage.dir, sources, measured, options.n_halves)
        clips = Clips.open(options.train if options.n_heard else None, options.clip_seconds)
        if options.n_heard and clips.reason:
            log.info("the report plays no speech: %s", clips.reason)
        first = next(iter(measured.values()))
        judged = any(figure.startswith(f"{ATTRIBUTES}.") for figure in first["figures"])
        shown = shown_of(sources, judged, real["train"], options.n_heard, clips)
        write_scores(stage.dir, document_of(options, real, sampled, sources, measured), *shown)
        for name, one in measured.items():
            for metric, reason in one["skipped"].items():
                log.info("%s: %s is skipped: %s", name, metric, reason)
        log.info("wrote %s", stage.final / "report.html")


def source_of(options: "Options", name: str, samples: NamedVectors, real: Mapping[str, NamedVectors]) -> SampleSource:
    """Samples beside the real sets, with groups where all know them, else with the attributes that all know."""
    sets, attributes = [samples, *real.values()], options.attributes
    vectors = [one.vectors for one in sets]
    if not all(one.groups is not None for one in vectors):
        if known := known_of(sets, attributes):
            log.info("%s: groups are not known in all sets; compared by %s", name, ", ".join(known))
        if known := known or known_of(sets[1:], attributes):  # real speakers may tell what samples do not
            vectors, attributes = [one.grouped_by(known) for one in sets], known
    of_set = dict(zip(real, vectors[1:], strict=True))
    comparison = Comparison(vectors[0], of_set["train"], of_set["test"], seed=options.seed)
    if comparison.samples.groups is not None and comparison.test.groups is not None:
        mixed = in_mix_of(comparison.samples, comparison.test, comparison.rng(9))
        if mixed is None:
            log.warning("%s: too few samples of some group of the test speakers; taken in the mix that they have", name)
        else:
            comparison = replace(comparison, samples=mixed)
    return SampleSource(comparison, AttributeMetric(attributes, of_set.get("dev")))


def known_of(sets: Sequence[NamedVectors], attributes: Sequence[str]) -> tuple[str, ...]:
    """The attributes that all sets know; where there are none, the gender, if all know that."""
    known = [name for name in dict.fromkeys((*attributes, GENDER)) if all(name in one.labels for one in sets)]
    return tuple([name for name in known if name in attributes] or known)


def document_of(
    options: "Options",
    real: Mapping[str, NamedVectors],
    sampled: Mapping[str, NamedVectors],
    sources: Mapping[str, SampleSource],
    measured: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """The content of scores.json."""
    models = {}
    for name, one in measured.items():
        skipped = one["skipped"] | dict.fromkeys(ONLY_OF_MODELS, NEEDS_MODEL)
        models[name] = {"kind": "samples", "samples": {}, "measured": one["figures"], "skipped": skipped}
    return plain(
        {
            "data": {name: counts_of(one) for name, one in real.items()}
            | {"dim": real["train"].vectors.x.shape[1]}
            | {"samples": {name: counts_of(one) for name, one in sampled.items()}}
            | {"compared": {name: one.comparison.samples.n_speakers for name, one in sources.items()}},
            "settings": {"seed": options.seed, "n_halves": options.n_halves},
            "models": models,
            "references": {},
            "over_seeds": over_seeds(measured),
        }
    )


def counts_of(one: NamedVectors) -> dict[str, Any]:
    """How many segments, speakers and groups there are; null where groups are not known."""
    groups = one.vectors.groups
    return {
        "segments": len(one.vectors.x),
        "speakers": len(one.speakers),
        "groups": None if groups is None else len(set(groups.tolist())),
    }


def write_scores(
    directory: Path, document: dict[str, Any], sections: Sequence[Section] = (), players: Sequence[Part] = ()
) -> None:
    """Write all files of the score."""
    about, tables = about_directories(document), [*measured_tables(document), *seed_tables(document)]
    (directory / "scores.json").write_text(to_json(document), encoding="utf-8")
    lines = [f"# {TITLE}", "", escaped(about), "", *(line for table in tables for line in table_lines(table))]
    (directory / "summary.md").write_text("\n".join(lines), encoding="utf-8")
    models = measured_models(document)
    if len(models) > 1:  # with sources in rows, so that these are sorted
        tables = [at_a_glance(models), *tables[1:]]
    first, *others = [sorting(f"table_{number}", table, (REAL_ROW,)) for number, table in enumerate(tables, 1)]
    parts = [first, *map(panels, sections), *players, *others]
    (directory / "report.html").write_text(page_of(TITLE, [about], parts), encoding="utf-8")
    write_pictures(directory, sections)
    write_results(directory)
