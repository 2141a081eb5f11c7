"""Networks and classical baselines on the same spectra; run with ``python -m``."""
