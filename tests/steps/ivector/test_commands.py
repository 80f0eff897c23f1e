"""I-vectors from features to scores: the same bytes in any number of jobs and after kills; faults are named."""

from pathlib import Path

import numpy as np
import pytest

from steps.gmm.gmm_dir import read_gmm
from steps.ivector import extract, score, train, train_backend
from steps.ivector.extractor_dir import read_extractor
from tests.steps.ivector.background import CENTRES, DIM, write_background
from utils.archive_writer import ArchiveWriter
from utils.archives import read_vectors

TRAINED = ("model.safetensors", "passes.tsv", "failures.tsv")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A background with an extractor of four dimensions, its i-vectors, and a backend."""
    found = write_background(tmp_path_factory.mktemp("ivector"))
    assert train.main(training(found, found / "extractor")) == 0
    for by in ("recording", "model"):
        assert extract.main(extraction(found, found / by, "--by", by)) == 0
    assert train_backend.main(["--data", f"{found}/recording", "--out", f"{found}/backend", "--dim", "3"]) == 0
    return found


def training(folder: Path, out: Path, *more: str) -> list[str]:
    given = ["--data", f"{folder}/data", "--feats", f"{folder}/feats", "--ubm", f"{folder}/ubm", "--out", str(out)]
    return [*given, *(() if "--dim" in more else ("--dim", "4")), "--passes", "4", *more]


def extraction(folder: Path, out: Path, *more: str) -> list[str]:
    given = ["--data", f"{folder}/data", "--feats", f"{folder}/feats", "--out", str(out), *more]
    return given if "--extractor" in more else ["--extractor", f"{folder}/extractor", *given]


def scoring(folder: Path, out: Path, *more: str) -> list[str]:
    given = ["--trials", f"{folder}/trials", "--models", f"{folder}/model", "--tests", f"{folder}/recording"]
    return [*given, "--out", str(out), *more]


def files(out: Path, *names: str) -> list[bytes]:
    return [(out / name).read_bytes() for name in names]


def test_likelihoods_rise_and_one_job_of_three_trains_the_same(folder, tmp_path):
    gains = [float(line.split()[1]) for line in (folder / "extractor" / "passes.tsv").read_text().splitlines()[1:]]
    assert len(gains) == 4 and np.diff(gains).min() > 0
    assert train.main(training(folder, tmp_path / "ivector", "--nj", "3", "--job", "2")) == 0  # the others never come
    assert not (tmp_path / "ivector").exists()
    assert train.main(training(folder, tmp_path / "ivector")) == 0
    assert files(tmp_path / "ivector", *TRAINED) == files(folder / "extractor", *TRAINED)
    assert [path.name for path in tmp_path.iterdir()] == ["ivector"]


def test_a_training_that_was_killed_goes_on_with_the_same_bytes(folder, tmp_path, monkeypatch):
    from steps.ivector import extractor_passes

    calls = []

    def killed(found):
        calls.append(found)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return maximise(found)

    maximise = extractor_passes.maximise
    monkeypatch.setattr(extractor_passes, "maximise", killed)
    with pytest.raises(KeyboardInterrupt):
        train.main(training(folder, tmp_path / "ivector"))
    assert train.main(training(folder, tmp_path / "ivector")) == 0
    assert len(calls) == 5  # two passes, the one that was killed, and two more
    assert files(tmp_path / "ivector", *TRAINED) == files(folder / "extractor", *TRAINED)


def test_models_have_the_vectors_of_their_pooled_statistics(folder, tmp_path):
    names, _ = read_vectors(folder / "model" / "xvector.scp")
    assert names == [f"s{speaker}_{sentence}" for speaker in range(6) for sentence in "12"]
    assert (folder / "model" / "utt2sent").read_text().splitlines()[1] == "s0_2 2"
    extractor, sorter = read_extractor(folder / "extractor")
    assert sorter.gmm.means.shape == (4, DIM) and extractor.n_factors == 4
    for job in ("2", "1"):
        assert extract.main(extraction(folder, tmp_path / "jobs", "--by", "model", "--nj", "2", "--job", job)) == 0
    assert extract.main(extraction(folder, tmp_path / "jobs", "--by", "model")) == 0
    names = ("xvector.ark", "utt2spk", "utt2sent", "failures.tsv")
    assert files(tmp_path / "jobs", *names) == files(folder / "model", *names)


@pytest.mark.parametrize("kind", ["cosine", "plda"])
def test_scores_tell_pairs_of_speaker_and_sentence_apart(folder, tmp_path, kind):
    assert score.main(scoring(folder, tmp_path / "scores", "--backend", f"{folder}/backend", "--kind", kind)) == 0
    lines = [line.split() for line in (tmp_path / "scores" / "scores").read_text().splitlines()]
    trials = [line.split() for line in (folder / "trials").read_text().splitlines()]
    assert [line[:2] for line in lines] == [line[:2] for line in trials]
    scores, targets = np.array([float(line[2]) for line in lines]), np.array([line[2] == "target" for line in trials])
    assert np.median(scores[targets]) > np.quantile(scores[~targets], 0.95)


def test_cosines_need_no_backend(folder, tmp_path):
    assert score.main(scoring(folder, tmp_path / "scores")) == 0
    _, (model, test) = read_vectors(folder / "model" / "xvector.scp", ["s0_1", "s0_2"])
    first = (tmp_path / "scores" / "scores").read_text().split()[:3]
    _, (tested,) = read_vectors(folder / "recording" / "xvector.scp", [first[1]])
    expected = model @ tested / np.linalg.norm(model) / np.linalg.norm(tested)
    assert first[0] == "s0_1" and float(first[2]) == pytest.approx(expected, abs=1e-6)


def test_silent_recordings_are_counted_and_named(tmp_path, capsys):
    folder = write_background(tmp_path, silent="s1-2-0")
    assert train.main(training(folder, folder / "extractor")) == 1
    assert "1 of 96 utterances (1.04 %) fail: 1 no_speech; more than --max_fail" in capsys.readouterr().err
    assert train.main(training(folder, folder / "extractor", "--max_fail", ".1")) == 0
    assert "s1-2-0\tno_speech" in (folder / "extractor" / "failures.tsv").read_text()
    assert extract.main(extraction(folder, folder / "recording", "--max_fail", ".1")) == 0
    assert extract.main(extraction(folder, folder / "model", "--by", "model")) == 0  # s1_2 has its other recording
    (folder / "trials").write_text("s1_2 s1-2-0 target\ns1_2 s1-2-1 target\n")
    assert score.main(scoring(folder, folder / "scores", "--max_fail", ".5")) == 0
    assert "s1_2 s1-2-0\tno_speech\t" in (folder / "scores" / "failures.tsv").read_text()
    assert (folder / "scores" / "scores").read_text().startswith("s1_2 s1-2-1 ")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--dim", "97"), "97 dimensions, but 96 recordings to learn them from; ask for a smaller --dim"),
        (("--dim", "17"), "17 dimensions, but 16 means of the mixture"),
        (("--hmm", "nowhere"), "give --ubm, or --hmm with --alignments"),
    ],
)
def test_what_cannot_be_trained_is_named(folder, tmp_path, capsys, more, said):
    assert train.main(training(folder, tmp_path / "ivector", *more)) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "ivector").exists()


def test_a_backend_of_too_few_recordings_is_named(folder, tmp_path, capsys):
    (tmp_path / "few").mkdir()
    for name in ("utt2spk", "utt2sent", "xvector.scp"):
        lines = (folder / "recording" / name).read_text().splitlines()[:3]
        (tmp_path / "few" / name).write_text("\n".join(lines) + "\n")
    assert train_backend.main(["--data", f"{tmp_path}/few", "--out", f"{tmp_path}/backend"]) == 1
    assert "classes are pairs, 1 of them: 1 speakers" in capsys.readouterr().err


def write_hmm(folder: Path) -> None:
    """A model of two densities of two Gaussians each."""
    from safetensors.numpy import save

    gmm = read_gmm(folder / "ubm")
    arrays = {
        "weights": np.full(4, 0.5),
        "means": gmm.means,
        "variances": gmm.variances,
        "pdfs": np.array([0, 0, 1, 1]),
    }
    (folder / "hmm").mkdir()
    (folder / "hmm" / "model.safetensors").write_bytes(save(arrays))


def test_alignments_take_the_place_of_posteriors(tmp_path, capsys):
    folder = write_background(tmp_path)
    write_hmm(folder)
    utterances = [line.split()[0] for line in (folder / "data" / "utt2spk").read_text().splitlines()]
    (folder / "ali").mkdir()
    with ArchiveWriter(folder / "ali" / "ali.ark", folder / "ali" / "ali.scp") as writer:
        for utterance in utterances:
            writer.add(utterance, np.full(30, int(utterance[3]) - 1, np.int32))  # all frames
    (folder / "post").mkdir()
    with ArchiveWriter(folder / "post" / "post.ark", folder / "post" / "post.scp") as writer:
        for utterance in utterances:
            writer.add(utterance, np.eye(2, dtype=np.float32)[np.full(27, int(utterance[3]) - 1)])  # speech alone
    given = [
        "--data",
        f"{folder}/data",
        "--feats",
        f"{folder}/feats",
        "--hmm",
        f"{folder}/hmm",
        "--dim",
        "3",
        "--passes",
        "2",
    ]
    for name in ("ali", "post"):
        assert train.main([*given, "--alignments", f"{folder}/{name}", "--out", f"{folder}/by_{name}"]) == 0
    assert files(folder / "by_ali", *TRAINED) == files(folder / "by_post", *TRAINED)
    own = ("--extractor", f"{folder}/by_ali", "--alignments", f"{folder}/ali")
    assert extract.main(extraction(folder, folder / "model", "--by", "model", *own)) == 0
    with ArchiveWriter(folder / "ali" / "ali.ark", folder / "ali" / "ali.scp") as writer:
        for number, utterance in enumerate(utterances[1:]):
            writer.add(utterance, np.full(30 if number else 20, int(utterance[3]) - 1, np.int32))
    assert extract.main(extraction(folder, folder / "recording", *own, "--max_fail", ".1")) == 0
    failed = [line.split("\t")[:2] for line in (folder / "recording" / "failures.tsv").read_text().splitlines()[1:]]
    assert failed == [["s0-1-0", "no_alignment"], ["s0-1-1", "other_length"]]
    capsys.readouterr()
    assert extract.main(extraction(folder, folder / "recording", *own[:2])) == 1
    assert "alignments go with a hidden Markov model" in capsys.readouterr().err


def test_frames_are_sorted_within_the_densities_of_an_alignment(tmp_path):
    from steps.ivector.sorter import read_sorter

    folder = write_background(tmp_path)
    write_hmm(folder)
    frames = (CENTRES[[0, 1, 2]] + 0.1).astype(np.float32)
    aligned = np.eye(2, dtype=np.float32)[[0, 0, 0]]  # the third frame lies far from all Gaussians of density 0
    counts, sums = read_sorter(folder / "hmm").statistics(frames, aligned)
    assert counts[2:].tolist() == [0, 0] and counts.sum() == pytest.approx(3)
    np.testing.assert_allclose(
        (counts[:, None] * CENTRES + sums * np.sqrt(1.5)).sum(axis=0), frames.sum(axis=0), rtol=1e-4
    )
