"""The recipe that recognises speakers, on voices that it makes itself and on real speech."""

import json
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from steps.sid import train
from tests.processes import kill_session, session, wait_for
from tests.recipes.recipe import ROOT, check_refused, start_run
from utils.tables import read_table

RECIPE = ROOT / "egs" / "librispeech" / "sid"
NETWORKS = {
    "conv1d": "network: conv1d\nwidths: [32]\ndilations: [1]\n",
    "mamba2": "network: mamba2\nwidth: 32\nlayers: 1\nd_state: 8\nhead_dim: 32\nstride: 4\n",
}
TRAINING = "embedding_dim: 16\ncrop_seconds: 1\nlr: 0.005\nschedule: cosine\n"
SHORT = "prepare.n_speakers=8,prepare.n_sessions=3,prepare.n_utterances=2,prepare.min_seconds=1,prepare.max_seconds=1.5"
SETS = ("train", "dev", "test", "open")


class Sid:
    """`./run.sh` with --data and --exp in paths with blanks, and networks so small that a stage takes seconds."""

    def __init__(self, root: Path, *options: str, epochs: int = 25):
        self.data, self.exp, self.conf = root / "my data", root / "my exp", root / "conf"
        self.conf.mkdir()
        for name, network in NETWORKS.items():
            (self.conf / f"{name}.yaml").write_text(f"{network}{TRAINING}epochs: {epochs}\n")
        (self.conf / "profile.yaml").write_text("lengths: [50]\nbatches: [2]\nmodes: [infer]\nruns: 1\n")
        self.words = ["./run.sh", "--data", str(self.data), "--exp", str(self.exp), "--conf_dir", str(self.conf)]
        self.words += ["--nj", "1", "--use_gpu", "false", *options]

    def start(self, *more: str) -> subprocess.Popen:
        """Start it with further options (see `start_run`)."""
        return start_run([*self.words, *more], RECIPE)

    def run(self, *more: str) -> str:
        """Run it to its end. Returns what it said."""
        process = self.start(*more)
        said = process.communicate()[0]
        logs = "".join(path.read_text() for path in self.exp.rglob("log/*.log"))
        assert process.returncode == 0, said + logs
        return said

    def times(self) -> dict[Path, int]:
        """Path -> time of the last change in ns, of all but logs and locks."""
        found = [path for folder in (self.data, self.exp) for path in folder.rglob("*") if path.is_file()]
        return {path: path.stat().st_mtime_ns for path in found if path.suffix != ".log" and path.name[:5] != ".lock"}

    def speakers(self, name: str) -> set[str]:
        return set(read_table(self.data / name / "utt2spk").values())


class Finished(NamedTuple):
    """A recipe that has run, and what it said."""

    recipe: Sid
    said: str


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The recipe on voices of its own: killed while it trains, then run to its end."""
    recipe = Sid(tmp_path_factory.mktemp("sid"), "--set", SHORT)
    run = recipe.start()
    try:
        metrics = recipe.exp / ".conv1d.tmp" / "metrics.jsonl"
        assert wait_for(lambda: metrics.exists() and '"epoch": 2' in metrics.read_text() or run.poll() is not None, 800)
        assert run.poll() is None, run.communicate()[0]
        kill_session(run.pid)
        assert wait_for(lambda: session(run.pid) == [])
        said = run.communicate()[0]
    finally:
        kill_session(run.pid)
    return Finished(recipe, said + recipe.run("--stage", "4"))


def test_every_stage_leaves_its_outputs(finished):
    recipe, said = finished
    assert re.findall(r"^[\d:]+ stage (\d):", said, re.MULTILINE) == ["1", "2", "3", "4", "4", "5", "6", "7"]
    report = recipe.exp / "evaluation" / "report"
    assert f"The report is {report / 'report.html'}" in said
    text = (report / "summary.md").read_text()
    assert all(f"\n| {name} | " in text for name in (*NETWORKS, "lda", "lda_no_mean"))
    for name in ("charts/charts.json", "losses/charts.json", "losses/all.png", "profile/profile.md"):
        assert (recipe.exp / name).is_file(), name
    assert json.loads((recipe.exp / "losses" / "charts.json").read_text())


def test_the_open_set_has_speakers_of_its_own_and_test_its_own_sessions(finished):
    recipe = finished.recipe
    assert recipe.speakers("train") == recipe.speakers("dev") == recipe.speakers("test")
    assert len(recipe.speakers("open")) == 2 and recipe.speakers("open").isdisjoint(recipe.speakers("train"))
    chapters = [set(read_table(recipe.data / name / "utt2chapter").values()) for name in SETS]
    assert sum(map(len, chapters)) == len(set.union(*chapters)) == 8 * 3


def test_what_a_killed_training_goes_on_to_is_what_an_undisturbed_one_gives(finished, tmp_path):
    recipe = finished.recipe
    logs = "".join(path.read_text() for path in recipe.exp.glob("log/train*.log"))
    assert "resumed after epoch" in logs
    words = ["--conf", str(recipe.conf / "conv1d.yaml"), "--feats", str(recipe.exp / "feats"), "--use_gpu", "false"]
    assert train.main([*words, "--out", str(tmp_path / "conv1d")]) == 0
    for name in ("weights.safetensors", "metrics.jsonl"):
        assert (tmp_path / "conv1d" / name).read_bytes() == (recipe.exp / "conv1d" / name).read_bytes(), name


def test_a_finished_run_does_nothing(finished):
    recipe, times = finished.recipe, finished.recipe.times()
    said = recipe.run()
    assert said.count("is up to date") >= 12 and recipe.times() == times


def test_real_speech_of_one_session_a_speaker(librispeech_251, tmp_path):
    """Twelve speakers, beside a network that others have trained."""
    whole, corpus = librispeech_251 / "LibriSpeech", tmp_path / "LibriSpeech"
    (corpus / "train-clean-100").mkdir(parents=True)
    (corpus / "SPEAKERS.TXT").symlink_to(whole / "SPEAKERS.TXT")
    for folder in sorted((whole / "train-clean-100").iterdir())[::20]:
        (corpus / "train-clean-100" / folder.name).symlink_to(folder)
    words = ["--corpus", "librispeech", "--data_dir", str(corpus), "--split_mode", "segment", "--open_set", "0"]
    recipe = Sid(tmp_path, *words, "--models", "conv1d", "--copies", "0", epochs=2)
    recipe.run("--stop_stage", "5")
    speakers = recipe.speakers("test")
    assert len(speakers) > 6 and speakers < recipe.speakers("all") and not (recipe.data / "open").exists()
    closed = recipe.exp / "evaluation" / "closed"
    wrong = {}
    for system in ("resemblyzer", "lda", "conv1d"):
        rows = (closed / system / "clean" / "predictions.tsv").read_text().splitlines()[1:]
        named = [row.split("\t")[1:3] for row in rows]
        assert len(named) == len(speakers)
        wrong[system] = sum(speaker != predicted for speaker, predicted in named)
    assert wrong["resemblyzer"] <= 1 and wrong["lda"] <= 1  # what a session sounds like is enough


@pytest.mark.hostile(
    "The recipe that recognises speakers: words, numbers and names that are none, settings that it overrides"
)
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stray"], "stray: expected options only"),
        (["--stage", "8"], "expected two numbers, the second not below the first, the first 7 at most"),
        (["--corpus", "librispech"], "--corpus librispech: expected synthetic, librispeech or folder"),
        (["--data_dir", "here"], "--data_dir here: say what it holds, --corpus librispeech or folder"),
        (["--corpus", "folder"], "--corpus folder: give --data_dir"),
        (["--labels", "x.csv"], "--labels x.csv: is for --corpus folder"),
        (["--split_mode", "chapters"], "--split_mode chapters: expected chapter, random, segment or speaker"),
        (["--open_set", "-1"], "--open_set -1: expected a share of the speakers"),
        (["--preset", "origin"], "--preset origin: expected kaldi or original"),
        (["--copies", "1e3"], "--copies 1e3: expected a number, 0 to 999"),
        (["--models", "conv9"], "--models conv9: no file conf/synthetic/conv9.yaml"),
        (["--models", "../x"], "--models ../x: expected names with commas between them"),
        (["--backends", "resemblizer"], "--backends resemblizer: expected resemblyzer, the one that needs no file"),
        (["--backends", "eres2netv2"], "--backends eres2netv2: expected resemblyzer, the one that needs no file"),
        (["--use_gpu", "maybe"], "--use_gpu maybe: expected auto, true or false"),
        (["--launcher", "pbs.pl"], "--launcher pbs.pl: expected run.pl or slurm.pl"),
        (["--conf_dir", "nowhere"], "--conf_dir nowhere: no such directory"),
        (["--stage", "2"], "/data/train: no such directory; run stage 1 first"),
        (["--set", "train.epoch=3"], "--set train.epoch=3: unknown option; valid ones are epochs,"),
        (["--set", "features.copies=3"], "--set features.copies=3: the recipe sets this itself; use --copies"),
    ],
)
def test_bad_options_are_refused_in_one_line(tmp_path, words, said):
    out = ["--data", str(tmp_path / "data"), "--exp", str(tmp_path / "exp")]
    check_refused(RECIPE, [*out, *words], said, tmp_path)


def test_help_names_every_option():
    script = (RECIPE / "run.sh").read_text(encoding="utf-8")
    options = re.findall(r"^(\w+)=", script.partition("help_message()")[0], re.MULTILINE)
    shown = subprocess.run(["./run.sh", "--help"], cwd=RECIPE, capture_output=True, text=True)
    assert shown.returncode == 0
    assert [name for name in options if not re.search(rf"--{name}\b", shown.stderr)] == []


def test_small_networks_are_of_the_same_kinds():
    """conf/synthetic differs in sizes only, so that what is tried there is what is trained elsewhere."""
    kinds = [
        {
            path.stem: yaml.safe_load(path.read_text())["network"]
            for path in folder.glob("*.yaml")
            if "network" in path.read_text()
        }
        for folder in (RECIPE / "conf", RECIPE / "conf" / "synthetic")
    ]
    assert kinds[0] == kinds[1] and len(kinds[0]) == 6


@pytest.mark.parametrize(("sweep", "folder"), [("sweep_models", "conf"), ("sweep_synthetic", "conf/synthetic")])
def test_sweeps_train_all_networks_as_the_recipe_would(sweep, folder):
    content = yaml.safe_load((RECIPE / "conf" / f"{sweep}.yaml").read_text())
    assert f" --conf {folder}/{{model}}.yaml " in content["command"]
    assert {*content["grid"]["model"]} == {path.stem for path in (RECIPE / folder).glob("*.yaml")} - {
        "profile",
        "sweep_models",
        "sweep_synthetic",
    }
    assert content["exp"] == {"conf": "exp/librispeech", "conf/synthetic": "exp/synthetic"}[folder]
