"""espeak-ng in the process: real speech, the same bytes whatever was said before."""

import numpy as np
import pytest

from steps.attributes.f0 import median_f0
from utils.errors import InputError

pytest.importorskip("espeakng_loader", reason="espeakng-loader (GPL, optional) is not installed")

from local.demo.espeak import Espeak, speak_alone  # noqa: E402

LINE = ("Two pages of the old cookery book are missing.", 170)


@pytest.fixture(scope="module")
def espeak():
    return Espeak("en-us")


def test_speed_and_pitch_are_obeyed(espeak):
    (slow,) = speak_alone(espeak, "f2", 50, [(LINE[0], 110)])
    (fast,) = speak_alone(espeak, "f2", 50, [(LINE[0], 250)])
    (high,) = speak_alone(espeak, "f2", 80, [(LINE[0], 250)])
    assert len(slow) > 1.5 * len(fast)
    assert median_f0(high, espeak.sample_rate) > 1.2 * median_f0(fast, espeak.sample_rate) > 150


def test_same_bytes_whatever_was_said_before(espeak):
    first = speak_alone(espeak, "f1", 50, [LINE, LINE])
    speak_alone(espeak, "sandro", 20, [LINE])
    again = speak_alone(espeak, "f1", 50, [LINE, LINE])
    assert all(map(np.array_equal, first, again))
    assert not np.array_equal(*first)  # within one process flutter runs on: the reason for speaking alone


def test_two_synthesisers_of_one_process_speak_the_same(espeak):
    other = Espeak("en-us")
    words = [speak_alone(each, "f1", 50, [LINE])[0] for each in (espeak, other, espeak)]
    assert len(words[0]) > espeak.sample_rate and all(np.array_equal(words[0], each) for each in words)


def test_unknown_variant(espeak):
    with pytest.raises(InputError, match="nobody: espeak-ng has no such voice variant"):
        speak_alone(espeak, "nobody", 50, [LINE])
