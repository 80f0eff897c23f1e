"""Networks, their published sizes, and weights that others have trained."""
