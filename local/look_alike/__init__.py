"""Corpora of spoken digits in the files of RedDots, from real speech or from voices made of formant filters."""
