"""Several utterances a speaker: ids and tables that Kaldi takes, their means, the same bytes from any jobs."""

import json
from pathlib import Path

import numpy as np
import pytest

from steps.generators import merge_samples, plan_samples, sample
from steps.generators.requests import CHUNK, SampleRequest, SamplingSettings, chunks_of
from steps.generators.sample_archive import Layout
from steps.generators.sampling import Voices
from steps.generators.speaker_means import read_speaker_means
from steps.generators.within_speaker import WithinSpeaker
from tests.steps.generators.experiment import Experiment
from tests.steps.generators.known_model import known_options
from tests.steps.generators.test_sample import files, samples, words
from utils.archives import read_vectors
from utils.data_dir import validate
from utils.errors import InputError
from utils.tables import read_table

WITHIN = WithinSpeaker(np.diag([0.2, 0.4, 0.05]), np.array([0.1, 0.2]))


def known_utterances(root: Path, out: str = "groups") -> list[str]:
    """Options of `sample` for the known model, with a spread within speakers, and two utterances a speaker."""
    options = known_options(root, out)
    WITHIN.save(Path(options[1]))
    return [*options, "-n", "5", "--utts_per_speaker", "2"]


def test_speakers_have_utterances_tables_and_means(tmp_path):
    out = tmp_path / "groups"
    assert sample.main([*known_utterances(tmp_path), "--npz", "true", "--text_as_transcript", "true"]) == 0
    assert validate(out, feats=False, wav=False) == []
    utt2spk, spk2utt = read_table(out / "utt2spk"), read_table(out / "spk2utt")
    assert len(utt2spk) == 20 and len(spk2utt) == 10
    assert {speaker: own.split() for speaker, own in spk2utt.items()} == {
        speaker: [f"{speaker}-0001", f"{speaker}-0002"] for speaker in set(utt2spk.values())
    }
    keys, x = read_vectors(out / "xvector.scp")
    speakers, means = read_vectors(out / "spk_xvector.scp")
    assert keys == list(utt2spk) and speakers == list(spk2utt) == list(read_table(out / "spk2gender"))
    np.testing.assert_array_equal(means, x.reshape(10, 2, 3).mean(axis=1, dtype=np.float64).astype(np.float32))
    assert set(read_table(out / "num_utts.ark").values()) == {"2"}
    for name in ("utt2description", "utt2group", "text"):
        assert list(read_table(out / name)) == keys
    with np.load(out / "xvector.npz") as content:
        assert content["ids"].tolist() == keys and (content["vectors"] == x).all()
        assert np.char.rpartition(content["ids"], "-")[:, 0].tolist() == list(utt2spk.values())
    lines = [json.loads(line) for line in (out / "provenance.jsonl").read_text().splitlines()]
    assert [(line["id"], line["utterances"]) for line in lines] == [(speaker, 2) for speaker in speakers]


def test_one_utterance_is_what_it_was(tmp_path):
    assert sample.main(known_options(tmp_path)) == 0
    before = samples(tmp_path / "groups")
    assert sample.main([*known_utterances(tmp_path), "-n", "100", "--utts_per_speaker", "1", "--force", "true"]) == 0
    assert samples(tmp_path / "groups") == before and "spk_xvector.ark" not in before


@pytest.mark.parametrize("nj", [1, 3])
def test_jobs_give_the_same_bytes(experiment: Experiment, models, tmp_path, nj):
    more = ("-n", "90", "--utts_per_speaker", "3", "--npz", "true")
    assert sample.main(words(experiment, models["mdn"], tmp_path / "alone" / "out", *more)) == 0
    options = words(experiment, models["mdn"], tmp_path / "out", *more, "--nj", str(nj))
    assert plan_samples.main(options) == 0
    for job in reversed(range(1, nj + 1)):
        assert sample.main([*options, "--job", str(job)]) == 0
    assert merge_samples.main(options) == 0
    assert files(tmp_path / "out") == files(tmp_path / "alone" / "out")


def test_python_draws_what_the_command_draws(experiment: Experiment, models, tmp_path):
    voices = Voices(models["ridge_gaussian"])
    request, settings = SampleRequest("a", "one", 40), SamplingSettings(utts_per_speaker=5, distance_to_train=0.01)
    (drawn,) = voices.draw(request, np.ones(8, np.float32), settings)
    assert drawn.x.shape == (200, 10) and drawn.component.shape == drawn.log_density.shape == (40,)
    means = drawn.x.reshape(40, 5, 10).mean(axis=1)
    known = read_speaker_means(models["ridge_gaussian"], 10)[1]
    cosines = (means / np.linalg.norm(means, axis=1)[:, None]) @ (known / np.linalg.norm(known, axis=1)[:, None]).T
    np.testing.assert_allclose(drawn.distance, 1 - cosines.max(axis=1), atol=1e-5)
    assert drawn.distance.min() >= 0.01
    with pytest.raises(InputError, match="utts_per_speaker 0: expected a number from 1 to 9999"):
        voices.sample("A voice.", 1, utts_per_speaker=0)


def test_chunks_bound_the_memory():
    request = SampleRequest("a", "one", 10_000)
    assert [len(chunk) for chunk in chunks_of(request, SamplingSettings(utts_per_speaker=3))][:2] == [CHUNK // 3] * 2
    assert len(chunks_of(request, SamplingSettings(utts_per_speaker=9999))) == 10_000
    with pytest.raises(InputError, match="up to 4096 samples of a text with 2 utterances each"):
        chunks_of(request, SamplingSettings(utts_per_speaker=2, distance_to_others=0.1))


@pytest.mark.parametrize(
    ("prefix", "mixed"),
    [
        *(("a-0000001", True), ("a-0000001-0000001", True), ("a-0000001+x", True), ("a-0000001-0001x", True)),
        *(("a-0000001-0002x", False), ("a-0000001-x", False), ("a-0000001x", False), ("a-0000009", False)),
        *(("a!", False), ("b", False), ("a-", False)),
    ],
)
def test_ids_that_kaldi_would_mix_are_refused(prefix, mixed):
    requests = [SampleRequest(text, text, 3, prefix=text) for text in ("a", prefix)]
    speakers = sorted(f"{one}-000000{number}" for one in ("a", prefix) for number in (1, 2, 3))
    utterances = [f"{speaker}-000{number}" for speaker in speakers for number in (1, 2)]
    assert (utterances != sorted(utterances)) == mixed  # what the rule says is what the sort does
    if mixed:
        with pytest.raises(
            InputError, match="would lie among those of a speaker of 'a', 'a-0000001', in Kaldi's order"
        ):
            Layout(requests, 3, 2)
    else:
        Layout(requests, 3, 2)
    Layout(requests, 3)


def test_a_model_that_does_not_know_is_told(tmp_path, capsys):
    options = [*known_options(tmp_path), "--utts_per_speaker", "2"]
    for command in (sample, plan_samples, merge_samples):  # before any job begins
        assert command.main(options) == 1
        error = capsys.readouterr().err.splitlines()[-1]
        assert "within.safetensors: no such file" in error and "sample one utterance a speaker" in error
    for number in ("0", "10000"):
        assert sample.main([*options, "--utts_per_speaker", number]) == 1
    assert sample.main([*options, "--utts_per_speaker", "9999", "-n", "100000"]) == 1
    assert "expected at most 99999999 utterances of a text" in capsys.readouterr().err.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir() if "groups" in path.name] == []


def test_a_rival_without_components_is_told(rivals):
    voices, request = Voices(rivals["pool"]), SampleRequest("a", "one", 2)
    with pytest.raises(InputError, match="'pool' has no components to draw utterances of; sample one utterance"):
        list(voices.draw(request, np.ones(8, np.float32), SamplingSettings(utts_per_speaker=2)))
