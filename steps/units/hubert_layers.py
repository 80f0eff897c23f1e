"""Frames of a HuBERT's layer, of waveforms in batches, as each waveform alone would give them.

What padding would change is kept from it. The convolutions that come first see each waveform alone: the group
normalisation of the base models takes means over time. In a batch, the rest of a row is hidden from the attention, and
is zero where the positional convolution looks beyond the end, also after the batch normalisation that some models have
before it.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from steps.training.memory import in_halves
from steps.training.workplace import find_device
from steps.units.hubert_model import is_normalised, load_hubert, normalised, read_config
from utils.errors import InputError

SAMPLE_RATE = 16000
CHUNK_SECONDS = 100  # longer waveforms are cut, as the published dump of features does
CPU_SECONDS = 10.0  # of a batch on a processor: it stays in the caches
SECONDS_PER_GIB = 40.0  # of a batch on a GPU, for each GiB of its memory
HIDDEN = 768  # values of a frame in the model that these seconds are for
ALONE = "out of memory with a single waveform; is another program on this GPU? --set use_gpu=false does without one"
DIVIDED = "out of memory: a batch of HuBERT is done in halves, which is slower; a lower --set batch_seconds avoids it"


class HubertLayer:
    """Waveforms -> frames of one layer.

    Args:
        layer: from 1; its output is taken before the normalisation that may follow the last one.
        batch_seconds: most audio in a batch; None: as the device allows.
    """

    def __init__(
        self, model: Path, layer: int, normalise: str, use_gpu: str = "false", batch_seconds: float | None = None
    ):
        self.device = find_device(use_gpu, 1)
        network = load_hubert(model)
        if not 1 <= layer <= len(network.encoder.layers):
            raise InputError(f"--set layer={layer}: {model} has the layers 1 to {len(network.encoder.layers)}")
        network.encoder.layers = network.encoder.layers[:layer]  # what follows is not needed
        network.encoder.layers[-1].register_forward_hook(self._keep)
        network.encoder.pos_conv_embed.conv.register_forward_pre_hook(self._hide)
        self.network = network.to(self.device)
        self.normalise = is_normalised(model, normalise)
        self.batch_seconds = batch_seconds or default_seconds(free_bytes(self.device), network.config.hidden_size)
        self.step, self.window = steps_of(network.config.conv_stride, network.config.conv_kernel)
        self._output = self._mask = None

    def _keep(self, layer: torch.nn.Module, given: tuple, output: Tensor | tuple) -> None:
        self._output = output if isinstance(output, Tensor) else output[0]

    def _hide(self, layer: torch.nn.Module, given: tuple[Tensor]) -> tuple[Tensor] | None:
        """Zeros, where a row (H, T) of the batch has ended."""
        return None if self._mask is None else (given[0] * self._mask[:, None],)

    @torch.no_grad()
    def __call__(self, waveforms: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Frames (T, H) float32 of each waveform (samples,) at 16 kHz; T is 0 where it is shorter than a window."""
        parts: list[list[np.ndarray]] = [[] for _ in waveforms]
        projected, owners = [], []
        for number, waveform in enumerate(waveforms):
            for chunk in self._chunks(waveform):
                projected += in_halves(self._projected, chunk, lambda one: [one], ALONE, DIVIDED)
                owners.append(number)
        outputs: dict[int, np.ndarray] = {}
        for rows in batches([len(one) for one in projected], self.batch_seconds * SAMPLE_RATE / self.step):
            found = in_halves(self._encoded, [projected[row] for row in rows], halves, ALONE, DIVIDED)
            for row, frames in zip(rows, sum(found, []), strict=True):
                outputs[row] = frames
        for row, owner in enumerate(owners):
            parts[owner].append(outputs[row])
        empty = np.zeros((0, self.network.config.hidden_size), np.float32)
        return [np.concatenate([empty, *own]) for own in parts]

    def _chunks(self, waveform: np.ndarray) -> Iterator[Tensor]:
        samples = torch.from_numpy(np.ascontiguousarray(waveform, np.float32)).to(self.device)
        if len(samples) < self.window:
            return
        samples = normalised(samples) if self.normalise else samples
        for chunk in samples.split(CHUNK_SECONDS * SAMPLE_RATE):
            if len(chunk) >= self.window:
                yield chunk

    def _projected(self, chunk: Tensor) -> Tensor:
        """What the layers see of a waveform, (T, H)."""
        found = self.network.feature_extractor(chunk[None]).transpose(1, 2)
        return self.network.feature_projection(found)[0]

    def _encoded(self, rows: Sequence[Tensor]) -> list[np.ndarray]:
        """Frames (T, H) of rows (T, H) of one batch."""
        lengths = [len(row) for row in rows]
        padded = torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True)  # (B, T, H)
        mask = torch.arange(padded.shape[1], device=self.device) < torch.tensor(lengths, device=self.device)[:, None]
        self._mask = None if min(lengths) == max(lengths) else mask
        self.network.encoder(padded, attention_mask=self._mask)
        return [frames[:n].cpu().numpy() for frames, n in zip(self._output, lengths, strict=True)]


def batches(lengths: Sequence[int], most: float) -> Iterator[list[int]]:
    """Numbers of rows of similar lengths, so many that together, padded, they have `most` frames or fewer."""
    rows: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: (lengths[row], row)):
        if rows and (len(rows) + 1) * lengths[row] > most:
            yield rows
            rows = []
        rows.append(row)
    if rows:
        yield rows


def halves(rows: list[Tensor]) -> list[list[Tensor]]:
    """The two parts of the rows of a batch."""
    middle = len(rows) // 2
    return [rows[:middle], rows[middle:]] if middle else [rows]


def free_bytes(device: str | torch.device) -> int | None:
    """The free memory of a GPU; None: the device is a processor."""
    return None if torch.device(device).type == "cpu" else torch.cuda.mem_get_info(device)[0]


def default_seconds(free: int | None, hidden: int) -> float:
    """Most audio in a batch: on a GPU by the bytes that are free."""
    return CPU_SECONDS if free is None else max(CPU_SECONDS, SECONDS_PER_GIB * free / 2**30 * HIDDEN / hidden)


def steps_of(strides: Sequence[int], kernels: Sequence[int]) -> tuple[int, int]:
    """Samples from a frame to the next, and that a frame is of, of convolutions one after the other."""
    step, window = 1, 1
    for stride, kernel in zip(strides, kernels, strict=True):
        window += (kernel - 1) * step
        step *= stride
    return step, window


def frame_times(model: Path) -> tuple[float, float]:
    """Seconds of a step and of a window, of the model in a directory."""
    config = read_config(model)
    try:
        step, window = steps_of(config["conv_stride"], config["conv_kernel"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{model}/config.json: no conv_stride and conv_kernel of the same number") from error
    return step / SAMPLE_RATE, window / SAMPLE_RATE
