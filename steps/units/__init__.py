"""Units: integers that stand for sounds, one a frame, of k-means of features or of a network's layers."""
