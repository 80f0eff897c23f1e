"""Join what the jobs of `steps.asr.compute` have recognised into one data directory.

Input: the table of `steps.asr.plan` with all of its journals, and the same options. Output, a data directory:

    text                          what was said in each utterance; nothing behind the id where no word was heard
    ctm                           times of words, where the recogniser tells them: id, channel 1, begin and length in
                                  seconds from the beginning of the utterance, word, probability where there is one
    utt2recogniser                the recogniser of each utterance; `given` where the data had its text
    utt2dur manifest.jsonl        seconds, and all of this as lines of JSON (`utils.manifest`)
    asr.json                      the recogniser and its options
    failures.tsv summary.json     utterances without a transcript, with the reason; counts
    utt2spk spk2utt and the data's own     of the utterances that have a transcript

More failures than --max_fail are an error, and nothing is written but their list. An utterance in which no word was
heard is none.
"""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from steps.asr.asr_job import GIVEN_TEXTS, TEXT, Options, RecogniserChoice, given_texts
from steps.audio.failures import FAILURES, Failure, check_failures, count_reasons, write_failures, write_left_out
from steps.audio.recordings import read_utterances
from steps.audio.utterance_jobs import gather_rows
from utils.command import logger, run_command
from utils.data_dir import DataDir, restrict, write_data_dir
from utils.errors import InputError
from utils.json_files import write_json
from utils.manifest import write_stage_manifest
from utils.parts import Work
from utils.script_files import path_in_script
from utils.stage_dir import StageDir

log = logger(__name__)
CTM, ASR, GIVEN = "ctm", "asr.json", "given"


@dataclass
class Recognised:
    """The content of all journals, and the texts that the data had.

    Attributes:
        texts, seconds: by utterance, sorted, what was recognised, and how long it is. given: the texts of all others.
        times: the lines of the ctm, of utterances that have any. n_words: that were recognised.
        faults: of audio that was used in spite of them, and how often. failures: utterances without a text.
    """

    texts: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    given: dict[str, str] = field(default_factory=dict)
    times: dict[str, str] = field(default_factory=dict)
    n_words: int = 0
    faults: Counter = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    @property
    def n_texts(self) -> int:
        """How many utterances have a text."""
        return len(self.texts) + len(self.given)


def work(options: Options) -> None:
    """Join the journals and commit the result."""
    choice = RecogniserChoice.of(options)
    description = choice.describe(options)
    choice.jobs(options).merge(lambda stage, planned: write_outputs(stage, options, planned, description))


def write_outputs(stage: StageDir, options: Options, planned: Work, description: Mapping[str, Any]) -> None:
    """Write all files of the result."""
    of_data = tables_of_data(options.data, stage.final)
    found = join(planned, sorted(of_data["utt2spk"]))
    found.given = {key: words for key, words in given_texts(options).items() if key in of_data["utt2spk"]}
    for key in found.texts.keys() & found.given.keys():  # the data has the text since it was planned
        del found.texts[key], found.seconds[key]
    n = found.n_texts + len(found.failures)
    check_failures(found.failures, n, options.max_fail, options.out)
    write_json(stage.dir / ASR, description)
    write_failures(stage.dir / FAILURES, found.failures)
    write_left_out(stage.dir, planned.about["left_out"])
    write_ctm(stage.dir / CTM, found.times)
    summary = summary_of(found)
    write_json(stage.dir / "summary.json", summary)
    tables = tables_of(of_data, found, options.backend)
    write_data_dir(stage.dir, tables)
    write_stage_manifest(stage, tables)
    log.info(
        "%s: %d of %d utterances have a text, %d of them given; %.2f hours recognised, %d words",
        *(stage.final, found.n_texts, n, summary["given"], summary["seconds"] / 3600, found.n_words),
    )


def join(planned: Work, utterances: Sequence[str]) -> Recognised:
    """What the journals say of the utterances that the data has, which come sorted.

    Raises InputError for one that the data does not have.
    """
    found = Recognised()
    keys: list[str] = []
    texts: list[str] = []
    seconds: list[float] = []
    for some, rows in gather_rows(planned, found.failures):
        keys += some
        texts += (said := [row["text"] for row in rows])
        seconds += [row["seconds"] for row in rows]
        found.n_words += len(" ".join(said).split())
        found.faults.update(chain.from_iterable([row["faults"] for row in rows]))
        timed = [(key, row["words"]) for key, row in zip(some, rows, strict=True) if row["words"]]
        found.times |= {key: "".join([_ctm_line(key, *word) for word in words]) for key, words in timed}
    order = sorted(range(len(keys)), key=keys.__getitem__)
    names: Sequence[str] = [keys[place] for place in order]
    if names == utterances:
        names = utterances  # tables with the same keys, and not equal ones, are compared at once
    elif lost := set(names).difference(utterances):
        raise InputError(f"utt2spk: no line for {min(lost)}, which was planned; restore it, or plan again")
    found.texts = dict(zip(names, [texts[place] for place in order], strict=True))
    found.seconds = dict(zip(names, [seconds[place] for place in order], strict=True))
    return found


def write_ctm(path: Path, times: Mapping[str, str]) -> None:
    """Write the words with times, sorted by utterance; nothing where there are none."""
    if times:
        with path.open("w", encoding="utf-8") as file:
            file.writelines(times[key] for key in sorted(times))


def _ctm_line(key: str, word: str, begin: float, end: float, confidence: float | None) -> str:
    sure = "" if confidence is None else f" {confidence:.3f}"
    return f"{key} 1 {begin:.2f} {end - begin:.2f} {word}{sure}\n"


def tables_of_data(data: Path, final: Path) -> dict[str, Mapping[str, str]]:
    """All tables of the data but its texts; of a tree those of its utterances."""
    if (data / "wav.scp").is_file():
        return {name: table for name, table in DataDir(data).tables().items() if name not in GIVEN_TEXTS}
    utterances = read_utterances(data)
    paths = {one.id: path_in_script(one.path, final) for one in utterances}
    return {"utt2spk": {one.id: one.speaker for one in utterances}, "wav.scp": paths}


def tables_of(
    of_data: Mapping[str, Mapping[str, str]], found: Recognised, backend: str
) -> dict[str, Mapping[str, str]]:
    """All tables of the result but spk2utt, sorted: those of the data, and the texts with their recognisers."""
    texts = dict(sorted((found.texts | found.given).items())) if found.given else found.texts
    seconds = {key: f"{length:.3f}" for key, length in found.seconds.items()}
    tables = restrict(of_data, texts)
    seconds |= tables.get("utt2dur", {})
    if len(seconds) == len(texts):  # not where the data says no length of what it has the text of
        tables["utt2dur"] = seconds
    recognisers = dict.fromkeys(texts, backend) | dict.fromkeys(found.given, GIVEN)
    return {**tables, TEXT: texts, "utt2recogniser": recognisers}


def summary_of(found: Recognised) -> dict[str, Any]:
    """Counts."""
    return {
        "utterances": found.n_texts,
        "given": len(found.given),
        "recognised": len(found.texts),
        "seconds": round(sum(found.seconds.values()), 3),
        "words": found.n_words,
        "without_words": list(found.texts.values()).count(""),
        "faults": dict(sorted(found.faults.items())),
        "failed": len(found.failures),
        "failures": count_reasons(found.failures),
    }


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
