"""Measures of embeddings and scores: pure functions of arrays, which know no task."""
