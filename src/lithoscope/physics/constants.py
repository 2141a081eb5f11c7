"""Physical constants, with source and date."""

from __future__ import annotations

# CODATA 2022 (NIST, 2024): electron rest energy.
ELECTRON_REST_ENERGY_KEV = 510.99895069
# CODATA 2022: fine-structure constant. Compton profiles are tabulated over p_z in atomic units
# (m_e c alpha).
FINE_STRUCTURE = 7.2973525643e-3
# Mean energy per electron-hole pair in silicon near 240 K, the working point of drift detectors:
# Lowe and Sareen (2007), Nucl. Instrum. Methods A 576, 367.
SILICON_PAIR_ENERGY_KEV = 3.65e-3
# Full width at half maximum of a Gaussian over its standard deviation, sqrt(8 ln 2).
FWHM_PER_SIGMA = 2.354820045
HC_KEV_A = 12.398419843  # Planck constant times speed of light (exact since 2019), keV Å
CLASSICAL_ELECTRON_RADIUS_A = 2.8179403205e-5  # CODATA 2022, Å
