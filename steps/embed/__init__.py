"""Speaker embeddings of audio, from any network."""
