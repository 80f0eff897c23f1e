"""The sampling command: a valid data directory with true provenance, the same bytes however made, or an error."""

import csv
import json
import math
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import kaldiio
import numpy as np
import pytest

from steps.generators import merge_samples, plan_samples, sample
from steps.generators.contract import load_generator
from steps.generators.mixture import Frame, Mixture
from steps.generators.sampling import Voices
from steps.generators.speaker_means import read_speaker_means
from tests.processes import small_files, wait_for
from tests.steps.generators.conftest import ROOT, fit
from tests.steps.generators.experiment import DIM, Experiment, write_experiment
from utils.archives import read_vectors
from utils.tables import read_table

MADE_BY = {"config.yaml", "run_info.json"}  # say how a directory was made, not what is in it
COLUMNS = ["id", "text_id", "text", "component", "seed", "log_density", "nearest_speaker", "distance"]
ODD = "A \"deep\" voice, 'slow' $(touch hacked) `touch hacked` $HOME; touch hacked | 🎤👩‍🦰 ä — ½ \\n %d"


def words(experiment: Experiment, model: Path, out: Path, *more: str) -> list[str]:
    """Options to sample for the groups of an experiment."""
    paths = {"model": model, "out": out, "descriptions": experiment.descriptions}
    paths["text_vectors"] = experiment.text_vectors
    return [*(word for name, path in paths.items() for word in (f"--{name}", str(path))), *more]


def files(directory: Path) -> dict[str, bytes]:
    """Name -> content of all files; the path of the archive relative to the directory."""
    found = {}
    for file in sorted(file for file in directory.rglob("*") if file.name not in MADE_BY):
        found[file.name] = file.read_bytes().replace(str(directory.absolute()).encode(), b"HERE")
    found["xvector.csv"] = found["xvector.csv"].replace(b'"', b"")  # around names with a comma
    return found


def samples(directory: Path) -> dict[str, bytes]:
    """The same without what the options decide beside the samples: the signature and the parameters."""
    return {name: content for name, content in files(directory).items() if name != ".done" and "mixtures" not in name}


def provenance(directory: Path) -> list[dict]:
    return [json.loads(line) for line in (directory / "provenance.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def drawn(experiment: Experiment, models, tmp_path_factory) -> Path:
    """Nine speakers for each group, with parameters, in a directory of a difficult name."""
    out = tmp_path_factory.mktemp("drawn") / "samples, all"
    assert sample.main(words(experiment, models["mdn"], out, "-n", "9", "--save_params", "true")) == 0
    return out


def test_the_directory_is_complete_and_valid(drawn):
    assert {file.name for file in drawn.iterdir()} == {
        "xvector.ark", "xvector.scp", "spk_xvector.scp", "num_utts.ark", "xvector.csv", "utt2spk", "spk2utt",
        "utt2description", "utt2group", "spk2gender", "provenance.jsonl", "mixtures.npz", "mixtures.json",
        "config.yaml", "run_info.json", ".done",
    }  # fmt: skip
    script = [str(ROOT / "utils/validate_data_dir.sh"), "--no-text", "--no-feats", "--no-wav", str(drawn)]
    done = subprocess.run(script, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in drawn.parent.iterdir()] == [drawn.name]  # nothing is left beside it


def test_the_tables_say_whose_voice_it_is(drawn, experiment: Experiment):
    utt2spk, group, gender = (read_table(drawn / name) for name in ("utt2spk", "utt2group", "spk2gender"))
    assert len(utt2spk) == 36 and all(key == speaker for key, speaker in utt2spk.items())
    assert read_table(drawn / "spk2utt") == utt2spk
    text, described = read_table(drawn / "utt2description"), read_table(experiment.descriptions / "text")
    for key in utt2spk:
        name, text_id, _, number = re.fullmatch(r"(samples_all)-(.*)-([0-9a-f]{8})-([0-9]{7})", key).groups()
        assert name == "samples_all" and number in ("0000001", "0000002", "0000003")
        assert text[key] == described[text_id]
        assert group[key] == text_id[:-4]
        assert gender[key] == group[key][0]


def test_kaldiio_and_our_tables_read_the_same_vectors(drawn):
    keys, matrix = read_vectors(drawn / "xvector.scp")
    assert keys == sorted(keys) and matrix.shape == (36, 10) and np.isfinite(matrix).all()
    archive = dict(kaldiio.load_ark(str(drawn / "xvector.ark")))
    for name in ("xvector.scp", "spk_xvector.scp"):
        table = kaldiio.load_scp(str(drawn / name))
        assert sorted(table) == keys
        for key, vector in zip(keys, matrix, strict=True):
            assert table[key].dtype == np.float32
            assert table[key].tobytes() == archive[key].tobytes() == vector.tobytes()


def test_the_csv_of_hyperion_points_at_the_vectors(drawn):
    with (drawn / "xvector.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    keys, matrix = read_vectors(drawn / "xvector.scp")
    assert list(rows[0]) == ["id", "storage_path", "storage_byte"] and [row["id"] for row in rows] == keys
    for row, vector in zip(rows, matrix, strict=True):
        content, start = Path(row["storage_path"]).read_bytes(), int(row["storage_byte"])
        assert content[start : start + 6] == b"\0BFV \4"
        assert content[start - len(row["id"]) - 1 : start] == row["id"].encode() + b" "
        assert np.frombuffer(content, "<f4", 10, start + 10).tobytes() == vector.tobytes()


def test_provenance_is_complete_and_true(drawn, models, experiment: Experiment):
    told, text = provenance(drawn), read_table(drawn / "utt2description")
    assert sorted(row["id"] for row in told) == sorted(text)
    vectors = dict(zip(*read_vectors(drawn / "xvector.scp"), strict=True))
    speakers, means = read_speaker_means(models["mdn"], DIM)
    means = means / np.linalg.norm(means, axis=1, keepdims=True)
    generator = load_generator(models["mdn"])
    for row in told:
        assert list(row) == COLUMNS
        x = vectors[row["id"]][None]
        _, text_vector = read_vectors(experiment.text_vectors / "text_vec.scp", [row["text_id"]])
        (mixture,) = generator.mixtures(text_vector)
        assert row["log_density"] == pytest.approx(mixture.log_density(x)[0], abs=2e-6)
        assert (row["text"], row["seed"]) == (text[row["id"]], 0) and row["component"] in range(15)
        away = 1 - means @ (x[0] / np.linalg.norm(x))
        assert row["nearest_speaker"] == speakers[int(away.argmin())]
        assert row["distance"] == pytest.approx(away.min(), abs=2e-6)


def test_the_saved_mixtures_give_the_density(drawn):
    told, vectors = provenance(drawn), dict(zip(*read_vectors(drawn / "xvector.scp"), strict=True))
    arrays, table = (
        np.load(drawn / "mixtures.npz", allow_pickle=False),
        json.loads((drawn / "mixtures.json").read_text()),
    )

    def density(parameters: dict, basis: np.ndarray, x: np.ndarray) -> float:
        frame = Frame(np.zeros(len(basis)), np.asarray(basis))
        means = frame.to_latent(np.asarray(parameters["means"]))  # of the embeddings' space
        mixture = Mixture(np.log(parameters["weights"]), means, np.asarray(parameters["scales"]), frame)
        return mixture.log_density(x[None])[0]

    for row in told[::5]:
        own = {name: arrays[f"{row['text_id']}/{name}"] for name in ("weights", "means", "scales", "basis", "dof")}
        assert math.isinf(own["dof"])
        found = density(own, arrays[f"bases/{own['basis']}"], vectors[row["id"]])
        assert found == pytest.approx(row["log_density"], abs=1e-4)
        own = table["texts"][row["text_id"]]
        assert own["text"] == row["text"] and own["dof"] is None
        found = density(own, np.array(table["bases"][own["basis"]]), vectors[row["id"]])
        assert found == pytest.approx(row["log_density"], abs=1e-4)


@pytest.mark.parametrize("name", ["ridge_student", "group_gmm", "mdn_plain"])
def test_every_kind_can_be_sampled_with_parameters(experiment: Experiment, models, tmp_path, name):
    out = tmp_path / name
    assert sample.main(words(experiment, models[name], out, "-n", "2", "--save_params", "true")) == 0
    table = json.loads((out / "mixtures.json").read_text())
    assert sum(table["texts"]["male_low-v01"]["weights"]) == pytest.approx(1)
    assert (table["texts"]["male_low-v01"]["dof"] is not None) == (name == "ridge_student")


def test_the_command_and_python_draw_the_same_and_texts_stay_verbatim(spoken: Experiment, tmp_path):
    model = spoken.root / "ridge_gaussian"
    options = ["--model", str(model), "--text", ODD, "-n", "7", "--seed", "5", "--out", str(tmp_path / "out")]
    assert sample.main(options) == 0
    matrix = read_vectors(tmp_path / "out" / "xvector.scp")[1]
    assert Voices(model).sample(ODD, n=7, seed=5).tobytes() == matrix.tobytes()
    assert set(read_table(tmp_path / "out" / "utt2description").values()) == {ODD}
    assert {row["text"] for row in provenance(tmp_path / "out")} == {ODD}
    assert not (tmp_path / "out" / "utt2group").exists()  # the text is no group's
    script = [str(ROOT / "utils/validate_data_dir.sh"), "--no-text", "--no-feats", "--no-wav", str(tmp_path / "out")]
    assert subprocess.run(script, capture_output=True).returncode == 0


def run_script(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    script = str(ROOT / "steps/generators/sample.sh")
    return subprocess.run([script, *arguments], capture_output=True, text=True, cwd=cwd)


def test_no_shell_evaluates_a_text(spoken: Experiment, tmp_path):
    model, logs = spoken.root / "ridge_gaussian", tmp_path / "a log"
    paths = [str(spoken.descriptions), str(spoken.text_vectors), str(model), str(tmp_path / "a text"), str(logs)]
    done = run_script("--nj", "2", "--n_samples", "3", "--seed", "5", "--text", ODD, *paths)
    assert done.returncode == 0, done.stderr + (logs / "sample.1.log").read_text()
    assert not (ROOT / "hacked").exists() and not (tmp_path / "hacked").exists()
    assert set(read_table(tmp_path / "a text" / "utt2description").values()) == {ODD}
    options = ["--model", str(model), "--text", ODD, "-n", "3", "--seed", "5", "--out", str(tmp_path / "alone/a text")]
    assert sample.main(options) == 0
    assert samples(tmp_path / "alone/a text") == samples(tmp_path / "a text")


def test_the_script_samples_the_groups(experiment: Experiment, models, tmp_path):
    model, out, log = models["ridge_gaussian"], tmp_path / "out", tmp_path / "log"
    paths = [experiment.descriptions, experiment.text_vectors, model, out, log]
    done = run_script("--nj", "3", "--n_samples", "9", *map(str, paths))
    assert done.returncode == 0, done.stderr
    assert sample.main(words(experiment, models["ridge_gaussian"], tmp_path / "alone/out", "-n", "9")) == 0
    assert samples(tmp_path / "out") == samples(tmp_path / "alone/out")
    for arguments, message in (
        (["--text", "one\ntwo", *map(str, paths)], "newline"),
        (["--nj", "2"], "expected <descriptions> <text-vectors>"),
        (["--n_samples", "-1", *map(str, paths)], "n_samples"),
    ):
        done = run_script(*arguments)
        assert done.returncode == 1 and message in done.stderr + (log / "sample.1.log").read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["-n", "0"], "--n_samples: expected 1 to 9999999, found 0"),
        (["-n", "-5"], "--n_samples: expected 1 to 9999999, found -5"),
        (["-n", "many"], "--n_samples: expected int, found 'many'"),
        (["-n", "1.5"], "--n_samples: expected int, found '1.5'"),
        (["--temperature", "0"], "--temperature: expected a finite number above 0, 1000000.0 or less, found 0.0"),
        (["--temperature", "nan"], "--temperature: expected float, found 'nan'"),
        (["--temperature", "inf"], "--temperature: expected a finite number above 0, 1000000.0 or less"),
        (["--weight_temperature", "-1"], "--weight_temperature: expected a finite number above 0"),
        (["--spread_temperature", "0"], "--spread_temperature: expected a finite number above 0"),
        (["--distance_to_train", "-0.1"], "--distance_to_train: expected 0 to 2"),
        (["--nj", "0"], "--nj: expected 1 to 100000"),
        (["--job", "1"], "run python3 -m steps.generators.plan_samples with the same options first"),
        (["--text", "A voice"], "give one of --text, --text_file and --descriptions"),
        (["--n_sample", "5"], "--n_sample"),
        (["--distance_to_others", "1.2", "--max_tries", "2"], "in 2 tries; allow smaller distances"),
    ],
)
def test_a_bad_option_is_one_line_and_leaves_nothing(experiment: Experiment, models, tmp_path, capsys, change, message):
    assert sample.main(words(experiment, models["ridge_gaussian"], tmp_path / "out", *change)) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("steps.generators.sample: ERROR: ") and message in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("n_sample: 5", "conf.yaml: n_sample: unknown option; valid ones are model, out, text,"),
        ("n_samples: many", "conf.yaml: n_samples: expected int, found 'many'"),
        ("n_samples: -3", "conf.yaml: n_samples: expected 1 to 9999999"),
        ("temperature: .nan", "conf.yaml: temperature: expected float, found nan"),
        ("temperature: [1]", "conf.yaml: temperature: expected float"),
        ("save_params: maybe", "conf.yaml: save_params: expected bool"),
        ("- 5", "conf.yaml: expected lines 'option: value'"),
    ],
)
def test_a_bad_configuration_is_named(experiment: Experiment, models, tmp_path, capsys, content, message):
    (tmp_path / "conf.yaml").write_text(content)
    options = words(experiment, models["mdn"], tmp_path / "out", "--conf", str(tmp_path / "conf.yaml"))
    assert sample.main(options) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_bad_texts_are_refused_before_anything_is_drawn(spoken: Experiment, tmp_path, capsys):
    model = ["--model", str(spoken.root / "ridge_gaussian"), "--out", str(tmp_path / "out")]
    (tmp_path / "texts").write_bytes(b"a\tA voice.\na\tAnother.\n")
    for source, message in (
        (["--text", "  "], "--text: empty text"),
        (["--text", ""], "--text: empty text"),
        (["--text", "one\ntwo"], "line break"),
        (["--text", "a\udcff"], "--text: the text is not UTF-8"),
        (["--text_file", str(tmp_path / "texts")], "texts:2: duplicate id 'a'"),
        (["--text_file", str(tmp_path / "nowhere")], "nowhere: no such file or directory"),
        (["--text", "A voice.", "--encoder", str(tmp_path)], "no modules.json here"),
        (["--text", "A voice.", "--text_vectors", str(spoken.text_vectors)], "leave it out"),
    ):
        assert sample.main([*model, *source]) == 1
        assert message in capsys.readouterr().err
        assert [path.name for path in tmp_path.iterdir()] == ["texts"]


def test_vectors_of_another_encoder_are_refused(experiment: Experiment, spoken: Experiment, tmp_path, capsys):
    options = words(experiment, spoken.root / "ridge_gaussian", tmp_path / "out")
    assert sample.main(options) == 1
    assert "encoded by another encoder or reader than" in capsys.readouterr().err


def test_a_model_with_a_pickle_is_refused(experiment: Experiment, models, tmp_path, capsys):
    model = Path(shutil.copytree(models["mdn"], tmp_path / "model"))
    (model / "model.pt").write_bytes(b"\x80\x04.")
    assert sample.main(words(experiment, model, tmp_path / "out")) == 1
    assert "model.pt: a pickle can run code and is never loaded" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_model_without_speakers_says_nothing_of_them(tmp_path):
    made = write_experiment(tmp_path / "made")
    model = fit(made, "ridge_gaussian", "--store_speaker_means", "false")
    assert sample.main(words(made, model, tmp_path / "out", "-n", "2")) == 0
    assert {(row["nearest_speaker"], row["distance"]) for row in provenance(tmp_path / "out")} == {(None, None)}


def test_a_finished_directory_is_left_alone_until_something_changes(experiment: Experiment, models, tmp_path, caplog):
    model, out = Path(shutil.copytree(models["ridge_gaussian"], tmp_path / "model")), tmp_path / "out"
    options = words(experiment, model, out, "-n", "2")
    assert sample.main(options) == 0
    first, stamp = files(out), (out / "xvector.ark").stat().st_mtime_ns
    caplog.set_level("INFO")
    assert sample.main(options) == 0 and "up to date" in caplog.text
    assert sample.main([*options, "--job", "1"]) == 0  # a job of a finished array has nothing to do
    assert merge_samples.main(options) == 0
    assert (out / "xvector.ark").stat().st_mtime_ns == stamp
    assert sample.main([*options, "--force", "true"]) == 0
    assert files(out) == first and (out / "xvector.ark").stat().st_mtime_ns != stamp
    assert sample.main([*options, "--seed", "1"]) == 0
    assert files(out)["xvector.ark"] != first["xvector.ark"]


def test_files_of_the_user_are_not_overwritten(experiment: Experiment, models, tmp_path, capsys):
    (tmp_path / "utt2spk").write_text("mine mine\n")
    assert sample.main(words(experiment, models["mdn"], tmp_path)) == 1
    assert "files that no stage has written" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["utt2spk"]


@pytest.mark.parametrize("module", ["sample", "merge_samples"])
def test_killed_and_run_again_ends_with_the_same_bytes(experiment: Experiment, models, tmp_path, module):
    options = words(experiment, models["ridge_gaussian"], tmp_path / "whole/out", "-n", "10000")
    assert sample.main(options) == 0
    options[options.index("--out") + 1] = str(tmp_path / "out")
    hidden = tmp_path / ".out.tmp"
    if module == "merge_samples":
        assert plan_samples.main(options) == 0
        assert sample.main([*options, "--job", "1"]) == 0
    command = [sys.executable, "-m", f"steps.generators.{module}", *options]
    for name, size in (("xvector.ark", 1), ("provenance.jsonl", 3_000_000)):
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)

        def grown(name: str = name, size: int = size) -> bool:
            return any(file.stat().st_size >= size for file in hidden.rglob(name))

        assert wait_for(lambda: grown() or process.poll() is not None)  # noqa: B023
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it was over too soon for this test"
        assert not (tmp_path / "out").exists()
    assert {"sample": sample, "merge_samples": merge_samples}[module].main(options) == 0
    assert files(tmp_path / "out") == files(tmp_path / "whole/out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "whole"]


def test_a_full_disk_is_an_error_and_leaves_nothing(experiment: Experiment, models, tmp_path, capsys):
    options = words(experiment, models["ridge_gaussian"], tmp_path / "out", "-n", "500")
    with small_files(20_000):
        assert sample.main(options) == 1 and plan_samples.main(options) == 1
    assert capsys.readouterr().err.count("File too large; no output was committed") == 2
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]
    assert plan_samples.main(options) == 0
    with small_files(20_000):
        assert sample.main([*options, "--job", "1"]) == 1
    assert "File too large; no output was committed" in capsys.readouterr().err
    left = {file.name for file in tmp_path.rglob("*") if file.is_file()}
    assert left == {"shards.jsonl", "texts.npz", "xvector.ark"}
