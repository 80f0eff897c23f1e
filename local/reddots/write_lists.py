"""Data directories of lists: one for all recordings, and for each list its enrolment, tests, background and cohort.

all                 wav.scp utt2spk spk2utt spk2gender utt2dur text utt2sent of every recording
enrol_<list>        the same of its recordings, enrol_map (`model utterance ...`), model2sent (`model sentence`)
test_<list>         ..., trials (`model utterance target|nontarget KIND`)
background_<list>   ..., of no speaker of the list
cohort_<list>       as `local.reddots.cohorts` says
lists               lines `<list> <part>`
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from local.reddots.cohorts import CohortLists, pair_lines
from local.reddots.experiments import Experiment
from local.reddots.names import utterance_of
from local.reddots.recordings import Tables
from steps.data.enrolments import ENROL_MAP, SENTENCES
from steps.metrics.trial_files import write_trials
from steps.metrics.trials import Trials
from utils.data_dir import restrict, write_data_dir
from utils.tables import write_table

LISTS, ALL = "lists", "all"


def write_utterances(out: Path, tables: Tables, utterances: Iterable[str]) -> None:
    """Write the data directory of some utterances; spk2gender only where it has all of their speakers."""
    some = restrict(tables, set(utterances))
    speakers = set(some["utt2spk"].values())
    if not speakers <= some.get("spk2gender", {}).keys():
        some.pop("spk2gender", None)
    write_data_dir(out, {name: table for name, table in some.items() if table})


def write_sides(out: Path, name: str, tables: Tables, models: Mapping[str, tuple[str, ...]], trials: Trials) -> None:
    """Write enrol_<name> and test_<name>."""
    write_models(out / f"enrol_{name}", tables, models)
    test = out / f"test_{name}"
    utterances = [utterance_of(recording) for recording in trials.tests]
    write_utterances(test, tables, utterances)
    write_trials(
        test / "trials",
        Trials(trials.enrolments, utterances, trials.enrol, trials.test, trials.targets, trials.kinds, trials.kind),
    )


def write_models(out: Path, tables: Tables, models: Mapping[str, tuple[str, ...]], others: Iterable[str] = ()) -> None:
    """Write a data directory of the recordings of models, and of others, with enrol_map and model2sent."""
    utterances = {model: [utterance_of(name) for name in recordings] for model, recordings in models.items()}
    write_utterances(
        out, tables, [*map(utterance_of, others), *(name for names in utterances.values() for name in names)]
    )
    write_table(out / ENROL_MAP, {model: " ".join(names) for model, names in utterances.items()})
    write_table(out / SENTENCES, {model: model.split("_")[1] for model in models})


def write_experiment(
    out: Path, experiment: Experiment, tables: Tables, background: Iterable[str], cohort: CohortLists | None
) -> None:
    """Write the directories of a list; `background`: its recordings."""
    write_sides(out, experiment.name, tables, experiment.enrolments(), experiment.trials)
    write_utterances(out / f"background_{experiment.name}", tables, map(utterance_of, background))
    if cohort:
        folder = out / f"cohort_{experiment.name}"
        write_models(folder, tables, cohort.models, {recording for _, recording in cohort.trials_enrol})
        for name, pairs in (("trials_enrol", cohort.trials_enrol), ("trials_test", cohort.trials_test)):
            (folder / name).write_text(pair_lines(pairs), encoding="utf-8")


def write_names(out: Path, experiments: Iterable[Experiment]) -> None:
    """Write the names of all lists, each with its part."""
    write_table(out / LISTS, {experiment.name: experiment.part.name for experiment in experiments})
