"""I-vectors: one vector an utterance, from the statistics of a mixture."""
