"""HuBERT is loaded strictly, gives what transformers gives, and gives it in batches too."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from steps.data.unit_sequences import UnitsDir, UnitsInfo
from steps.features import compute as features_compute
from steps.features import merge as features_merge
from steps.features import plan as features_plan
from steps.features.feats_dir import FeatsDir
from steps.training.memory import tell
from steps.units import check, train
from steps.units.hubert_layers import HubertLayer, batches, default_seconds
from steps.units.hubert_model import load_hubert
from steps.units.kmeans_dir import read_kmeans
from tests.steps.units.hubert import KINDS, waveforms, write_hubert
from tests.steps.units.speech import encode, write_speech
from utils.errors import InputError
from utils.foreign_worker import DIED, ItemProblem

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, Path]:
    """A directory of each kind."""
    root = tmp_path_factory.mktemp("hubert")
    for kind in KINDS:
        write_hubert(root / kind, kind)
    return {kind: root / kind for kind in KINDS}


def expected(kind: str, directory: Path, waveform: np.ndarray, layer: int) -> np.ndarray:
    """What transformers gives, of the network that was saved."""
    network = write_hubert(directory, kind)
    given = torch.from_numpy((waveform - waveform.mean()) / np.sqrt(waveform.var() + 1e-7))
    kept = []
    network.encoder.layers[layer - 1].register_forward_hook(lambda *of: kept.append(of[2]))
    with torch.no_grad():
        network(given[None])
    return kept[0][0].numpy()


@pytest.mark.parametrize("layer", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_frames_are_those_of_transformers(models, tmp_path, kind, layer):
    waveform = waveforms()[3]
    found = HubertLayer(models[kind], layer, "auto")([waveform])[0]
    assert np.abs(found - expected(kind, tmp_path / "again", waveform, layer)).max() < 1e-5
    assert len(found) == (len(waveform) - HubertLayer(models[kind], 1, "auto").window) // 320 + 1


def test_another_process_gives_the_same(models, tmp_path):
    words = [sys.executable, "-m", "tests.steps.units.hubert", "out.npz", *map(str, models.values())]
    subprocess.run(words, check=True, cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"})
    with np.load(tmp_path / "out.npz") as found:
        for number, kind in enumerate(models):
            wanted = expected(kind, tmp_path / kind, waveforms()[0], 2)
            assert np.abs(found[f"arr_{number}"] - wanted).max() < 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_batches_give_what_each_waveform_gives_alone(models, kind):
    alone, together = (HubertLayer(models[kind], 3, "auto", batch_seconds=one) for one in (0.01, 100.0))
    for first, second in zip(alone(waveforms()), together(waveforms()), strict=True):
        assert np.abs(first - second).max() < 1e-4


@pytest.mark.parametrize("kind", ["group", "batch_norm"])
def test_padding_of_waveforms_would_change_the_frames(models, kind):
    """What the batches avoid: rows of zeros behind the waveform, with the attention mask of transformers alone."""
    network, short = load_hubert(models[kind]), torch.from_numpy(waveforms()[0])
    padded = torch.nn.functional.pad(short, (0, 9600))
    mask = (torch.arange(len(padded)) < len(short))[None].long()
    with torch.no_grad():
        one = network(short[None]).last_hidden_state[0]
        other = network(padded[None], attention_mask=mask).last_hidden_state[0, : len(one)]
    assert (one - other).abs().max() > 1e-2


def test_batch_normalisation_reaches_beyond_the_end_unless_it_is_hidden(models):
    layer = HubertLayer(models["batch_norm"], 3, "auto")
    alone = layer(waveforms()[:1])[0]
    layer._hide = None
    layer.network.encoder.pos_conv_embed.conv._forward_pre_hooks.clear()
    wrong = layer([waveforms()[0], waveforms()[6]])[0]
    assert np.abs(alone - wrong).max() > 1e-2


def test_rows_of_a_batch_have_similar_lengths_and_fit_the_budget():
    lengths = [50, 10, 30, 10, 200, 31]
    found = list(batches(lengths, 100))
    assert sorted(sum(found, [])) == list(range(6))
    assert all(len(rows) == 1 or len(rows) * max(lengths[row] for row in rows) <= 100 for rows in found)


def test_long_waveforms_are_cut_and_short_ones_give_nothing(models, monkeypatch):
    monkeypatch.setattr("steps.units.hubert_layers.CHUNK_SECONDS", 1)
    layer = HubertLayer(models["group"], 1, "false")
    waveform = np.tile(waveforms()[6], 2)
    whole, none = layer([waveform, waveform[:100]])
    assert len(none) == 0
    first = layer([waveform[:16000]])[0]
    assert np.abs(whole[: len(first)] - first).max() < 1e-5


def changed(source: Path, target: Path, change) -> Path:
    """A copy of a model whose tensors are changed."""
    target.mkdir()
    for name in ("config.json", "preprocessor_config.json"):
        (target / name).write_bytes((source / name).read_bytes())
    tensors = load_file(source / "model.safetensors")
    change(tensors)
    save_file(tensors, target / "model.safetensors")
    return target


NAME = "encoder.layers.1.feed_forward.output_dense.weight"
CONV = "encoder.pos_conv_embed.conv.parametrizations.weight.original0"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop(NAME), f"1 missing ({NAME})"),
        (lambda t: t.update(stranger=torch.zeros(3)), "1 unexpected (stranger)"),
        (lambda t: t.update({NAME: torch.zeros(3, 2)}), f"{NAME} (3, 2) instead of (24, 32)"),
        (lambda t: t.pop(CONV), "encoder.pos_conv_embed.conv.weight"),
        (lambda t: t.update({f"{CONV[:-33]}weight": torch.zeros(24, 6, 8)}), f"2 unexpected ({CONV}, "),
        (lambda t: t.update({f"hubert.{NAME}": torch.zeros(24, 32)}), f"hubert.{NAME} and {NAME}: the same tensor"),
        (lambda t: t.update({NAME: torch.full((24, 32), torch.nan)}), "not finite"),
    ],
)
def test_tensors_that_do_not_fit_are_named(models, tmp_path, change, message):
    with pytest.raises(InputError) as error:
        load_hubert(changed(models["group"], tmp_path / "model", change))
    assert message in str(error.value)


def test_a_positional_convolution_of_the_other_kind_is_refused(models, tmp_path):
    bad = changed(models["batch_norm"], tmp_path / "model", lambda tensors: None)
    (bad / "config.json").write_bytes((models["group"] / "config.json").read_bytes())
    with pytest.raises(InputError, match="pos_conv_embed.batch_norm"):
        load_hubert(bad)


def test_other_spellings_heads_and_torch_files_are_read(models, tmp_path):
    def respell(tensors: dict) -> None:
        for new, old in (("original0", "weight_g"), ("original1", "weight_v")):
            tensors[f"encoder.pos_conv_embed.conv.{old}"] = tensors.pop(CONV[:-9] + new)
        for name in list(tensors):
            tensors[f"hubert.{name}"] = tensors.pop(name)
        tensors["lm_head.weight"] = torch.zeros(5, 24)

    other = changed(models["group"], tmp_path / "model", respell)
    torch.save(load_file(other / "model.safetensors"), other / "pytorch_model.bin")
    (other / "model.safetensors").unlink()
    first, second = load_hubert(models["group"]).state_dict(), load_hubert(other).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_encoding_by_hubert(models, tmp_path):
    frames = np.concatenate(HubertLayer(models["batch_norm"], 2, "auto")(waveforms()))
    np.savez(tmp_path / "km.npz", centroids=frames[::9])
    data = write_speech(tmp_path)
    given = ["--backend", "hubert", "--set", f"layer=2,kmeans={tmp_path / 'km.npz'}"]
    assert encode(data, models["batch_norm"], tmp_path / "units", *given) == 0
    assert encode(data, models["batch_norm"], tmp_path / "small", *given, "--shard_seconds", "1", nj=2) == 0
    units, small = UnitsDir(tmp_path / "units"), UnitsDir(tmp_path / "small")
    assert units.info.frame_seconds == 0.02 and units.info.n_units == len(frames[::9])
    same = np.concatenate([units.frames(key) == small.frames(key) for key in units.utterances])
    assert same.mean() >= 0.999


def test_another_interpreter_encodes_the_same_and_a_check_says_that_it_works(models, tmp_path, capsys):
    np.savez(tmp_path / "km.npz", centroids=np.concatenate(HubertLayer(models["group"], 2, "auto")(waveforms()))[::9])
    given = ["--backend", "hubert", "--model", str(models["group"]), "--set", f"layer=2,kmeans={tmp_path / 'km.npz'}"]
    assert check.main(given) == 0
    here = capsys.readouterr().out
    assert check.main([*given[:-1], f"{given[-1]},python={sys.executable}"]) == 0
    there = capsys.readouterr().out
    assert "hubert works (batch_seconds 10.0)" in here and "1.00 s of audio" in here
    assert "hubert works (python 3." in there and here.partition(" s: ")[2] == there.partition(" s: ")[2]
    assert check.main([*given[:-1], f"{given[-1]},python={tmp_path}/bin/python"]) == 1
    assert "no such program; name the interpreter of an environment" in capsys.readouterr().err.splitlines()[-1]


def test_an_utterance_without_units_in_the_other_interpreter_is_listed(tmp_path):
    given = ["--backend", "tests.steps.units.test_hubert:OfOneLess", "--max_fail", "0.5"]
    assert encode(write_speech(tmp_path, 3), tmp_path, tmp_path / "units", *given) == 0
    rows = [line.split("\t")[:3] for line in (tmp_path / "units" / "failures.tsv").read_text().splitlines()]
    assert rows[1:] == [["s0-u2", "worker_died", "of it"]] and len(UnitsDir(tmp_path / "units").utterances) == 2


@dataclass(frozen=True)
class NoOptions:
    """An encoder without options."""


class OfOneLess:
    """An encoder that has no units for the second waveform."""

    Options, FREE = NoOptions, ()

    def __init__(self, model: Path, options: NoOptions):
        pass

    @classmethod
    def describe(cls, model: Path, options: NoOptions) -> UnitsInfo:
        return UnitsInfo(3, 0.02, "less", {"sample_rate": 16000, "window_seconds": 0.02})

    def __call__(self, given):
        return [ItemProblem(DIED, "of it") if n == 1 else np.arange(3) for n, _ in enumerate(given)]


def test_where_memory_ends_batches_are_done_in_halves(models, monkeypatch, caplog):
    layer = HubertLayer(models["group"], 3, "auto", batch_seconds=100.0)
    expected, encoder = layer(waveforms()), layer.network.encoder.forward

    def narrow(rows, **more):
        if len(rows) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return encoder(rows, **more)

    monkeypatch.setattr(layer.network.encoder, "forward", narrow)
    tell.cache_clear()
    most = 2
    for first, second in zip(expected, layer(waveforms()), strict=True):
        assert np.abs(first - second).max() < 1e-4
    assert caplog.text.count("a batch of HuBERT is done in halves") == 1
    most = 0
    with pytest.raises(InputError, match="out of memory with a single waveform; .* Tried to allocate 2 GiB"):
        layer(waveforms())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("kind", KINDS)
def test_a_gpu_gives_the_frames_of_a_processor(models, kind):
    there = HubertLayer(models[kind], 3, "auto", use_gpu="true")
    assert there.batch_seconds > 10
    for first, second in zip(HubertLayer(models[kind], 3, "auto")(waveforms()), there(waveforms()), strict=True):
        assert np.abs(first - second).max() < 1e-3


def test_batches_follow_the_memory():
    assert default_seconds(None, 768) == 10.0
    assert default_seconds(80 * 2**30, 768) == 3200.0
    assert default_seconds(80 * 2**30, 1024) == 2400.0 and default_seconds(2**20, 1024) == 10.0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("layer=4,kmeans={km}", "has the layers 1 to 3"),
        ("layer=1,kmeans={other}", "of 7 values"),
        ("layer=1", "kmeans"),
        ("layer=1,kmeans={none}", "none.npz"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_any_job(models, tmp_path, capsys, words, message):
    np.savez(tmp_path / "km.npz", centroids=np.zeros((3, 24)))
    np.savez(tmp_path / "other.npz", centroids=np.zeros((3, 7)))
    paths = {name: tmp_path / f"{name}.npz" for name in ("km", "other", "none")}
    given = ["--backend", "hubert", "--set", words.format(**paths)]
    assert encode(write_speech(tmp_path, 1), models["group"], tmp_path / "units", *given) == 1
    assert message in capsys.readouterr().err


def test_a_kmeans_is_trained_on_its_layers(models, tmp_path):
    data, kind = write_speech(tmp_path, 3), "steps.units.hubert_features:HubertFeatures"
    given = ["--data", str(data), "--out", str(tmp_path / "feats"), "--type", kind]
    given += ["--set", f"model={models['group']},layer=2"]
    assert [one.main(given) for one in (features_plan, features_compute, features_merge)] == [0, 0, 0]
    given = ["--feats", str(tmp_path / "feats"), "--out", str(tmp_path / "kmeans"), "--units", "5", "--passes", "3"]
    assert train.main(given) == 0
    words = ["--backend", "hubert", "--set", f"layer=2,kmeans={tmp_path / 'kmeans'}"]
    assert encode(data, models["group"], tmp_path / "units", *words) == 0
    units, feats, centroids = (
        UnitsDir(tmp_path / "units"),
        FeatsDir(tmp_path / "feats"),
        read_kmeans(tmp_path / "kmeans"),
    )
    for key in units.utterances:
        assert (units.frames(key) == centroids.units(feats.read(key))).mean() > 0.99
