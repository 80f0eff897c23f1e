"""The figures of a set that is not learned from: loss and accuracy where the network knows the speakers, else EER.

Utterances are taken whole, or their first part, sorted by length so that a batch has little to fill up. Loss and
accuracy are those of the scores without a margin. The EER is that of the cosines of all pairs of utterances.
"""

import numpy as np
import torch
from torch import Tensor, nn

from steps.metrics.detection import DetCurve, equal_error_rate
from steps.metrics.trials import AllPairs
from steps.sid.packed_frames import PackedFrames
from steps.sid.speech_set import UNKNOWN, SpeechSet
from utils.errors import InputError

SCORED = 1024  # utterances that are scored at once


class SetFigures:
    """The figures of one set, by names that begin with the set's own, such as dev_loss.

    Args:
        speech: the set. frames: its frames. most_frames: of an utterance that are looked at; None: all.
        device: of the network.

    Attributes:
        names: of the figures: loss and accuracy where the speakers are those of the network, else eer.
    """

    def __init__(self, speech: SpeechSet, frames: PackedFrames, most_frames: int | None, device: str):
        self.speech, self.frames, self.device = speech, frames, device
        self.lengths = np.minimum(speech.lengths, most_frames or speech.lengths.max())
        self.labels = speech.utterance_labels
        self.known = (self.labels != UNKNOWN).all()  # else none is, see read_set
        self.names = [f"{speech.path.name}_{figure}" for figure in (("loss", "accuracy") if self.known else ("eer",))]
        self.pairs = AllPairs(np.array([speech.feats.utt2spk[utterance] for utterance in speech.utterances]))
        if not self.known and not (self.pairs.n_targets and self.pairs.n_nontargets):
            raise InputError(
                f"{speech.path}: no speaker is in train, and there are no two speakers of whom one has two utterances:"
                " there is nothing to measure; split the data anew (of test, test_figures=false needs no figures)"
            )

    @torch.inference_mode()
    def of(self, network: nn.Module) -> dict[str, float]:
        """The figures for the present weights of a network in evaluation mode."""
        embeddings = torch.empty(len(self.lengths), network.dim, device=self.device)
        for rows, cut in self.frames.batches(self.lengths):
            features = torch.from_numpy(cut).to(self.device).float()
            found = network.embed(features, torch.from_numpy(self.lengths[rows]))
            embeddings[torch.from_numpy(rows).to(self.device)] = found.float()
        values = self._of_known(network, embeddings) if self.known else [self._eer(embeddings)]
        return dict(zip(self.names, values, strict=True))

    def _of_known(self, network: nn.Module, embeddings: Tensor) -> list[float]:
        loss, right = 0.0, 0
        rows = np.arange(len(self.labels))
        for part in np.array_split(rows, -(-len(rows) // SCORED)):
            labels = torch.from_numpy(self.labels[part]).to(self.device)
            scores = network.logits(embeddings[torch.from_numpy(part).to(self.device)]).float()
            loss += float(nn.functional.cross_entropy(scores, labels, reduction="sum").double())
            right += int((scores.argmax(1) == labels).sum())
        return [loss / len(rows), right / len(rows)]

    def _eer(self, embeddings: Tensor) -> float:
        unit = nn.functional.normalize(embeddings, dim=1).cpu().numpy()
        return float(equal_error_rate(DetCurve.of_blocks(self.pairs.cosines(unit))))
