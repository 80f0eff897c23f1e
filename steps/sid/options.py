"""Options of training on speakers: those of the loop, of the network, of the augmentation, and of the batches."""

from dataclasses import dataclass

from steps.networks.speaker_options import NetworkOptions
from steps.training.options import TrainingOptions
from utils.options import option


@dataclass(frozen=True)
class AugmentOptions:
    """How log-mels are changed at random whenever they are seen; levels are in dB. See `steps.sid.augment`."""

    augment: bool = option(True, "change the features of training at random; false: none of what follows")
    equaliser_db: float = option(6.0, "deviation of a smooth random frequency response", least=0, most=60)
    gain_db: float = option(6.0, "largest change of level", least=0, most=100)
    noise_share: float = option(0.5, "share of the utterances that get a floor of noise", least=0, most=1)
    noise_snr: float = option(
        20.0, "highest ratio of speech to that noise; the lowest is 20 dB less", least=-20, most=100
    )
    room_share: float = option(0.5, "share of the utterances that get the tail of a room", least=0, most=1)
    room_seconds: float = option(0.6, "longest time in which that tail falls by 60 dB", above=0, most=20)
    time_masks: int = option(1, "stretches of time that are hidden", least=0, most=100)
    time_mask_seconds: float = option(0.3, "longest of them", least=0, most=100)
    frequency_masks: int = option(1, "bands of frequency that are hidden", least=0, most=100)
    frequency_mask_share: float = option(0.12, "widest of them, as a share of all bins", least=0, most=1)


@dataclass(frozen=True)
class SidOptions(AugmentOptions, NetworkOptions, TrainingOptions):
    """All options that decide what training gives."""

    batching: str = option(
        "crops",
        "crops: random ones of equal length | buckets: whole utterances of like length",
        choices=("crops", "buckets"),
    )
    batch_size: int = option(32, "utterances in an update, of all processes together", least=1, most=10**6)
    crop_seconds: float = option(3.0, "length of a crop; a shorter utterance is taken whole", above=0, most=10**5)
    least_crop_seconds: float | None = option(
        None, "draw the length of each batch's crops from here to crop_seconds", above=0, most=10**5
    )
    max_seconds: float = option(
        20.0, "buckets: a longer utterance gives a random part of this length", above=0, most=10**5
    )
    min_seconds: float = option(0.1, "shorter utterances are left out, and listed", least=0, most=10**5)
    updates_per_epoch: int | None = option(None, "none: as many as see each utterance once", least=1, most=10**7)
    balance: str = option(
        "none",
        "of speakers: none | sampling, as often | weights, as much in the loss",
        choices=("none", "sampling", "weights"),
    )
    margin_epochs: float = option(5.0, "aam: epochs in which the margin rises from 0", least=0, most=10**6)
    decides: str = option(
        "auto",
        "dev figure that the best epoch has; auto: loss, or eer where no dev speaker is in train",
        choices=("auto", "loss", "accuracy", "eer"),
    )
    dev_seconds: float | None = option(None, "most of a dev or test utterance that is looked at", above=0, most=10**5)
    test_figures: bool = option(True, "log the figures of <feats>/test after each epoch, if it is there")
    frames_in: str = option("float16", "format of the features in memory", choices=("float16", "float32"))
