"""CapSpeech-real: rows of utterances with their attributes, and x-vectors that lie anywhere below one directory."""
