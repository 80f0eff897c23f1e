"""The recipe from recordings to units and speech again, on twelve short files; on one, on none, and on a manifest."""

import json
import re
import shutil
import subprocess
from typing import NamedTuple

import pytest

from tests.processes import kill_session
from tests.recipes.amela import DIRECTORY, NAMES, Amela, recordings
from tests.recipes.moments import Moment, start_until
from tests.recipes.recipe import check_refused
from utils.manifest import read_manifest
from utils.tables import read_table


class Finished(NamedTuple):
    """A recipe that has run, and what it said."""

    recipe: Amela
    said: str


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("amela")
    recipe = Amela(folder / "it's $HOME 1", "--data_dir", str(recordings(folder / "my audio", NAMES)))
    return Finished(recipe, recipe.run())


def test_every_stage_leaves_its_outputs(finished):
    recipe, said = finished
    assert re.findall(r"^[\d:]+ stage (\d):", said, re.MULTILINE) == list("012345678")
    assert list(read_table(recipe.data / "all" / "utt2spk")) == [name.removesuffix(".wav") for name in NAMES]
    assert (recipe.exp / "vad" / "vad.csv").read_text().count("\n") == 13
    texts = read_manifest(recipe.exp / "text" / "manifest.jsonl")
    assert len(texts) == 12 and all(one.text is not None for one in texts)
    assert len(list((recipe.exp / "resynth" / "wav").rglob("anna/*.wav"))) >= 4  # the folders of the recordings
    report = json.loads((recipe.exp / "report" / "report.json").read_text())
    assert sorted(report["models"]) == ["bigram", "lstm"] and report["recordings"]["recordings"] == 12
    page = (recipe.exp / "report" / "report.html").read_text()
    assert page.count("<audio") == 2 * 2 + 2 and "Language models of units" in page
    assert not [path for path in recipe.files() if re.search(r"20\d\d-?\d\d-?\d\d", path.name)]  # no date in any name
    assert f"The report is {recipe.exp / 'report' / 'report.html'}" in said


def test_a_finished_run_does_nothing(finished):
    before = finished.recipe.digests()
    said = finished.recipe.run()
    assert said.count("is up to date") >= 15 and "utterance_jobs:" not in said.partition("# ")[0]
    assert finished.recipe.digests() == before


def test_the_status_says_what_is_done(finished):
    said = finished.recipe.run("--status", "true").partition("# ")[0]
    assert f"{finished.recipe.exp}/asr: done" in said and f"{finished.recipe.exp}/samples/units: done" in said


KILLS = (
    Moment("my exp/.asr.parts", "*/part-000001.jsonl"),  # between two shards
    Moment("my exp/units", "units.*"),  # the merge
    Moment("my exp/unit_lm/lstm", "metrics.jsonl", '"epoch": 2'),
)


@pytest.mark.hostile("SIGKILL of every process between shards, in a merge and in training, of recordings to units")
def test_killed_between_shards_in_a_merge_and_in_training_it_ends_with_the_same_bytes(finished, started):
    """tests/bench/killed_recipe.py kills at random moments of all stages."""
    recipe, before = finished.recipe, finished.recipe.digests()
    for name in ("asr", "units", "unit_lm/lstm"):
        shutil.rmtree(recipe.exp / name)
    again = ("--stage", "3", "--stop_stage", "6", "--models", "lstm")
    for moment in KILLS:
        kill_session(start_until(recipe, moment, started, *again).pid)
    recipe.run(*again)
    assert recipe.digests() == before


def test_entries_of_a_manifest_are_what_a_later_stage_takes_and_known_texts_are_not_recognised(finished, tmp_path):
    rows = [json.loads(line) for line in (finished.recipe.data / "pieces" / "manifest.jsonl").read_text().splitlines()]
    manifest = tmp_path / "pieces.jsonl"
    manifest.write_text("".join(json.dumps(row | {"text": f"text {number}"}) + "\n" for number, row in enumerate(rows)))
    recipe = Amela(tmp_path / "later", "--manifest", str(manifest), "--stage", "3", "--stop_stage", "3")
    said = recipe.run()
    assert "0 of 12 pieces are of recordings without a text" in said and not (recipe.exp / "asr").exists()
    texts = read_manifest(recipe.exp / "text" / "manifest.jsonl")
    assert [one.text for one in texts] == [f"text {number}" for number in range(12)]
    assert [one.id for one in texts] == [row["id"] for row in rows]
    assert not (recipe.exp / "vad").exists() and not (recipe.data / "pieces").exists()


@pytest.mark.parametrize(("names", "reached"), [([], "0"), (["1.wav"], "0123458")])
def test_few_files(tmp_path, names, reached):
    (tmp_path / "audio").mkdir()
    recipe = Amela(tmp_path / "few", "--data_dir", str(recordings(tmp_path / "audio", names)))
    said = recipe.run()
    assert re.findall(r"^[\d:]+ stage (\d):", said, re.MULTILINE) == list(reached)
    assert ("has one utterance: no language model of it" if names else "all/utt2spk is empty: nothing to do") in said


@pytest.mark.hostile("The recipe from recordings to units: words, numbers and names that are none")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stray"], "stray: expected options only"),
        (["--stage", "9"], "expected two numbers, the second not below the first, the first 8 at most"),
        (["--corpus", "../x"], "--corpus ../x: expected espeak, folder, or a name of letters"),
        (["--corpus", "folder"], "--corpus folder: give --data_dir, a folder of recordings, or --manifest"),
        (["--data_dir", "nowhere"], "--data_dir nowhere: no such directory"),
        (["--manifest", "nowhere"], "--manifest nowhere: no such file"),
        (["--data_dir", ".", "--manifest", "run.sh"], "give one of the two"),
        (["--data_dir", "run.sh"], "--data_dir run.sh: a file, expected a folder of recordings"),
        (["--manifest", "conf"], "--manifest conf: a folder, expected a list of recordings"),
        (["--corpus", "espeak", "--data_dir", "."], "--corpus espeak: makes its own speech"),
        (["--models", "gpt"], "--models gpt: expected some of lstm,transformer,bigram,fivegram"),
        (["--models", "bigram"], "--sampler lstm: expected lstm or transformer, and one of --models"),
        (["--keep_text", "maybe"], "--keep_text maybe: expected true or false"),
        (["--status", "all"], "--status all: expected true or false"),
        (["--use_gpu", "1"], "--use_gpu 1: expected auto, true or false"),
        (["--launcher", "pbs.pl"], "--launcher pbs.pl: expected run.pl or slurm.pl"),
        (["--conf_dir", "nowhere"], "--conf_dir nowhere: no such directory"),
        (["--nj", "0"], "--nj 0: expected a number, 1 or more"),
        (["--stage", "2"], "my exp/vad/speech/utt2spk: no such file; run stage 1 first"),
        (["--set", "vad.modus=3"], "unknown option"),
    ],
)
def test_bad_options_are_refused_in_one_line(tmp_path, words, said):
    out = [
        "--data",
        str(tmp_path / "my data"),
        "--exp",
        str(tmp_path / "my exp"),
        "--corpora",
        str(tmp_path / "corpora"),
    ]
    check_refused(DIRECTORY, [*out, *words], said, tmp_path)


def test_help_names_every_option_and_command():
    script = (DIRECTORY / "run.sh").read_text(encoding="utf-8")
    options = re.findall(r"^(\w+)=[^(\n]*$", script.partition("help_message()")[0], re.MULTILINE)
    shown = subprocess.run(["./run.sh", "--help"], cwd=DIRECTORY, capture_output=True, text=True)
    assert shown.returncode == 0
    assert [name for name in options if f"--{name}" not in shown.stderr] == []
    assert all(f"  {stage} " in shown.stderr for stage in re.findall(r"(\w+)=(?:steps|local)\.", script))
