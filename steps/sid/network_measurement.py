"""Peak memory and seconds of a network, measured in this process: a training step, or inference."""

import resource
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # noqa: F401, optimizers import it, which takes seconds: once, not in each process

from steps.networks.speaker_network import SpeakerNetwork
from steps.sid.workload import DONE, TRAIN, Workload
from steps.training.precision import autocast, products_in, resolve
from steps.training.workplace import find_device

# of the run that loads code: its network has next to no memory
WARM_UP = {"widths": (8, 8), "layers": 1, "width": 16, "heads": 2, "ff": 16, "d_state": 8, "head_dim": 8, "chunk": 16}
WARM_UP |= {"preset": "modern", "attention": 8, "embedding_dim": 8}


def measured(load: Workload) -> dict[str, Any]:
    """`state`, `seconds` of the fastest run, `bytes` at the peak, `parameters` and `device`."""
    torch.manual_seed(0)
    torch.set_num_threads(load.threads)
    device = find_device(load.use_gpu, 1)
    _prepared(load._replace(options=replace(load.options, **WARM_UP)), device)[1](1, 32)
    if load.most_bytes is not None and device == "cpu":
        _limit(load.most_bytes)
    begin = _peak(device)
    network, step = _prepared(load, device)
    seconds = [_timed(step, load, device) for _ in range(load.runs)]
    return {
        "state": DONE,
        "seconds": min(seconds),
        "bytes": max(0, _peak(device) - begin),
        "parameters": sum(value.numel() for value in network.parameters()),
        "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
    }


def _prepared(load: Workload, device: str) -> tuple[SpeakerNetwork, Callable[[int, int], None]]:
    """A network, and its step on a batch of so many utterances and frames."""
    network = SpeakerNetwork(load.options, load.bins, load.n_speakers).to(device).train(load.mode == TRAIN)
    optimizer = torch.optim.AdamW(network.parameter_groups(), fused=True) if load.mode == TRAIN else None

    precision = resolve(load.precision, torch.device(device))

    @products_in(precision, torch.device(device))
    def step(batch: int, frames: int) -> None:
        features = torch.randn(batch, frames, load.bins, device=device)
        with autocast(precision, torch.device(device)):
            if optimizer is None:
                with torch.inference_mode():
                    network(features)
                return
            labels = torch.arange(batch, device=device) % load.n_speakers
            loss = network.loss(network.embed(features), labels, load.options.margin)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return network, step


def _timed(step: Callable[[int, int], None], load: Workload, device: str) -> float:
    begin = time.perf_counter()
    step(load.batch, load.frames)
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begin


def _peak(device: str) -> int:
    """Bytes: the most that this process has held, or that torch's allocator has had on the GPU."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _limit(n: int) -> None:
    """Let this process take `n` more bytes at most, so that it fails instead of all others."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + n, resource.RLIM_INFINITY))
