"""Detectors of the unknown: one fits on known spectra and scores, higher is stranger."""
