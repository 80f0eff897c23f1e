"""What other toolkits read of our directories: each runs in an environment of its own, on the output of a recipe.

`pip` installs the pinned versions of `TOOLS` into environments below --envs (made anew with --fresh true). A probe, a
script of this folder, then runs in each, from the root of egs/librispeech/plda, as users do; it knows nothing of our
code, and compares what it reads with arrays that this program gives it. Writes a section of RESULTS.md.
"""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from steps.metrics.trial_files import read_trial_scores, read_trials
from steps.verify.acceptance import measure
from tests.bench.plda import RECIPE, run_recipe
from tests.bench.results import PATH, command_line, record, table
from tests.bench.timing import require_one_thread
from utils.archives import read_vectors
from utils.command import logger, run_command
from utils.errors import InputError
from utils.options import option
from utils.tables import read_table

TITLE = "Downstream programs"
HERE = Path(__file__).parent
log = logger(__name__)


class Tool(NamedTuple):
    """A package, the probe that uses it, and the environment that both share with others."""

    name: str
    env: str
    probe: str


TOOLS = (
    Tool("kaldiio 2.18.1", "toolkits", "probe_kaldiio.py"),
    Tool("kaldi-native-io 1.23.0", "toolkits", "probe_native_io.py"),
    Tool("lhotse 1.33.0", "toolkits", "probe_lhotse.py"),
    Tool("speechbrain 1.1.2", "toolkits", "probe_speechbrain.py"),
    Tool("hyperion-ml 0.3.2", "hyperion", "probe_hyperion.py"),
)
PACKAGES = {
    "toolkits": (
        *("torch==2.13.0", "torchaudio==2.11.0", "numpy==2.4.6", "scipy==1.17.1", "kaldiio==2.18.1"),
        *("kaldi-native-io==1.23.0", "lhotse==1.33.0", "speechbrain==1.1.2"),
    ),
    # of 2022: it names np.str, which numpy has no longer since 1.24, and the others fit that numpy
    "hyperion": (
        *("hyperion-ml==0.3.2", "torch==2.13.0", "numpy==1.23.5", "scipy==1.10.1", "scikit-learn==1.2.2"),
        *("pandas==1.5.3", "h5py==3.8.0", "matplotlib==3.7.5", "librosa==0.10.1", "numba==0.57.1", "six==1.17.0"),
        "setuptools==80.9.0",
    ),
}


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    envs: Path = option(Path("exp/bench/envs"), "directory of the environments, some 5 GB")
    python: str = option("python3.11", "that makes them")
    fresh: bool = option(False, "make them anew")
    results: Path = option(PATH, "file whose section is written")


def work(options: Options) -> None:
    """Prepare, probe, record."""
    require_one_thread()
    place = run_recipe()
    setting = write_setting(place, place / "downstream")
    rows, notes = [], []
    for env in PACKAGES:
        notes += make_env(options.envs, env, options.python, options.fresh)
    for tool in TOOLS:
        found = list(probe(options, tool, setting))
        rows += [(tool.name, one["what"], f"{one['read']:,} of {one['of']:,}", one["note"]) for one in found]
        log.info("%s: %s", tool.name, found)
    rates = error_rates(place)
    body = "\n\n".join(
        [ABOUT, *notes, table(("program", "what it reads or does", "count", "remark"), rows), RATES, rates_table(rates)]
    )
    record(options.results, TITLE, command_line("tests.bench.downstream", options), body)


def write_setting(place: Path, out: Path) -> Path:
    """Write what the probes are told: directories as seen from the recipe, and what they should find there."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    verify, inside = place / "verify" / "trials", place.relative_to(RECIPE)
    scripts = {
        "samples": place / "samples/groups/xvector.scp",
        "speakers of samples": place / "samples/groups/spk_xvector.scp",
        "embeddings": place / "embed/xvector.scp",
        "speakers of embeddings": place / "embed/spk_xvector.scp",
        "training set": place / "data/train/xvector.scp",
        "index, training set": place / "index/train/xvector.scp",
        "enrolment": verify / "enrol/xvector.scp",
        "tests, real and sampled": verify / "test/xvector.scp",
    }
    scripts = {name: path for name, path in scripts.items() if path.is_file()}
    for number, path in enumerate(scripts.values()):
        keys, x = read_vectors(path)
        np.savez(out / f"{number}.npz", keys=np.array(keys), x=x)
    setting = {
        "scripts": {
            name: [str(path.relative_to(RECIPE)), str((out / f"{number}.npz").relative_to(RECIPE))]
            for number, (name, path) in enumerate(scripts.items())
        },
        "directories": {
            name: str(inside / name) for name in ("samples/groups", "data/train", "data/audio", "verify/trials")
        },
        "trials": len(read_trials(verify / "trials")),
        "out": str(inside / "downstream"),
    }
    (out / "setting.json").write_text(json.dumps(setting, indent=1), encoding="utf-8")
    return (out / "setting.json").relative_to(RECIPE)


def make_env(envs: Path, name: str, python: str = Options.python, fresh: bool = False) -> list[str]:
    """Install an environment, if it is not there. Returns remarks for the section."""
    env = (envs / name).absolute()
    if fresh:
        shutil.rmtree(env, ignore_errors=True)
    if not (env / "ready").is_file():
        subprocess.run([python, "-m", "venv", "--clear", str(env)], check=True)
        done = subprocess.run(
            [str(env / "bin/python"), "-m", "pip", "install", "--quiet", *PACKAGES[name]],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise InputError(f"{env}: pip could not install {' '.join(PACKAGES[name])}: {done.stderr.strip()[-300:]}")
        (env / "ready").touch()
    return [f"Environment {name}: {', '.join(PACKAGES[name])}."] + without_cuda(env)


def without_cuda(env: Path) -> list[str]:
    """Take out the compiled part of torchaudio where it is linked against CUDA's torch, which is not there."""
    for folder in env.glob("lib/python*/site-packages/torchaudio/lib"):
        tried = subprocess.run([str(env / "bin/python"), "-c", "import torchaudio"], capture_output=True, text=True)
        if tried.returncode:
            folder.rename(folder.with_name("lib.cuda"))
    if list(env.glob("lib/python*/site-packages/torchaudio/lib.cuda")):
        return [TORCHAUDIO]
    return []


def probe(options: Options, tool: Tool, setting: Path) -> list[dict]:
    """What one probe has found: what, read, of and note of each thing it tried."""
    python = (options.envs / tool.env / "bin/python").absolute()
    words = [str(python), "-W", "ignore", str((HERE / tool.probe).absolute()), str(setting)]
    run = subprocess.run(words, cwd=RECIPE, capture_output=True, text=True)
    found = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    if run.returncode:
        reason = run.stderr.strip().splitlines()[-1][:200]
        found.append({"what": "all that follows", "read": 0, "of": 1, "note": f"ends: {reason}"})
    return found


def error_rates(place: Path) -> list[tuple]:
    """Rows of figures of our scores, and of those that other toolkits have written."""
    trials = read_trials(place / "verify/trials/trials")
    utt2spk = read_table(place / "verify/trials/test/utt2spk")
    enrolments = {one: one for one in trials.enrolments}
    files = {"steps.verify, whitening to 64": place / "verify/scores/plda/scores"}
    rows = []
    for name, path in (files | {path.stem: path for path in sorted((place / "downstream").glob("*.scores"))}).items():
        scored = trials.scored(read_trial_scores(path, trials), enrolments, utt2spk)
        found = measure(trials, scored, 10, 0)["all"]
        at = found["at"]["eer"]
        rows.append((name, f"{found['eer']:.2%}", f"{at['stranger']:.2%}", f"{at['sampled']:.2%}"))
    return rows


def rates_table(rows: list[tuple]) -> str:
    """The table of error rates."""
    return table(("scores of", "equal error rate", "strangers accepted", "sampled speakers accepted"), rows)


ABOUT = (
    "Each program reads what egs/librispeech/plda has made of librispeech-251, from the root of that recipe. A vector"
    " counts as read where key and all values are those that our own reader gives; a line of a table where all its"
    " fields are. Kaldi's programs come from no package registry and were not run; hyperion-ml on the index is of"
    " 2022 and reads scp, not the csv of later versions."
)
TORCHAUDIO = (
    "torchaudio, which speechbrain imports, comes linked against torch for CUDA: its compiled part was taken out, so"
    " that it is imported without."
)
RATES = (
    "All trials of the recipe, scored by PLDA that each program has trained on the training set, after its own"
    " projection to 64 directions (LDA, or whitened principal directions) and length normalisation:"
)


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
