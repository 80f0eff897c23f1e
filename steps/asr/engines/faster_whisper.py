"""Whisper by faster-whisper and CTranslate2, from a directory as the converter of CTranslate2 writes it.

Runs by `utils/worker_loop.py` too: a content has `waveforms`, each (samples,) float32 in -1..1 at 16 kHz; the result
has their `transcripts`, each with `text`, and `words` with begin and end in seconds and a probability where word times
are asked for. The decoding is greedy or by beams, at temperature 0 alone: nothing is drawn at random.
"""

from __future__ import annotations

RATE, SECONDS = 16000, 30  # that the network sees
WINDOW = SECONDS * RATE
AT_ONCE = 16  # waveforms in a batch on a GPU; where its memory is too small, the caller halves it


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
        self.most_tokens, self.word_times = options["most_tokens"], options["word_times"]
        self.asked = {
            "language": options["language"],
            "beam_size": options["beams"],
            "temperature": 0.0,
            "condition_on_previous_text": False,
            "compression_ratio_threshold": None,
            "log_prob_threshold": None,
            "no_speech_threshold": None,
        }
        device = self.model.model.device  # cpu or cuda, where auto was asked for
        by_device = 1 if device == "cpu" or self.word_times else AT_ONCE
        self.facts |= {"device": device, "at_once": options["at_once"] or by_device}

    def __call__(self, content: dict) -> dict:
        """Recognise waveforms, in one batch where each is a window or less."""
        waveforms = content["waveforms"]
        if self.word_times or max(map(len, waveforms)) > WINDOW:
            return {"transcripts": [self._with_times(waveform) for waveform in waveforms]}
        return {"transcripts": [{"text": text} for text in self._texts(waveforms)]}

    def _texts(self, waveforms) -> list[str]:
        """What is said in waveforms that are a window or less."""
        import faster_whisper
        import numpy as np

        whole = np.zeros(len(waveforms) * WINDOW, np.float32)  # each with silence behind it, as the authors do
        for number, waveform in enumerate(waveforms):
            whole[number * WINDOW :][: len(waveform)] = waveform
        segments, _ = faster_whisper.BatchedInferencePipeline(self.model).transcribe(
            whole,
            clip_timestamps=[{"start": SECONDS * i, "end": SECONDS * (i + 1)} for i in range(len(waveforms))],
            batch_size=len(waveforms),
            without_timestamps=True,
            max_new_tokens=self._most(without_times=True),
            **self.asked,
        )
        texts: list[list[str]] = [[] for _ in waveforms]
        for segment in segments:
            texts[segment.seek // self.model.feature_extractor.nb_max_frames].append(segment.text.strip())
        return [" ".join(one) for one in texts]

    def _with_times(self, waveform) -> dict:
        """What is said in a waveform of any length, and when, where that is asked for."""
        import numpy as np

        waveform = np.pad(waveform, (0, max(0, WINDOW - len(waveform))))
        asked = {**self.asked, "word_timestamps": self.word_times, "max_new_tokens": self._most(without_times=False)}
        segments, _ = self.model.transcribe(waveform, **asked)
        texts, words = [], []
        for segment in segments:
            texts.append(segment.text.strip())
            words += [
                [one.word.strip(), *map(float, (one.start, one.end, one.probability))] for one in segment.words or []
            ]
        return {"text": " ".join(texts), "words": words}

    def _most(self, without_times: bool) -> int:
        """New tokens that give most_tokens: CTranslate2 stops at half of the prompt and these."""
        return 2 * self.most_tokens - (3 if self.model.model.is_multilingual else 1) - without_times
