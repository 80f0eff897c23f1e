"""Language models of speech units: networks and n-grams, their training, scores and samples."""
