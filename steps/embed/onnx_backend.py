"""The back-end `onnx`: any speaker network exported to ONNX, run by onnxruntime on the CPU.

Its configuration says what the network takes: waveforms or filter banks, and in which layout. conf/embed/onnx.yaml has
the values for networks that WeSpeaker and 3D-Speaker export.
"""

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime import NodeArg

from steps.embed.backend import Backend
from steps.features.fbank import SIXTEEN_BITS, WINDOWS, QuickFbank
from utils.errors import InputError
from utils.options import option
from utils.pointer_files import refuse_pointer

LAYOUTS = {"btf": "fbank", "bft": "fbank", "bt": "waveform", "b1t": "waveform"}  # layout -> input


@dataclass(frozen=True)
class Options:
    """Options of a network in ONNX."""

    model: Path = option(help="the .onnx file")
    layout: str = option(
        "btf",
        "axes of the input: b batch, t time, f mel bands, 1 a channel; bt and b1t take waveforms",
        choices=tuple(LAYOUTS),
    )
    scale: float = option(
        SIXTEEN_BITS, "factor of the waveform in -1..1: 32768 in WeSpeaker, 1 in 3D-Speaker", above=0, most=10**9
    )
    bins: int = option(80, "mel bands", least=1, most=1000)
    window: str = option(
        "povey", "window of the filter banks: hamming in WeSpeaker, povey in 3D-Speaker", choices=WINDOWS
    )
    subtract_mean: bool = option(True, "subtract the mean of each mel band over the utterance")
    input_name: str | None = option(None, "name of the input; default: the only one")
    output_name: str | None = option(None, "name of the output; default: the only one")
    dim: int | None = option(None, "expected dimension of the embeddings; another one is an error", least=1, most=10**6)
    threads: int = option(1, "threads of onnxruntime", least=1, most=1024)


class OnnxBackend(Backend):
    """A network in ONNX. Batches hold waveforms of one length."""

    Options, name = Options, "onnx"

    def __init__(self, options: Options, device: str = "cpu"):
        super().__init__(options, device)
        if device != "cpu":
            raise InputError(f"onnx: runs on the CPU, not on {device}; leave the device out, or use another back-end")
        self.fbank = QuickFbank(options.bins, options.scale, options.window, options.subtract_mean)
        self.session = _open(options)
        self.input = _chosen(self.session.get_inputs(), options.input_name, "input", options.model)
        self.output = _chosen(self.session.get_outputs(), options.output_name, "output", options.model)
        self.one_by_one = self._check_input()
        self.dim = self._probe()

    @classmethod
    def files(cls, options: Options) -> list[Path]:
        """The model, and the files beside it whose names begin with its name: large models have weights there."""
        return sorted(options.model.parent.glob(f"{glob.escape(options.model.name)}*")) or [options.model]

    def features(self, waveforms: Sequence[np.ndarray]) -> np.ndarray:
        """The input of the network, in its layout."""
        layout = self.options.layout
        if LAYOUTS[layout] == "waveform":
            samples = np.stack(waveforms).astype(np.float32) * np.float32(self.options.scale)  # (B, T)
            return samples[:, None] if layout == "b1t" else samples
        banks = self.fbank.batch(waveforms)  # (B, T, F)
        return np.ascontiguousarray(banks.transpose(0, 2, 1)) if layout == "bft" else banks

    def forward(self, features: np.ndarray) -> np.ndarray:
        size = 1 if self.one_by_one else len(features)
        parts = [features[start : start + size] for start in range(0, len(features), size)]
        rows = [self.session.run([self.output.name], {self.input.name: part})[0] for part in parts]
        return np.concatenate(rows).reshape(len(features), -1).astype(np.float32)

    def _check_input(self) -> bool:
        """Does the network take one waveform at a time? Raises InputError where its input is not as configured."""
        layout, shape, where = self.options.layout, self.input.shape, f"{self.options.model}: input {self.input.name!r}"
        if self.input.type != "tensor(float)":
            raise InputError(f"{where}: takes {self.input.type}, expected tensor(float)")
        if len(shape) != len(layout):
            raise InputError(f"{where}: has the shape {shape}, which is not the layout {layout}; set layout")
        sizes = {axis: size for axis, size in zip(layout, shape, strict=True) if isinstance(size, int)}
        for axis, expected in {"f": self.options.bins, "1": 1, "b": 1}.items():
            if sizes.get(axis, expected) != expected:
                raise InputError(f"{where}: has the shape {shape}: {sizes[axis]} at {axis} of {layout}, not {expected}")
        if "t" in sizes:
            raise InputError(f"{where}: has the shape {shape}: takes one length only; export it with a free time axis")
        return "b" in sizes

    def _probe(self) -> int:
        """The dimension of the embedding of noise. Raises InputError where it is not the expected one."""
        noise = np.random.default_rng(0).normal(scale=0.1, size=self.sample_rate).astype(np.float32)
        try:
            embedding = self.forward(self.features([noise]))
        except Exception as error:  # of onnxruntime, which has no base class of its own
            raise InputError(f"{self.options.model}: fails on a second of noise: {_first_line(error)}") from error
        dim = embedding.shape[1]
        if dim != (self.options.dim or dim):
            raise InputError(f"{self.options.model}: gives {dim} dimensions, the configuration says {self.options.dim}")
        return dim


def _open(options: Options) -> onnxruntime.InferenceSession:
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads, settings.inter_op_num_threads = options.threads, 1
    settings.use_deterministic_compute = True
    settings.log_severity_level = 3  # errors
    if not options.model.is_file():
        raise InputError(f"{options.model}: no such file; expected a network in ONNX")
    refuse_pointer(options.model)
    try:
        return onnxruntime.InferenceSession(str(options.model), settings, providers=["CPUExecutionProvider"])
    except Exception as error:  # of onnxruntime, which has no base class of its own
        raise InputError(f"{options.model}: onnxruntime does not load it: {_first_line(error)}") from error


def _chosen(nodes: Sequence[NodeArg], name: str | None, kind: str, model: Path) -> NodeArg:
    """The input or output of that name, or the only one."""
    found = [node for node in nodes if name in (None, node.name)]
    if len(found) != 1:
        names = ", ".join(node.name for node in nodes)
        raise InputError(f"{model}: {kind}_name: {name or 'not given'}; expected one of the model's {kind}s: {names}")
    return found[0]


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
