"""Speech whose words, phonemes, syllables and speed are known (espeak-ng), and real speech with known genders."""

import csv
import ctypes
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml

from steps.attributes.phonemes import WORD
from tests.conftest import real_data
from utils.data_dir import write_data_dir

ROOT = Path(__file__).parents[3]
VOICES = (("m1", 40), ("f1", 50), ("Hugo", 50), ("Annie", 40))  # not those that the constants were tuned on
SPEEDS = (110, 170, 260)  # words a minute
VOWEL = re.compile("[aɑæɐeɛəɚɜɪiᵻoɔʊuʌ]+ː?[ɪʊə]?|[nl]̩")
TWO_CHARACTERS = "ɚɝɜ"  # rhotic vowels, as in the published count
IPA = (ord("_") << 8) | 2  # phoneme mode of espeak-ng: IPA, an underscore between phonemes


@dataclass(frozen=True)
class Spoken:
    """A sentence as it was spoken: 16 kHz float waveform, true syllables and characters of IPA with blanks."""

    sentence: str
    speed: int
    voice: str
    waveform: np.ndarray
    syllables: int
    characters: int


class Phonemizer:
    """espeak-ng's own phonemes of a text: the truth that estimates are compared with."""

    def __init__(self, espeak):
        self._call = espeak.library.espeak_TextToPhonemes
        self._call.restype = ctypes.c_char_p
        self._call.argtypes = [ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
        espeak.library.espeak_SetVoiceByName(b"en-us")

    def ipa(self, text: str) -> str:
        rest, clauses = ctypes.c_char_p(text.encode()), []
        while rest.value:
            clauses.append(self._call(ctypes.byref(rest), 1, IPA).decode())
        return " ".join(clauses)

    def syllables(self, text: str) -> int:
        return sum(len(VOWEL.findall(re.sub("[ˈˌ]", "", phone))) for phone in re.split("[_ ]+", self.ipa(text)))

    def characters(self, text: str) -> int:
        letters = [letter for letter in self.ipa(text) if letter.isalpha() and letter not in "ːˈˌ"]
        return sum(1 + (letter in TWO_CHARACTERS) for letter in letters) + len(WORD.findall(text)) - 1


@pytest.fixture(scope="session")
def espeak():
    pytest.importorskip("espeakng_loader", reason="espeakng-loader (GPL, optional) is not installed")
    from local.demo.espeak import Espeak

    return Espeak("en-us")


@pytest.fixture(scope="session")
def phonemizer(espeak) -> Phonemizer:
    return Phonemizer(espeak)


@pytest.fixture(scope="session")
def sentences() -> list[str]:
    """The demo's sentences that the constants were not tuned on."""
    rules = yaml.safe_load((ROOT / "local/rules/demo.yaml").read_text(encoding="utf-8"))
    return rules["sentences"][1::2]


@pytest.fixture(scope="session")
def spoken(espeak, phonemizer, sentences) -> list[Spoken]:
    """Each sentence by each voice at each speed."""
    import soxr

    from local.demo.espeak import speak_alone

    said = []
    for voice, pitch in VOICES:
        lines = [(sentence, speed) for sentence in sentences for speed in SPEEDS]
        for (sentence, speed), samples in zip(lines, speak_alone(espeak, voice, pitch, lines), strict=True):
            waveform = soxr.resample(samples / np.float32(32768), espeak.sample_rate, 16000)
            truth = phonemizer.syllables(sentence), phonemizer.characters(sentence)
            said.append(Spoken(sentence, speed, voice, waveform, *truth))
    return said


@pytest.fixture(scope="session")
def librispeech_text() -> list[dict[str, str]]:
    """The transcripts of the 251 real speakers: utterance, seconds, text."""
    with (real_data("librispeech-text") / "librispeech-251.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def librispeech(librispeech_251: Path, tmp_path_factory) -> Path:
    """Data directory of three seconds of each of the 251 real speakers."""
    import soundfile

    root = librispeech_251 / "LibriSpeech"
    lines = [line.split("|") for line in (root / "SPEAKERS.TXT").read_text().splitlines() if line[0] != ";"]
    genders = {columns[0].strip(): columns[1].strip().lower() for columns in lines}
    files = {path.parts[-3]: path for path in sorted(root.glob("*/*/*/*.flac"))}
    seconds = {speaker: soundfile.info(path).duration for speaker, path in files.items()}
    tables = {
        "wav.scp": {f"{speaker}-a": str(path) for speaker, path in files.items()},
        "segments": {f"{speaker}-a-1": f"{speaker}-a 0.0 {min(3, seconds[speaker]):.2f}" for speaker in files},
        "utt2spk": {f"{speaker}-a-1": speaker for speaker in files},
        "spk2gender": {speaker: genders[speaker] for speaker in files},
    }
    out = tmp_path_factory.mktemp("real") / "librispeech"
    write_data_dir(out, tables)
    return out


@pytest.fixture(scope="session")
def real_embeddings(librispeech) -> Path:
    """Resemblyzer embeddings of that speech: a script file."""
    pytest.importorskip("resemblyzer", reason="Resemblyzer is not installed")
    from steps.audio.read import load
    from steps.audio.recordings import read_data_dir
    from steps.embed.backend import load_backend
    from utils.archive_writer import write_vectors

    backend = load_backend("resemblyzer")
    utterances = read_data_dir(librispeech)
    x = backend.embed([backend.prepare(load(utterance).waveform) for utterance in utterances])
    scp = librispeech.parent / "xvector.scp"
    write_vectors(scp.with_suffix(".ark"), scp, [utterance.id for utterance in utterances], x)
    return scp
