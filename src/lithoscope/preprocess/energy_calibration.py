"""The energy axis of a scan, corrected by the lines in its own sum spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Instrument
from lithoscope.errors import PreprocessingError
from lithoscope.preprocess.line_positions import LinePosition
from lithoscope.preprocess.line_search import LineSearch

# What the fit of a position is good to beyond its statistics: shapes, tabulated energies. Scattered
# lines of the tube stand on a continuum of their own making; its L lines lie 10 to 15 eV off in
# measured spectra of acrylic whose K lines are right.
_SYSTEMATIC_KEV, _SYSTEMATIC_ANODE_KEV = 0.7e-3, {"K": 2e-3, "L": 10e-3}
_OUTLIER_SIGMAS = 3.5
_LEAST_LINES, _LEAST_SPAN_KEV = 3, 2.0
_WORST_GAIN, _WORST_OFFSET_KEV = 5e-4, 3e-3


@dataclass(frozen=True)
class UsedLine:
    """A line that the fit looked at.

    Parameters
    ----------
    label
        Such as ``Fe Kα``.
    energy_keV
        Its true energy.
    measured_keV, sigma_keV
        Where it lies on the axis as stated, and the standard deviation of that.
    residual_keV
        True energy minus that on the corrected axis.
    used
        Whether it was kept, or rejected as an outlier.
    """

    label: str
    energy_keV: float
    measured_keV: float
    sigma_keV: float
    residual_keV: float
    used: bool


@dataclass(frozen=True)
class EnergyCalibration:
    """What a sum spectrum says of its energy axis: ``true = offset + gain stated``.

    Parameters
    ----------
    axis
        The corrected axis.
    gain, gain_sigma
        Factor, and its standard deviation.
    offset_keV, offset_sigma_keV
        Energy of what is stated as 0 keV, and its standard deviation.
    lines
        The lines it rests on.
    """

    axis: EnergyAxis
    gain: float
    gain_sigma: float
    offset_keV: float
    offset_sigma_keV: float
    lines: tuple[UsedLine, ...]


def calibrate_energy(
    counts: NDArray[np.generic], axis: EnergyAxis, instrument: Instrument
) -> EnergyCalibration:
    """Correct an energy axis that is off by up to 1 % in gain and 30 eV in offset.

    The spectrum above its baseline is explained by lines of elements and of the tube for a grid of
    gains and offsets; around the best, every line that stands alone is fitted by itself, and a
    straight line through their places by least squares, weighted with their variances and freed of
    outliers.

    Parameters
    ----------
    counts
        Sum spectrum of a scan, shape (channel,).
    axis
        Its energy axis as stated.
    instrument
        Its instrument: resolution, anode, scattering angle.

    Raises
    ------
    PreprocessingError
        If too few lines stand alone, or they leave gain or offset uncertain by more than 0.05 % or
        3 eV: the axis is then better left as it is.
    """
    values = np.asarray(counts, dtype=np.float64)
    _check(values, axis)
    search = LineSearch(values, axis, instrument)
    if not search.has_peaks:
        raise _too_little("the sum spectrum has no peaks")
    gain, offset = search.best()
    positions = search.positions(gain, offset)
    return _fitted(positions, axis, gain, offset, instrument.tube.anode)


def _check(counts: NDArray[np.float64], axis: EnergyAxis) -> None:
    if counts.shape != (axis.n_channels,) or not np.isfinite(counts).all() or counts.min() < 0:
        raise PreprocessingError(
            f"A sum spectrum of shape {counts.shape}, or with counts that are negative or NaN.",
            expected=f"{axis.n_channels} counts of 0 or more",
        )


def _fitted(
    positions: Sequence[LinePosition],
    axis: EnergyAxis,
    gain: float,
    offset_keV: float,
    anode: str,
) -> EnergyCalibration:
    true = np.array([at.line.energy_keV for at in positions])
    # Back from the axis of the search to the stated one.
    measured = (true + np.array([at.shift_keV for at in positions]) - offset_keV) / gain
    sigma = np.array([np.hypot(at.sigma_keV, _systematic_keV(at, anode)) for at in positions])
    used = np.ones(true.size, dtype=bool)
    while True:
        if used.sum() < _LEAST_LINES or np.ptp(true[used]) < _LEAST_SPAN_KEV:
            raise _too_little(f"only {int(used.sum())} lines stand alone")
        (slope, start), covariance = _straight_line(measured[used], true[used], sigma[used])
        residuals = true - (start + slope * measured)
        sigmas = np.abs(residuals) / sigma
        worst = int(np.where(used, sigmas, 0).argmax())
        if sigmas[worst] <= _OUTLIER_SIGMAS or used.sum() <= _LEAST_LINES:
            break
        used[worst] = False
    spread = max(1.0, float((sigmas[used] ** 2).sum() / max(used.sum() - 2, 1)))
    gain_sigma, offset_sigma = np.sqrt(np.diag(covariance) * spread)
    if gain_sigma > _WORST_GAIN or offset_sigma > _WORST_OFFSET_KEV:
        raise _too_little(
            f"gain and offset stay uncertain by {gain_sigma:.2%} and {1e3 * offset_sigma:.1f} eV"
        )
    lines = tuple(
        UsedLine(at.line.label, float(e), float(m), float(s), float(r), bool(kept))
        for at, e, m, s, r, kept in zip(
            positions, true, measured, sigma, residuals, used, strict=True
        )
    )
    corrected = EnergyAxis(
        float(start + slope * axis.offset_keV), float(slope * axis.gain_keV), axis.n_channels
    )
    return EnergyCalibration(
        corrected, float(slope), float(gain_sigma), float(start), float(offset_sigma), lines
    )


def _systematic_keV(at: LinePosition, anode: str) -> float:
    if at.line.element != anode:
        return _SYSTEMATIC_KEV
    return _SYSTEMATIC_ANODE_KEV.get(at.line.label.split(" ")[1][0], _SYSTEMATIC_KEV)


def _straight_line(
    x: NDArray[np.float64], y: NDArray[np.float64], sigma: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slope and intercept by weighted least squares, and their covariance."""
    design = np.column_stack([x, np.ones_like(x)]) / sigma[:, None]
    covariance = np.linalg.inv(design.T @ design)
    return covariance @ design.T @ (y / sigma), np.asarray(covariance, dtype=np.float64)


def _too_little(why: str) -> PreprocessingError:
    return PreprocessingError(
        f"The energy axis cannot be checked: {why}.",
        expected=f"{_LEAST_LINES} or more lines that stand alone, {_LEAST_SPAN_KEV:g} keV apart",
        remedy="keep the axis as it is, or give another with --energy-axis",
    )
