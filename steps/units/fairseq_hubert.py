"""A HuBERT of fairseq under the names of transformers: which option and which tensor is which.

What only pre-training needs, the projection onto its labels, is left out. Everything else has a name, or is an error.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from transformers import HubertConfig, HubertModel

from steps.networks.foreign_weights import PlainObject, read_plain, require_fit
from steps.networks.stored_networks import StoredNetwork
from steps.units.conv_layers import read_conv_layers
from steps.units.hubert_model import PREPROCESSOR, WEIGHTS
from utils.errors import InputError, brief
from utils.json_files import write_json

STAND_INS = ("argparse.Namespace", "fairseq.data.dictionary.Dictionary")  # in checkpoints of fairseq
PREFIX, HEAD = "w2v_encoder.w2v_model.", "w2v_encoder.proj."  # of a network that was fine-tuned
LEFT_OUT = ("final_proj.", "label_embs_concat", "target_glu.", HEAD)
CONV = r"feature_extractor\.conv_layers\.(\d+)\."
LAYER = r"encoder\.layers\.(\d+)\."
NAMES = (  # of fairseq, of transformers
    (r"mask_emb", "masked_spec_embed"),
    (r"layer_norm\.", "feature_projection.layer_norm."),
    (r"post_extract_proj\.", "feature_projection.projection."),
    (CONV + r"0\.", r"feature_extractor.conv_layers.\1.conv."),
    (CONV + r"2\.(?:1\.)?", r"feature_extractor.conv_layers.\1.layer_norm."),
    (r"encoder\.layer_norm\.", "encoder.layer_norm."),
    (LAYER + r"self_attn\.([kvq]|out)_proj\.", r"encoder.layers.\1.attention.\2_proj."),
    (LAYER + r"self_attn_layer_norm\.", r"encoder.layers.\1.layer_norm."),
    (LAYER + r"fc1\.", r"encoder.layers.\1.feed_forward.intermediate_dense."),
    (LAYER + r"fc2\.", r"encoder.layers.\1.feed_forward.output_dense."),
    (LAYER + r"final_layer_norm\.", r"encoder.layers.\1.final_layer_norm."),
)
POSITIONS = {  # by the kind of positional convolution
    False: (
        (r"encoder\.pos_conv\.0\.weight_g", "encoder.pos_conv_embed.conv.parametrizations.weight.original0"),
        (r"encoder\.pos_conv\.0\.weight_v", "encoder.pos_conv_embed.conv.parametrizations.weight.original1"),
        (r"encoder\.pos_conv\.0\.", "encoder.pos_conv_embed.conv."),
    ),
    True: (
        (r"encoder\.pos_conv\.0\.", "encoder.pos_conv_embed.batch_norm."),
        (r"encoder\.pos_conv\.1\.", "encoder.pos_conv_embed.conv."),
    ),
}
SIZES = {  # option of fairseq -> of transformers, and its default there
    "encoder_embed_dim": ("hidden_size", 768),
    "encoder_layers": ("num_hidden_layers", 12),
    "encoder_attention_heads": ("num_attention_heads", 12),
    "encoder_ffn_embed_dim": ("intermediate_size", 3072),
    "activation_fn": ("hidden_act", "gelu"),
    "conv_bias": ("conv_bias", False),
    "conv_pos": ("num_conv_pos_embeddings", 128),
    "conv_pos_groups": ("num_conv_pos_embedding_groups", 16),
    "conv_pos_batch_norm": ("conv_pos_batch_norm", False),
    "layer_norm_first": ("do_stable_layer_norm", False),
}
CONV_LAYERS = "[(512,10,5)] + [(512,3,2)] * 4 + [(512,2,2)] * 2"  # the default
NORMS = {"default": "group", "layer_norm": "layer"}  # extractor_mode


def convert(checkpoint: Path, directory: Path) -> None:
    """Write the directory of a checkpoint. Raises InputError where it is none of a HuBERT, or a tensor does not fit."""
    content = read_plain(checkpoint, STAND_INS)
    if not isinstance(content, dict) or not isinstance(content.get("model"), dict):
        raise InputError(f"{checkpoint}: no 'model' in it; expected a checkpoint of fairseq")
    model, task = settings_of(content, str(checkpoint))
    write_converted(directory, checkpoint, content["model"], model)
    write_json(
        directory / PREPROCESSOR,
        {
            "feature_extractor_type": "Wav2Vec2FeatureExtractor",
            **{"feature_size": 1, "padding_value": 0.0, "padding_side": "right", "return_attention_mask": True},
            **{"sampling_rate": int(task.get("sample_rate", 16000)), "do_normalize": bool(task.get("normalize"))},
        },
    )


def write_converted(directory: Path, source: Path, tensors: Mapping[str, Any], model: Mapping[str, Any]) -> None:
    """Write configuration and weights; `model` has the options of fairseq."""
    network = HubertModel(HubertConfig(**config_of(model, str(source))))
    named = renamed(tensors, bool(model.get("conv_pos_batch_norm", False)), str(source))
    require_fit(StoredNetwork("", named), network, source)
    network.load_state_dict(named)
    network.config.save_pretrained(directory)
    save_file(network.state_dict(), directory / WEIGHTS[0], {"format": "pt"})


def settings_of(content: Mapping[str, Any], where: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options of the model and of its task. Raises InputError where there are none, or those of another model."""
    config = plain(content.get("cfg")) or {}
    model, task = plain(config.get("model")), plain(config.get("task"))
    if not model:
        model = task = plain(content.get("args"))
    inner = plain((model or {}).get("w2v_args"))
    if inner:
        model, task = plain(inner.get("model")) or inner, plain(inner.get("task")) or task
    if not model or "encoder_embed_dim" not in model:
        raise InputError(f"{where}: no options of a HuBERT in cfg or args; expected a checkpoint of fairseq")
    return model, task or {}


def plain(value: Any) -> dict[str, Any] | None:
    """A mapping, or the attributes of an object; None for anything else."""
    if isinstance(value, PlainObject):
        return dict(vars(value))
    return dict(value) if isinstance(value, Mapping) else None


def config_of(model: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The configuration for transformers, of the options of fairseq."""
    config = {name: model.get(key, default) for key, (name, default) in SIZES.items()}
    mode = str(model.get("extractor_mode", "default"))
    if mode not in NORMS:
        raise InputError(f"{where}: extractor_mode {brief(mode)}, expected {' or '.join(NORMS)}")
    layers = read_conv_layers(str(model.get("conv_feature_layers", CONV_LAYERS)), where)
    widths, kernels, strides = zip(*layers, strict=True)
    return config | {
        **{"feat_extract_norm": NORMS[mode], "num_feat_extract_layers": len(layers)},
        **{"conv_dim": widths, "conv_kernel": kernels, "conv_stride": strides},
    }


def renamed(tensors: Mapping[str, Any], batch_norm: bool, where: str) -> dict[str, Any]:
    """The tensors under the names of transformers. Raises InputError for a name that has none."""
    rules = [*NAMES, *POSITIONS[batch_norm]]
    found = {}
    for name, tensor in tensors.items():
        own = name.removeprefix(PREFIX)
        if own.startswith(LEFT_OUT):
            continue
        matches = [(re.match(pattern, own), target) for pattern, target in rules]
        match, target = next(((match, target) for match, target in matches if match), (None, ""))
        if match is None:
            raise InputError(f"{where}: {name}: no such tensor in a HuBERT; is this a checkpoint of another network?")
        new = match.expand(target) + own[match.end() :]
        if new in found:
            raise InputError(f"{where}: {name}: another tensor is {new} too; leave one out")
        found[new] = tensor
    return found
