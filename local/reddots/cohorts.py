"""Cohorts of AS-norm: background speakers as models of each sentence, and the trials that norm scores.

enrol_map, model2sent   cohort models `<speaker>_<sentence>` with their recordings, and their sentences
trials_enrol            models of the experiment against the cohort's recordings of their sentence
trials_test             cohort models of the claimed sentence against the tests of each claim
"""

from collections.abc import Iterable
from typing import NamedTuple

from local.reddots.experiments import Experiment
from local.reddots.names import ModelName, parts_of, utterance_of

Pairs = list[tuple[str, str]]


class CohortLists(NamedTuple):
    """The lists of one cohort, with names of models and recordings."""

    models: dict[str, tuple[str, ...]]
    trials_enrol: Pairs
    trials_test: Pairs


def cohort_of(experiment: Experiment, recordings: Iterable[str], most: int) -> CohortLists | None:
    """The cohort of an experiment; None where the background does not say one of its sentences.

    Args:
        recordings: of the background's speakers. most: recordings that enrol a cohort model, where the list does not
            enrol it itself, and recordings of a speaker and sentence that models are scored against.
    """
    spoken: dict[ModelName, list[str]] = {}
    for recording in sorted(recordings):
        name = parts_of(recording)
        spoken.setdefault(ModelName(name.speaker, name.sentence), []).append(recording)
    by_sentence: dict[str, list[ModelName]] = {}
    for model in sorted(spoken):
        by_sentence.setdefault(model.sentence, []).append(model)
    trials = experiment.trials
    sentences = [name.split("_")[1] for name in trials.enrolments]
    if not set(sentences) <= by_sentence.keys():
        return None
    enrol = [
        (name, recording)
        for name, sentence in zip(trials.enrolments, sentences, strict=True)
        for model in by_sentence[sentence]
        for recording in spoken[model][:most]
    ]
    pairs = zip(trials.enrol.tolist(), trials.test.tolist(), strict=True)
    claims = sorted({(sentences[model], trials.tests[test]) for model, test in pairs})
    test = [(str(model), recording) for sentence, recording in claims for model in by_sentence[sentence]]
    used = sorted(model for sentence in set(sentences) for model in by_sentence[sentence])
    own = experiment.part.models
    return CohortLists({str(one): own.get(one, tuple(spoken[one][:most])) for one in used}, enrol, test)


def pair_lines(pairs: Pairs) -> str:
    """The lines of a file of pairs."""
    return "".join(f"{model} {utterance_of(recording)}\n" for model, recording in pairs)
