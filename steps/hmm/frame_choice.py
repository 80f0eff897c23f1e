"""Which frames of recordings models are trained on and aligned with: all of them, or those of speech."""

ALL, SPEECH = FRAMES = ("all", "speech")
FRAMES_HELP = "which frames; all: silence has units too; speech: those that the voice activity detection has found"
