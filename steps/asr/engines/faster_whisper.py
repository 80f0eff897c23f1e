"""Whisper by faster-whisper and CTranslate2, from a directory as the converter of CTranslate2 writes it.

Runs by `utils/worker_loop.py` too: a content has `waveform` (samples,) float32 in -1..1 at 16 kHz; the result has
`text`, and `words` with begin and end in seconds and a probability where word times are asked for. The decoding is
greedy or by beams, at temperature 0 alone: nothing is drawn at random.
"""

from __future__ import annotations

WINDOW = 30 * 16000  # samples that the network sees


class FasterWhisperEngine:
    """A network with its features and its words."""

    def __init__(self, options: dict):
        import ctranslate2
        import faster_whisper

        self.facts = {"faster_whisper": faster_whisper.__version__, "ctranslate2": ctranslate2.__version__}
        device, _, index = options["device"].partition(":")
        self.model = faster_whisper.WhisperModel(
            str(options["model"]),
            device=device,
            device_index=int(index or 0),
            compute_type=options["compute_type"],
            cpu_threads=options["threads"],
            local_files_only=True,
        )
        self.most_tokens = options["most_tokens"]
        self.asked = {
            "language": options["language"],
            "beam_size": options["beams"],
            "word_timestamps": options["word_times"],
            "temperature": 0.0,
            "condition_on_previous_text": False,
            "compression_ratio_threshold": None,
            "log_prob_threshold": None,
            "no_speech_threshold": None,
        }

    def __call__(self, content: dict) -> dict:
        """Recognise a waveform."""
        import numpy as np

        waveform = content["waveform"]
        plain = len(waveform) <= WINDOW and not self.asked["word_timestamps"]  # longer audio needs times of windows
        waveform = np.pad(waveform, (0, max(0, WINDOW - len(waveform))))  # with silence, as the authors do
        n_prompt = (3 if self.model.model.is_multilingual else 1) + plain
        most = 2 * self.most_tokens - n_prompt  # CTranslate2 stops at half of the prompt and this
        segments, _ = self.model.transcribe(waveform, without_timestamps=plain, max_new_tokens=most, **self.asked)
        texts, words = [], []
        for segment in segments:
            texts.append(segment.text.strip())
            words += [
                [one.word.strip(), *map(float, (one.start, one.end, one.probability))] for one in segment.words or []
            ]
        return {"text": " ".join(texts), "words": words}
