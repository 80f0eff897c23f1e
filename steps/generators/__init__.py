"""Generators of speaker embeddings from descriptions: training and sampling."""
