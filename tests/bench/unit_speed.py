"""Speed of units: the nearest centroid beside scikit-learn's, and HuBERT in batches beside one by one.

Centroids are of cepstra of real speech, and of drawn frames as wide as those of HuBERT. HuBERT is a random network:
what it hears does not matter for its speed, nor for whether a batch changes its units. Writes a section of RESULTS.md.
"""

import os
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.bench.results import PATH, command_line, record, table, target
from tests.bench.timing import require_one_thread, spread, take_turns
from utils.command import run_command
from utils.errors import InputError
from utils.options import option

DATA = Path(os.environ.get("PSEUDOSPEAKERS_DATA", "nowhere")) / "librispeech-sessions-14"
LEAST_RATIO, LEAST_EQUAL = ">= 0.9", ">= 0.999"

if TYPE_CHECKING:
    from steps.units.hubert_layers import HubertLayer

OURS, OTHER = "steps.units", "scikit-learn's predict"
BATCHES, ALONE, PADDED = "in batches", "one by one", "padded waveforms, attention mask alone"
SIZES = {
    **{"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 1024},
    **{"conv_dim": (64,) * 7},
}
LAYER = 4


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    audio: Path | None = option(None, "directory with flac files; default: librispeech-sessions-14")
    files: int = option(60, "how many of them", least=1)
    drawn: int = option(20_000, "drawn frames", least=1000)
    utterances: int = option(32, "waveforms that HuBERT hears", least=2)
    rounds: int = option(3, "how often each is timed", least=1)
    results: Path = option(PATH, "file whose section is written")


def work(options: Options) -> None:
    """Measure and record."""
    require_one_thread()
    rows = [nearest_row(name, frames, k, options) for name, frames, k in frame_sets(options)]
    body = [
        "The nearest centroid to each frame. Ratios are of seconds of processor time, taken by turns.",
        table(("", "frames in a second", "scikit-learn", f"ratio ({LEAST_RATIO})", "equal ids"), rows),
        *hubert_part(options),
    ]
    record(options.results, "Speed of units", command_line("tests.bench.unit_speed", options), "\n\n".join(body))


def frame_sets(options: Options) -> list[tuple[str, np.ndarray, int]]:
    """Frames (T, D) by name, with the number of centroids."""
    import soundfile

    from steps.features.mfcc import Mfcc, MfccOptions

    folder = options.audio or DATA
    paths = sorted(folder.rglob("*.flac"))[: options.files]
    if not paths:
        raise InputError(f"{folder}: no flac files; set PSEUDOSPEAKERS_DATA, or give --audio")
    extractor = Mfcc(MfccOptions(preset="notebook"))
    cepstra = np.concatenate([extractor(soundfile.read(path, dtype="float32")[0], 16000) for path in paths])
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(options.drawn, 768)).astype(np.float32)
    return [("39 cepstra, 100", cepstra, 100), ("39 cepstra, 500", cepstra, 500), ("768 drawn, 1,000", wide, 1000)]


def nearest_row(name: str, frames: np.ndarray, k: int, options: Options) -> list[object]:
    """One line of the table."""
    from sklearn.cluster import KMeans

    from steps.units.centroids import Centroids

    rng = np.random.default_rng(1)
    some = frames[rng.choice(len(frames), min(len(frames), 20 * k), replace=False)]
    fitted = KMeans(k, init=some[:k], n_init=1, max_iter=5).fit(some)
    own = Centroids(np.ascontiguousarray(fitted.cluster_centers_, np.float32))
    actions = {OURS: lambda: own.units(frames), OTHER: lambda: fitted.predict(frames)}
    seconds = take_turns(actions, options.rounds, clock=time.process_time)
    equal = float((own.units(frames) == fitted.predict(frames)).mean())
    ratio = float(np.median(seconds[OTHER] / seconds[OURS]))
    speeds = [spread(len(frames) / seconds[one], digits=0) for one in (OURS, OTHER)]
    return [name, *speeds, f"{ratio:.2f} ({target(ratio, LEAST_RATIO)})", f"{equal:.6f} ({target(equal, '>= 1')})"]


def hubert_part(options: Options) -> list[str]:
    """The table of batches."""
    from steps.units.centroids import Centroids
    from steps.units.hubert_layers import HubertLayer

    rows = []
    for kind, longest in (("group", 12.0), ("group", 2.0), ("batch_norm", 12.0)):
        rng = np.random.default_rng(2)
        seconds = np.clip(rng.lognormal(np.log(longest / 6), 0.8, options.utterances), 0.3, longest)
        heard = [(0.1 * rng.normal(size=round(16000 * one))).astype(np.float32) for one in seconds]
        with tempfile.TemporaryDirectory() as name:
            write_network(Path(name), kind)
            layers = {
                BATCHES: HubertLayer(Path(name), LAYER, "auto"),
                ALONE: HubertLayer(Path(name), LAYER, "auto", batch_seconds=1e-3),
            }
        frames = layers[ALONE](heard)
        centroids = Centroids(np.concatenate(frames)[:: max(1, sum(map(len, frames)) // 500)][:500])
        units = [centroids.units(one) for one in frames]
        actions = {one: partial(layer, heard) for one, layer in layers.items()}
        times = take_turns(actions, options.rounds, clock=time.process_time)
        ratio = float(np.median(times[ALONE] / times[BATCHES]))
        same = equal_share(units, [centroids.units(one) for one in layers[BATCHES](heard)])
        padded = equal_share(units, [centroids.units(one) for one in padded_frames(layers[ALONE], heard)])
        rows.append(
            [
                f"{kind.replace('_', ' ')}, {seconds.min():.1f} to {seconds.max():.1f} s",
                spread(seconds.sum() / times[BATCHES], digits=0),
                f"{ratio:.2f} ({target(ratio, '>= 1')})",
                f"{same:.5f} ({target(same, LEAST_EQUAL)})",
                f"{padded:.3f}",
            ]
        )
    head = ("", "x real time", f"faster than {ALONE}", f"ids equal to {ALONE}", f"{PADDED}: ids equal")
    return [
        f"HuBERT of random weights, {SIZES['num_hidden_layers']} layers of {SIZES['hidden_size']}, {options.utterances}"
        " waveforms, 500 centroids. The last column is what waveforms with zeros behind would give, by transformers"
        " with an attention mask: why they are kept apart here.",
        table(head, rows),
    ]


def write_network(directory: Path, kind: str) -> None:
    """Write a random HuBERT whose positional convolution is of this kind."""
    import torch
    from transformers import HubertConfig, HubertModel, Wav2Vec2FeatureExtractor

    torch.manual_seed(0)
    network = HubertModel(HubertConfig(**SIZES, conv_pos_batch_norm=kind == "batch_norm")).eval()
    with torch.no_grad():
        for tensor in network.parameters():
            tensor += 0.05 * torch.randn_like(tensor)
    network.save_pretrained(directory)
    Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(directory)


def padded_frames(layer: "HubertLayer", waveforms: list[np.ndarray]) -> list[np.ndarray]:
    """What transformers gives of waveforms with zeros behind, in batches of eight neighbours by length."""
    import torch

    network, found = layer.network, {}
    network.encoder.pos_conv_embed.conv._forward_pre_hooks.clear()
    order = sorted(range(len(waveforms)), key=lambda row: len(waveforms[row]))
    for begin in range(0, len(order), 8):
        rows = order[begin : begin + 8]
        padded = torch.nn.utils.rnn.pad_sequence([torch.from_numpy(waveforms[row]) for row in rows], batch_first=True)
        sizes = torch.tensor([len(waveforms[row]) for row in rows])
        mask = (torch.arange(padded.shape[1]) < sizes[:, None]).long()
        with torch.no_grad():
            network(padded, attention_mask=mask)
        for row, frames in zip(rows, layer._output, strict=True):
            found[row] = frames[: (len(waveforms[row]) - layer.window) // layer.step + 1].numpy()
    return [found[row] for row in range(len(waveforms))]


def equal_share(one: list[np.ndarray], other: list[np.ndarray]) -> float:
    """The share of frames that have the same unit."""
    return float((np.concatenate(one) == np.concatenate(other)).mean())


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
