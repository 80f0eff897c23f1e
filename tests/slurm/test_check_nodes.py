"""utils/check_nodes.sh where this machine and the node see different disks: here, in a mount namespace of its own."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.slurm.cluster import ROOT, Cluster

MOUNT = "mount -t tmpfs none '{}'"


@pytest.fixture
def check(cluster: Cluster, tmp_path: Path):
    """check(shell, *words) runs the check behind the mounts of `shell`, which the node does not see."""
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        pytest.skip("no mount namespaces here: unshare --mount fails")

    def run(shell: str, *words: str | Path) -> subprocess.CompletedProcess:
        launcher = "slurm.pl --poll-first 0.2 --poll-slowest 0.5 --log-wait 1"
        command = [
            "unshare",
            "--mount",
            "bash",
            "-ec",
            f'{shell}; exec "$@"',
            "-",
            ROOT / "utils/check_nodes.sh",
            *words,
        ]
        return subprocess.run(
            command, cwd=ROOT, env=os.environ | {"PS_LAUNCHER": launcher}, capture_output=True, text=True, timeout=120
        )

    return run


def test_differences_are_told_apart(check, tmp_path: Path) -> None:
    for name in ("shared", "hidden here", "other", "work"):
        (tmp_path / name).mkdir()
    (tmp_path / "hidden here/corpus").write_text("x")
    hidden, other = tmp_path / "hidden here", tmp_path / "other"
    shell = f"{MOUNT.format(hidden)}; {MOUNT.format(other)}; echo x >'{other}/corpus'"
    paths = [tmp_path / "shared", hidden / "corpus", other / "corpus", other, tmp_path / "nowhere"]
    shown = check(shell, "--dir", tmp_path / "work", *paths)
    assert shown.returncode == 1
    verdicts = [line[2:].split("  ")[0].strip() for line in shown.stdout.splitlines()[1:]]
    assert verdicts == [*["ok"] * 4, "ONLY ON NODES", "ONLY HERE", "DIFFERENT", "MISSING"], shown.stdout + shown.stderr


def test_a_work_directory_of_this_machine_alone_is_an_error(check, tmp_path: Path) -> None:
    shown = check(MOUNT.format(tmp_path), "--dir", tmp_path / "work")
    assert shown.returncode == 1
    assert "it ended without a footer in its log" in shown.stderr
    assert f"the nodes do not see {tmp_path}/work: put --dir, exp and data on a shared disk" in shown.stderr
