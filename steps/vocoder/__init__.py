"""Vocoders: speech again from unit sequences, by mean spectra and Griffin-Lim, or by networks of others."""
