"""A vocoder of others: CodeHiFiGAN from its published files, with durations, speaker and style.

Units with durations last as long as these say; without, as long as the network predicts. The speaker is a number, for
all or by a table, or a vector, where the network takes one: that of a speaker whom the main recipe has sampled.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

from steps.data.unit_sequences import UnitsInfo, expand
from steps.training.memory import in_halves
from steps.training.workplace import find_device
from steps.vocoder.backends import SpokenUnits
from steps.vocoder.code_hifigan_files import CONFIG, load_code_hifigan, read_config, sizes_of
from steps.vocoder.unit_spectra import window_of
from steps.vocoder.voices import VoiceVectors
from utils.errors import InputError
from utils.options import option
from utils.tables import read_table

TOLERANCE = 1e-6  # seconds


@dataclass(frozen=True)
class CodeHifiGanOptions:
    """Who speaks."""

    checkpoint: str | None = option(None, "file in the directory; default: the last g_..., or the only file of tensors")
    speaker: int = option(0, "number of the speaker, where the network knows several", least=0, most=10**6)
    speaker_numbers: Path | None = option(None, "table: speaker of an utterance, number; in place of speaker")
    speaker_vectors: Path | None = option(
        None, "xvector.scp, or a directory of sampled speakers, where the network takes vectors"
    )
    vector: str | None = option(None, "key in it for all; default: the utterance's id, or its speaker")
    style: int = option(0, "number of the style, where the network knows several", least=0, most=10**6)
    use_gpu: str = option("auto", "run the network on a GPU", choices=("auto", "true", "false"))


class CodeHifiGanVocoder:
    """Unit sequences -> waveforms."""

    Options: ClassVar[type] = CodeHifiGanOptions

    def __init__(self, model: Path, options: CodeHifiGanOptions):
        self.model, self.options = model, options
        config = read_config(model)
        self.sample_rate = config["sampling_rate"]
        self.sizes = sizes_of(config, str(model / CONFIG))
        self.device = find_device(options.use_gpu, 1)
        self.network = load_code_hifigan(model, options.checkpoint).to(self.device)
        self.numbers = read_table(options.speaker_numbers) if options.speaker_numbers else {}
        self.window = self.sizes.hop
        self._check_options()
        self.voices: VoiceVectors | None = None
        if options.speaker_vectors is not None:
            self.voices = VoiceVectors(options.speaker_vectors, options.vector, self.sizes.speaker_dim, model)

    def _check_options(self) -> None:
        """Raise InputError for a speaker or style that the network does not have."""
        options, sizes = self.options, self.sizes
        if sizes.speaker_dim and options.speaker_vectors is None:
            raise InputError(
                f"{self.model}: it takes a vector of {sizes.speaker_dim} values as the speaker; give --set"
                " speaker_vectors=, an xvector.scp or a directory of sampled speakers"
            )
        wrong = {
            "speaker": options.speaker >= max(1, sizes.n_speakers),
            "style": options.style >= max(1, sizes.n_styles),
            "speaker_numbers": options.speaker_numbers is not None and not sizes.n_speakers,
            "speaker_vectors": options.speaker_vectors is not None and not sizes.speaker_dim,
            "vector": options.vector is not None and options.speaker_vectors is None,
        }
        takes = f"a vector of {sizes.speaker_dim} values" if sizes.speaker_dim else "no vector"
        for name, is_wrong in wrong.items():
            if is_wrong:
                raise InputError(
                    f"--set {name}={getattr(options, name)}: {self.model} knows {sizes.n_speakers} speakers by number"
                    f" and {sizes.n_styles} styles, and takes {takes} of a speaker"
                )

    def check(self, info: UnitsInfo, where: str) -> None:
        """Raise InputError, which begins with `where`, for units that the network cannot speak."""
        step = self.sizes.hop / self.sample_rate
        if info.n_units > self.sizes.n_units or abs(step - info.frame_seconds) > TOLERANCE:
            raise InputError(
                f"{where}: {info.n_units} units every {info.frame_seconds:g} s, but {self.model} speaks"
                f" {self.sizes.n_units} every {step:g} s; are they of another model?"
            )
        self.window = round(window_of(info.as_json()) * self.sample_rate)

    @torch.no_grad()
    def __call__(self, wanted: SpokenUnits) -> np.ndarray:
        units = torch.from_numpy(wanted.units.astype(np.int64)).to(self.device)
        durations = wanted.durations
        if durations is None:
            if not self.sizes.duration_width:
                raise InputError(f"{wanted.id}: units without durations, and {self.model} does not predict any")
            durations = self.network.durations(units).cpu().numpy()
        frames = torch.from_numpy(expand(wanted.units, durations).astype(np.int64)).to(self.device)
        style = torch.tensor(self.options.style, device=self.device) if self.sizes.n_styles else None
        speaker = self._speaker(wanted)
        alone = f"{wanted.id}: out of memory with {len(frames)} frames; cut it into pieces, or give --set use_gpu=false"
        spoken = in_halves(lambda one: self.network(one, speaker, style), frames, lambda one: [one], alone, "")
        waveform = spoken[0].cpu().numpy()
        ends = max(0, self.window - self.sizes.hop)  # a frame stands for the middle of its window
        return np.pad(waveform, (ends // 2, ends - ends // 2))

    def _speaker(self, wanted: SpokenUnits) -> torch.Tensor | None:
        """The speaker's number () or vector (D,); None: the network has one speaker."""
        if self.voices is not None:
            return torch.from_numpy(self.voices(wanted)).to(self.device)
        if not self.sizes.n_speakers:
            return None
        text = self.numbers.get(wanted.speaker) if self.numbers else str(self.options.speaker)
        if text is None or not text.isdecimal() or int(text) >= self.sizes.n_speakers:
            raise InputError(
                f"{self.options.speaker_numbers}: {wanted.speaker}: expected a number below {self.sizes.n_speakers},"
                f" found {text or 'no line'}"
            )
        return torch.tensor(int(text), device=self.device)
