"""The recipe on a disk that is full, or read-only: an error, nothing that looks complete, and what was there stays."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# Stage -> what it makes, and how many KiB it finds free: enough to begin, too few to end.
STAGES = {
    "0": (["my data/all"], 40),
    "1": (["my data/descriptions", "my exp/text"], 16),
    "2": ([f"my data/{name}" for name in ("train", "dev", "test", "split")], 64),
    "3": (["my exp/index"], 100),
    "4": (["my exp/mdn", "my exp/gaussian"], 100),
    "5": (["my exp/samples/groups"], 48),
    "6": (["my exp/score"], 200),
}
RESUMED = [".mdn.tmp", ".gaussian.tmp"]  # generators go on from what is there


@pytest.fixture
def mount() -> Iterator[Callable[[Path], None]]:
    """Mounts a small file system of its own on a folder."""
    disks: list[Path] = []

    def at(disk: Path) -> None:
        command = ["mount", "-t", "tmpfs", "-o", "size=32m", "none", str(disk)]
        if os.geteuid() or subprocess.run(command, stderr=subprocess.DEVNULL).returncode:
            pytest.skip("a file system of its own can be mounted by root only, and not everywhere")
        disks.append(disk)

    yield at
    for disk in disks:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path, free: int) -> Path:
    """Write a file that leaves so many KiB. Returns it."""
    ballast = disk / "ballast"
    status = os.statvfs(disk)
    ballast.write_bytes(bytes(status.f_bavail * status.f_frsize - free * 1024))
    return ballast


def test_on_a_full_disk_no_stage_looks_complete_and_room_repairs_it(make_recipe, finished, mount):
    recipe = make_recipe()
    mount(recipe.folder)
    for stage, (outputs, free) in STAGES.items():
        alone = "--stage", stage, "--stop_stage", stage
        ballast = fill(recipe.folder, free)
        said = recipe.run(*alone, status=1)
        assert "No space left on device" in said, stage
        assert "Traceback" not in said, said
        assert [name for name in outputs if (recipe.folder / name).exists()] == []
        left = {path.name for path in recipe.files() if path.name.startswith(".")}
        assert left <= {*RESUMED, ".signature", ".groups.parts"}, stage
        ballast.unlink()
        recipe.run(*alone)
    assert recipe.digests() == finished.digests


@pytest.mark.parametrize(("disk", "stage"), [("my data", "0"), ("my exp", "4"), ("my exp/samples", "5")])
def test_in_a_read_only_folder_what_was_there_stays(make_recipe, finished, mount, disk, stage):
    recipe = make_recipe()
    before = finished.recipe.folder
    shutil.copytree(before, recipe.folder, dirs_exist_ok=True)
    folder = recipe.folder / disk
    mount(folder)
    shutil.copytree(before / disk, folder, dirs_exist_ok=True)
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    digests = recipe.digests()
    said = recipe.run("--stage", stage, "--stop_stage", stage, "--force", "true", status=1)
    assert "Read-only file system" in said
    assert recipe.digests() == digests
