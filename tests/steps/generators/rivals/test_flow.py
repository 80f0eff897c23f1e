"""Flows: a density that belongs to the samples, sizes chosen by dev speakers, files."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from steps.generators.contract import load_generator
from steps.generators.mixture import Frame
from steps.generators.rivals.flow_generator import ConditionalFlow, FlowDensity, FlowSizes
from steps.score.projection import NoDensity, Projector
from tests.steps.generators.experiment import Experiment
from utils.errors import InputError

SIZES = FlowSizes(text_dim=3, latent_dim=4, transforms=2, hidden=8)


def some_flow() -> FlowDensity:
    """A flow in four of six dimensions, with weights that are no start."""
    torch.manual_seed(0)
    network = ConditionalFlow(SIZES)
    with torch.no_grad():
        for value in network.parameters():
            value.add_(0.3 * torch.randn_like(value))
    rng = np.random.default_rng(0)
    return FlowDensity(
        network, rng.normal(size=3).astype(np.float32), Frame(rng.normal(size=6), rng.normal(size=(6, 4)))
    )


def test_the_density_is_that_of_the_noise_and_the_jacobian():
    flow, rng = some_flow(), np.random.default_rng(1)
    text, basis = torch.from_numpy(flow.text), torch.from_numpy(flow.frame.matrix).float()
    for noise in rng.normal(size=(5, 4)).astype(np.float32):
        e = torch.from_numpy(noise)
        jacobian = torch.autograd.functional.jacobian(
            lambda e: basis @ flow.network.of_noise(e[None], text)[0] + torch.from_numpy(flow.frame.offset).float(), e
        )
        volume = 0.5 * torch.logdet(jacobian.T @ jacobian)
        x = flow.frame.to_embedding(flow.network.of_noise(e[None], text).detach().numpy())
        wanted = -0.5 * (noise @ noise + 4 * np.log(2 * np.pi)) - float(volume)
        assert flow.log_density(x)[0] == pytest.approx(wanted, abs=1e-3)


def test_spread_and_shift():
    flow = some_flow()
    x = flow.sample(np.random.default_rng(0), 2000)[0]
    narrow = flow.tempered(spread=1e-6).sample(np.random.default_rng(0), 2000)[0]
    assert narrow.std(axis=0).max() < 0.02 * x.std(axis=0).min()
    step = flow.frame.matrix[:, 0]
    moved = flow.moved(step)
    np.testing.assert_allclose(moved.sample(np.random.default_rng(0), 2000)[0] - x, np.tile(step, (2000, 1)), atol=1e-4)
    np.testing.assert_allclose(moved.log_density(x + step), flow.log_density(x), atol=1e-3)
    with pytest.raises(InputError, match="spread temperature 0"):
        flow.tempered(spread=0)


def test_a_density_in_the_same_subspace_is_scored_there():
    flow = some_flow()
    axes = np.linalg.qr(flow.frame.matrix)[0]
    subspace = Frame(flow.frame.offset + axes[:, 1], axes)
    z = np.random.default_rng(2).normal(size=(5, 4))
    np.testing.assert_array_equal(Projector(subspace)(flow).log_density(z), flow.log_density(subspace.to_embedding(z)))
    for other in (
        Frame(subspace.offset, np.eye(6)[:, :4]),
        Frame(subspace.offset, axes[:, :3]),
        Frame(np.eye(6)[5] * 9, axes),
    ):
        with pytest.raises(NoDensity, match="another subspace"):
            Projector(other)(flow)


def test_dev_speakers_choose_the_size(rivals):
    sizes = {}
    for name in ("size-2x8", "size-2x16"):
        lines = (rivals["flow"] / name / "metrics.jsonl").read_text().splitlines()
        sizes[name] = min(json.loads(line)["dev_nll"] for line in lines)
        assert len(lines) == 3
    chosen = json.loads((rivals["flow"] / "generator.json").read_text())["values"]["sizes"]
    assert min(sizes, key=sizes.get) == f"size-{chosen['transforms']}x{chosen['hidden']}"


def test_training_raises_the_density(rivals, experiment: Experiment):
    train = experiment.pairs("train")
    trained = load_generator(rivals["flow"]).log_density(train.x, train.variants)
    own = np.array([trained[row, train.variant_groups == group].mean() for row, group in enumerate(train.groups)])
    other = np.array([trained[row, train.variant_groups != group].mean() for row, group in enumerate(train.groups)])
    assert own.mean() > other.mean()


@pytest.mark.parametrize(
    "change", [{"hidden": 9}, {"transforms": 10**9}, {"latent_dim": 3}, {"hidden": "8"}, {"more": 1}]
)
def test_files_of_no_flow_are_refused(rivals, tmp_path, change):
    model = shutil.copytree(rivals["flow"], tmp_path / "flow")
    content = json.loads((model / "generator.json").read_text())
    content["values"]["sizes"] |= change
    (model / "generator.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"weights are of other sizes|kind 'flow'"):
        load_generator(model)


def test_a_missing_array_is_refused(rivals, tmp_path):
    model = shutil.copytree(rivals["flow"], tmp_path / "flow")
    arrays = load_file(model / "weights.safetensors")
    del arrays["flow.text_mean"]
    save_file(arrays, model / "weights.safetensors")
    with pytest.raises(InputError, match="text_mean"):
        load_generator(model)
