"""The demo corpus: synthetic voices of espeak-ng, made on the spot."""
