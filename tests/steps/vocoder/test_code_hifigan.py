"""CodeHiFiGAN from published files: loaded strictly, with equal outputs, durations, speakers and styles."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from steps.data.unit_sequences import UnitsInfo, UnitsWriter
from steps.vocoder import check, resynthesise
from steps.vocoder.backends import SpokenUnits
from steps.vocoder.code_hifigan_files import load_code_hifigan
from steps.vocoder.code_hifigan_vocoder import CodeHifiGanOptions, CodeHifiGanVocoder
from tests.steps.vocoder.published import KINDS, reference, write_model
from utils.archive_writer import write_vectors
from utils.data_dir import DataDir, write_data_dir
from utils.errors import InputError

ROOT = Path(__file__).parents[3]
UNITS, DURATIONS = np.array([3, 17, 0, 5], np.int32), np.array([2, 1, 4, 3], np.int32)
FRAMES = [3, 3, 17, 0, 0, 0, 0, 5, 5, 5]
VECTOR = np.random.default_rng(3).normal(size=6).astype(np.float32)


def inputs(kind: str) -> dict:
    """Speaker and style of a kind of network."""
    speaker = {"plain": None, "speakers": 4, "styles": 4, "vectors": VECTOR}[kind]
    return {"speaker": speaker, "style": 2 if kind == "styles" else None}


@pytest.mark.parametrize("kind", KINDS)
def test_waveforms_are_those_of_the_published_network(tmp_path, kind):
    config, tensors = write_model(tmp_path / "model", kind)
    network = load_code_hifigan(tmp_path / "model")
    given = {key: None if one is None else torch.as_tensor(one) for key, one in inputs(kind).items()}
    found = network(torch.tensor(FRAMES), **given).numpy()
    assert found.shape == (3200,) and found.std() > 1e-3
    assert np.abs(found - reference(config, tensors, FRAMES, **inputs(kind))).max() < 1e-5


def test_a_check_says_whether_it_works(tmp_path, capsys):
    write_model(tmp_path / "model", "speakers")
    given = ["--backend", "codehifigan", "--model", str(tmp_path / "model"), "--set"]
    assert check.main([*given, "speaker=4"]) == 0
    assert "codehifigan works: ready in " in (said := capsys.readouterr().out) and "16000 samples at 16000 Hz" in said
    assert check.main([*given, "speaker=5"]) == 1 and "knows 5 speakers" in capsys.readouterr().err
    (tmp_path / "model" / "g_00000005").write_bytes(b"none")
    assert check.main([*given, "speaker=4"]) == 1 and "g_00000005" in capsys.readouterr().err


def test_another_process_gives_the_same(tmp_path):
    config, tensors = write_model(tmp_path / "model", "speakers")
    words = [sys.executable, "-m", "tests.steps.vocoder.published", str(tmp_path / "model"), "3,17,0", "out.npy", "4"]
    subprocess.run(words, check=True, cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"})
    assert np.abs(np.load(tmp_path / "out.npy") - reference(config, tensors, [3, 17, 0], 4)).max() < 1e-5


def respelt(tensors: dict, change: str) -> dict:
    """The same network in another spelling."""
    found = {}
    for name, tensor in tensors.items():
        stem = name.removesuffix("weight_g")
        if change == "new" and name.endswith(("weight_g", "weight_v")):
            found[f"{name[:-8]}parametrizations.weight.original{int(name.endswith('v'))}"] = tensor
        elif change == "removed" and name != stem:
            v = tensors[f"{stem}weight_v"]
            found[f"{stem}weight"] = tensor * v / v.flatten(1).norm(dim=1)[:, None, None]
        elif change != "removed" or not name.endswith("weight_v"):
            found[name] = tensor
    return {f"model.{name}": tensor for name, tensor in found.items()} if change == "prefix" else found


@pytest.mark.parametrize("change", ["new", "removed", "prefix"])
def test_spellings_of_weights_are_mapped(tmp_path, change):
    _, tensors = write_model(tmp_path / "model", "plain")
    first = load_code_hifigan(tmp_path / "model").state_dict()
    torch.save({"generator": respelt(tensors, change)}, tmp_path / "model" / "g_00000006")
    second = load_code_hifigan(tmp_path / "model").state_dict()
    assert all(torch.allclose(first[name], second[name], atol=1e-6) for name in first)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("ups.1.weight_v"), "ups.1.weight"),
        (lambda t: t.update({"ups.1.weight": t["ups.1.weight_v"]}), "2 unexpected (ups.1.weight_g, ups.1.weight_v)"),
        (lambda t: t.update(stranger=torch.zeros(2)), "stranger"),
        (lambda t: t.update({"dict.weight": torch.zeros(21, 8)}), "dict.weight (21, 8) instead of (20, 8)"),
        (lambda t: t.update({"spkr.weight": torch.zeros(200, 8)}), "1 unexpected (spkr.weight)"),
    ],
)
def test_tensors_that_do_not_fit_are_named(tmp_path, change, message):
    _, tensors = write_model(tmp_path / "model", "plain")
    change(tensors)
    torch.save({"generator": tensors}, tmp_path / "model" / "g_00000006")
    with pytest.raises(InputError) as error:
        load_code_hifigan(tmp_path / "model")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"f0": True}, "f0: this network takes more"),
        ({"model_in_dim": 128}, "model_in_dim 128"),
        ({"upsample_rates": "5,4"}, "upsample_rates: expected a list"),
        ({"resblock": "3"}, "resblock"),
        ({"upsample_kernel_sizes": [11, 8]}, "as many kernels as rates"),
        ({"upsample_initial_channel": 50}, "cannot be halved"),
        ({"num_embeddings": 0}, "num_embeddings: expected a number"),
        ({"sampling_rate": "16k"}, "sampling_rate: expected a number"),
        ({"sampling_rate": 0}, "sampling_rate: expected a number"),
        ({"resblock_dilation_sizes": 5}, "resblock_dilation_sizes: expected a list of lists"),
        ({"upsample_rates": [True, 4, 4, 2, 2]}, "upsample_rates: expected a list of numbers"),
        ({"dur_predictor_params": {"var_pred_hidden_dim": "x"}}, "var_pred_hidden_dim: expected a number"),
        ({"upsample_initial_channel": 10**6}, "of another shape"),
    ],
)
def test_configurations_that_are_none_are_refused(tmp_path, change, message):
    config, _ = write_model(tmp_path / "model", "plain")
    (tmp_path / "model/config.json").write_text(json.dumps(config | change))
    with pytest.raises(InputError, match=message):
        load_code_hifigan(tmp_path / "model")


def test_durations_are_given_or_predicted(tmp_path):
    config, tensors = write_model(tmp_path / "model", "styles")
    vocoder = CodeHifiGanVocoder(tmp_path / "model", CodeHifiGanOptions(speaker=1, style=2))
    given = vocoder(SpokenUnits("u", "s", UNITS, DURATIONS))
    assert np.abs(given - reference(config, tensors, FRAMES, 1, 2)).max() < 1e-5
    predicted = vocoder.network.durations(torch.from_numpy(UNITS).long())
    assert (predicted >= 1).all()
    assert len(vocoder(SpokenUnits("u", "s", UNITS, None))) == 320 * predicted.sum()


def test_durations_that_nobody_knows_are_an_error(tmp_path):
    write_model(tmp_path / "model", "plain")
    vocoder = CodeHifiGanVocoder(tmp_path / "model", CodeHifiGanOptions())
    with pytest.raises(InputError, match="does not predict any"):
        vocoder(SpokenUnits("u", "s", UNITS, None))


def units_dir(path: Path, n_units: int = 20, step: float = 0.02) -> Path:
    """Unit sequences of two utterances."""
    path.mkdir()
    with UnitsWriter(path, path, UnitsInfo(n_units, step, "hubert-1", {"window_seconds": 0.025})) as writer:
        for key in ("a-1", "b-1"):
            writer.add(key, UNITS, DURATIONS)
    write_data_dir(path, {"utt2spk": {"a-1": "a", "b-1": "b"}, **writer.tables()})
    return path


def speak(tmp_path: Path, units: Path, words: str) -> int:
    given = ["--units", str(units), "--model", str(tmp_path / "model"), "--out", str(tmp_path / "out")]
    return resynthesise.main([*given, "--backend", "codehifigan", *(["--set", words] if words else [])])


def sampled(path: Path, vectors: dict[str, np.ndarray], name: str = "spk_xvector") -> Path:
    """A directory of speakers as the main recipe samples them."""
    path.mkdir(exist_ok=True)
    write_vectors(path / "xvector.ark", path / f"{name}.scp", [*vectors], np.stack([*vectors.values()]))
    return path


def heard(out: Path) -> dict[str, np.ndarray]:
    return {key: soundfile.read(path)[0] for key, path in DataDir(out).table("wav.scp").items()}


def test_sampled_speakers_speak(tmp_path):
    """The vector of a pseudo-speaker, as the main recipe samples them, is the speaker of the vocoder."""
    config, tensors = write_model(tmp_path / "model", "vectors")
    units, voices = units_dir(tmp_path / "units"), {"a": VECTOR, "pseudo-7": 2 * VECTOR, "b-1": -VECTOR}

    def wanted(vector: np.ndarray) -> np.ndarray:
        waveform = np.pad(reference(config, tensors, FRAMES, vector), 40)
        return waveform * min(1, 0.99 / np.abs(waveform).max())

    samples = sampled(tmp_path / "samples", voices)
    for source in (samples, samples / "spk_xvector.scp", sampled(tmp_path / "others", voices, "xvector")):
        assert speak(tmp_path, units, f"speaker_vectors={source}") == 0
        for key, vector in (("a-1", VECTOR), ("b-1", -VECTOR)):
            assert np.abs(heard(tmp_path / "out")[key] - wanted(vector)).max() < 1e-4
    for source in (samples, samples / "spk_xvector.scp"):
        for factor in (2, 3):  # the speakers are sampled again: other vectors at the same places
            sampled(samples, {**voices, "pseudo-7": factor * VECTOR})
            assert speak(tmp_path, units, f"speaker_vectors={source},vector=pseudo-7") == 0
            assert all(np.abs(one - wanted(factor * VECTOR)).max() < 1e-4 for one in heard(tmp_path / "out").values())


@pytest.mark.parametrize(
    ("kind", "words", "message"),
    [
        ("vectors", "speaker_vectors={samples},vector=nobody", "no line for nobody; name one by --set vector=KEY"),
        ("vectors", "speaker_vectors={samples}", "no line for a-1 or a; name one by --set vector=KEY"),
        ("vectors", "speaker_vectors={samples},vector=long", "long: 7 values, but {model} takes 6 finite ones"),
        ("vectors", "speaker_vectors={samples},vector=z", "z: not finite, but {model} takes 6"),
        ("vectors", "speaker_vectors={units}", "no spk_xvector.scp and no xvector.scp here"),
        ("vectors", "vector=s", "it takes a vector of 6 values as the speaker; give --set speaker_vectors="),
        ("speakers", "speaker_vectors={samples},vector=s", "5 speakers by number and 0 styles, and takes no vector"),
        ("plain", "vector=s", "vector=s"),
    ],
)  # fmt: skip
def test_voices_that_do_not_fit_are_one_line(tmp_path, capsys, kind, words, message):
    write_model(tmp_path / "model", kind)
    units, samples = units_dir(tmp_path / "units"), sampled(tmp_path / "samples", {"s": VECTOR, "z": np.nan * VECTOR})
    sampled(tmp_path / "longer", {"long": np.ones(7, np.float32)}, "xvector")
    with (samples / "spk_xvector.scp").open("a") as file:
        file.write((tmp_path / "longer/xvector.scp").read_text())
    assert speak(tmp_path, units, words.format(samples=samples, units=units)) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "ERROR" in line]
    assert message.format(model=tmp_path / "model") in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("kind", "words", "message"),
    [
        ("plain", "speaker=1", "speaker=1"),
        ("speakers", "speaker=5", "5 speakers by number"),
        ("styles", "style=3", "3 styles"),
        ("vectors", "", "speaker_vectors"),
        ("speakers", "checkpoint=g_9", "g_9: no such file"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, capsys, kind, words, message):
    write_model(tmp_path / "model", kind)
    assert speak(tmp_path, units_dir(tmp_path / "units"), words) == 1
    assert message in capsys.readouterr().err


def test_tables_say_who_speaks(tmp_path, capsys):
    write_model(tmp_path / "model", "speakers")
    units = units_dir(tmp_path / "units")
    (tmp_path / "numbers").write_text("a 3\n")
    assert speak(tmp_path, units, f"speaker_numbers={tmp_path / 'numbers'}") == 1
    assert "b: expected a number below 5" in capsys.readouterr().err
    (tmp_path / "numbers").write_text("a 3\nb 0\n")
    assert speak(tmp_path, units, f"speaker_numbers={tmp_path / 'numbers'}") == 0


@pytest.mark.parametrize(("n_units", "step"), [(21, 0.02), (20, 0.01)])
def test_units_of_another_model_are_refused(tmp_path, capsys, n_units, step):
    write_model(tmp_path / "model", "plain")
    assert speak(tmp_path, units_dir(tmp_path / "units", n_units, step), "") == 1
    assert "are they of another model?" in capsys.readouterr().err
