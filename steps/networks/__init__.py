"""Networks, their published sizes, and the loading of weights trained elsewhere."""
