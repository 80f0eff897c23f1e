"""The detectors of speech by name.

    detector = BACKENDS.load("energy")(EnergyOptions(), 16000)
    speech = detector(waveform)                              # (T,) bool

A detector is a class with frozen options in `Options`, made of them and of Hz; it is called with a waveform (samples,)
float32 in -1..1 and gives a flag for each whole window of 25 ms every 10 ms, as features have them.
"""

from utils.registry import Registry

WEBRTC, ENERGY, SILERO, TEN = "webrtc", "energy", "silero", "ten"
BACKENDS = Registry(
    "detector of speech",
    {
        **{WEBRTC: "steps.vad.webrtc:Webrtc", ENERGY: "steps.vad.energy:Energy"},
        **{SILERO: "steps.vad.silero:Silero", TEN: "steps.vad.ten:Ten"},
    },
    needs=("Options", "__call__"),
)
