"""A speech-augmented language model by NeMo (nemo.collections.speechlm2), such as canary-qwen-2.5b. Not run here.

Runs by `utils/worker_loop.py` in an interpreter that has NeMo: a content has `waveform` (samples,) float32 in -1..1 at
16 kHz, at most 40 s; the result has `text`. The names are those of the model's card. Every tensor of the file must be
one of the model's and the other way round. The tokenizer of the language model that config.json names must be there:
in the cache of the hub, or at the path that it names.
"""

from __future__ import annotations


class SalmEngine:
    """A network with its words."""

    def __init__(self, options: dict):
        import nemo
        import torch
        from nemo.collections.speechlm2.models import SALM

        self.facts = {"nemo": nemo.__version__, "torch": torch.__version__}
        self.model = SALM.from_pretrained(options["model"], local_files_only=True, strict=True)
        self.model = self.model.to(options["device"], getattr(torch, options["dtype"])).eval()
        self.prompt, self.most_tokens = options["prompt"], options["most_tokens"]

    def __call__(self, content: dict) -> dict:
        """Recognise a waveform."""
        import torch

        device = self.model.device
        audio = torch.from_numpy(content["waveform"])[None].to(device, self.model.dtype)  # (1, samples)
        turn = {"role": "user", "content": f"{self.prompt} {self.model.audio_locator_tag}"}
        with torch.inference_mode():
            answers = self.model.generate(
                prompts=[[turn]],
                audios=audio,
                audio_lens=torch.tensor([audio.shape[1]], device=device),
                max_new_tokens=self.most_tokens,
            )
        return {"text": self.model.tokenizer.ids_to_text(answers[0].cpu()).strip()}
