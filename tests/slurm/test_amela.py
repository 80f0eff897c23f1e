"""The recipe from recordings to units and speech on SLURM; and arrays of one's own, of which some tasks come later."""

import subprocess
from pathlib import Path

import pytest

from steps.vad import merge, plan
from tests.recipes.amela import NAMES, Amela, recordings
from tests.slurm.cluster import Cluster, fact
from utils.data_dir import DataDir, write_data_dir

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(900)
def test_the_recipe_leaves_the_same_bytes_under_both_launchers(cluster: Cluster, tmp_path: Path) -> None:
    """Nine files, from the scan to samples and the report, as one job and as three, which share three shards."""
    given = ["--models", "lstm", "--data_dir", str(recordings(tmp_path / "audio", NAMES[:9]))]
    # paths of one length: where config.yaml breaks its lines depends on it
    recipes = {name: Amela(tmp_path / f"by{name:_>8}", *given) for name in ("run.pl", "slurm.pl")}
    for name, recipe in recipes.items():
        recipe.run("--launcher", name, "--nj", {"run.pl": "1", "slurm.pl": "3"}[name])
    local, slurm = (recipe.digests() for recipe in recipes.values())
    assert "my exp/samples/asr/text" in local and "my exp/report/report.html" in local
    assert local == slurm
    logs = [recipes["slurm.pl"].exp / "log" / f"{name}.3.log" for name in ("vad", "asr", "units", "resynth")]
    assert all(fact(log, "SLURM_JOB_ID") for log in logs)


@pytest.mark.timeout(300)
def test_some_tasks_of_an_array_are_submitted_and_the_others_later(cluster: Cluster, tmp_path: Path, capsys) -> None:
    """Nine files in five shards: 0 and 2-3 first; then what the merge asks for."""
    audio = recordings(tmp_path / "audio", [f"{number}.wav" for number in range(9)])
    wav = {path.stem: str(path) for path in audio.iterdir()}
    write_data_dir(tmp_path / "data", {"wav.scp": wav, "utt2spk": {key: key for key in wav}})
    shape = ["--backend", "energy", "--shard", "modulo", "--num_shards", "5"]
    given = [*shape, "--data", str(tmp_path / "data"), "--out", str(tmp_path / "vad")]
    assert plan.main(given) == 0
    job = f"cd '{ROOT}' && . ./path.sh && python3 -m steps.vad.compute {' '.join(given)} --shards $SLURM_ARRAY_TASK_ID"

    def submit(array: str) -> None:
        call = ["sbatch", "--wait", f"--array={array}", f"--output={tmp_path}/%a.out", "--wrap", job]
        subprocess.run(call, check=True, capture_output=True)

    submit("0,2-3%2")
    capsys.readouterr()
    assert merge.main(given) == 1
    said = capsys.readouterr().err
    assert "2 of 5 parts are missing (as an array of SLURM: --array=1,4)" in said and not (tmp_path / "vad").exists()
    submit("1,4")
    assert merge.main(given) == 0
    assert len(DataDir(tmp_path / "vad").utt2spk) == 9 and not list(tmp_path.glob(".vad.parts"))
