"""Whisper by transformers' own WhisperForConditionalGeneration, from a directory as `save_pretrained` writes it.

Runs by `utils/worker_loop.py` too: a content has `waveforms`, each (samples,) float32 in -1..1 at 16 kHz, at most 30 s;
the result has their `transcripts`, each with `text`. Every tensor of the file must be one of the model's and the other
way round. `at_once` of the facts is how many waveforms a batch should have.
"""

from __future__ import annotations

KINDS = ("missing_keys", "unexpected_keys", "mismatched_keys")
SAMPLE_RATE = 16000
SHARE = 0.5  # of the free memory of a GPU, that a batch may take
MOST = 256  # waveforms in a batch


class WhisperEngine:
    """A network with its features and its words."""

    def __init__(self, options: dict):
        import torch
        import transformers

        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        self.facts = {"transformers": transformers.__version__, "torch": torch.__version__}
        directory, self.device = options["model"], options["device"]
        if self.device == "auto":
            self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model = _load(directory, getattr(torch, options["dtype"])).to(self.device).eval()
        self.features = transformers.WhisperFeatureExtractor.from_pretrained(directory, local_files_only=True)
        self.tokenizer = transformers.WhisperTokenizer.from_pretrained(directory, local_files_only=True)
        self.asked = {"num_beams": options["beams"], "do_sample": False, "max_new_tokens": options["most_tokens"]}
        if getattr(self.model.generation_config, "is_multilingual", False):
            self.asked |= {"language": options["language"], "task": "transcribe"}
        self.facts |= {"device": self.device, "at_once": options["at_once"] or self._that_fit()}

    def __call__(self, content: dict) -> dict:
        """Recognise waveforms, which are one batch."""
        import torch

        given = {"sampling_rate": SAMPLE_RATE, "return_tensors": "pt", "return_attention_mask": True}
        found = self.features(content["waveforms"], **given)
        with torch.inference_mode():
            tokens = self.model.generate(
                found.input_features.to(self.device, self.model.dtype),  # (B, bands, frames)
                attention_mask=found.attention_mask.to(self.device),
                **self.asked,
            )
        texts = self.tokenizer.batch_decode(tokens, skip_special_tokens=True)
        return {"transcripts": [{"text": text.strip()} for text in texts]}

    def _that_fit(self) -> int:
        """How many waveforms fit in the memory of the GPU; on a processor one after the other is as fast."""
        import torch

        if self.device == "cpu":
            return 1
        free, _ = torch.cuda.mem_get_info(self.device)
        own, beams = self.model.config, self.asked["num_beams"]
        sizes = (own.d_model, own.encoder_ffn_dim, own.decoder_layers, own.max_source_positions, own.num_mel_bins)
        return waveforms_in(free, self.model.dtype.itemsize * values_of(*sizes, beams, self.asked["max_new_tokens"]))


def values_of(width: int, inner: int, layers: int, frames: int, bands: int, beams: int, tokens: int) -> int:
    """How many numbers a batch has of each waveform at a time: features, one layer of the encoder, keys and values.

    Args:
        width, inner: of the network and of its inner layers. layers: of the decoder. frames: of the encoder's output.
    """
    encoder = frames * (2 * bands + 8 * width + 2 * inner)
    decoder = 2 * layers * width * beams * (frames + tokens)
    return encoder + decoder


def waveforms_in(free: int, each: int) -> int:
    """How many waveforms of so many bytes fit in the free bytes of a GPU, at least one."""
    return max(1, min(MOST, int(SHARE * free) // each))


def _load(directory: str, dtype):
    """The network. Raises ValueError for weights that are not exactly those of its configuration."""
    from safetensors import SafetensorError
    from transformers import WhisperForConditionalGeneration

    how = {"output_loading_info": True, "local_files_only": True, "use_safetensors": True}
    try:  # tensors of another shape are told with the others, and none of these models is used
        model, told = WhisperForConditionalGeneration.from_pretrained(
            directory, dtype=dtype, ignore_mismatched_sizes=True, **how
        )
    except SafetensorError as error:
        raise ValueError(f"{directory}: model.safetensors: {error}") from error
    wrong = [f"{kind.replace('_', ' ')}: {_first(told[kind])}" for kind in KINDS if told.get(kind)]
    if wrong:
        raise ValueError(f"{directory}: not the weights of its config.json: {'; '.join(wrong)}")
    return model


def _first(keys) -> str:
    """Some names of tensors."""
    names = sorted(str(key) for key in keys)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
