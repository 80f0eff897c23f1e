"""PocketSphinx: hidden Markov models with the model of US English in its package, a model of the user's, or a grammar.

Runs by `utils/worker_loop.py` too: a content has `waveforms`, each (samples,) float32 in -1..1 at 16 kHz; the result
has their `transcripts`, each with `text`, and `words` with begin and end in seconds and the posterior probability.
"""

from __future__ import annotations

import importlib.metadata
import re
import tempfile

VARIANT = re.compile(r"\(\d+\)$")  # of a pronunciation, behind the word
NO_WORD = re.compile(r"<.*>|\[.*\]|\+\+.*\+\+|\(NULL\)")  # sentence marks, silence, noises
HIGHEST = 32767
SAMPLE_RATE = 16000
SILENCE = 1e-4  # deviation of the noise that stands for it


class PocketsphinxEngine:
    """A decoder. Each waveform is recognised by itself: its cepstra lose their own mean, not that of those before."""

    def __init__(self, options: dict):
        import pocketsphinx

        self.facts = {"pocketsphinx": importlib.metadata.version("pocketsphinx")}
        given = {"hmm": "acoustic_model", "dict": "dictionary", "lm": "language_model", "jsgf": "grammar"}
        chosen = {name: options[key] for name, key in given.items() if options.get(key)}
        with tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace") as log:
            fixed = {"loglevel": "ERROR", "logfn": log.name, "cmn": "batch", "wip": options.get("word_factor", 0.65)}
            if "jsgf" in chosen:
                fixed["lm"] = None
            try:
                self.decoder = pocketsphinx.Decoder(pocketsphinx.Config(**fixed, **chosen))
            except (RuntimeError, ValueError) as error:
                raise ValueError(f"{', '.join(chosen.values())}: {_first_error(log.read()) or error}") from error
        self.frames_per_second = self.decoder.config["frate"]
        self.padding = round(SAMPLE_RATE * options.get("padding", 0))  # samples

    def __call__(self, content: dict) -> dict:
        """Recognise waveforms."""
        return {"transcripts": [self._transcript(waveform) for waveform in content["waveforms"]]}

    def _transcript(self, waveform) -> dict:
        import numpy as np

        before = self.padding / SAMPLE_RATE
        if self.padding:
            noise = np.random.default_rng(0).normal(scale=SILENCE, size=len(waveform) + 2 * self.padding)
            waveform = np.pad(waveform, self.padding) + noise
        samples = np.clip(np.rint(waveform * (HIGHEST + 1)), -HIGHEST - 1, HIGHEST).astype("<i2")
        self.decoder.reinit_feat()  # else words depend on the waveforms before, whatever cmn is
        self.decoder.start_utt()
        self.decoder.process_raw(samples.tobytes(), full_utt=True)
        self.decoder.end_utt()
        if self.decoder.hyp() is None:
            return {"text": "", "words": []}
        words = [
            [
                VARIANT.sub("", one.word),
                max(0.0, one.start_frame / self.frames_per_second - before),
                (one.end_frame + 1) / self.frames_per_second - before,
                min(one.prob, 1.0),
            ]
            for one in self.decoder.seg()
            if not NO_WORD.fullmatch(one.word)
        ]
        return {"text": " ".join(word[0] for word in words), "words": words}


def _first_error(log: str) -> str:
    """What the library has said first."""
    found = re.search(r"^ERROR: (?:\"[^\"]*\", line \d+: )?(.*)", log, re.MULTILINE)
    return found[1] if found else ""
