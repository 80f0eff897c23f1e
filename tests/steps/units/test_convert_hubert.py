"""Checkpoints of fairseq become directories of transformers: the same network, every tensor accounted for."""

import argparse
import re
import sys
import types

import numpy as np
import pytest
import torch

from steps.units import convert_hubert
from steps.units.conv_layers import read_conv_layers
from steps.units.hubert_layers import HubertLayer
from steps.units.hubert_model import load_hubert
from tests.steps.units.hubert import KINDS, SIZES, random_hubert, waveforms, write_hubert
from utils.errors import InputError

FAIRSEQ = (  # names of transformers, of fairseq
    (r"masked_spec_embed", "mask_emb"),
    (r"feature_projection.layer_norm", "layer_norm"),
    (r"feature_projection.projection", "post_extract_proj"),
    (r"(conv_layers.\d+).conv", r"\1.0"),
    (r"pos_conv_embed.conv.parametrizations.weight.original0", "pos_conv.0.weight_g"),
    (r"pos_conv_embed.conv.parametrizations.weight.original1", "pos_conv.0.weight_v"),
    (r"attention.(.)_proj", r"self_attn.\1_proj"),
    (r"attention.out_proj", "self_attn.out_proj"),
    (r"(layers.\d+).layer_norm", r"\1.self_attn_layer_norm"),
    (r"feed_forward.intermediate_dense", "fc1"),
    (r"feed_forward.output_dense", "fc2"),
)


def fairseq_name(name: str, kind: str) -> str:
    """What fairseq calls a tensor."""
    if "feature_extractor" in name:
        name = name.replace(".layer_norm", ".2.1" if kind == "stable" else ".2")
    for pattern, target in FAIRSEQ:
        if "feature_extractor" not in name or "conv_layers" in pattern:
            name = re.sub(pattern, target, name)
    if kind == "batch_norm":
        return name.replace("pos_conv_embed.batch_norm", "pos_conv.0").replace("pos_conv_embed.conv", "pos_conv.1")
    return name.replace("pos_conv_embed.conv", "pos_conv.0")


def checkpoint(kind: str) -> dict:
    """What fairseq saves of a network, as far as it matters here."""
    tensors = {fairseq_name(name, kind): tensor for name, tensor in random_hubert(kind).state_dict().items()}
    head = {
        "final_proj.weight": torch.zeros(4, 24),
        "final_proj.bias": torch.zeros(4),
        "label_embs_concat": torch.ones(9, 4),
    }
    model = {
        **{"_name": "hubert", "encoder_embed_dim": 24, "encoder_layers": 3, "encoder_attention_heads": 4},
        **{"encoder_ffn_embed_dim": 32, "conv_feature_layers": "[(16,10,5)] + [(16,8,8)] * 1 + [(16,4,8)]"},
        **{"conv_pos": SIZES["num_conv_pos_embeddings"], "conv_pos_groups": 4, "activation_fn": "gelu"},
        **{"conv_pos_batch_norm": kind == "batch_norm", "layer_norm_first": kind == "stable"},
        **{"conv_bias": kind == "stable", "extractor_mode": "layer_norm" if kind == "stable" else "default"},
    }
    task = {"normalize": True, "sample_rate": 16000}
    return {"args": None, "cfg": {"model": model, "task": task}, "model": tensors | head, "best_loss": 1.5}


def convert(tmp_path, content: dict) -> int:
    torch.save(content, tmp_path / "hubert.pt")
    return convert_hubert.main(["--checkpoint", str(tmp_path / "hubert.pt"), "--out", str(tmp_path / "out")])


@pytest.mark.parametrize("kind", KINDS)
def test_the_network_is_the_same(tmp_path, kind):
    assert convert(tmp_path, checkpoint(kind)) == 0
    write_hubert(tmp_path / "wanted", kind)
    first, second = (HubertLayer(tmp_path / name, 3, "auto") for name in ("out", "wanted"))
    assert first.normalise
    for one, other in zip(first(waveforms()), second(waveforms()), strict=True):
        assert (one == other).all()


def test_older_and_fine_tuned_checkpoints(tmp_path, monkeypatch):
    """Options in a Namespace, dictionaries of fairseq's own class, and a network inside another one."""
    module = types.ModuleType("fairseq.data.dictionary")
    module.Dictionary = type("Dictionary", (), {"__module__": module.__name__})
    for name in ("fairseq", "fairseq.data", "fairseq.data.dictionary"):
        monkeypatch.setitem(sys.modules, name, module if name == module.__name__ else types.ModuleType(name))
    content = checkpoint("group")
    inside = {f"w2v_encoder.w2v_model.{name}": tensor for name, tensor in content["model"].items()}
    words = module.Dictionary()
    words.symbols = ["a", "b"]
    tuned = {
        "args": argparse.Namespace(w2v_args={"model": content["cfg"]["model"], "task": content["cfg"]["task"]}),
        "model": inside | {"w2v_encoder.proj.weight": torch.zeros(5, 24)},
        "task_state": {"dictionaries": [words]},
    }
    torch.save(tuned, tmp_path / "hubert.pt")
    for name in ("fairseq", "fairseq.data", "fairseq.data.dictionary"):
        monkeypatch.delitem(sys.modules, name)
    assert convert_hubert.main(["--checkpoint", str(tmp_path / "hubert.pt"), "--out", str(tmp_path / "out")]) == 0
    write_hubert(tmp_path / "wanted", "group")
    first, second = (load_hubert(tmp_path / name).state_dict() for name in ("out", "wanted"))
    assert all(np.array_equal(first[name], second[name]) for name in first)


BIAS = "encoder.layer_norm.bias"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["model"].pop("encoder.layers.1.fc2.weight"), "feed_forward.output_dense.weight"),
        (lambda c: c["model"].update(stranger=torch.zeros(2)), "stranger: no such tensor"),
        (
            lambda c: c["model"].update({f"w2v_encoder.w2v_model.{BIAS}": c["model"][BIAS]}),
            f"{BIAS} too; leave one out",
        ),
        (lambda c: c["model"].update({"encoder.layer_norm.bias": torch.zeros(2)}), "encoder.layer_norm.bias (2,)"),
        (lambda c: c["cfg"]["model"].update(conv_pos_batch_norm=True), "pos_conv"),
        (lambda c: c["cfg"]["model"].update(conv_feature_layers="__import__('os')"), "conv_feature_layers"),
        (lambda c: c["cfg"]["model"].update(extractor_mode="other"), "extractor_mode"),
        (lambda c: c.pop("cfg"), "no options of a HuBERT"),
        (lambda c: c.pop("model"), "no 'model' in it"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, capsys, change, message):
    content = checkpoint("group")
    change(content)
    assert convert(tmp_path, content) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_layers_are_read_without_running_them():
    assert read_conv_layers("[(512,10,5)] + [(512,3,2)] * 2", "x") == [(512, 10, 5), (512, 3, 2), (512, 3, 2)]
    for text in ("[(1,2)]", "[(1,2,3)] * 10**9", "open('x')", "[", "[]"):
        with pytest.raises(InputError, match="conv_feature_layers"):
            read_conv_layers(text, "x")
