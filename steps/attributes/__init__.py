"""Gender, pitch and speaking rate of speakers: measured on audio, and cut into labels."""
