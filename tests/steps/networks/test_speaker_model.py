"""Directories of trained speaker networks: what is saved is loaded, and damaged or foreign ones are named."""

import json
from pathlib import Path

import pytest
import torch

from steps.networks.speaker_model import DESCRIPTION, WEIGHTS, load_model, save_model
from steps.networks.speaker_network import SpeakerNetwork
from steps.networks.speaker_options import NETWORKS, NetworkOptions
from utils.errors import InputError

BINS, SPEAKERS, FEATURES = 8, ["anna", "björn", "s3"], {"preset": "kaldi", "bins": 8}
SMALL = {
    "widths": (8, 8),
    "layers": 1,
    "width": 16,
    "heads": 2,
    "ff": 16,
    "embedding_dim": 8,
    "d_state": 4,
    "head_dim": 8,
}


def saved(directory: Path, network: str = "conv1d") -> SpeakerNetwork:
    """A small network, saved in a directory."""
    options = NetworkOptions(network=network, **SMALL)
    torch.manual_seed(1)
    built = SpeakerNetwork(options, BINS, len(SPEAKERS)).eval()
    save_model(directory, built, options, SPEAKERS, FEATURES)
    return built


@pytest.mark.parametrize("network", NETWORKS)
def test_what_is_saved_is_loaded(tmp_path, network):
    built = saved(tmp_path, network)
    streams = torch.get_rng_state()
    model = load_model(tmp_path)
    batch = torch.randn(2, 9, BINS, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(model.network(batch), built(batch))
    assert (model.speakers, model.features) == (SPEAKERS, FEATURES)
    assert model.options == NetworkOptions(network=network, **SMALL)
    assert torch.equal(torch.get_rng_state(), streams)
    assert sorted(path.name for path in tmp_path.iterdir()) == [DESCRIPTION, WEIGHTS]


def edited(directory: Path, **changes) -> None:
    """Change values of the description; None removes one."""
    content = json.loads((directory / DESCRIPTION).read_text()) | changes
    (directory / DESCRIPTION).write_text(
        json.dumps({key: value for key, value in content.items() if value is not None})
    )


def test_options_that_came_later_have_their_defaults(tmp_path):
    saved(tmp_path)
    values = json.loads((tmp_path / DESCRIPTION).read_text())["network"]
    del values["label_smoothing"]
    edited(tmp_path, network=values)
    assert load_model(tmp_path).options.label_smoothing == NetworkOptions().label_smoothing


@pytest.mark.hostile("Directories of trained speaker networks: damaged, foreign, or edited beyond their weights")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "linear"}, "describes no speaker network"),
        ({"speakers": None}, "no speakers"),
        ({"speakers": ["a", "a", "b"]}, "expected different texts"),
        ({"speakers": ["a", "b\nc", "d"]}, "model.json: speakers: 'b.*' is not a usable key"),
        ({"speakers": ["a", "b"]}, "not the weights of this SpeakerNetwork"),
        ({"speakers": "abc"}, "expected a list of ids"),
        ({"bins": 9}, "not the weights of this SpeakerNetwork"),
        ({"bins": -1}, "bins: expected 1 to"),
        ({"features": 3}, "features: expected an object"),
        ({"network": {"network": "lstm"}}, "expected one of conv1d"),
        ({"network": {"depth": 3}}, "'depth' is no option of a network"),
        (
            {"network": {"network": "transformer", "width": 4096, "layers": 100}},
            "model.json: network: of a larger network",
        ),
        (
            {"network": {"network": "transformer", "width": 10, "heads": 4}},
            "model.json: heads: expected a divisor of width, 10",
        ),
    ],
)
def test_edited_description_is_named(tmp_path, changes, message):
    saved(tmp_path)
    edited(tmp_path, **changes)
    with pytest.raises(InputError, match=message):
        load_model(tmp_path)


def test_damaged_directories_are_named(tmp_path):
    with pytest.raises(InputError, match="no such directory"):
        load_model(tmp_path / "none")
    with pytest.raises(InputError, match="no model.json"):
        load_model(tmp_path)
    saved(tmp_path)
    weights = (tmp_path / WEIGHTS).read_bytes()
    (tmp_path / WEIGHTS).write_bytes(weights[: len(weights) - 100])
    with pytest.raises(InputError, match="not readable as safetensors"):
        load_model(tmp_path)
    (tmp_path / WEIGHTS).write_bytes(weights)
    (tmp_path / "best.pt").write_bytes(b"")
    with pytest.raises(InputError, match="a pickle can run code"):
        load_model(tmp_path)
