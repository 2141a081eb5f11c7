"""Accuracy and the baselines it is quoted beside."""
