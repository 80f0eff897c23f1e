"""Data directories of embeddings: groups, splits by speaker, and the index."""
