"""Sizes from the two kinds of configuration that come with checkpoints, in 3D-Speaker's own layout."""

import json
import logging

import pytest

from steps.networks.eres2netv2 import ERes2NetV2Sizes
from steps.networks.published_sizes import read_sizes
from utils.errors import InputError

RECIPE = """
num_epoch: 70
min_lr: !!float 5e-5
fbank_dim: 80
m_channels: {channels}
embedding_size: 192
embedding_model:
  obj: speakerlab.models.eres2net.ERes2NetV2.ERes2NetV2
  args:
    feat_dim: <fbank_dim>
    embedding_size: <embedding_size>
    m_channels: <m_channels>
"""


def recipe(tmp_path, text=RECIPE, channels="64"):
    path = tmp_path / "config.yaml"
    path.write_text(text.replace("{channels}", channels))
    return path


def published(tmp_path, **model):
    path = tmp_path / "configuration.json"
    path.write_text(json.dumps({"framework": "pytorch", "model": {"type": "eres2netv2-sv"} | model}))
    return path


def test_config_yaml(tmp_path):
    assert read_sizes(recipe(tmp_path)) == ERes2NetV2Sizes()
    assert read_sizes(recipe(tmp_path, channels="32")) == ERes2NetV2Sizes(channels=32)
    more = RECIPE + "    num_blocks: [1, 1, 2, 1]\n    two_emb_layer: true\n    pooling_func: TSTP\n"
    assert read_sizes(recipe(tmp_path, more)) == ERes2NetV2Sizes(blocks=(1, 1, 2, 1), two_layers=True)


def test_configuration_json(tmp_path, caplog):
    assert read_sizes(published(tmp_path)) == ERes2NetV2Sizes()
    sizes = {"sample_rate": 16000, "embed_dim": 192, "baseWidth": 24, "scale": 4, "expansion": 4}
    expected = ERes2NetV2Sizes(base_width=24, scale=4, expansion=4)
    assert read_sizes(published(tmp_path, model_config=sizes)) == expected and not caplog.records
    with caplog.at_level(logging.WARNING):
        assert read_sizes(published(tmp_path, model_config=sizes | {"colour": "blue"})) == expected
    assert "colour: unknown, not used" in caplog.text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<m_channels>", "<channels>", "<channels> names no key"),
        ("feat_dim: <fbank_dim>", "feat_dim: 60", "feat_dim: expected a multiple of 8, found 60"),
        ("<m_channels>", "<m_channels>\n    pooling_func: ASTP", "pooling_func: 'ASTP' is not supported"),
        ("<m_channels>", "<m_channels>\n    num_blocks: 3", "num_blocks: expected four positive integers, found 3"),
        ("<m_channels>", "<m_channels>\n    two_emb_layer: 1", "two_emb_layer: expected true or false, found 1"),
        ("<m_channels>", "-1", "m_channels: expected a positive integer, found -1"),
        ("ERes2NetV2.ERes2NetV2", "ERes2Net.ERes2Net", "configures 'ERes2Net', expected ERes2NetV2"),
        ("embedding_model:", "model:", "no embedding_model with obj and args"),
        ("fbank_dim: 80", "fbank_dim: [", "not a YAML file"),
    ],
)
def test_wrong_config_yaml(tmp_path, old, new, message):
    path = recipe(tmp_path, RECIPE.replace(old, new))
    with pytest.raises(InputError) as caught:
        read_sizes(path)
    assert str(caught.value).startswith(f"{path}:") and message in str(caught.value)


def test_wrong_configuration_json(tmp_path):
    with pytest.raises(InputError, match="configures 'cam\\+\\+'"):
        read_sizes(published(tmp_path, type="cam++-sv"))
    with pytest.raises(InputError, match="sample_rate: 8000 is not supported, expected 16000"):
        read_sizes(published(tmp_path, model_config={"sample_rate": 8000}))
    with pytest.raises(InputError, match="model_config: expected the sizes"):
        read_sizes(published(tmp_path, model_config="config.yaml"))
