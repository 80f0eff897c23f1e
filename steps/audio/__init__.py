"""Audio: recordings and their segments, decoded and checked."""
