"""Features of waveforms: mel spectra and Kaldi filter banks."""
