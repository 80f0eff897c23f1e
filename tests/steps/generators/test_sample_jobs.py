"""Arrays of sampling jobs: of any shape, killed or not, they give the bytes of one process, and no part goes astray."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from steps.generators import merge_samples, plan_samples, sample
from steps.text.encode import SentenceEncoder
from tests.processes import small_files, wait_for
from tests.steps.generators.conftest import ROOT
from tests.steps.generators.experiment import Experiment
from tests.steps.generators.test_sample import files, words
from utils.tables import read_lines

TEXTS = "b\tA deep voice.\na\tA high voice.\n"


def parts(out: Path) -> list[Path]:
    """The parts that jobs have left."""
    return sorted(out.parent.glob(f".{out.name}.parts/*/part-*.npz"))


def start(options: list[str], *more: str) -> subprocess.Popen:
    """Start a sampling job."""
    command = [sys.executable, "-m", "steps.generators.sample", *options, *more]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def alone(experiment: Experiment, models, tmp_path_factory) -> Path:
    """2,400 speakers, which make 8 shards, drawn by one process."""
    out = tmp_path_factory.mktemp("alone") / "out"
    assert sample.main(words(experiment, models["ridge_gaussian"], out, "-n", "600")) == 0
    return out


@pytest.mark.parametrize("nj", [1, 2, 5, 40])
def test_any_number_of_jobs_gives_the_same_bytes(alone, experiment: Experiment, models, tmp_path, nj):
    options = words(experiment, models["ridge_gaussian"], tmp_path / "out", "-n", "600", "--nj", str(nj))
    assert plan_samples.main(options) == 0
    for job in reversed(range(1, nj + 1)):
        assert sample.main([*options, "--job", str(job)]) == 0
    assert not (tmp_path / "out").exists() and len(parts(tmp_path / "out")) == 8
    assert merge_samples.main(options) == 0
    assert files(tmp_path / "out") == files(alone)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_arrays_of_any_shape_and_the_call_that_merge_prints(alone, experiment: Experiment, models, tmp_path, capsys):
    out = tmp_path / "it's $HOME; my dir/out"
    options = words(experiment, models["ridge_gaussian"], out, "-n", "600")
    assert plan_samples.main([*options, "--nj", "3"]) == 0
    jobs = [start(options, "--shards", shards) for shards in ("5", "0,5", "1-2%1")]
    jobs += [start(options, "--job", "4", "--nj", "11"), start(options, "--job", "9", "--nj", "11")]  # of 8 shards
    assert [job.wait() for job in jobs] == [0] * 5
    assert [path.stem for path in parts(out)] == [f"part-{shard:06d}" for shard in (0, 1, 2, 3, 5)]
    for shards, message in (
        ("8", "there is no shard 8; this work has 8 shards"),
        ("0-15%7", "there is no shard 8"),
        ("five", "expected numbers such as 5"),
    ):
        assert sample.main([*options, "--shards", shards]) == 1
        assert message in capsys.readouterr().err
    assert merge_samples.main(options) == 1 and not out.exists()
    said = capsys.readouterr().err.strip()
    assert (
        "3 of 8 parts are missing (as an array of SLURM: --array=4,6-7); this makes them: " in said
        and said.endswith("--shards 4,6-7")
    )
    call = said.partition("this makes them: ")[2]
    subprocess.run(call, shell=True, check=True, cwd=ROOT, stderr=subprocess.DEVNULL)
    assert merge_samples.main(options) == 0
    assert files(out) == files(alone)
    for done in (out, alone):  # merged, or drawn at once: there were never more shards
        options = words(experiment, models["ridge_gaussian"], done, "-n", "600")
        assert sample.main([*options, "--shards", "0,7"]) == 0
        assert sample.main([*options, "--shards", "7,8"]) == 1
        assert "there is no shard 8; this work has 8 shards" in capsys.readouterr().err


def test_a_killed_job_goes_on_where_it_was(experiment: Experiment, models, tmp_path):
    model, out = models["ridge_gaussian"], tmp_path / "out"
    options = words(experiment, model, out, "-n", "20000")
    assert plan_samples.main(options) == 0
    job = start(options, "--job", "1")
    assert wait_for(lambda: len(parts(out)) >= 2 or job.poll() is not None)
    job.send_signal(signal.SIGKILL)
    assert job.wait() == -signal.SIGKILL, "it was over too soon for this test"
    before = {part: part.stat().st_mtime_ns for part in parts(out)}
    assert sample.main([*options, "--job", "1"]) == 0
    assert {part: part.stat().st_mtime_ns for part in before} == before
    assert len(parts(out)) > len(before) >= 2
    assert merge_samples.main(options) == 0
    assert sample.main(words(experiment, model, tmp_path / "alone/out", "-n", "20000")) == 0
    assert files(out) == files(tmp_path / "alone/out")


def test_one_text_is_divided_at_its_chunks(spoken: Experiment, tmp_path):
    options = ["--model", str(spoken.root / "ridge_gaussian"), "--text", "A voice.", "-n", "20000"]
    assert sample.main([*options, "--out", str(tmp_path / "whole/out")]) == 0
    options += ["--out", str(tmp_path / "out"), "--nj", "3"]
    assert plan_samples.main(options) == 0
    for job in (1, 2, 3):
        assert sample.main([*options, "--job", str(job)]) == 0
        assert len(parts(tmp_path / "out")) == job
    assert merge_samples.main(options) == 0
    assert files(tmp_path / "out") == files(tmp_path / "whole/out")


def test_shards_of_several_texts_and_chunks(spoken: Experiment, tmp_path):
    (tmp_path / "texts").write_text(TEXTS)
    options = ["--model", str(spoken.root / "ridge_gaussian"), "--text_file", str(tmp_path / "texts"), "-n", "8195"]
    assert sample.main([*options, "--out", str(tmp_path / "whole/out")]) == 0
    options += ["--out", str(tmp_path / "out")]
    assert plan_samples.main(options) == 0
    for shards in ("1", "2", "0"):  # 8,192 of a; 3 of a and 8,192 of b; 3 of b
        assert sample.main([*options, "--shards", shards]) == 0
    assert merge_samples.main(options) == 0
    assert files(tmp_path / "out") == files(tmp_path / "whole/out")
    keys = [line.split()[0] for line in read_lines(tmp_path / "out/xvector.scp")]
    assert len(keys) == len(set(keys)) == 2 * 8195 and keys[0].startswith("out-a-") and keys[-1].endswith("-0008195")


def test_texts_are_encoded_once_by_the_plan(spoken: Experiment, encoder: SentenceEncoder, tmp_path):
    away = Path(shutil.copytree(encoder.path, tmp_path / encoder.name))
    (tmp_path / "texts").write_text(TEXTS)
    options = ["--model", str(spoken.root / "ridge_gaussian"), "--text_file", str(tmp_path / "texts"), "-n", "300"]
    options += ["--encoder", str(away), "--save_params", "true"]
    assert sample.main([*options, "--out", str(tmp_path / "whole/out")]) == 0
    options += ["--out", str(tmp_path / "out"), "--nj", "2"]
    assert plan_samples.main(options) == 0
    shutil.rmtree(away)
    for job in (1, 2):
        assert sample.main([*options, "--job", str(job)]) == 0
    assert merge_samples.main(options) == 0
    assert files(tmp_path / "out") == files(tmp_path / "whole/out")


def test_one_process_encodes_each_text_once(spoken: Experiment, tmp_path, monkeypatch):
    encoded, encode = [], SentenceEncoder.encode
    monkeypatch.setattr(SentenceEncoder, "encode", lambda self, texts: encoded.append(texts) or encode(self, texts))
    model = str(spoken.root / "ridge_gaussian")
    options = [
        "--model",
        model,
        "--text",
        "A voice.",
        "-n",
        "3",
        "--out",
        str(tmp_path / "out"),
        "--save_params",
        "true",
    ]
    assert sample.main(options) == 0
    assert encoded == [["A voice."]]


def test_parts_of_another_seed_model_or_text_are_never_used(spoken: Experiment, tmp_path, capsys):
    model, texts = Path(shutil.copytree(spoken.root / "ridge_gaussian", tmp_path / "model")), tmp_path / "texts"
    texts.write_text(TEXTS)
    options = ["--model", str(model), "--text_file", str(texts), "-n", "5", "--out", str(tmp_path / "out")]

    def plan_and_draw() -> None:
        assert plan_samples.main(options) == 0
        assert sample.main([*options, "--shards", "0"]) == 0

    def is_refused(*more: str) -> bool:
        status = merge_samples.main([*options, *more]), sample.main([*options, *more, "--shards", "0"])
        refused = "no table of shards for these options and inputs; run python3 -m steps.generators.plan_samples"
        return status == (1, 1) and capsys.readouterr().err.count(refused) == 2

    plan_and_draw()
    assert is_refused("--seed", "1") and is_refused("--spread_temperature", "2")
    texts.write_text(TEXTS.replace("deep", "low"))
    assert is_refused()
    plan_and_draw()
    (model / "weights.safetensors").write_bytes((model / "weights.safetensors").read_bytes() + b" ")
    assert is_refused()
    shutil.copyfile(spoken.root / "ridge_gaussian/weights.safetensors", model / "weights.safetensors")
    assert merge_samples.main(options) == 0
    assert list(tmp_path.glob(".out*")) == []  # the parts of the first texts have gone too
    assert sample.main([*options[:-1], str(tmp_path / "alone/out")]) == 0
    assert files(tmp_path / "out") == files(tmp_path / "alone/out")


def test_a_plan_is_kept_until_it_is_forced(experiment: Experiment, models, tmp_path, caplog):
    options = words(experiment, models["ridge_gaussian"], tmp_path / "out", "-n", "600")
    assert plan_samples.main(options) == 0
    assert sample.main([*options, "--shards", "3"]) == 0
    (part,) = parts(tmp_path / "out")
    stamp = part.stat().st_mtime_ns
    assert plan_samples.main(options) == 0 and sample.main([*options, "--shards", "3"]) == 0
    assert part.stat().st_mtime_ns == stamp
    assert plan_samples.main([*options, "--force", "true"]) == 0 and not part.exists()
    assert sample.main([*options, "--shards", "0-7"]) == 0 and merge_samples.main(options) == 0
    caplog.set_level("INFO")
    assert plan_samples.main(options) == 0 and "up to date" in caplog.text
    assert not list(tmp_path.glob(".out.parts"))


def test_samples_that_keep_a_distance_are_one_chunk_or_refused(experiment: Experiment, models, tmp_path, capsys):
    options = words(
        experiment, models["ridge_gaussian"], tmp_path / "out", "-n", "40000", "--distance_to_others", "0.1"
    )
    for command in (plan_samples, sample):
        assert command.main(options) == 1
        assert "distance_to_others is possible for up to 8192 samples of a text" in capsys.readouterr().err
        assert list(tmp_path.iterdir()) == []


def test_a_job_number_beyond_all_jobs_is_refused(experiment: Experiment, models, tmp_path, capsys):
    options = words(experiment, models["ridge_gaussian"], tmp_path / "out", "--nj", "2")
    assert plan_samples.main(options) == 0
    assert sample.main([*options, "--job", "3"]) == 1
    assert "--job 3: there are --nj 2 jobs" in capsys.readouterr().err


def test_the_printed_call_holds_difficult_words(spoken: Experiment, tmp_path, capsys):
    options = ["--model", str(spoken.root / "ridge_gaussian"), "--text", 'It\'s "$HOME"; a `voice` --seed', "-n", "2"]
    options += ["--out", str(tmp_path / "out"), "--nj", "2"]
    assert plan_samples.main(options) == 0 and merge_samples.main(options) == 1
    call = capsys.readouterr().err.partition("this makes them: ")[2].strip()
    assert sample.main(shlex.split(call)[3:]) == 0
    assert merge_samples.main(options) == 0


@pytest.mark.hostile("Texts beside the table of shards that were removed, or broke off, while jobs wait")
@pytest.mark.parametrize("content", [None, b"", b"PK half"])
def test_texts_that_are_gone_are_encoded_again(experiment: Experiment, models, tmp_path, capsys, content):
    options = words(experiment, models["ridge_gaussian"], tmp_path / "out", "-n", "3")
    assert plan_samples.main(options) == 0
    (texts,) = tmp_path.rglob("texts.npz")
    texts.unlink() if content is None else texts.write_bytes(content)
    assert sample.main([*options, "--job", "1"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and "texts.npz: missing, or not whole; run python3 -m" in said[0]
    assert plan_samples.main([*options, "--force", "true"]) == 0
    assert sample.main([*options, "--job", "1"]) == 0 and merge_samples.main(options) == 0


@pytest.mark.hostile("A table of shards that broke off at the end of a line: samples that nobody would miss")
def test_a_table_that_lacks_samples_is_told(experiment: Experiment, models, tmp_path, capsys):
    options = words(experiment, models["ridge_gaussian"], tmp_path / "out", "-n", "3")
    assert plan_samples.main(options) == 0
    table = next(tmp_path.glob(".out.parts/*/shards.jsonl"))
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    table.write_text("".join(lines[:-1]), encoding="utf-8")
    assert sample.main([*options, "--job", "1"]) == 1
    assert "not a whole table of shards" in capsys.readouterr().err.splitlines()[-1]
    assert merge_samples.main(options) == 1
    assert not (tmp_path / "out").exists()


def test_an_archive_of_parts_that_is_gone_or_cut_is_told(experiment: Experiment, models, tmp_path, capsys):
    options = words(experiment, models["ridge_gaussian"], tmp_path / "out", "-n", "600")
    assert plan_samples.main(options) == 0 and sample.main([*options, "--shards", "0-6"]) == 0
    (archive,) = tmp_path.glob(".out.parts/*/xvector.ark")
    os.truncate(archive, 100)
    assert sample.main([*options, "--shards", "7"]) == 1
    assert "xvector.ark: 100 bytes, expected " in capsys.readouterr().err
    archive.unlink()
    assert sample.main([*options, "--shards", "7"]) == 1
    assert "xvector.ark: missing; run python3 -m steps.generators.plan_samples again" in capsys.readouterr().err
    assert plan_samples.main([*options, "--force", "true"]) == 0 and parts(tmp_path / "out") == []


def test_the_file_that_has_no_room_is_named(experiment: Experiment, models, tmp_path, capsys):
    options = words(experiment, models["ridge_gaussian"], tmp_path / "out", "-n", "6000")
    assert plan_samples.main(options) == 0
    with small_files(1000):
        assert sample.main([*options, "--shards", "0-7"]) == 1
    assert "xvector.ark: File too large; no output was committed" in capsys.readouterr().err.splitlines()[-1]
