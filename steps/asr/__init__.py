"""Speech recognition: what was said in audio, and how many words of a transcript are wrong."""
