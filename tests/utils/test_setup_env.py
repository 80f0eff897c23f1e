"""utils/setup_env.sh in a small checkout with tiny wheels: what it installs, when it does not, and what it survives."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.processes import wait_for

UTILS = Path(__file__).parents[2] / "utils"
OF_USERS = re.compile(r"VIRTUAL_ENV$|CONDA_PREFIX$|PYTHONPATH$|PSEUDOSPEAKERS_|UV_|PIP_")
REQUIREMENTS = {
    "requirements.txt": "torch==2.13.0  # torch: a stand-in\nps-one==1.0  # ps_one: core\n",
    "requirements-demo.txt": "# a comment\nps-two==1.0  # ps_two: voices\n",
    "requirements-demo-nodeps.txt": "ps-three==1.0  # ps_three: names a package that is nowhere\n",
    "requirements-test.txt": "ps-four==1.0  # ls: a program\n",
}


def make_wheel(folder: Path, name: str, version: str, requires: str = "") -> None:
    """A wheel with one empty module."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    files = {
        f"{module}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{module}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)


class Checkout:
    """A copy of what setup_env.sh needs, in a directory with a space, and a folder of wheels."""

    def __init__(self, parent: Path):
        self.root, self.wheels = parent / "my checkout", parent / "wheels"
        (self.root / "utils").mkdir(parents=True)
        for name in ("setup_env.sh", "parse_options.sh", "moved_options.txt"):
            shutil.copy(UTILS / name, self.root / "utils")
        for name, text in REQUIREMENTS.items():
            (self.root / name).write_text(text)
        for name, version in {"torch": "2.13.0", "ps-one": "1.0", "ps-two": "1.0", "ps-four": "1.0"}.items():
            make_wheel(self.wheels, name, version)
        make_wheel(self.wheels, "ps-three", "1.0", "Requires-Dist: nowhere-to-be-found\n")
        self.python = Path(sys._base_executable).parent

    def command(self, *words: str, **environment: str) -> dict:
        """Arguments for subprocess: a call with the wheel folder and without an active environment."""
        clean = {key: value for key, value in os.environ.items() if not OF_USERS.match(key)}
        path = f"{self.python}:/usr/bin:/bin"
        own = {"PATH": path, "PIP_CONFIG_FILE": os.devnull, "PSEUDOSPEAKERS_WHEELS": str(self.wheels)}
        env = {**clean, **own, **environment}
        return {"args": [self.root / "utils/setup_env.sh", *words], "env": env, "text": True}

    def call(self, *words: str, **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run(**self.command(*words, **environment), capture_output=True, timeout=120)

    def installed(self, *words: str, **environment: str) -> str:
        """A call that must choose .venv; what it said on standard error."""
        result = self.call(*words, **environment)
        assert (result.returncode, result.stdout) == (0, f"{self.root}/.venv/bin\n"), result.stderr
        return result.stderr

    def make_venv(self) -> None:
        """An environment without a package, made in no time: it takes pip from where it is."""
        words = ["-m", "venv", "--without-pip", "--system-site-packages", self.root / ".venv"]
        subprocess.run([self.python / "python3", *words], check=True)

    def versions(self) -> dict[str, str]:
        names = self.root.glob(".venv/lib/python3*/site-packages/*.dist-info")
        return dict(
            name.name.removesuffix(".dist-info").split("-") for name in names if name.name.startswith(("ps_", "torch"))
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_installs_once_and_adds_extras(checkout: Checkout) -> None:
    assert "installing into" in checkout.installed()
    assert checkout.versions() == {"torch": "2.13.0", "ps_one": "1.0"}

    said = checkout.installed("--extras", "demo")
    assert f"installing into {checkout.root}/.venv: torch==2.13.0 ps-one==1.0 ps-two==1.0 ps-three==1.0" in said
    assert checkout.versions() == {"torch": "2.13.0", "ps_one": "1.0", "ps_two": "1.0", "ps_three": "1.0"}

    checkout.installed("--extras", "test")
    assert "ps_four" in checkout.versions()
    assert checkout.installed("--extras", "demo,test", PSEUDOSPEAKERS_WHEELS="").count("installing") == 0

    (checkout.root / "requirements.txt").write_text("torch==2.13.0  # torch: x\nps-one==1.1  # ps_one: newer\n")
    make_wheel(checkout.wheels, "ps-one", "1.1")
    checkout.installed("--extras", "demo")
    assert checkout.versions()["ps_one"] == "1.1"

    (checkout.root / "requirements-test.txt").unlink()  # a newer checkout has other files
    (checkout.root / "requirements-demo.txt").write_text("ps-two==1.1  # ps_two: newer\n")
    make_wheel(checkout.wheels, "ps-two", "1.1")
    checkout.installed("--extras", "demo")
    assert checkout.versions()["ps_two"] == "1.1" and "ps_four" in checkout.versions()

    make_wheel(checkout.wheels, "torch", "2.12.0")
    checkout.installed(PSEUDOSPEAKERS_TORCH="torch==2.12.0")
    assert checkout.versions()["torch"] == "2.12.0"
    assert "installing" not in checkout.installed()  # the user's choice stays

    def seconds(work: Callable[[], object]) -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    python = [checkout.root / ".venv/bin/python3", "-c", ""]
    times = [(seconds(checkout.installed), seconds(lambda: subprocess.run(python))) for _ in range(10)]
    done, bare = map(min, zip(*times, strict=True))
    assert done < 6 * bare  # 2 where nothing else runs; pip alone would take 20


def test_an_environment_that_has_it_all_is_used_as_it_is(checkout: Checkout, tmp_path: Path) -> None:
    active = tmp_path / "active"
    subprocess.run([checkout.python / "python3", "-m", "venv", "--without-pip", active], check=True)
    (packages,) = active.glob("lib/python3*/site-packages")
    for module in ("torch", "ps_one", "ps_two", "ps_three"):
        (packages / f"{module}.py").touch()
    checkout.python = active / "bin"
    for extras in ("demo", "demo,test"):
        result = checkout.call("--extras", extras)
        assert (result.returncode, result.stdout, result.stderr) == (0, f"{active}/bin\n", "")
    assert not (checkout.root / ".venv").exists()

    (packages / "ps_two.py").unlink()
    said = checkout.installed("--extras", "demo")
    assert f"{active}/bin/python3 cannot import ps_two (No module named 'ps_two'): using .venv" in said
    assert sorted(path.name for path in packages.glob("ps_*.py")) == ["ps_one.py", "ps_three.py"]


def test_a_killed_installation_is_started_afresh(checkout: Checkout) -> None:
    process = subprocess.Popen(**checkout.command(), start_new_session=True, stderr=subprocess.DEVNULL)
    assert wait_for((checkout.root / ".venv/bin/python3").exists)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (checkout.root / ".venv/.installed").exists()
    leftover = checkout.root / ".venv/leftover"
    leftover.touch()
    checkout.installed()
    assert not leftover.exists()
    assert checkout.versions() == {"torch": "2.13.0", "ps_one": "1.0"}


def test_calls_at_the_same_time_install_once(checkout: Checkout) -> None:
    calls = [subprocess.Popen(**checkout.command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    results = [call.communicate(timeout=120) for call in calls]
    assert [call.returncode for call in calls] == [0, 0, 0]
    assert {out for out, _ in results} == {f"{checkout.root}/.venv/bin\n"}
    assert sum("installing into" in said for _, said in results) == 1


def test_a_failed_installation_is_an_error_and_can_be_repeated(checkout: Checkout) -> None:
    wheel = checkout.wheels / "ps_one-1.0-py3-none-any.whl"
    wheel.rename(checkout.wheels / "away")
    result = checkout.call()
    assert (result.returncode, result.stdout) == (1, "")
    assert "ERROR: the installation failed" in result.stderr
    (checkout.wheels / "away").rename(wheel)
    kept = checkout.root / ".venv/kept"
    kept.touch()
    checkout.installed()
    assert kept.exists()


def test_a_moved_checkout_is_set_up_anew(checkout: Checkout) -> None:
    """Programs of a virtual environment hold its path in their first line."""
    venv = checkout.root / ".venv"
    subprocess.run([checkout.python / "python3", "-m", "venv", "--without-pip", venv], check=True)
    (venv / ".installed").write_text("checkout /where/it/was\n")
    (venv / "leftover").touch()
    checkout.installed()
    assert not (venv / "leftover").exists()
    assert f"checkout {checkout.root}\n" in (venv / ".installed").read_text()


@pytest.fixture
def other_venv(checkout: Checkout, tmp_path: Path) -> Path:
    """The environment of another checkout, to which .venv is a link. It lacks the packages."""
    venv = tmp_path / "other checkout" / ".venv"
    subprocess.run([checkout.python / "python3", "-m", "venv", "--without-pip", venv], check=True)
    (venv / ".installed").write_text("checkout /elsewhere\n")
    (checkout.root / ".venv").symlink_to(venv)
    return venv


@pytest.mark.hostile("A .venv that is a link to the environment of another checkout")
@pytest.mark.parametrize("left", ["", "installing"])
def test_nothing_is_installed_or_cleared_through_a_link(checkout: Checkout, other_venv: Path, left: str) -> None:
    (checkout.root / ".setup").mkdir()
    if left:
        (checkout.root / ".setup" / left).touch()
    before = sorted(other_venv.rglob("*"))
    for _ in range(2):
        result = checkout.call()
        assert (result.returncode, result.stdout) == (1, "")
        error = result.stderr.splitlines()[-1]
        assert f"{checkout.root}/.venv is a link to {other_venv}, whose Python cannot import torch" in error
        assert sorted(other_venv.rglob("*")) == before

    (packages,) = other_venv.glob("lib/python3*/site-packages")
    for module in ("torch", "ps_one"):
        (packages / f"{module}.py").touch()
    assert "installing" not in checkout.installed()
    other_venv.rename(other_venv.with_name("away"))
    assert f"a link to {other_venv}, where there is no bin/python3" in checkout.call().stderr


@pytest.mark.hostile("A .venv with files of somebody's that is no environment")
def test_files_that_are_no_environment_are_not_cleared(checkout: Checkout) -> None:
    (checkout.root / ".venv").mkdir()
    (checkout.root / ".venv/notes").write_text("precious")
    result = checkout.call()
    assert result.returncode == 1 and f"{checkout.root}/.venv is no virtual environment" in result.stderr
    assert (checkout.root / ".venv/notes").read_text() == "precious"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--extras", "demos"], "no requirements-demos.txt; expected some of demo, test"),
        (["--wheels", "/nowhere"], "--wheels: no such folder: /nowhere"),
        (["--wheel", "x"], "invalid option --wheel"),
        (["demo"], "demo: expected options only"),
    ],
)
def test_wrong_options(checkout: Checkout, words: list[str], message: str) -> None:
    result = checkout.call(*words)
    assert (result.returncode, result.stdout) == (1, "")
    assert message in result.stderr
    assert not (checkout.root / ".venv").exists()


@pytest.fixture
def cpu_wheels(checkout: Checkout) -> Path:
    """A folder with the build of torch without CUDA."""
    folder = checkout.root.parent / "cpu wheels"
    make_wheel(folder, "torch", "2.13.0+cpu")
    return folder


def test_a_build_of_torch_without_cuda(checkout: Checkout, cpu_wheels: Path) -> None:
    checkout.make_venv()
    (packages,) = checkout.root.glob(".venv/lib/python3*/site-packages")
    (packages / "nvidia").mkdir()
    choice = {"PSEUDOSPEAKERS_TORCH": "cpu", "PSEUDOSPEAKERS_TORCH_FROM": str(cpu_wheels)}
    said = checkout.installed(**choice)
    assert "torch==2.13.0+cpu ps-one==1.0" in said and re.search(r"installed, \d+(\.\d)?M$", said)
    assert checkout.versions() == {"torch": "2.13.0+cpu", "ps_one": "1.0"} and not (packages / "nvidia").exists()
    assert "installing" not in checkout.installed() + checkout.installed(**choice)
    assert "torch==2.13.0+cpu ps-one" in checkout.installed("--extras", "test")  # the user's choice stays


def test_an_index_of_builds_without_cuda(checkout: Checkout, cpu_wheels: Path) -> None:
    """Beside the registry that pip asks: both are folders here."""
    checkout.make_venv()
    index = checkout.root.parent / "index"
    for name in ("torch", "ps-one"):
        (index / name).mkdir(parents=True)
        source = cpu_wheels if name == "torch" else checkout.wheels
        (wheel,) = source.glob(f"{name.replace('-', '_')}-*.whl")
        (index / name / "index.html").write_text(f'<a href="{wheel.as_uri()}">{wheel.name}</a>')
    pip = {"PSEUDOSPEAKERS_WHEELS": "", "PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": (index / "..").as_uri()}
    pip |= {"PSEUDOSPEAKERS_TORCH": "cpu", "PIP_FIND_LINKS": ""}
    result = checkout.call(**pip)
    assert result.returncode == 1 and "where is torch's build for the CPU? PSEUDOSPEAKERS_TORCH_FROM=" in result.stderr
    checkout.installed(**pip, PSEUDOSPEAKERS_TORCH_FROM=index.as_uri())
    assert checkout.versions()["torch"] == "2.13.0+cpu"
    result = checkout.call(**pip, PSEUDOSPEAKERS_TORCH_FROM="/nowhere")
    assert result.returncode == 1 and "PSEUDOSPEAKERS_TORCH_FROM=/nowhere: no such folder" in result.stderr


@pytest.fixture
def with_uv(checkout: Checkout, tmp_path: Path) -> dict[str, str]:
    """A stand-in for uv in PATH that only writes down its words, and a .venv."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "uv").write_text('#!/bin/sh\necho "$*" >>"$LOG"\nexit "$STATUS"\n')
    (programs / "uv").chmod(0o755)
    checkout.make_venv()
    return {"PATH": f"{programs}:{checkout.python}:/usr/bin:/bin", "LOG": str(tmp_path / "uv.log"), "STATUS": "0"}


def test_uv_installs_where_it_is_there(checkout: Checkout, with_uv: dict[str, str]) -> None:
    assert "pip installs" not in checkout.installed("--extras", "demo", **with_uv)
    first, second = Path(with_uv["LOG"]).read_text().splitlines()
    assert first.startswith("pip install --python .venv/bin/python3 ")
    assert first.endswith(f"--no-index --find-links {checkout.wheels} torch==2.13.0 ps-one==1.0 ps-two==1.0")
    assert second.endswith(f"--find-links {checkout.wheels} --no-deps torch==2.13.0 ps-three==1.0")


def test_pip_installs_where_uv_fails_and_what_uv_has_not_been_told(checkout: Checkout, with_uv: dict[str, str]) -> None:
    assert "uv has failed, see above; pip installs" in checkout.installed(**with_uv | {"STATUS": "2"})
    assert checkout.versions() == {"torch": "2.13.0", "ps_one": "1.0"}
    Path(with_uv["LOG"]).unlink()
    told = {"PSEUDOSPEAKERS_WHEELS": "", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(checkout.wheels)}
    checkout.installed("--extras", "test", **with_uv | told)
    assert not Path(with_uv["LOG"]).exists() and "ps_four" in checkout.versions()


@pytest.mark.skipif(not shutil.which("uv"), reason="uv is not installed")
def test_uv_itself(checkout: Checkout, cpu_wheels: Path) -> None:
    checkout.make_venv()
    path = f"{Path(shutil.which('uv')).parent}:{checkout.python}:/usr/bin:/bin"
    said = checkout.installed("--extras", "demo", PATH=path)
    assert checkout.versions() == {"torch": "2.13.0", "ps_one": "1.0", "ps_two": "1.0", "ps_three": "1.0"}
    choice = {"PSEUDOSPEAKERS_TORCH": "cpu", "PSEUDOSPEAKERS_TORCH_FROM": str(cpu_wheels)}
    said += checkout.installed("--extras", "demo", PATH=path, **choice)
    assert checkout.versions()["torch"] == "2.13.0+cpu" and "pip installs" not in said


def test_no_python(checkout: Checkout, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("bash", "env", "dirname", "readlink", "sha256sum"):
        (programs / name).symlink_to(shutil.which(name))
    result = checkout.call(PATH=str(programs))
    assert result.returncode == 1
    assert "no python3 in PATH; Python 3.11 or newer is needed" in result.stderr


def test_every_line_of_the_real_files_is_pinned_with_a_reason() -> None:
    files = sorted(UTILS.parent.glob("requirements*.txt"))
    assert len(files) > 3
    lines = {file.name: [s for s in file.read_text().splitlines() if not s.startswith("#")] for file in files}
    assert lines["requirements.txt"][0].startswith("torch==")
    for line in sum(lines.values(), []):
        requirement, _, reason = line.partition("#")
        assert requirement.strip().count("==") == 1, line
        name, colon, purpose = reason.partition(":")
        assert name.strip().isidentifier() and colon and purpose.strip(), line
