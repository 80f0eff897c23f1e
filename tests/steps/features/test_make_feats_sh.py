"""steps/features/make_feats.sh as users call it, and jobs that are killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from steps.features import compute, merge, plan
from steps.features.feats_dir import FeatsDir
from tests.steps.audio.sounds import babble, write_sound

ROOT = Path(__file__).parents[3]
SHARDS = "shard_seconds=1"


def write_tree(path: Path, n: int) -> Path:
    """A tree of audio of two speakers with n utterances each, and a file that is no audio."""
    for number in range(2 * n):
        write_sound(path / "corpus" / f"s{number // n}" / f"u{number:03d}.wav", babble(number, 1.2))
    (path / "corpus" / "s0" / "notes.txt").write_text("no audio")
    return path


def contents(directory: Path) -> dict[str, bytes]:
    """The files of a result that say nothing of its run."""
    names = ("feats.ark", "cmvn.ark", "utt2spk", "utt2uniq", "utt2num_frames", "features.json", "failures.tsv")
    return {name: (directory / name).read_bytes() for name in names}


def test_script_computes_once(tmp_path):
    tree, out = write_tree(tmp_path / "a tree", 2), tmp_path / "my out"
    words = ["--nj", "2", "--preset", "original", "--copies", "1", "--set", f"bins=40,{SHARDS}", str(tree), str(out)]
    command = [str(ROOT / "steps/features/make_feats.sh"), *words]
    first = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert first.returncode == 0, first.stderr
    feats = FeatsDir(out)
    assert feats.features["options"]["preset"] == "original" and feats.read(feats.utterances[0]).shape == (76, 40)
    assert len(feats.utterances) == 8 and len(feats.uniq) == 4
    assert "notes.txt" in (out / "left_out.tsv").read_text()
    assert len(list((tmp_path / "log").glob("my out.*.log"))) == 2
    before = (out / "feats.ark").stat()
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert again.returncode == 0 and f"{out} is up to date" in again.stderr
    assert (out / "feats.ark").stat() == before


def test_a_killed_job_goes_on(tmp_path):
    tree = write_tree(tmp_path / "tree", 20)
    words = ["--data", str(tree), "--copies", "2", "--set", SHARDS, "--out"]
    whole, killed = str(tmp_path / "whole"), str(tmp_path / "killed")
    for module in (plan, compute, merge):
        assert module.main([*words, whole]) == 0
    assert plan.main([*words, killed]) == 0
    job = subprocess.Popen(
        [sys.executable, "-m", "steps.features.compute", *words, killed], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    parts = []
    while not parts and job.poll() is None:
        parts = list((tmp_path / ".killed.parts").glob("*/part-*.npz"))
        time.sleep(0.002)
    os.kill(job.pid, signal.SIGKILL)
    assert job.wait() == -signal.SIGKILL and len(list(parts[0].parent.glob("part-*.npz"))) < 40
    assert merge.main([*words, killed]) == 1
    before = parts[0].stat()
    assert compute.main([*words, killed]) == 0 and parts[0].stat() == before
    assert merge.main([*words, killed]) == 0
    assert contents(tmp_path / "whole") == contents(tmp_path / "killed")
