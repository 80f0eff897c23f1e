"""Voice activity detection: which frames of audio are speech."""
