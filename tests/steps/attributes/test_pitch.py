"""F0 of signals whose F0 is known, of both sexes without being told, and of real speech."""

import numpy as np
import pytest

parselmouth = pytest.importorskip("parselmouth", reason="praat-parselmouth (GPL, optional) is not installed")

from steps.attributes.measure import measure, measure_waveform  # noqa: E402
from steps.attributes.pitch import track  # noqa: E402

RATE = 16000


def harmonics(hertz: float | np.ndarray, seconds: float = 1.5) -> np.ndarray:
    """A buzz whose second harmonic is the strongest, as in many vowels."""
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(hertz, int(seconds * RATE))) / RATE
    return 0.3 * sum(weight * np.sin(k * phase) for k, weight in enumerate((0.4, 1.0, 0.6, 0.3, 0.2), 1))


def median(waveform: np.ndarray) -> float | None:
    return track(parselmouth.Sound(waveform, RATE)).median


@pytest.mark.parametrize("hertz", [75.0, 100.0, 141.6, 181.3, 250.0, 400.0])
def test_within_one_percent_of_a_tone(hertz):
    assert median(harmonics(hertz)) == pytest.approx(hertz, rel=0.01)


@pytest.mark.parametrize("hertz", [90.0, 220.0])
def test_noise_level_and_scale_do_not_matter(hertz):
    noise = 0.05 * np.random.default_rng(0).normal(size=int(1.5 * RATE))
    assert median(0.1 * (harmonics(hertz) + noise)) == pytest.approx(hertz, rel=0.01)


def test_median_over_a_glide():
    assert median(harmonics(np.linspace(100, 140, int(1.5 * RATE)))) == pytest.approx(120.0, rel=0.01)


def test_a_pause_does_not_count():
    waveform = np.concatenate([harmonics(120.0), np.zeros(2 * RATE), harmonics(120.0)])
    found = track(parselmouth.Sound(waveform, RATE))
    assert found.median == pytest.approx(120.0, rel=0.01)
    assert found.voiced_seconds == pytest.approx(3.0, abs=0.15)


@pytest.mark.parametrize(
    "waveform", [np.zeros(RATE), 0.1 * np.random.default_rng(0).normal(size=RATE), np.zeros(100), np.ones(RATE)]
)
def test_nothing_voiced_is_named(waveform):
    found = measure_waveform("u", waveform)
    assert (found.f0, found.reason, found.nuclei) == (None, "unvoiced", 0)
    assert "less than 0.2 s" in found.detail


def test_espeak_obeys_its_pitch_and_we_see_it(espeak):
    from local.demo.espeak import speak_alone

    line = [("Seven paper boats were drifting slowly under the willow.", 170)]
    low, high = (measure_waveform("u", speak_alone(espeak, "f2", p, line)[0] / 32768.0).f0 for p in (30, 70))
    assert high > 1.3 * low


def test_men_and_women_of_librispeech(librispeech):
    from steps.audio.recordings import read_data_dir
    from utils.tables import read_table

    gender = read_table(librispeech / "spk2gender")
    found = {"f": [], "m": []}
    for utterance in read_data_dir(librispeech):
        f0 = measure(utterance).f0
        if f0 is not None:
            found[gender[utterance.speaker]].append(f0)
    women, men = np.array(found["f"]), np.array(found["m"])
    assert len(women) + len(men) >= 245
    assert (
        180 < np.median(women) < 215 and 100 < np.median(men) < 130
    )  # Baken & Orlikoff: adults of about 200 and 110 Hz
    assert np.mean(women < 130) < 0.05 and np.mean(men > 200) < 0.05  # an octave off
