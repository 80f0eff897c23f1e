"""Gaussian mixtures of frames: likelihoods, statistics, EM, MAP, and Kaldi's text form."""
