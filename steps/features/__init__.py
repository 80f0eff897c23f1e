"""Features of audio: log-mels and cepstra in jobs, directories of them, charts; mel spectra and filter banks of networks."""
