"""What preprocessing does to spectra and to classification; run with ``python -m``."""
