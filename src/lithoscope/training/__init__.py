"""Fit a network to a stream of simulated spectra."""
