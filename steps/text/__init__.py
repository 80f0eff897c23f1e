"""Descriptions of voices: made, checked and encoded."""
