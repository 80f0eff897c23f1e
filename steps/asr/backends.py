"""The recognisers of speech by name; another is `module:Class`, a subclass of `steps.asr.recogniser.Recogniser`.

recogniser = BACKENDS.load("pocketsphinx")(PocketsphinxOptions())
"""

from utils.registry import Registry

POCKETSPHINX = "pocketsphinx"
BACKENDS = Registry(
    "recogniser of speech",
    {
        POCKETSPHINX: "steps.asr.pocketsphinx:Pocketsphinx",
        "whisper": "steps.asr.whisper:Whisper",
        "faster_whisper": "steps.asr.faster_whisper:FasterWhisper",
        "nemo_salm": "steps.asr.nemo_salm:NemoSalm",
    },
    needs=("Options", "sample_rate", "longest", "require", "__call__"),
)
