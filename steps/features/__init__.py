"""Features of audio: log-mels and cepstra, computed in jobs; directories of features, their charts; mel spectra."""
