"""Weights from files: what fits is loaded, what does not is named, and no pickle runs."""

import os

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from steps.networks.foreign_weights import load_weights, read_tensors
from utils.errors import InputError


def network(seed: int, width: int = 3) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width))


SAVED = {
    "plain.ckpt": lambda state: state,
    "nested.pt": lambda state: {"epoch": 3, "state_dict": state},
    "wrapped.pth": lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
}


@pytest.mark.parametrize("name", SAVED)
def test_files_of_torch(tmp_path, name):
    torch.save(SAVED[name](network(1).state_dict()), tmp_path / name)
    loaded = network(2)
    load_weights(loaded, tmp_path / name)
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), network(1).parameters(), strict=True))


def test_safetensors(tmp_path):
    save_file(network(1).state_dict(), tmp_path / "a.safetensors")
    loaded = network(2)
    load_weights(loaded, tmp_path / "a.safetensors")
    assert torch.equal(loaded[0].weight, network(1)[0].weight)


def test_weights_that_do_not_fit_are_listed(tmp_path):
    state = network(1, width=4).state_dict()
    state["head.bias"] = state.pop("0.bias")
    torch.save(state, tmp_path / "a.pt")
    with pytest.raises(InputError) as caught:
        load_weights(network(2), tmp_path / "a.pt")
    message = str(caught.value)
    assert "a.pt: not the weights of this Sequential: 1 missing (0.bias); 1 unexpected (head.bias); 5 of" in message
    assert "0.weight (4, 2) instead of (3, 2)" in message and "Check that" in message


def test_long_lists_are_cut_short(tmp_path):
    torch.save({}, tmp_path / "a.pt")
    expected = r"7 missing \(0.bias, 0.weight, 1.bias, 1.num_batches_tracked, 1.running_mean, \.\.\.\)"
    with pytest.raises(InputError, match=expected):
        load_weights(network(2), tmp_path / "a.pt")


class Malice:
    """What a pickle of it would run."""

    def __reduce__(self):
        return os.mkdir, ("ran",)


def test_a_pickle_that_runs_code_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": torch.zeros(1), "more": Malice()}, tmp_path / "a.ckpt")
    with pytest.raises(InputError, match="a.ckpt: not readable as tensors only, and no code in it is ever run"):
        read_tensors(tmp_path / "a.ckpt")
    assert not (tmp_path / "ran").exists()


def test_a_whole_pickled_network_is_refused(tmp_path):
    torch.save(network(1), tmp_path / "a.pt")
    with pytest.raises(InputError, match=r"save its state_dict\(\) instead"):
        read_tensors(tmp_path / "a.pt")


def test_other_files(tmp_path):
    with pytest.raises(InputError, match="a.pt: no such file"):
        read_tensors(tmp_path / "a.pt")
    for name in ("a.pt", "a.safetensors"):
        (tmp_path / name).write_bytes(b"PK, but no weights")
        with pytest.raises(InputError, match=f"{name}: not readable as"):
            read_tensors(tmp_path / name)
    (tmp_path / "a.txt").write_text("1")
    with pytest.raises(InputError, match="a.txt: expected weights in a file .safetensors or .ckpt"):
        read_tensors(tmp_path / "a.txt")
    torch.save([torch.zeros(1)], tmp_path / "list.pt")
    with pytest.raises(InputError, match="list.pt: expected a state_dict"):
        read_tensors(tmp_path / "list.pt")


@pytest.mark.field_case("A pointer of Git LFS in place of weights: no advice to unpickle")
@pytest.mark.parametrize("name", ["a.safetensors", "a.ckpt", "a.pt"])
def test_pointers_in_place_of_weights(tmp_path, name):
    (tmp_path / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(InputError, match=f"{name}: a Git LFS pointer .* run 'git lfs pull'") as error:
        read_tensors(tmp_path / name)
    assert "pickle" not in str(error.value) and "weights_only" not in str(error.value)
