"""The spectrum that is expected of given classes, fitted to a measured one."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.instrument import Instrument
from lithoscope.inference.energy_warp import EnergyWarp, fitted_warp
from lithoscope.inference.expected_banks import ClassSpectra, ExpectedBanks
from lithoscope.inference.poisson_fit import amplitudes_from_counts, log_likelihood_from_counts
from lithoscope.physics.own_signals import stray_from_counts

FloatArray = NDArray[np.float64]

# Scatter may be this share of what is expected, or that multiple, and change smoothly in between:
# it depends on tube voltage, optic, surface and grain size, lines on the composition.
_LEAST_SCATTER, _MOST_SCATTER = 0.5, 2.0
_SCATTER_NODES_KEV = (1.0, 3.0, 8.0, 15.0, 19.5, 40.0)
# Largest share of counts that pile up, and multiple of the stray lines that the instrument names.
_MOST_PILE_UP, _MOST_STRAY = 0.03, 3.0
_SUM_STEP_KEV = 0.02
_WARP_STEPS = 2


@dataclass(frozen=True, eq=False)
class ExpectedFit:
    """What is expected of classes under a spectrum.

    Parameters
    ----------
    expected
        Expected counts, shape (bin,); also of bins that were not fitted.
    extra
        The part of each extra template in them, shape (template, bin).
    log_likelihood
        Poisson, over the fitted bins.
    warp
        How the energy scale was changed to fit.
    """

    expected: FloatArray
    extra: FloatArray
    log_likelihood: float
    warp: EnergyWarp


def fit_expected(
    counts: FloatArray,
    banks: ExpectedBanks,
    classes: Sequence[int],
    *,
    used: NDArray[np.bool_],
    extra: FloatArray | None = None,
) -> ExpectedFit:
    """Fit the expected spectrum of classes, composition refitted within its natural ranges.

    The most likely non-negative sum of the classes' expected spectra, of their scatter within a
    factor of two that changes smoothly with energy, of pile-up and the instrument's stray lines up
    to their usual size, and of `extra` templates; energy scale and resolution are fitted along.

    Parameters
    ----------
    counts
        Measured counts, shape (bin,).
    banks
        Expected spectra of the instrument on the axis of `counts`.
    classes
        One class or a few.
    used
        Bins to fit, shape (bin,).
    extra
        Further templates, such as lines of foreign elements, shape (template, bin).
    """
    spectra = banks.of_classes(classes)
    more = np.zeros((0, counts.size)) if extra is None else extra
    fixed, caps = _templates(spectra, banks, float(counts[used].sum()), used)
    templates = np.concatenate([fixed, more])
    limits = np.concatenate([caps, np.full(len(more), np.inf)])
    warp = EnergyWarp()
    for step in range(_WARP_STEPS + 1):
        warped = warp.applied(templates, banks.edges_keV)
        amplitudes = amplitudes_from_counts(
            counts=counts[used], templates=warped[:, used], caps=limits
        )
        expected = amplitudes @ warped
        if step < _WARP_STEPS:
            warp = fitted_warp(
                counts=counts,
                expected=expected,
                unwarped=amplitudes @ templates,
                edges_keV=banks.edges_keV,
                now=warp,
                used=used,
            )
    return ExpectedFit(
        expected,
        (amplitudes[:, None] * warped)[len(fixed) :],
        log_likelihood_from_counts(counts=counts[used], expected=expected[used]),
        warp,
    )


def _templates(
    spectra: Sequence[ClassSpectra],
    banks: ExpectedBanks,
    counts: float,
    used: NDArray[np.bool_],
) -> tuple[FloatArray, FloatArray]:
    """Templates of classes and instrument, shape (template, bin), and their largest amplitudes."""
    own = [one.lines + _LEAST_SCATTER * one.scatter for one in spectra]
    mean = np.mean([one.total.mean(axis=0) for one in spectra], axis=0)
    scatter = np.mean([one.scatter.mean(axis=0) for one in spectra], axis=0)
    hats = scatter * energy_hats(banks.edges_keV)
    piled = sum_spectrum(mean, banks.edges_keV)
    stray = _stray(mean, banks)
    seconds = counts / max(float(mean[used].sum()), 1e-30)
    caps = [
        np.full(sum(map(len, own)), np.inf),
        np.full(len(hats), (_MOST_SCATTER - _LEAST_SCATTER) * seconds),
        np.full(1, _MOST_PILE_UP * counts),
        np.full(len(stray), _MOST_STRAY * seconds),
    ]
    return np.concatenate([*own, hats, piled[None, :], stray]), np.concatenate(caps)


def energy_hats(edges_keV: FloatArray) -> FloatArray:
    """Triangles over the logarithm of energy that sum to one, shape (node, bin)."""
    centres = np.log((edges_keV[1:] + edges_keV[:-1]) / 2)
    nodes = np.log(_SCATTER_NODES_KEV)
    return np.stack([np.interp(centres, nodes, row) for row in np.eye(nodes.size)])


def sum_spectrum(spectrum: FloatArray, edges_keV: FloatArray) -> FloatArray:
    """Pairs of photons that meet, ``(r * r)(E)``, with one count in all, shape (bin,)."""
    grid = np.arange(edges_keV[0], edges_keV[-1] + _SUM_STEP_KEV, _SUM_STEP_KEV)
    cumulative = np.concatenate([[0.0], np.cumsum(spectrum)])
    fine = np.diff(np.interp(grid, edges_keV, cumulative))
    # Bin i and bin j of the grid meet at 2 low + (i + j + 1) steps, the middle of both.
    pairs = np.cumsum(np.convolve(fine, fine))
    at = 2 * edges_keV[0] + _SUM_STEP_KEV * (np.arange(pairs.size) + 1.5)
    sums = np.diff(np.interp(edges_keV, at, pairs, left=0.0))
    return np.asarray(sums / max(sums.sum(), 1e-30))


def _stray(mean: FloatArray, banks: ExpectedBanks) -> FloatArray:
    """Lines of the instrument's own parts at one second, shape (line, bin)."""
    instrument: Instrument = banks.instrument
    rows = [
        stray_from_counts(
            counts=mean,
            instrument=dataclasses.replace(instrument, stray_lines=(line,)),
            edges_keV=banks.edges_keV,
        )
        for line in instrument.stray_lines
    ]
    return np.array(rows).reshape(len(rows), mean.size)
