"""Packages that are not installed: one line with the command that installs them, at the moment they are needed."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from steps.data.arrow_rows import read_arrow
from steps.generators.rivals.flow_generator import ConditionalFlow, FlowSizes
from steps.text.endpoint_settings import read_settings
from utils.command import run_command
from utils.errors import InputError
from utils.extras import LINE, how_to_install
from utils.options import option
from utils.registry import Registry

ROOT = Path(__file__).parents[2]
SETUP = "utils/setup_env.sh --extras"


@dataclass(frozen=True)
class Options:
    path: Path = option(help="a file")


@pytest.fixture
def without(monkeypatch):
    """Hides packages; the command that is advised does not depend on how the tests were started."""
    monkeypatch.delenv("PS_PYTHON_BIN", raising=False)
    return lambda *names: [monkeypatch.setitem(sys.modules, name, None) for name in names]


NEEDS = {
    "pyarrow": (lambda path: read_arrow(path), "{path}: a parquet file needs pyarrow, which", "parquet"),
    "zuko": (lambda path: ConditionalFlow(FlowSizes(2, 2, 1, 4)), "a flow needs zuko, which", "rivals"),
    "openai": (lambda path: read_settings(None), "--augment openai needs openai, which", "openai"),
}


@pytest.mark.field_case("A package of an extra that is not installed")
@pytest.mark.parametrize("module", NEEDS)
def test_a_missing_package_is_told_in_one_line(tmp_path, capsys, without, module):
    use, told, name = NEEDS[module]
    without(module)
    path = tmp_path / "train.parquet"

    def work(options: Options) -> None:
        use(options.path)

    work.__module__ = __name__
    assert run_command(Options, work, ["--path", str(path)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.endswith(f"{told.format(path=path)} is not installed; {SETUP} {name} installs it\n")


def test_the_command_suits_the_environment(monkeypatch, without):
    assert how_to_install({"onnxruntime"}) == f"{SETUP} onnx"
    assert how_to_install({"soxr", "espeakng_loader"}) == f"{SETUP} audio,demo"
    assert how_to_install({"librosa"}) == f"{SETUP} audio"  # the tests need it too
    assert how_to_install({"torch"}) == "utils/setup_env.sh"
    assert how_to_install({"nobody_has_this"}) is None
    monkeypatch.setenv("PS_PYTHON_BIN", str(Path(sys.executable).parent))  # a recipe runs in this one
    monkeypatch.setattr(sys, "prefix", "/opt/conda")
    pins = {module: pin for file in ROOT.glob("requirements-*.txt") for pin, module in LINE.findall(file.read_text())}
    assert how_to_install({"pyarrow"}) == f"{sys.executable} -m pip install {pins['pyarrow']}"
    assert how_to_install({"resemblyzer"}) == f"{sys.executable} -m pip install --no-deps {pins['resemblyzer']}"
    monkeypatch.setattr(sys, "prefix", str(ROOT / ".venv"))
    assert how_to_install({"pyarrow"}) == f"{SETUP} parquet"


def test_a_back_end_whose_package_is_missing_says_so(without):
    without("onnxruntime")
    sys.modules.pop("steps.embed.onnx_backend", None)
    registry = Registry("back-end", {"onnx": "steps.embed.onnx_backend:OnnxBackend"})
    with pytest.raises(InputError, match=f"back-end 'onnx': onnxruntime is not installed; {SETUP} onnx installs it"):
        registry.load("onnx")


def test_a_module_of_nobody_stays_a_bug(without):
    def work(options: Options) -> None:
        import nobody_has_this  # noqa: F401

    work.__module__ = __name__
    with pytest.raises(ModuleNotFoundError):
        run_command(Options, work, ["--path", "x"])


@pytest.mark.field_case("A command in a fresh checkout, before anything is installed")
@pytest.mark.parametrize("words", [["-m", "steps.text.read", "--help"], ["-m", "utils.sweep"], ["-m", "local.demo"]])
def test_a_python_without_the_packages_is_told_in_one_line(words):
    shown = subprocess.run([sys._base_executable, "-S", *words], cwd=ROOT, capture_output=True, text=True)
    assert (shown.returncode, shown.stdout) == (1, "")
    told = "has no numpy and no yaml; run utils/setup_env.sh once, then . ./path.sh"
    assert shown.stderr == f"ERROR: {sys._base_executable} {told}\n"
