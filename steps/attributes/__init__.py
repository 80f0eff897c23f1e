"""What can be heard of a speaker: gender, pitch and speaking rate, measured on audio and cut into labels."""
