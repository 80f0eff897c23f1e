"""The front end of Resemblyzer against the package's own functions, bit for bit."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.ndimage

resemblyzer = pytest.importorskip("resemblyzer", reason="Resemblyzer is not installed")

from steps.audio.loudness import louder  # noqa: E402
from steps.embed.speech_windows import LOUDNESS, ResemblyzerOptions, SpeechWindows, widened  # noqa: E402
from tests.steps.audio.sounds import babble  # noqa: E402


@pytest.mark.parametrize("rate", [0.625, 1.3, 3.3, 100])
@pytest.mark.parametrize("coverage", [0.1, 0.75, 1])
def test_windows_begin_where_those_of_the_package_do(rate, coverage):
    front_end = SpeechWindows(ResemblyzerOptions(rate, coverage))
    for samples in [1, 159, 160, 25599, 25600, 25601, *np.random.default_rng(0).integers(100, 400_000, 50)]:
        _, slices = resemblyzer.VoiceEncoder.compute_partial_slices(int(samples), rate, coverage)
        assert front_end.starts(int(samples)) == [one.start for one in slices]


@pytest.mark.parametrize("factor", [1, 0.01, 5])
def test_loudness_is_that_of_the_package(factor):
    waveform = babble(0) * np.float32(factor)
    assert np.array_equal(louder(waveform, LOUDNESS), resemblyzer.normalize_volume(waveform, -30, increase_only=True))


def test_speech_is_widened_as_by_the_package():
    rng = np.random.default_rng(0)
    for n in (0, 1, 5, 7, 8, 300):
        kept = rng.random(n) < 0.1
        expected = scipy.ndimage.binary_dilation(kept, np.ones(7)) if n else kept
        assert np.array_equal(widened(kept, 3), expected)


def test_a_process_that_only_decodes_loads_neither_torch_nor_the_package():
    code = (
        "import sys, numpy as np\n"
        "from steps.embed import loading\n"
        "from steps.embed.speech_windows import ResemblyzerOptions, SpeechWindows\n"
        "front_end = SpeechWindows(ResemblyzerOptions())\n"
        "rng = np.random.default_rng(0)\n"
        "speech = np.repeat(rng.normal(size=400), 80).astype(np.float32)\n"
        "front_end.features([speech])\n"
        "assert not {'torch', 'librosa', 'resemblyzer', 'scipy.ndimage'} & sys.modules.keys(), sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
