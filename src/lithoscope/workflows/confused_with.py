"""What one mineral is confused with: a quick look at the library around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lithoscope.core.energy import edges_from_resolution
from lithoscope.core.instrument import Instrument
from lithoscope.core.mineral import Mineral
from lithoscope.minerals.groups import polymorph_mask
from lithoscope.minerals.identifiability import COUNT_LEVELS, SEPARATE_ERROR, pair_errors
from lithoscope.minerals.sampling import sample_compositions
from lithoscope.physics.compile import compile_instrument, mass_fraction_matrix
from lithoscope.physics.detector import fano_term_from_factor
from lithoscope.synthesis.families import FamilySimulator, FamilySize, lowest_seen_energy

# Candidates that are looked at closely, and how closely.
_CANDIDATES = 8
_SIZE = FamilySize(fitted=20, machines=2, tested=12)
_OWN_SAMPLES, _OTHER_SAMPLES = 12, 3
_HIGHEST_KEV = 39.5


def confused_with(
    mineral: Mineral,
    library: Sequence[Mineral],
    instrument: Instrument,
    *,
    counts: float,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[dict[str, Any]]:
    """List what a mineral is confused with above 5 %, worst first.

    Parameters
    ----------
    mineral
        The mineral.
    library
        What it may be confused with; itself is left out.
    instrument
        The instrument.
    counts
        Counts of a spectrum.
    seed
        Seed of all draws.
    progress
        Called with minerals simulated and minerals in all.

    Returns
    -------
    list of dict
        ``mineral``, ``error`` and ``counts_needed`` for 5 % (``None`` where a million are too
        few).
    """
    others = [other for other in library if other.name != mineral.name]
    chosen = [mineral, *_nearest(mineral, others, instrument, seed)]
    families = FamilySimulator(chosen, instrument, size=_SIZE, seed=seed).families(progress)
    asked = np.zeros((len(chosen), len(chosen)), dtype=bool)
    asked[0, 1:] = asked[1:, 0] = True
    levels = (*COUNT_LEVELS, counts)
    found = pair_errors(families, counts=levels, pairs=asked, seed=seed + 1)
    found = found.with_coin_flips(polymorph_mask(chosen))
    errors, needed = found.at(counts)[0], found.counts_needed()[0]
    rows = [
        {
            "mineral": other.name,
            "error": round(float(error), 4),
            "counts_needed": round(float(enough)) if np.isfinite(enough) else None,
        }
        for other, error, enough in zip(chosen[1:], errors[1:], needed[1:], strict=True)
        if error > SEPARATE_ERROR
    ]
    return sorted(rows, key=lambda row: -row["error"])


def _nearest(
    mineral: Mineral, others: Sequence[Mineral], instrument: Instrument, seed: int
) -> list[Mineral]:
    """Minerals with the closest expected spectra, by the Bhattacharyya coefficient."""
    rng = np.random.default_rng(seed)
    own = sample_compositions(mineral, _OWN_SAMPLES, rng)
    drawn = [item for other in others for item in sample_compositions(other, _OTHER_SAMPLES, rng)]
    symbols = sorted({symbol for item in (*own, *drawn) for symbol in item.elements})
    detector = instrument.detector
    edges = edges_from_resolution(
        low_keV=lowest_seen_energy(instrument),
        high_keV=min(_HIGHEST_KEV, float(instrument.axis.edges_keV[-1])),
        noise_keV=detector.noise_keV,
        fano=fano_term_from_factor(fano=detector.fano),
        bins_per_fwhm=1.5,
    )
    compiled = compile_instrument(instrument=instrument, symbols=symbols, edges_keV=edges)
    spectra = compiled.spectra(mass_fraction_matrix([*own, *drawn], symbols))
    roots = np.sqrt(spectra / spectra.sum(axis=1, keepdims=True))
    overlap = roots[: len(own)] @ roots[len(own) :].T
    closest = overlap.reshape(len(own), len(others), _OTHER_SAMPLES).max(axis=(0, 2))
    return [others[index] for index in np.argsort(-closest)[:_CANDIDATES].tolist()]
