"""The recipe from recordings to units and speech again, on twelve short files; on one, on none, and on a manifest."""

import json
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.recipes.recipe import ROOT, Recipe, check_refused, start_run
from tests.steps.audio.sounds import babble, write_sound
from utils.manifest import read_manifest
from utils.tables import read_table

DIRECTORY = ROOT / "egs" / "amela" / "v1"
SMALL = {
    "asr.grammar": str(ROOT / "conf" / "asr" / "digits.jsgf"),
    "kmeans.units": "8",
    "kmeans.passes": "2",
    "speak.iterations": "2",
    "lstm.epochs": "1",
    "lstm.hidden": "8",
    "lstm.embedding": "8",
    "lstm.layers": "1",
    "sample.n": "2",
    "sample.max_units": "60",
    "report.clips": "2",
}
NAMES = [f"{who}/{number}.wav" for who in ("anna", "bert", "carl") for number in range(1, 5)]  # equal in each folder


class Amela(Recipe):
    """`./run.sh` with --data and --exp below `folder`, in paths with blanks."""

    def __init__(self, folder: Path, *words: str):
        self.folder, self.data, self.exp = folder, folder / "my data", folder / "my exp"
        folder.mkdir(exist_ok=True)
        settings = ",".join(f'{key}="{value}"' for key, value in SMALL.items())
        self.words = [
            "./run.sh", *words, "--data", str(self.data), "--exp", str(self.exp), "--models", "lstm,bigram",
            "--use_gpu", "false", "--nj", "1", "--set", settings,
        ]  # fmt: skip

    def start(self, *more: str) -> subprocess.Popen:
        return start_run([*self.words, *more], DIRECTORY)

    def files(self) -> list[Path]:
        return [path for path in super().files() if not {"log", "q"} & set(path.parts) and path.is_file()]


class Finished(NamedTuple):
    """A recipe that has run, and what it said."""

    recipe: Amela
    said: str


def recordings(folder: Path, names: list[str]) -> Path:
    for number, name in enumerate(names):
        write_sound(folder / name, babble(number, 1.5))
    return folder


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
    assert f"The report is {recipe.exp / 'report' / 'report.html'}" in said


def test_a_finished_run_does_nothing(finished):
    before = finished.recipe.digests()
    said = finished.recipe.run()
    assert said.count("is up to date") >= 15 and "utterance_jobs:" not in said.partition("# ")[0]
    assert finished.recipe.digests() == before


def test_the_status_says_what_is_done(finished):
    said = finished.recipe.run("--status", "true").partition("# ")[0]
    assert f"{finished.recipe.exp}/asr: done" in said and f"{finished.recipe.exp}/samples/units: done" in said


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
