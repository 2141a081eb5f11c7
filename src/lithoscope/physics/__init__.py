"""Fundamental parameters: tube, optic, fluorescence, scatter, detector; no arrays of a network."""
