"""A speech-augmented language model by NeMo (nemo.collections.speechlm2), such as canary-qwen-2.5b. Not run here.

Runs by `utils/worker_loop.py` in an interpreter that has NeMo: a content has `waveforms`, each (samples,) float32 in
-1..1 at 16 kHz, at most 40 s; the result has their `transcripts`, each with `text`. The names are those of the model's
card. Every tensor of the file must be one of the model's and the other way round. The tokenizer of the language model
that config.json names must be there: in the cache of the hub, or at the path that it names.
"""

from __future__ import annotations

EACH = 2**30  # bytes of a GPU's memory for an utterance of 40 s: a guess for canary-qwen-2.5b, not measured
MOST = 64  # utterances in a batch


class SalmEngine:
    """A network with its words."""

    def __init__(self, options: dict):
        import nemo
        import torch
        from nemo.collections.speechlm2.models import SALM

        self.facts = {"nemo": nemo.__version__, "torch": torch.__version__}
        self.model = SALM.from_pretrained(options["model"], local_files_only=True, strict=True)
        device = options["device"]
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model = self.model.to(device, getattr(torch, options["dtype"])).eval()
        self.prompt, self.most_tokens = options["prompt"], options["most_tokens"]
        self.facts |= {"device": device, "at_once": options["at_once"] or self._that_fit(device)}

    def _that_fit(self, device: str) -> int:
        import torch

        return 1 if device == "cpu" else max(1, min(MOST, torch.cuda.mem_get_info(device)[0] // EACH))

    def __call__(self, content: dict) -> dict:
        """Recognise waveforms, which are one batch."""
        import torch

        device, waveforms = self.model.device, [torch.from_numpy(one) for one in content["waveforms"]]
        audios = torch.nn.utils.rnn.pad_sequence(waveforms, batch_first=True)  # (B, samples)
        turn = {"role": "user", "content": f"{self.prompt} {self.model.audio_locator_tag}"}
        with torch.inference_mode():
            answers = self.model.generate(
                prompts=[[turn]] * len(waveforms),
                audios=audios.to(device, self.model.dtype),
                audio_lens=torch.tensor([len(one) for one in waveforms], device=device),
                max_new_tokens=self.most_tokens,
            )
        texts = [self.model.tokenizer.ids_to_text(one) for one in answers.cpu()]
        return {"transcripts": [{"text": text.strip()} for text in texts]}
