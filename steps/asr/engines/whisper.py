"""Whisper by transformers' own WhisperForConditionalGeneration, from a directory as `save_pretrained` writes it.

Runs by `utils/worker_loop.py` too: a content has `waveform` (samples,) float32 in -1..1 at 16 kHz, at most 30 s; the
result has `text`. Every tensor of the file must be one of the model's and the other way round.
"""

from __future__ import annotations

KINDS = ("missing_keys", "unexpected_keys", "mismatched_keys")
SAMPLE_RATE = 16000


class WhisperEngine:
    """A network with its features and its words."""

    def __init__(self, options: dict):
        import torch
        import transformers

        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        self.facts = {"transformers": transformers.__version__, "torch": torch.__version__}
        directory, self.device = options["model"], options["device"]
        self.model = _load(directory, getattr(torch, options["dtype"])).to(self.device).eval()
        self.features = transformers.WhisperFeatureExtractor.from_pretrained(directory, local_files_only=True)
        self.tokenizer = transformers.WhisperTokenizer.from_pretrained(directory, local_files_only=True)
        self.asked = {"num_beams": options["beams"], "do_sample": False, "max_new_tokens": options["most_tokens"]}
        if getattr(self.model.generation_config, "is_multilingual", False):
            self.asked |= {"language": options["language"], "task": "transcribe"}

    def __call__(self, content: dict) -> dict:
        """Recognise a waveform."""
        import torch

        waveform = content["waveform"]
        found = self.features(waveform, sampling_rate=SAMPLE_RATE, return_tensors="pt", return_attention_mask=True)
        with torch.inference_mode():
            tokens = self.model.generate(
                found.input_features.to(self.device, self.model.dtype),  # (1, bands, frames)
                attention_mask=found.attention_mask.to(self.device),
                **self.asked,
            )
        return {"text": self.tokenizer.decode(tokens[0], skip_special_tokens=True).strip(), "words": []}


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
