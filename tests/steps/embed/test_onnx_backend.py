"""The back-end onnx on small networks, made here: their embeddings are worked out in numpy too."""

from pathlib import Path

import numpy as np
import pytest
import torch

onnx = pytest.importorskip("onnx", reason="onnx, which makes the networks, is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from steps.embed.backend import load_backend  # noqa: E402
from steps.features.fbank import QuickFbank  # noqa: E402
from utils.errors import InputError  # noqa: E402

CONF = Path("conf/embed/onnx.yaml")
MATRIX = np.random.default_rng(0).normal(size=(80, 6)).astype(np.float32)


def write_network(path: Path, shape=("B", "T", 80), axis: int = 1, outputs=("embs",)) -> Path:
    """The largest of each band over time, times MATRIX; of waveforms, the largest sample times the matrix's sum."""
    rows = MATRIX if 80 in shape else MATRIX.sum(axis=0, keepdims=True)
    nodes = [
        helper.make_node("ReduceMax", ["feats"], ["most"], axes=[axis], keepdims=int(len(shape) == 2)),
        *[helper.make_node("MatMul", ["most", "matrix"], [name]) for name in outputs],
    ]
    kinds = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("feats", TensorProto.FLOAT, shape)],
        kinds,
        [numpy_helper.from_array(rows, "matrix")],
    )
    opset = [helper.make_opsetid("", 13)]
    path.write_bytes(helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())
    return path


def load(path: Path, **changes: object):
    return load_backend("onnx", CONF, changes={"model": str(path), **changes})


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=0.1, size=16000).astype(np.float32)


WAVEFORMS = [noise(1), noise(2), noise(3)]
BANKS = np.stack([QuickFbank(80, 32768, "hamming")(waveform) for waveform in WAVEFORMS])  # (3, T, 80)


def test_filter_banks(tmp_path):
    backend = load(write_network(tmp_path / "a.onnx"), dim=6)
    embeddings = backend.embed(WAVEFORMS)
    assert backend.dim == 6 and embeddings.dtype == np.float32
    np.testing.assert_allclose(embeddings, BANKS.max(axis=1) @ MATRIX, rtol=1e-4)
    assert np.array_equal(embeddings, load(tmp_path / "a.onnx").embed(WAVEFORMS))


def test_filter_banks_with_time_last(tmp_path):
    backend = load(write_network(tmp_path / "a.onnx", ("B", 80, "T"), axis=2), layout="bft")
    np.testing.assert_allclose(backend.embed(WAVEFORMS), BANKS.max(axis=1) @ MATRIX, rtol=1e-4)


def test_the_features_are_those_of_the_configuration(tmp_path):
    backend = load(write_network(tmp_path / "a.onnx"), window="povey", scale=1, subtract_mean=False)
    banks = np.stack([QuickFbank(80, 1, "povey", subtract_mean=False)(waveform) for waveform in WAVEFORMS])
    np.testing.assert_allclose(backend.embed(WAVEFORMS), banks.max(axis=1) @ MATRIX, rtol=1e-4)


@pytest.mark.parametrize(("layout", "shape"), [("bt", ("B", "T")), ("b1t", ("B", 1, "T"))])
def test_waveforms(tmp_path, layout, shape):
    backend = load(write_network(tmp_path / "a.onnx", shape, axis=len(shape) - 1), layout=layout, scale=2)
    largest = 2 * np.stack(WAVEFORMS).max(axis=1, keepdims=True)
    np.testing.assert_allclose(backend.embed(WAVEFORMS), largest * MATRIX.sum(axis=0), rtol=1e-4)


def test_a_network_that_takes_one_at_a_time(tmp_path):
    backend = load(write_network(tmp_path / "a.onnx", (1, "T", 80)))
    np.testing.assert_allclose(backend.embed(WAVEFORMS), BANKS.max(axis=1) @ MATRIX, rtol=1e-4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize(("name", "scale"), [("eres2netv2", 1), ("xvector", 32768)])
def test_a_network_that_torch_has_exported(tmp_path, name, scale):
    """As 3D-Speaker exports its own, for batches and lengths of any size."""
    ours = load_backend(name, Path(f"conf/embed/{name}.yaml"), changes={"random_seed": 1})
    axes = {"feature": {0: "batch_size", 1: "frame_num"}, "embedding": {0: "batch_size"}}
    names = {"input_names": ["feature"], "output_names": ["embedding"], "dynamic_axes": axes}
    torch.onnx.export(ours.network, torch.randn(1, 345, 80), tmp_path / "a.onnx", dynamo=False, **names)
    backend = load(tmp_path / "a.onnx", scale=scale, window="povey", dim=ours.dim)
    np.testing.assert_allclose(backend.embed(WAVEFORMS), ours.embed(WAVEFORMS), atol=1e-6)


def test_weights_beside_the_model_count_as_the_model(tmp_path):
    path = write_network(tmp_path / "a.onnx")
    (tmp_path / "a.onnx.data").write_bytes(b"weights")
    (tmp_path / "b.onnx").write_bytes(b"another")
    backend = load(path)
    assert backend.files(backend.options) == [path, tmp_path / "a.onnx.data"]


@pytest.mark.parametrize(
    ("network", "changes", "message"),
    [
        ({}, {"dim": 7}, "gives 6 dimensions, the configuration says 7"),
        ({}, {"bins": 40}, r"\['B', 'T', 80\]: 80 at f of btf, not 40"),
        ({}, {"layout": "bt"}, "not the layout bt; set layout"),
        ({}, {"input_name": "x"}, "input_name: x; expected one of the model's inputs: feats"),
        ({"outputs": ("a", "b")}, {}, "output_name: not given; expected one of the model's outputs: a, b"),
        ({"shape": ("B", 200, 80)}, {}, "takes one length only"),
        ({"shape": (4, "T", 80)}, {}, "4 at b of btf, not 1"),
        ({"axis": 2}, {}, "fails on a second of noise"),
    ],
)
def test_what_does_not_fit(tmp_path, network, changes, message):
    path = write_network(tmp_path / "a.onnx", **network)
    with pytest.raises(InputError, match=message):
        load(path, **changes)


def test_an_output_by_name(tmp_path):
    path = write_network(tmp_path / "a.onnx", outputs=("a", "b"))
    np.testing.assert_allclose(load(path, output_name="b").embed(WAVEFORMS), BANKS.max(axis=1) @ MATRIX, rtol=1e-4)


def test_other_files_and_devices(tmp_path):
    with pytest.raises(InputError, match="onnx.yaml: model: no value"):
        load_backend("onnx", CONF)
    with pytest.raises(InputError, match="a.onnx: no such file"):
        load(tmp_path / "a.onnx")
    (tmp_path / "a.onnx").write_bytes(b"no network")
    with pytest.raises(InputError, match="a.onnx: onnxruntime does not load it"):
        load(tmp_path / "a.onnx")
    with pytest.raises(InputError, match="onnx: runs on the CPU, not on cuda:0"):
        load_backend("onnx", CONF, "cuda:0", {"model": str(write_network(tmp_path / "a.onnx"))})


@pytest.mark.field_case("A Git LFS pointer in place of a network in ONNX")
def test_a_pointer_is_told(tmp_path):
    (tmp_path / "x.onnx").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 28036335\n")
    with pytest.raises(InputError, match=r"x\.onnx: a Git LFS pointer"):
        load_backend("onnx", CONF, changes={"model": str(tmp_path / "x.onnx")})
