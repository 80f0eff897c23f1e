"""The benchmarks run, at sizes that measure nothing, and what they write is found in RESULTS.md again."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from steps.data.spoken_vectors import read_spoken
from steps.generators.mdn.density import paired_log_density
from tests.bench import many_files, sampled_cohort, sampled_plda
from tests.bench.first_minutes import measure
from tests.bench.generated import Corpus
from tests.bench.reference import Reference
from tests.bench.results import PREFACE, SECTIONS, record, target
from tests.bench.setting import prepare
from tests.bench.simulated_slurm import count_calls
from tests.bench.timing import run_child, run_module
from tests.steps.audio.sounds import babble, write_sound
from tests.steps.verify.corpus import write_corpus
from utils.archive_writer import write_vectors
from utils.errors import InputError
from utils.vectors import unit_rows

TINY = ["--n", "720", "--dim", "8", "--n_texts", "36", "--n_components", "3", "--rounds", "1"]
BENCHMARKS = {
    "train_speed": ("Training speed", [*TINY, "--epochs", "2", "--updates_per_epoch", "10"]),
    "start_speed": ("Start in closed form", ["--n", "1800", "--dim", "8", "--n_texts", "36"]),
    "data_speed": ("Data speed", [*TINY, "--n_written", "1800", "--help_rounds", "0"]),
    "sampling_speed": (
        "Sampling speed",
        [*TINY, "--n_samples", "720", "--small", "18", "--one_text", "600", "--ridge", "false"],
    ),
    "score_speed": ("Scoring speed", ["--n", "800", "--dim", "8", "--rounds", "1", "--recipe", "false"]),
    "growth": (
        "Growth",
        ["--n", "360,720", "--dim", "8", "--n_components", "2", "--n_texts", "18", "--rounds", "1"],
    ),
    "rows": ("Rows by the million", ["--n", "1200,2400", "--dim", "4"]),
    "scan_speed": (
        "Scans of Mamba: errors",
        [
            *("--n", "1", "--frames", "9", "--d_inner", "4", "--d_state", "2", "--rounds", "1", "--channels", "4"),
            *("--error_lengths", "9", "--parts", "time,errors"),
        ],
    ),
    "trial_speed": ("Trials of all pairs", ["--n", "60", "--n_speakers", "6", "--draws", "5"]),
    "dtw_speed": ("Dynamic time warping", ["--pairs", "8", "--looped", "2", "--frames", "12", "--rounds", "1"]),
    "hmm_speed": (
        "Best paths through phrases",
        ["--utterances", "8", "--batch", "5", "--looped", "2", "--frames", "100", "--rounds", "1"],
    ),
    "ivector_speed": (
        "Training of i-vectors",
        ["--utterances", "6", "--components", "3", "--dim", "2", "--factors", "4", "--rounds", "1"],
    ),
    "unit_lm": (
        "Language models of units",
        ["--parts", "speed", "--sequences", "4", "--sampled", "2", "--looped", "1", "--steps", "4", "--rounds", "1"],
    ),
    "gmm_speed": (
        "EM of Gaussian mixtures",
        ["--frames", "200", "--dim", "3", "--components", "4", "--rounds", "1", "--jobs", "false"],
    ),
    "ratio_speed": (
        "Likelihood ratios of trials",
        [*("--tests", "6", "--frames", "9", "--speakers", "3", "--dim", "3"), "--components", "4", "--rounds", "1"],
    ),
    "array_merge": ("Arrays: journals merged, work divided", ["--lines", "200", "--tasks", "4"]),
    "launcher_overhead": ("Launchers", ["--n_jobs", "2", "--rounds", "1", "--slurm_rounds", "0", "--n_waited", "1,20"]),
}


@pytest.mark.parametrize("name", BENCHMARKS)
def test_benchmark_writes_its_section(name, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    title, words = BENCHMARKS[name]
    if name == "train_speed":
        words = [*words, "--out", str(tmp_path)]
    results = tmp_path / "RESULTS.md"
    module = importlib.import_module(f"tests.bench.{name}")
    assert module.main([*words, "--results", str(results)]) == 0
    text = results.read_text()
    assert text.startswith(PREFACE) and f"## {title}\n" in text
    assert f"OMP_NUM_THREADS=1 python3 -m tests.bench.{name} " in text
    assert "nan" not in text and "| ---" in text


def test_detectors_of_speech(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for number in range(3):
        write_sound(tmp_path / "words" / f"{number}.wav", babble(number, 0.4))
    results = tmp_path / "RESULTS.md"
    words = ["--data", str(tmp_path / "words"), "--files", "1", "--words", "3", "--noise", "20", "--rounds", "1"]
    assert importlib.import_module("tests.bench.vad_speed").main([*words, "--results", str(results)]) == 0
    text = results.read_text()
    assert "nan" not in text and re.search(r"^\| webrtc, trim=0.06 \| none \| \d", text, re.MULTILINE)


def test_many_short_files(tmp_path):
    many_files.write_files(tmp_path / "corpus", 120)
    for name, *words in many_files.commands(tmp_path, tasks=2):
        assert importlib.import_module(name).main([str(word) for word in words]) == 0
    many_files.require_all(tmp_path / "asr" / "manifest.jsonl", 120)
    with pytest.raises(SystemExit, match="120 lines, expected those of 121 files"):
        many_files.require_all(tmp_path / "asr" / "manifest.jsonl", 121)


def test_speed_of_extraction(tmp_path, monkeypatch, librispeech_251):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    results = tmp_path / "RESULTS.md"
    words = ["--backends", "xvector", "--files", "3", "--rounds", "1", "--utterances", "100"]
    assert importlib.import_module("tests.bench.embed_speed").main([*words, "--results", str(results)]) == 0
    text = results.read_text()
    words[3] = "2"  # none would be left for the loops that get every 4th
    assert importlib.import_module("tests.bench.embed_speed").main([*words, "--results", str(results)]) == 1
    assert "nan" not in text and len(re.findall(r"^\| (?:xvector|100) \|.*\d", text, re.MULTILINE)) == 4


def test_speed_of_features(tmp_path, monkeypatch, librispeech_251):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    results = tmp_path / "RESULTS.md"
    words = ["--files", "2", "--rounds", "1", "--copies", "1", "--short", "9", "--results", str(results)]
    assert importlib.import_module("tests.bench.feature_speed").main(words) == 0
    text = results.read_text()
    assert "nan" not in text and len(re.findall(r"^\| .+ \| [\d,]+ \([\d,]+ to [\d,]+\) \|", text, re.MULTILINE)) == 19


def test_error_rates_of_real_speakers(tmp_path, monkeypatch, librispeech_251):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    results = tmp_path / "RESULTS.md"
    words = ["--n_speakers", "12", "--n_folds", "2", "--draws", "20", "--results", str(results)]
    assert importlib.import_module("tests.bench.embed_eer").main(words) == 0
    text = results.read_text()
    rows = re.findall(r"^\| (.+) \| ([\d.]+)% \| ([\d.]+)% to ([\d.]+)% \|$", text, re.MULTILINE)
    assert len(rows) == 4 and "of 12 speakers" in text and "one microphone" in text
    rates = {name: float(rate) for name, rate, *_ in rows}
    assert rates["resemblyzer, cosine"] < 10 and rates["log-mel mean and deviation, cosine"] > 10
    assert all(float(low) <= float(high) for *_, low, high in rows)


def test_benchmarks_want_one_thread(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    results = tmp_path / "RESULTS.md"
    assert importlib.import_module("tests.bench.score_speed").main(["--results", str(results)]) == 1
    assert "OMP_NUM_THREADS=1" in capsys.readouterr().err and not results.exists()


def test_sections_keep_their_order_and_replace_their_own(tmp_path):
    path = tmp_path / "RESULTS.md"
    for title in (SECTIONS[2], SECTIONS[0], SECTIONS[1], SECTIONS[2]):
        record(path, title, f"run {title}", f"figures of {title}\n")
    record(path, SECTIONS[0], "run again", "new figures")
    text = path.read_text()
    positions = [text.index(f"## {title}\n") for title in SECTIONS[:3]]
    assert positions == sorted(positions)
    assert text.count("## ") == 3 and "new figures" in text and f"figures of {SECTIONS[0]}" not in text
    with pytest.raises(InputError, match="no section"):
        record(path, "Other", "run", "figures")
    assert path.read_text() == text


def test_targets_are_judged():
    assert target(300, ">= 300") == ">= 300: met"
    assert target(299.9, ">= 300") == ">= 300: MISSED"
    assert target(0.5, "< 0.5") == "< 0.5: MISSED"


def test_the_scheduler_is_not_asked_more_often_about_more_jobs():
    few, many = (count_calls(n_jobs, n_slots=100) for n_jobs in (10, 1000))
    assert many.questions / many.minutes <= few.questions / few.minutes
    assert many.most_in_a_minute <= few.most_in_a_minute + 1


def test_memory_is_the_commands_own():
    ballast = np.ones(50_000_000)  # 400 MB here must not count there
    child = run_child(["python3", "-c", "x = b'1' * 100_000_000"])
    assert 100 < child.megabytes < 200 < ballast.nbytes / 1e6


def test_a_failing_command_is_an_error():
    with pytest.raises(Exception, match="non-zero exit status 1"):
        run_module("utils.data_dir")


def test_the_loop_computes_the_same_density(tmp_path: Path):
    setting = prepare(Corpus(720, 8, 36), tmp_path, n_components=3)
    task = setting.loop("here").task
    loop = Reference(task.network, task.train.latent, setting.train, 1e-4)
    rows, texts = np.arange(10), np.arange(10) % 36
    with torch.no_grad():
        parameters = task.network(task.train.texts[torch.from_numpy(texts)])
        ours = -paired_log_density(task.train.latent[torch.from_numpy(rows)], parameters).mean()
        torch.testing.assert_close(loop.loss(rows, texts), ours)


def test_probes_of_other_toolkits_count_what_agrees(tmp_path):
    """The probe of kaldiio, which is here too, on two directories, one of which is not what it should be."""
    keys, x = ["a-1", "a-2", "b-1"], np.arange(12, dtype=np.float32).reshape(3, 4)
    write_vectors(tmp_path / "xvector.ark", tmp_path / "xvector.scp", keys, x)
    np.savez(tmp_path / "right.npz", keys=np.array(keys), x=x)
    np.savez(tmp_path / "wrong.npz", keys=np.array([*keys[:2], "c-1"]), x=x + np.array([[0], [1], [0]], np.float32))
    scripts = {
        "samples": ["xvector.scp", "right.npz"],
        "others": ["xvector.scp", "wrong.npz"],
        "none": ["no", "right.npz"],
    }
    (tmp_path / "setting.json").write_text(json.dumps({"scripts": scripts, "directories": {}, "out": "."}))
    probe = Path("tests/bench/downstream/probe_kaldiio.py").absolute()
    run = subprocess.run(
        [sys.executable, probe, "setting.json"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    found = [json.loads(line) for line in run.stdout.splitlines()]
    assert [(one["what"], one["read"], one["of"]) for one in found] == [
        ("samples: load_scp", 3, 3), ("others: load_scp", 1, 3), ("none: load_scp", 0, 3), ("samples: load_ark", 3, 3),
    ]  # fmt: skip
    assert found[0]["note"] == "" and found[2]["note"].startswith("FileNotFoundError: ")


def test_cases_are_listed_by_name(tmp_path):
    words = ["--tests", "tests/utils/test_names.py", "--results", str(tmp_path / "RESULTS.md")]
    run_module("tests.bench.field_cases", *words)
    text = (tmp_path / "RESULTS.md").read_text()
    assert re.search(r"## Hostile input\n(.|\n)*\d+ passed, 0 failed(.|\n)*\n\| [^|]+ \| \d+ \| 0 \| 0 \|", text)


def test_mutated_input_is_counted(tmp_path):
    results = tmp_path / "RESULTS.md"
    words = ["--minutes", ".05", "--entries", "fixing", "--results", str(results)]
    assert importlib.import_module("tests.bench.fuzz").main(words) == 0
    assert re.search(r"\n\| fixing \| [1-9]\d* \|.* 0 \|\n", results.read_text())


def test_the_first_minutes_are_told_by_stage():
    script = "echo; echo '03:04:05 stage 0: make, in data'; (while :; do :; done) & sleep .3; kill $!; wait"
    titles = "echo '03:04:06 stage 1: text' >&2"
    run = measure(["bash", "-c", f"{script}; {titles}"])
    assert list(run.stages) == ["before the first stage", "stage 0: make", "stage 1: text"]
    assert run.stages["stage 0: make"] >= 0.3 and run.seconds >= 0.3 and run.processor > 0 and run.cores > 0
    with pytest.raises(subprocess.CalledProcessError, match="status 3") as error:
        measure(["bash", "-c", "echo no; exit 3"])
    assert error.value.output == "no\n"


def test_cohorts_are_compared(tmp_path):
    corpus = write_corpus(tmp_path)
    test, real, sampled = (read_spoken(path) for path in corpus[1::-1] + corpus[2:])
    genders = {speaker: "fm"[number % 2] for number, speaker in enumerate(sorted({*real.speakers, *sampled.speakers}))}
    options = sampled_cohort.Options(size=20, top=10, draws=10, cohorts=2)
    found = [sampled_cohort.compare(test, sampled_cohort.cohorts_of(real, sampled, genders), options)]
    text = sampled_cohort.section(options, found)
    rows = [line for line in text.splitlines() if line.startswith("| ")][2:]
    assert [row.split(" | ")[0][2:] for row in rows] == [sampled_cohort.NONE, *sampled_cohort.KINDS]
    assert "Sampled less real cohorts" in text
    scores = sampled_cohort.pairs(test, unit_rows(test.x.astype(float)))
    assert len(scores.scores) == len(test.x) * (len(test.x) - 1) / 2


def test_back_ends_of_sampled_speakers_are_compared(tmp_path):
    """Speakers of one model stand for real and for sampled ones."""
    spoken = [read_spoken(path) for path in write_corpus(tmp_path)[:2]]
    train, test = (sampled_plda.Utterances(one.x, np.unique(one.speakers, return_inverse=True)[1]) for one in spoken)
    options = sampled_plda.Options(dims=(4, 6), draws=10)
    sets = {kind: [train] for kind in sampled_plda.KINDS}
    sets[sampled_plda.BOTH] = [sampled_plda.joined(train, train)] * 2
    text = sampled_plda.section(options, [sampled_plda.judge(options, sets, test)])
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    assert [row[0][2:] for row in rows[2:7]] == [*sampled_plda.KINDS]
    assert rows[3][3] == "1.00 [1.00 to 1.00]" and "< 1.5: met" in rows[3][5] and "1 in the interval: met" in rows[4][5]
    assert "nan" not in text and rows[-1][1] == rows[-3][1]


def test_figures_of_rivals_are_means_over_splits():
    """Of what a generator lacks, such as a density, there is none."""
    from tests.bench.rivals import cell, section

    assert (cell([0.5, 0.7]), cell([None, 0.25]), cell([None])) == ("0.600 ± 1.271", "0.250", "-")
    one = {
        "log_density": {"nats": None},
        "samples": {"seen": {"frechet": {"ratio": 1.5}}},
        "memorisation": {"copies": 0},
    }
    text = section([{"order": ["mdn"], "models": {"mdn": one}}] * 2)
    assert "| mdn | - | - | - | 1.500 ± 0.000 | - | - |" in text and "nan" not in text
