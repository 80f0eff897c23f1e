"""Scores of generators and samples against real speakers."""
