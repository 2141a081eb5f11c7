"""What reaches the sample: tube, optic and chamber gas together, on a grid of energies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.instrument import Instrument, Polycapillary
from lithoscope.errors import InstrumentError, InvalidValueError
from lithoscope.physics.attenuation import transmission_from_atmosphere
from lithoscope.physics.tube import continuum_from_tube, lines_from_tube

FloatArray = NDArray[np.float64]

# Below this energy a Compton peak's Doppler width hides under the detector's.
_DOPPLER_FROM_KEV = 10.0
_DOPPLER_STEP_KEV = 0.05
# Share of its energy below which a Doppler-broadened photon has a negligible probability.
_DOPPLER_REACH = 0.7

# A tube gives 1e9 photons a second and more; with less than this, no spectrum is ever measured.
_LEAST_PHOTONS_PER_S = 1.0

# (from, step) in keV. Steps stay below the width of a detector's peak, so that the sum over the
# scattered continuum is smooth, and are finest where absorption edges crowd.
_GRID = ((0.5, 0.02), (4.0, 0.04), (12.0, 0.1), (30.0, 0.2))


@dataclass(frozen=True, eq=False)
class Source:
    """The exciting radiation.

    Parameters
    ----------
    energies_keV
        Energies of continuum cells and lines, shape (node,).
    photons_per_s
        Photons per second in each cell or line, shape (node,).
    is_line
        Whether a node is a characteristic line, shape (node,).
    """

    energies_keV: FloatArray
    photons_per_s: FloatArray
    is_line: NDArray[np.bool_]

    def __post_init__(self) -> None:
        shapes = {self.energies_keV.shape, self.photons_per_s.shape, self.is_line.shape}
        if len(shapes) != 1 or self.energies_keV.ndim != 1 or self.energies_keV.size == 0:
            raise InvalidValueError(
                f"A source of shapes {sorted(shapes)}.", expected="three rows of one length"
            )
        if (self.photons_per_s < 0).any() or not np.isfinite(self.photons_per_s).all():
            raise InvalidValueError(
                "A source with negative or infinite photon numbers.", expected="0 or more photons"
            )


def transmission_from_polycapillary(
    *, optic: Polycapillary | None, energies_keV: FloatArray
) -> FloatArray:
    """Transmission of the lens over energy; one everywhere without a lens.

    ``T(E) = (E / fall)^rise / (1 + (E / fall)^steepness)``, see
    `core.instrument.Polycapillary`.
    """
    if optic is None:
        return np.ones_like(energies_keV)
    relative = energies_keV / optic.fall_keV
    return np.asarray(relative**optic.rise / (1 + relative**optic.steepness))


def source_from_instrument(*, instrument: Instrument) -> Source:
    """Photons that reach the sample, by energy.

    The continuum is taken at the middle of each grid cell times the cell's width.

    Raises
    ------
    InstrumentError
        If window, filters and gas let nothing of the tube's radiation through.
    """
    tube = instrument.tube
    edges = _grid_edges(tube.voltage_kV)
    middles = (edges[:-1] + edges[1:]) / 2
    continuum = continuum_from_tube(tube=tube, energies_keV=middles) * np.diff(edges)
    lines = lines_from_tube(tube=tube)
    energies = np.concatenate([middles, lines.energies_keV])
    photons = np.concatenate([continuum, lines.photons_per_s_sr])
    is_line = np.arange(energies.size) >= middles.size
    passed = transmission_from_polycapillary(optic=instrument.optic, energies_keV=energies)
    passed = passed * transmission_from_atmosphere(
        atmosphere=instrument.atmosphere,
        path_mm=instrument.atmosphere.excitation_path_mm,
        energies_keV=energies,
    )
    photons_per_s = photons * passed * tube.solid_angle_sr
    if photons_per_s.sum() < _LEAST_PHOTONS_PER_S:
        layers = " + ".join(
            f"{layer.formula} {layer.thickness_um:g} µm" for layer in tube.window + tube.filters
        )
        raise InstrumentError(
            f"voltage_kV of the tube is {tube.voltage_kV:g}: behind {layers} and "
            f"{instrument.atmosphere.gas}, nothing reaches the sample.",
            expected="a voltage above what window and filters absorb",
            remedy="raise the voltage, or take filters out",
        )
    return Source(energies, photons_per_s, is_line)


def _grid_edges(voltage_kV: float) -> FloatArray:
    pieces = []
    ends = [start for start, _ in _GRID[1:]] + [np.inf]
    for (start, step), end in zip(_GRID, ends, strict=True):
        stop = min(end, voltage_kV)
        if stop > start:
            pieces.append(start + step * np.arange(round((stop - start) / step)))
    return np.append(np.concatenate(pieces), voltage_kV)


def doppler_nodes(source: Source) -> NDArray[np.bool_]:
    """Which nodes of a source give Compton peaks whose Doppler width is seen, shape (node,)."""
    return source.is_line & (source.energies_keV > _DOPPLER_FROM_KEV)


def doppler_edges(source: Source) -> FloatArray:
    """Bin edges in keV that cover all Doppler-broadened Compton peaks of a source."""
    energies = source.energies_keV[doppler_nodes(source)]
    if energies.size == 0:
        return np.array([_DOPPLER_FROM_KEV, _DOPPLER_FROM_KEV + _DOPPLER_STEP_KEV])
    return np.arange(_DOPPLER_REACH * energies.min(), energies.max(), _DOPPLER_STEP_KEV)
