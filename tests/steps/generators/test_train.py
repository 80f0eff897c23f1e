"""The training command: self-contained directories, clear refusals, and the same bytes after any kill -9."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from steps.generators import train
from steps.generators.contract import load_generator
from steps.generators.speaker_means import read_speaker_means
from tests.processes import small_files, wait_for
from tests.steps.generators.conftest import NAMES, ROOT, SMALL, fit
from tests.steps.generators.experiment import DIM, LIVE, TEXT_DIM, Experiment, write_experiment
from utils.archive_writer import write_vectors
from utils.archives import read_vectors
from utils.pickles import PICKLES

COMMON = {
    "gender.json",
    "within.safetensors",
    "calibration.json",
    "generator.json",
    "weights.safetensors",
    "encoder.json",
    "config.yaml",
    "run_info.json",
    ".done",
}
MEANS = {"spk_mean.ark", "spk_mean.scp"}
NETWORK = {"best.safetensors", "last.safetensors", "metrics.jsonl", "curve.png"}
LONG = "hidden=32,folds=5,epochs=40,patience=40,lr=0.001"


def files(directory: Path) -> dict[str, bytes]:
    """Name -> content of what training has written, without what says how."""
    return {file.name: file.read_bytes() for file in directory.iterdir() if file.name != "run_info.json"}


def lines(metrics: Path) -> int:
    return metrics.read_bytes().count(b"\n") if metrics.is_file() else 0


def refused(made: Experiment, capsys: pytest.CaptureFixture, *more: str, model: str = "mdn") -> str:
    """Train, expect one line of error, and return it."""
    os.chdir(ROOT)
    assert train.main(made.options(model, *more)) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("steps.generators.train: ERROR: ")
    return error


@pytest.mark.parametrize("name", NAMES)
def test_a_model_directory_holds_all_that_sampling_needs(models, experiment: Experiment, name):
    model = models[name]
    assert set(files(model)) | {"run_info.json"} == COMMON | MEANS | (NETWORK if name.startswith("mdn") else set())
    assert not any(file.suffix in PICKLES for file in model.rglob("*"))
    assert (model / "encoder.json").read_bytes() == (experiment.text_vectors / "encoder.json").read_bytes()
    config = yaml.safe_load((model / "config.yaml").read_text())
    assert config["name"] == name and config["store_speaker_means"] is True
    if name.startswith("mdn"):
        assert (config["epochs"], config["hidden"]) == (5, 32)
        assert config["covariance"] == ("shared" if name == "mdn" else "diagonal")
    assert str(experiment.root) not in "".join(
        file.read_text()
        for file in model.iterdir()
        if file.suffix in (".json", ".scp", ".jsonl") and file.stem != "run_info"
    )


def test_the_means_of_the_training_speakers_are_kept(models, experiment: Experiment):
    speakers, means = read_speaker_means(models["mdn"], DIM)
    pairs = experiment.pairs("train")
    assert speakers == [f"gen-s{number:02d}" for number in range(40)]
    for number in (0, 17, 39):
        np.testing.assert_allclose(means[number], pairs.x[pairs.speakers == number].mean(axis=0), rtol=1e-6)


def test_dead_dimensions_neither_break_training_nor_count(models, experiment: Experiment):
    generator = load_generator(models["mdn"])
    assert (generator.dim, generator.text_dim, generator.frame.latent_dim) == (DIM, TEXT_DIM, LIVE)
    sample, _ = generator.mixtures(experiment.pairs("test").variants[:1])[0].sample(np.random.default_rng(0), 100)
    np.testing.assert_allclose(sample[:, LIVE], 3.0, atol=1e-4)  # constant
    np.testing.assert_allclose(sample[:, LIVE + 1], sample[:, 0], atol=1e-3)  # a copy
    np.testing.assert_allclose(sample[:, LIVE + 2], sample[:, 0] + sample[:, 1], atol=1e-3)  # a sum


@pytest.mark.parametrize("captions", ["beside", "instead"])
@pytest.mark.parametrize("name", ["mdn", "mdn_plain", "group_gmm", "ridge_student"])
def test_captions_can_be_trained_on(tmp_path, name, captions):
    made = write_experiment(tmp_path, captions=captions)
    generator, pairs = load_generator(fit(made, name)), made.pairs("test")
    assert np.isfinite(generator.log_density(pairs.x, pairs.captions[:3])).all()


def test_trained_once_and_again_when_something_changes(tmp_path, caplog):
    made = write_experiment(tmp_path)
    model = fit(made, "ridge_gaussian")
    first, stamp = files(model), (model / "weights.safetensors").stat().st_mtime_ns
    caplog.set_level("INFO")
    fit(made, "ridge_gaussian")
    assert "up to date" in caplog.text and (model / "weights.safetensors").stat().st_mtime_ns == stamp
    fit(made, "ridge_gaussian", "--force", "true")
    assert files(model) == first and (model / "weights.safetensors").stat().st_mtime_ns != stamp
    fit(made, "ridge_gaussian", "--set", "penalty=7")
    assert files(model)["weights.safetensors"] != first["weights.safetensors"]


def test_the_seed_counts_where_there_is_one(tmp_path):
    made = write_experiment(tmp_path)
    weights = [(fit(made, "mdn_plain", "--seed", seed) / "weights.safetensors").read_bytes() for seed in "001"]
    assert weights[0] == weights[1] != weights[2]
    fit(made, "gaussian", "--seed", "5", "--precision", "bf16")  # has none, and does not mind


def test_the_precision_of_products_is_an_option_of_networks(tmp_path):
    made, seen = write_experiment(tmp_path), []
    for precision in ("auto", "fp32", "bf16"):
        directory = fit(made, "mdn_plain", "--precision", precision)
        assert f"precision: {precision}" in (directory / "config.yaml").read_text()
        seen.append((directory / "metrics.jsonl").read_text())
    assert seen[0] == seen[1] != seen[2]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--set", "hiden=5"], "--set hiden=5: unknown option; valid ones are manifold, n_components,"),
        (["--set", "hidden=many"], "--set hidden=many: expected int, found 'many'"),
        (["--set", "hidden"], "--set hidden: expected key=value"),
        (["--set", "lr=nan"], "--set lr=nan: expected float"),
        (["--set", "lr=0"], "--set lr=0: expected a finite number above 0"),
        (["--set", "n_components=0"], "expected 1 to 10000, found 0"),
        (["--set", "epochs=-1"], "expected 0 to 1000000, found -1"),
        (["--set", "covariance=full"], "expected one of shared, diagonal, found 'full'"),
        (["--set", "folds=41"], "40 training speakers are too few for 41 folds"),
        (["--precision", "fp16"], "--precision: expected one of auto, fp32, tf32, bf16, found 'fp16'"),
        (["--seed", "-1"], "--seed: expected 0 to 4294967295"),
        (["--use_gpu", "maybe"], "--use_gpu: expected one of auto, true, false"),
        (["--name", "mdm"], "no generator 'mdm'; it lists mdn, mdn_plain"),
        (["--generators", "nowhere.txt"], "nowhere.txt"),
        (["--index", "nowhere"], "nowhere"),
        (["--epochs", "5"], "--epochs"),
    ],
)
def test_a_bad_option_is_one_line(tmp_path, experiment: Experiment, capsys, more, message):
    assert message in refused(experiment, capsys, *more, "--out", str(tmp_path / "out"))
    assert not (tmp_path / "out" / "mdn").exists()


def test_a_job_beyond_the_list_is_one_line(tmp_path, experiment: Experiment, capsys):
    os.chdir(ROOT)
    words = experiment.options("mdn", "--job", "9", "--out", str(tmp_path))
    at = words.index("--name")
    assert train.main([*words[:at], *words[at + 2 :]]) == 1
    assert "--job 9: conf/generators.txt has 8 generators" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("mdn mdn", "list:2: expected 'name fit conf' with a fit of mdn, gaussian, ridge"),
        ("mdn stream -", "list:2: expected 'name fit conf'"),
        ("two no.such:Fit -", "fit 'no.such:Fit': No module named 'no'"),
        ("one ridge -", "list:2: a second generator named 'one'"),
        ("two ridge nowhere.yaml", "nowhere.yaml"),
        ("two mdn bad.yaml", "bad.yaml: hiden: unknown option; valid ones are"),
        ("two mdn worse.yaml", "worse.yaml: hidden: expected int, found 'many'"),
    ],
)
def test_a_bad_list_is_named_with_its_line(tmp_path, experiment: Experiment, capsys, monkeypatch, line, message):
    monkeypatch.chdir(tmp_path)
    Path("bad.yaml").write_text("hiden: 5\n")
    Path("worse.yaml").write_text("hidden: many\n")
    Path("list").write_text(f"one gaussian -  # a comment\n{line}\n")
    assert train.main(experiment.options("two", "--generators", "list", "--out", str(tmp_path))) == 1
    assert message in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_an_error_if_it_must_be(tmp_path, experiment: Experiment, capsys):
    more = ["--use_gpu", "true", "--out", str(tmp_path)]
    assert "torch sees no GPU here; ask for one in cmd.sh, or use --use_gpu auto" in refused(experiment, capsys, *more)
    assert not (tmp_path / "mdn").exists()


def test_a_fit_of_ones_own_is_found_by_its_module(tmp_path, experiment: Experiment, models):
    (tmp_path / "list").write_text("mine steps.generators.linear_generator:GAUSSIAN -\n")
    fit(experiment, "mine", "--generators", str(tmp_path / "list"), "--out", str(tmp_path))
    assert files(tmp_path / "mine")["weights.safetensors"] == files(models["gaussian"])["weights.safetensors"]


def test_a_loss_that_turns_nan_leaves_no_model_but_the_last_good_checkpoint(tmp_path, experiment: Experiment, capsys):
    bad = ["--set", "hidden=32,lr=1e30", "--out", str(tmp_path)]
    first = refused(experiment, capsys, *bad, model="mdn_plain")
    assert "the loss became nan at update" in first and "last.safetensors is the last good checkpoint" in first
    assert not (tmp_path / "mdn_plain").exists()
    assert (tmp_path / ".mdn_plain.tmp" / "last.safetensors").is_file()
    assert refused(experiment, capsys, *bad, model="mdn_plain") == first  # and so every time, until the lr is lowered
    fit(experiment, "mdn_plain", "--out", str(tmp_path))
    assert (tmp_path / "mdn_plain" / "weights.safetensors").is_file()


def test_sentence_vectors_that_are_not_finite_are_an_error(tmp_path, capsys):
    made = write_experiment(tmp_path)
    keys, vectors = read_vectors(made.text_vectors / "text_vec.scp")
    vectors[3, 2] = np.nan
    write_vectors(made.text_vectors / "text_vec.ark", made.text_vectors / "text_vec.scp", keys, vectors)
    for name in ("mdn", "mdn_plain", "ridge_gaussian", "group_gaussian"):
        assert f"text_vec.scp: {keys[3]}: " in refused(made, capsys, model=name)
        assert not (tmp_path / name).exists()


@pytest.mark.parametrize("size", [1_000, 9_000, 40_000])
def test_a_full_disk_is_an_error_and_training_goes_on_where_there_is_room(tmp_path, experiment, models, capsys, size):
    small = ["--set", SMALL["mdn_plain"], "--out", str(tmp_path)]
    with small_files(size):
        assert "File too large; no output was committed" in refused(experiment, capsys, *small, model="mdn_plain")
    assert not (tmp_path / "mdn_plain").exists()
    fit(experiment, "mdn_plain", *small)
    assert files(tmp_path / "mdn_plain") == files(models["mdn_plain"])


def test_killed_at_several_moments_training_ends_with_the_same_bytes(tmp_path, experiment: Experiment, capsys):
    fit(experiment, "mdn", "--set", LONG, "--out", str(tmp_path / "whole"))
    words = experiment.options("mdn", "--set", LONG, "--out", str(tmp_path / "parts"))
    hidden = tmp_path / "parts" / ".mdn.tmp"

    def run() -> subprocess.Popen:
        command = [sys.executable, "-m", "steps.generators.train", *words]
        return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"})

    for epochs in (1, 12):
        process = run()
        assert wait_for(lambda: lines(hidden / "metrics.jsonl") > epochs or process.poll() is not None)  # noqa: B023
        if epochs == 1:  # a second run at the same time
            assert "another process is writing it" in refused(experiment, capsys, *words)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it was over too soon for this test"
        assert not (tmp_path / "parts" / "mdn").exists()
    process = run()
    _, error = process.communicate()
    assert process.returncode == 0 and b"resumed after epoch" in error
    assert files(tmp_path / "parts" / "mdn") == files(tmp_path / "whole" / "mdn")
    assert [path.name for path in (tmp_path / "parts").iterdir()] == ["mdn"]


def test_all_generators_of_the_list_are_trained_as_an_array(tmp_path, experiment: Experiment):
    (tmp_path / "small.yaml").write_text("epochs: 2\nhidden: 32\nfolds: 5\n")
    (tmp_path / "list").write_text(f"# two\n\nnet mdn {tmp_path}/small.yaml\n  # and\nline ridge -")
    script = str(ROOT / "steps/generators/train.sh")
    paths = [experiment.index, experiment.descriptions, experiment.text_vectors, tmp_path / "my exp"]
    arguments = ["--generators", str(tmp_path / "list"), "--use_gpu", "false", *map(str, paths)]
    unknown = subprocess.run([script, "--set", "hiden=16", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert unknown.returncode == 1 and unknown.stderr.count("--set hiden=16: unknown option; valid ones are") == 1
    assert not (tmp_path / "my exp").exists()
    arguments[:0] = ["--set", "hidden=16,store_speaker_means=false"]  # which the ridge has not
    done = subprocess.run([script, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "my exp").iterdir()} == {"net", "line", "log"}
    assert json.loads((tmp_path / "my exp" / "net" / "generator.json").read_text())["values"]["sizes"]["hidden"] == 16
    assert not list((tmp_path / "my exp").glob("*/spk_mean.ark"))
    (tmp_path / "empty").write_text("# nothing\n")
    for words, message in (
        (["--generators", str(tmp_path / "empty"), *map(str, paths)], "no generator in it"),
        (["--generators", str(tmp_path / "nowhere"), *map(str, paths)], "cannot read the list"),
        (arguments[:-1], "expected <index> <descriptions>"),
    ):
        done = subprocess.run([script, *words], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 1 and message in done.stderr


def test_the_launcher_is_asked_for_as_many_gpus(tmp_path):
    def launched(*words: str) -> str:
        launcher = f"{sys.executable} tests/utils/print_words.py"
        script = [str(ROOT / "steps/generators/train.sh"), "--cmd", launcher, *words, "i", "d", "t", str(tmp_path)]
        done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True)
        return done.stdout + done.stderr

    assert "'--gpu'" not in launched() and "--num_gpus" not in launched("--use_gpu", "auto")
    assert launched("--num-gpus", "2").startswith(
        "['--gpu', '2', '--num-threads', '2', '--expect-mem', '700', 'JOB=1:8', "
    )
    assert "'--num_gpus', '2'" in launched("--num_gpus", "2")
    on_processors = launched("--num_gpus", "2", "--use_gpu", "false")
    assert on_processors.startswith(
        "['--gpu', '2', '--num-threads', '2', '--gpu', '0', '--expect-mem', '700', 'JOB=1:8', "
    )
    assert "--num_gpus: expected int, found 'none'" in launched("--num_gpus", "none")
