"""The mixture density network, a generator."""
