"""Generators of the literature, to compare ours with."""
