"""path.sh, cmd.sh and utils/validate_data_dir.sh: what the shell of a recipe stands on."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from utils.data_dir import write_data_dir

ROOT = Path(__file__).parents[2]


def shell(script: str, cwd: Path, **environment: str) -> str:
    clean = {"PATH": "/usr/bin:/bin", "HOME": os.environ["HOME"], **environment}
    result = subprocess.run(["bash", "-euc", script], cwd=cwd, env=clean, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in a directory with a space, a recipe below it with a link to path.sh, and an environment."""
    root = tmp_path / "my checkout"
    (root / ".venv/bin").mkdir(parents=True)
    (root / ".venv/bin/python3").symlink_to("/bin/true")
    shutil.copy(ROOT / "path.sh", root)
    (root / "egs/a/b").mkdir(parents=True)
    (root / "egs/a/b/path.sh").symlink_to("../../../path.sh")
    return root


@pytest.mark.parametrize("folder", [".", "egs/a/b"])
def test_path_finds_the_checkout_from_anywhere(checkout: Path, folder: str) -> None:
    shown = shell('. ./path.sh; echo "$PATH"; echo "$PYTHONPATH"', checkout / folder)
    assert shown == f"{checkout}/utils:{checkout}/.venv/bin:/usr/bin:/bin\n{checkout}\n"


def test_path_can_be_sourced_again(checkout: Path) -> None:
    assert (
        shell('. ./path.sh; . ./path.sh; echo "$PATH"', checkout)
        == f"{checkout}/utils:{checkout}/.venv/bin:/usr/bin:/bin\n"
    )


def test_path_follows_the_chosen_environment(checkout: Path) -> None:
    show = '. ./path.sh; echo "$PATH"'
    assert shell(show, checkout, PS_PYTHON_BIN="/opt/env/bin") == f"{checkout}/utils:/opt/env/bin:/usr/bin:/bin\n"
    shutil.rmtree(checkout / ".venv")
    assert shell(show, checkout) == f"{checkout}/utils:/usr/bin:/bin\n"


def test_path_sees_an_environment_that_was_made_after_it_was_sourced(checkout: Path) -> None:
    (checkout / ".venv/bin/python3").rename(checkout / "away")
    show = ". ./path.sh; mv away .venv/bin/python3; . ./path.sh; command -v python3"
    assert shell(show, checkout) == f"{checkout}/.venv/bin/python3\n"


def test_path_sets_one_thread_and_c_order_and_leaves_what_the_user_set(checkout: Path) -> None:
    show = '. ./path.sh; echo "$OMP_NUM_THREADS $LC_ALL $HF_HUB_OFFLINE"'
    assert shell(show, checkout) == "1 C 1\n"
    assert shell(show, checkout, OMP_NUM_THREADS="4", LC_ALL="de_DE.UTF-8", HF_HUB_OFFLINE="0") == "4 C 0\n"


def test_path_keeps_the_users_python_path(checkout: Path) -> None:
    show = '. ./path.sh; . ./path.sh; echo "$PYTHONPATH"'
    assert shell(show, checkout, PYTHONPATH="/mine") == f"{checkout}:/mine\n"


def test_one_variable_chooses_the_launcher() -> None:
    show = '. ./cmd.sh; for c in "$train_cmd" "$decode_cmd" "$cuda_cmd"; do echo "${c%% *}"; done'
    assert shell(show, ROOT).split() == ["run.pl"] * 3
    assert shell(show, ROOT, PS_LAUNCHER="slurm.pl").split() == ["slurm.pl"] * 3


@pytest.mark.parametrize("kind", ["train_cmd", "decode_cmd", "cuda_cmd"])
def test_each_command_runs_a_job(tmp_path: Path, kind: str) -> None:
    shell(f'. "{ROOT}/cmd.sh"; . "{ROOT}/path.sh"; ${kind} JOB=1:2 log/x.JOB.log echo JOB', tmp_path)
    assert all(f"\n{n}\n" in (tmp_path / f"log/x.{n}.log").read_text() for n in (1, 2))


Validate = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    directory = tmp_path / "data dir's"
    write_data_dir(directory, {"utt2spk": {"s1-a": "s1", "s1-b": "s1", "s2-a": "s2"}})
    return directory


def validate(*words: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    command = [ROOT / "utils/validate_data_dir.sh", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)


def test_validate_accepts_kaldis_options_anywhere(data: Path) -> None:
    waived = ["--no-text", "--no-feats", "--no-wav", "--no-spk-sort", "--non-print"]
    assert validate(*waived, data).returncode == 0
    assert validate(data.name, *waived, cwd=data.parent).returncode == 0  # a relative path, from elsewhere


@pytest.mark.parametrize("waived", ["--no-text", "--no-feats", "--no-wav"])
def test_validate_requires_what_is_not_waived(data: Path, waived: str) -> None:
    options = {"--no-text", "--no-feats", "--no-wav"} - {waived}
    result = validate(*options, data)
    assert result.returncode == 1
    missing = {"--no-text": "text", "--no-feats": "feats.scp", "--no-wav": "wav.scp"}[waived]
    assert f"{data / missing}: missing" in result.stderr


@pytest.mark.parametrize("content", ["s1-a\n", "s1-a s1 extra\n", "s1-b s1\ns1-a s1\n", "s1-a s1\ns1-a s1\n", ""])
def test_validate_fails_on_a_malformed_utt2spk(data: Path, content: str) -> None:
    (data / "utt2spk").write_text(content)
    result = validate("--no-text", "--no-feats", "--no-wav", data)
    assert result.returncode == 1
    assert "utt2spk" in result.stderr


@pytest.mark.parametrize("words", [[], ["--no-text"], ["--nonsense", "data"], ["one", "two"], ["/nowhere"]])
def test_validate_fails_on_wrong_usage(words: list[str]) -> None:
    result = validate(*words)
    assert result.returncode == 1
    assert result.stderr
