"""The way of a GPU: padded batches that processes decode, filter banks in torch. On a processor where no GPU is."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("soundfile")
pytest.importorskip("kaldi_native_fbank", reason="kaldi-native-fbank is not installed")

from steps.audio.recordings import read_utterances  # noqa: E402
from steps.embed import extract, merge, plan  # noqa: E402
from steps.embed.backend import load_backend  # noqa: E402
from steps.embed.batches import BatchRule, TimedUtterance  # noqa: E402
from steps.embed.loading import LoadingProcesses, load_batch  # noqa: E402
from steps.embed.torch_settings import precision_here  # noqa: E402
from tests.processes import is_alive, wait_for  # noqa: E402
from tests.steps.audio.sounds import write_sound  # noqa: E402
from tests.steps.embed.extractions import content, run_all, write_tree  # noqa: E402
from tests.steps.embed.networks_for_tests import DyingFrontEnd, PaddedXVector  # noqa: E402
from utils.archives import read_vectors  # noqa: E402
from utils.errors import InputError  # noqa: E402

SMALL = "random_seed=1,hidden=32,pooled=40,dim=16"
ON_GPU = "tests.steps.embed.networks_for_tests:PaddedXVector"
CUDA = torch.cuda.is_available()


def cosine_distances(first: Path, second: Path) -> np.ndarray:
    """(N,) of the embeddings of two results."""
    (keys, a), (others, b) = read_vectors(first / "xvector.scp"), read_vectors(second / "xvector.scp")
    assert keys == others
    return 1 - (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """Utterances of 0.5 to 4 s, one of 47 s in three parts, one that is silent."""
    root = write_tree(tmp_path_factory.mktemp("tree"), range(16))
    write_sound(root / "a/s/silent.wav", np.zeros(16000, np.float32))
    return root


@pytest.mark.parametrize(
    ("backend", "own", "most"),
    [
        ("xvector", SMALL, 1e-6),
        pytest.param("eres2netv2", "random_seed=1", 1e-4, marks=pytest.mark.skipif(not CUDA, reason="no GPU")),
        pytest.param("resemblyzer", "", 1e-6, marks=pytest.mark.skipif(not CUDA, reason="no GPU")),
    ],
)
def test_equals_the_way_of_a_processor_for_any_number_of_jobs(tree, tmp_path, monkeypatch, backend, own, most):
    words = ["--max_fail", "0.2", *(["--set", own] if own else [])]
    run_all(tree, tmp_path / "cpu", *words, backend=backend)
    if not CUDA:
        monkeypatch.setattr(extract, "device", lambda options, job: "cpu")
    words += ["--use_gpu", "true", "--batch_seconds", "12", "--decoders", "2"]
    for nj in (1, 3):
        run_all(tree, tmp_path / f"out{nj}", *words, nj=nj, backend=backend if CUDA else ON_GPU)
    assert content(tmp_path / "out1") == content(tmp_path / "out3")
    assert cosine_distances(tmp_path / "cpu", tmp_path / "out1").max() < most
    for name in ("failures.tsv", "oddities.tsv", "utt2dur"):
        assert (tmp_path / "out1" / name).read_bytes() == (tmp_path / "cpu" / name).read_bytes()


@pytest.mark.parametrize("name", ["xvector", "eres2netv2"])
def test_half_precision_is_near_enough(name):
    """bfloat16 products, as on a GPU, against float32; random weights."""
    backend = load_backend(name, changes={"random_seed": 1}, device="cuda" if CUDA else "cpu")
    waves = [np.random.default_rng(n).normal(scale=0.05, size=16000).astype(np.float32) for n in range(3)]
    features = backend.front_end(backend.options).features(waves)
    rows = {}
    for backend.precision in ("fp32", "bf16"):
        rows[backend.precision] = backend.begin(features)()
    a, b = rows["fp32"], rows["bf16"]
    assert not np.array_equal(a, b)
    assert (1 - (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).max() < 1e-4


def test_processes_load_what_threads_load(tree):
    rule = BatchRule(16000, False, 20, 12, padded=True)
    timed = [TimedUtterance(utterance, 2.0) for utterance in read_utterances(tree)]
    batches = [(number, timed[number : number + 3]) for number in range(0, len(timed), 3)]
    front_end = PaddedXVector.front_end(None)
    seen = []
    with LoadingProcesses(batches, front_end, rule, 1) as loading:
        for number, loaded in loading:
            alone = load_batch(timed[number : number + 3], front_end, rule)
            assert (loaded.outcomes, loaded.counts) == (alone.outcomes, alone.counts)
            for one, other in zip(loaded.chunks, alone.chunks, strict=True):
                assert all(map(np.array_equal, one, other))
            seen.append(number)
    assert seen == [number for number, _ in batches]


def test_a_killed_process_is_named(tree):
    timed = [TimedUtterance(utterance, 2.0) for utterance in read_utterances(tree)]
    front_end = DyingFrontEnd(16000, 0.3, 4000)
    with pytest.raises(InputError, match="a process that decodes audio was killed, .*; give fewer --decoders"):
        rule = BatchRule(16000, False, 20, 12, padded=True)
        with LoadingProcesses([(n, timed) for n in range(9)], front_end, rule, 1) as loading:
            list(loading)


JOB = """
import sys
from pathlib import Path
from steps.audio.recordings import Utterance
from steps.embed.batches import BatchRule, TimedUtterance
from steps.embed.loading import LoadingProcesses
from tests.steps.embed.networks_for_tests import SlowFrontEnd

if __name__ == "__main__":
    utterance = TimedUtterance(Utterance("u", Path(sys.argv[1]), None, None, "d", "s", "u"), 1.0)
    rule = BatchRule(16000, False, 20, 12, padded=True)
    with LoadingProcesses([(0, [utterance])], SlowFrontEnd(16000, 0.3, 4000), rule, 1) as loading:
        list(loading)
"""


def test_processes_end_with_a_job_that_is_killed(tmp_path):
    sound = write_sound(tmp_path / "u.wav", np.random.default_rng(0).normal(scale=0.1, size=16000))
    (tmp_path / "job.py").write_text(JOB)
    command = [sys.executable, str(tmp_path / "job.py"), str(sound)]
    path = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen(command, env=path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as job:
        pid = int(job.stdout.readline())
        assert is_alive(pid)
        job.send_signal(signal.SIGKILL)
        assert wait_for(lambda: not is_alive(pid), 20)


def test_a_gpu_is_asked_for_in_one_line_where_there_is_none(tree, tmp_path, capsys):
    if CUDA:
        pytest.skip("there is a GPU")
    words = ["--data", str(tree), "--out", str(tmp_path / "out"), "--backend", "xvector", "--use_gpu", "true"]
    words += ["--set", SMALL]
    assert plan.main(words) == 0 and extract.main(words) == 1
    assert "torch sees no GPU here" in capsys.readouterr().err
    assert merge.main([*words, "--precision", "tf32"]) == 1
    assert "not with these options" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("capability", "expected"), [(None, "bf16"), ((9, 0), "bf16"), ((8, 0), "bf16"), ((7, 5), "fp32"), ((7, 0), "fp32")]
)
def test_old_gpus_have_no_bfloat16(capability, expected):
    assert precision_here("bf16", capability) == expected
    assert precision_here("tf32", capability) == "tf32"
