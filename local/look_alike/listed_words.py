"""The lists that come with arabic-digits, as the part `words`: models of a speaker and a word, and their trials.

enrol.csv       model,path          00000001-zero,flac/00000001/zero_01.flac
trials.csv.gz   model,path,type     00000001-zero,flac/00000001/zero_04.flac,TC
"""

import re
from pathlib import Path

from local.look_alike.plan import FIRST, WORDS, Plan, PlannedPart
from local.look_alike.sources import ENGLISH, SourceSpeaker
from local.reddots.list_files import KINDS
from local.reddots.names import ModelName, RecordingName
from steps.data.table_rows import read_rows
from utils.errors import InputError, brief

MODEL = re.compile(r"([0-9]{8})-([a-z]+)")
FILE = re.compile(r"flac/([0-9]{8})/([a-z]+)_([0-9]{2})\.flac")


def listed_words(plan: Plan, root: Path) -> PlannedPart:
    """The part of the lists. Raises InputError for a row that is not of this corpus."""
    part, speakers = PlannedPart(), {speaker.name: speaker for speaker in plan.source.speakers}
    enrolled: dict[ModelName, list[RecordingName]] = {}
    for where, row in read_rows(root / "enrol.csv")[1]:
        enrolled.setdefault(_model(row, speakers, where), []).append(_recording(plan, row, speakers, "enrol", where))
    part.models[""] = {model: tuple(recordings) for model, recordings in enrolled.items()}
    for where, row in read_rows(root / "trials.csv.gz")[1]:
        model, recording = _model(row, speakers, where), _recording(plan, row, speakers, "test", where)
        if model not in enrolled or row.get("type") not in KINDS:
            raise InputError(
                f"{where}: expected a model of enrol.csv and one of {', '.join(KINDS)}, found {brief(row)}"
            )
        part.trials.append((model, recording, row["type"]))
    return part


def _model(row: dict, speakers: dict[str, SourceSpeaker], where: str) -> ModelName:
    found = MODEL.fullmatch(str(row.get("model")))
    if not found or found[1] not in speakers or found[2] not in ENGLISH:
        raise InputError(f"{where}: expected a model <speaker>-<word>, found {brief(row.get('model'))}")
    return ModelName(speakers[found[1]].id, str(FIRST[WORDS] + ENGLISH.index(found[2])))


def _recording(plan: Plan, row: dict, speakers: dict[str, SourceSpeaker], side: str, where: str) -> RecordingName:
    found = FILE.fullmatch(str(row.get("path")))
    takes = plan.source.takes.enrol if side == "enrol" else plan.source.takes.test
    if not found or found[1] not in speakers or found[2] not in ENGLISH or int(found[3]) not in takes:
        raise InputError(
            f"{where}: expected flac/<speaker>/<word>_<take>.flac, a take from {takes[0]} to {takes[-1]}, found "
            f"{brief(row.get('path'))}"
        )
    sentence = str(FIRST[WORDS] + ENGLISH.index(found[2]))
    return plan.say(speakers[found[1]], sentence, side, takes.index(int(found[3])))
