"""Weights from files: what fits is loaded, what does not is named, and no pickle runs."""

import argparse
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from steps.networks.foreign_weights import load_weights, read_tensors
from utils.errors import InputError


def network(seed: int, width: int = 3) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width))


def prefixed(state: dict, prefix: str) -> dict:
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


SAVED = {
    "plain.ckpt": lambda state: state,
    "nested.pt": lambda state: {"epoch": 3, "state_dict": state},
    "wrapped.pth": lambda state: prefixed(state, "module."),
    "lightning.ckpt": lambda state: {
        "epoch": 3,
        "state_dict": prefixed(state, "model.") | {"loss_fn.weight": torch.zeros(2, 2)},
        "optimizer_states": [{"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": []}],
        "hyper_parameters": {"lr": 0.1, "loops": {}},
    },
    "lightning_of_a_wrapped.ckpt": lambda state: {"state_dict": prefixed(state, "net.encoder.module.")},
    "deepspeed.pt": lambda state: {"module": state, "optimizer": None, "global_steps": 5},
    "deepspeed_of_lightning.pt": lambda state: {"module": prefixed(state, "module.model.")},
    "compiled.pt": lambda state: prefixed(state, "_orig_mod."),
    "compiled_within.pt": lambda state: {"model": prefixed(state, "module._orig_mod.")},
    "compiled_layer.pt": lambda state: {name.replace("0.", "0._orig_mod."): value for name, value in state.items()},
    "fsdp.pt": lambda state: prefixed(state, "_fsdp_wrapped_module."),
    "deep.pt": lambda state: {"a": {"b": {"c": state}}},
    "twice_the_same.pt": lambda state: {"state_dict": state, "best": dict(state)},
    "half.pt": lambda state: {
        name: value.half() if value.is_floating_point() else value for name, value in state.items()
    },
}


@pytest.mark.field_case("Prefixes and mappings of checkpoints: Lightning, DeepSpeed, DDP, FSDP, torch.compile")
@pytest.mark.parametrize("name", SAVED)
def test_files_of_torch(tmp_path, name):
    torch.save(SAVED[name](network(1).state_dict()), tmp_path / name)
    loaded = network(2)
    load_weights(loaded, tmp_path / name)
    close = {"atol": 1e-3, "rtol": 1e-3} if name == "half.pt" else {"atol": 0, "rtol": 0}
    for one, other in zip(loaded.parameters(), network(1).parameters(), strict=True):
        torch.testing.assert_close(one, other, **close)


@pytest.mark.field_case("A checkpoint with two networks of one kind, such as a moving average: the choices are named")
@pytest.mark.parametrize(
    ("save", "choices"),
    [
        (lambda a, b: {"state_dict": a, "ema_state_dict": b}, "state_dict, ema_state_dict"),
        (lambda a, b: {"state_dict": prefixed(a, "model.") | prefixed(b, "ema.")}, r"state_dict: ema\.\*, .*model\.\*"),
        (lambda a, b: a | prefixed(b, "ema.module."), r"the names without a prefix, ema\.module\.\*"),
        (lambda a, b: {"model": a, "callbacks": {"ema": {"weights": b}}}, r"model, callbacks\.ema\.weights"),
        (lambda a, b: prefixed(a, "student.") | prefixed(b, "teacher."), r"student\.\*, teacher\.\*"),
    ],
)
def test_two_networks_in_one_file(tmp_path, save, choices):
    torch.save(save(network(1).state_dict(), network(2).state_dict()), tmp_path / "a.pt")
    with pytest.raises(InputError, match=rf"a\.pt: holds this network 2 times, .*: {choices}\. Keep one"):
        load_weights(network(3), tmp_path / "a.pt")


def test_two_networks_of_different_sizes(tmp_path):
    torch.save(prefixed(network(1).state_dict(), "a.") | prefixed(network(2, 4).state_dict(), "b."), tmp_path / "a.pt")
    loaded = network(3)
    load_weights(loaded, tmp_path / "a.pt")
    assert torch.equal(loaded[0].weight, network(1)[0].weight)


@pytest.mark.field_case("A checkpoint behind a prefix that lacks a tensor, or has one too many")
def test_what_lacks_behind_a_prefix_is_named(tmp_path):
    state = prefixed(network(1).state_dict(), "model.")
    state["model.more"] = state.pop("model.0.bias")
    torch.save({"state_dict": state}, tmp_path / "a.ckpt")
    expected = r"Sequential \(state_dict: model\.\*\): 1 missing \(0.bias\); 1 unexpected \(more\)\."
    with pytest.raises(InputError, match=expected):
        load_weights(network(2), tmp_path / "a.ckpt")


@pytest.mark.field_case("NaN, infinite or int8 weights in a checkpoint of another program")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensor: tensor * float("nan"), r"1 not finite \(0.weight\)"),
        (lambda tensor: tensor / 0, r"1 not finite \(0.weight\)"),
        (lambda tensor: tensor.to(torch.int8), r"1 of another type \(0.weight int8\)"),
        (lambda tensor: tensor > 0, r"1 of another type \(0.weight bool\)"),
        (lambda tensor: tensor.to(torch.float8_e4m3fn), r"1 of another type \(0.weight float8_e4m3fn\)"),
        (lambda tensor: tensor.to(torch.complex64), r"1 of another type \(0.weight complex64\)"),
        (lambda tensor: tensor.to_sparse(), r"1 missing \(0.weight\)"),
        (lambda tensor: torch.empty(3, 2, device="meta"), r"1 missing \(0.weight\)"),
        (lambda tensor: torch.quantize_per_tensor(tensor, 0.1, 0, torch.quint8), r"1 missing \(0.weight\)"),
        (lambda tensor: torch.zeros(1).expand(10**12), r"1 of another shape \(0.weight \(1000000000000,\) instead"),
    ],
)
def test_tensors_that_no_network_has(tmp_path, change, message):
    state = network(1).state_dict()
    torch.save(state | {"0.weight": change(state["0.weight"])}, tmp_path / "a.pt")
    with pytest.raises(InputError, match=message):
        load_weights(network(2), tmp_path / "a.pt")


@pytest.mark.field_case("A Git LFS pointer in place of a checkpoint; torch's advice to unpickle is never passed on")
@pytest.mark.parametrize("name", ["a.ckpt", "a.pt", "a.safetensors"])
def test_a_pointer(tmp_path, name):
    (tmp_path / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 28036335\n")
    with pytest.raises(InputError, match=f"{name}: a Git LFS pointer .*git lfs pull"):
        load_weights(network(1), tmp_path / name)


@pytest.mark.field_case("A checkpoint with classes in it, a web page or a part of one: what is wrong, and no advice")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"state_dict": {}, "args": argparse.Namespace(lr=1)}, r"it holds a argparse.Namespace, which is no tensor"),
        ({"weight": torch.zeros(1), "path": Path("x")}, r"it holds a pathlib\.\w+, which is no tensor"),
        (b"<html>not found</html>", "it is no whole file of torch"),
        (b"", "EOFError: it is no whole file of torch"),
        (b"PK\x03\x04 broken", "RuntimeError: PytorchStreamReader"),
        (b"\x80\x02cposix\nsystem\n", "no tensor|no whole file"),
    ],
)
def test_no_advice_to_unpickle(tmp_path, content, message):
    file = tmp_path / "a.ckpt"
    file.write_bytes(content) if isinstance(content, bytes) else torch.save(content, file)
    with pytest.raises(InputError, match=message) as caught:
        read_tensors(file)
    told = str(caught.value).lower()
    assert not [word for word in ("weights_only", "allowlist", "trust", "safe_globals", "re-run") if word in told]


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
