"""Gender, pitch and speaking rate of speakers: measured on audio, and binned into labels."""
