"""Hidden Markov models of phones and words: graphs of transcripts, alignment, training, scores."""
