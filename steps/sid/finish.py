"""Replace the last layer of a trained network by linear discriminant analysis: a closed form, in seconds.

    python3 -m steps.sid.finish --model exp/mamba2 --feats exp/feats/train --out exp/mamba2_lda

Reads a model directory of `steps.sid.train` and the features of its training speakers, with their perturbed copies. The
embedding becomes the discriminant projection (`steps.sid.lda`) of the pooled frames, or of the embedding as it was; the
scores of speakers become log likelihoods of Gaussians, up to a constant. Both are linear, so that --out is an ordinary
model directory, which every command takes.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from utils.command import logger, progress, run_command
from utils.errors import InputError
from utils.options import option
from utils.stage_dir import StageDir

if TYPE_CHECKING:
    from steps.networks.speaker_network import SpeakerNetwork
    from steps.sid.lda import Lda

log = logger(__name__)
POOLED, EMBEDDING = "pooled", "embedding"


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.sid.finish"
    model: Path = option(help="model directory of steps.sid.train")
    feats: Path = option(help="directory of features of training utterances")
    out: Path = option(help="directory to write")
    of: str = option(POOLED, "what the analysis is of: pooled frames, or the embedding", choices=(POOLED, EMBEDDING))
    use_gpu: str = option("auto", "compute on a GPU; auto: where there is one", choices=("auto", "true", "false"))
    batch_frames: int = option(20_000, "frames in a batch with their padding, at most", least=1, most=10**8)
    force: bool = option(False, "do it again even if nothing has changed")


def work(options: Options) -> None:
    """Replace the layer and commit the model."""
    from steps.networks.speaker_files import DESCRIPTION
    from steps.sid.systems import require_features, system_files

    files = system_files(options.model)
    if files[0].name != DESCRIPTION:
        raise InputError(f"{options.model}: a baseline, not a network; it is finished already")
    with StageDir(options.out, options, [*files, options.feats], options.force) as stage:
        if stage.done:
            return
        from torch import nn

        from steps.features.feats_dir import FeatsDir
        from steps.networks.speaker_model import save_model
        from steps.sid.embed import embed
        from steps.sid.lda import fit_lda
        from steps.sid.systems import NetworkSystem, in_order, length_batches
        from steps.training.workplace import find_device

        feats = FeatsDir(options.feats)
        system = NetworkSystem(options.model, find_device(options.use_gpu, 1))
        require_features(system.features, feats.features, options.feats)
        network = system.network
        if network.is_refitted:
            raise InputError(f"{options.model}: trained with refit: {network.options.refit}; it is finished already")
        if not isinstance(network.embedding, nn.Sequential) or not isinstance(network.embedding[-1], nn.Linear):
            raise InputError(f"{options.model}: a network of preset original, whose last layer is not linear")
        last = network.embedding[-1]
        if options.of == POOLED:
            network.embedding[-1] = nn.Identity()
        batches, failures = list(length_batches(feats.num_frames, options.batch_frames)), []
        found = list(progress(embed(system, feats, batches, failures), len(batches), "embed"))
        if failures:
            raise InputError(f"{options.feats}: {failures[0][0]}: {failures[0][2]} ({len(failures)} such utterances)")
        x = in_order(found, feats.utterances)
        lda = fit_lda(x, [feats.utt2spk[one] for one in feats.utterances], (options.of,), system.features)
        network.embedding[-1] = last
        save_model(stage.dir, *finished(network, lda, options.of), list(lda.speakers), dict(system.features))
        log.info(
            "%s: %d utterances of %d speakers, %d dimensions projected to %d",
            stage.final, len(x), len(lda.speakers), x.shape[1], len(lda.projection),
        )  # fmt: skip


def finished(network: "SpeakerNetwork", lda: "Lda", of: str) -> tuple:
    """The network with new last layers, and its options."""
    from dataclasses import replace

    import torch

    from steps.networks.speaker_network import SpeakerNetwork

    weight, bias = lda.projection, -lda.projection @ lda.centre  # (q, D), (q,)
    if of == EMBEDDING:
        last = network.embedding[-1]
        weight, bias = weight @ last.weight.double().cpu().numpy(), bias + weight @ last.bias.double().cpu().numpy()
    options = replace(network.options, embedding_dim=len(weight), loss="softmax")
    made = SpeakerNetwork(options, network.bins, len(lda.speakers))
    kept = {name: value for name, value in network.state_dict().items() if not name.startswith("classifier")}
    last = f"embedding.{len(network.embedding) - 1}"
    new = {f"{last}.weight": weight, f"{last}.bias": bias}
    new |= {"classifier.weight": lda.means, "classifier.bias": -(lda.means**2).sum(axis=1) / 2}
    made.load_state_dict(kept | {name: torch.from_numpy(value).float() for name, value in new.items()})
    return made, options


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
