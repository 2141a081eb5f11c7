"""The energy axis: which energy a channel stands for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import InvalidValueError

# Axes beyond these are a unit mistake (eV read as keV) or a file that lies about its size.
_MAX_CHANNELS = 1 << 20
_MAX_ENERGY_KEV = 1000.0


@dataclass(frozen=True)
class EnergyAxis:
    """A linear energy axis.

    Parameters
    ----------
    offset_keV
        Energy of the centre of channel 0 in keV; real Bruker axes start near -0.955.
    gain_keV
        Width of a channel in keV.
    n_channels
        Number of channels.

    Raises
    ------
    InvalidValueError
        If the gain is not positive, a value is not finite, or the axis is empty or absurd.
    """

    offset_keV: float
    gain_keV: float
    n_channels: int

    def __post_init__(self) -> None:
        if not np.isfinite(self.offset_keV) or abs(self.offset_keV) > _MAX_ENERGY_KEV:
            raise InvalidValueError(
                f"The energy offset is {self.offset_keV} keV.",
                expected="the energy of channel 0 in keV, such as 0 or -0.955",
            )
        if not np.isfinite(self.gain_keV) or self.gain_keV <= 0:
            raise InvalidValueError(
                f"The energy gain is {self.gain_keV} keV per channel.",
                expected="a positive number of keV per channel, such as 0.01",
            )
        if not 1 <= self.n_channels <= _MAX_CHANNELS:
            raise InvalidValueError(
                f"The energy axis has {self.n_channels} channels.",
                expected=f"1 to {_MAX_CHANNELS} channels",
            )
        if self.gain_keV * self.n_channels > _MAX_ENERGY_KEV:
            raise InvalidValueError(
                f"The energy axis spans {self.gain_keV * self.n_channels:.4g} keV.",
                expected=f"at most {_MAX_ENERGY_KEV:g} keV",
                remedy="give offset and gain in keV, not in eV",
            )

    @property
    def energies_keV(self) -> NDArray[np.float64]:
        """Channel centres in keV, shape (channel,)."""
        return self.offset_keV + self.gain_keV * np.arange(self.n_channels, dtype=np.float64)

    @property
    def edges_keV(self) -> NDArray[np.float64]:
        """Channel edges in keV, shape (channel + 1,)."""
        numbers = np.arange(self.n_channels + 1, dtype=np.float64)
        return self.offset_keV + self.gain_keV * (numbers - 0.5)

    def channel(self, energy_keV: float) -> int:
        """Return the channel that holds an energy, clipped to the axis."""
        index = round((energy_keV - self.offset_keV) / self.gain_keV)
        return int(np.clip(index, 0, self.n_channels - 1))


def edges_from_resolution(
    *,
    low_keV: float,
    high_keV: float,
    noise_keV: float,
    fano: float,
    bins_per_fwhm: float,
) -> NDArray[np.float64]:
    """Bin edges whose width follows the detector's resolution.

    The bins have a width of ``FWHM(E) / bins_per_fwhm``, with
    ``FWHM(E)^2 = noise^2 + 8 ln 2 F epsilon E`` (see `physics.detector`). Integrating
    ``dn/dE = bins_per_fwhm / FWHM(E)`` gives a closed form, which is inverted here.

    Parameters
    ----------
    low_keV, high_keV
        First and last edge in keV; the last bin is stretched to end there.
    noise_keV
        Electronic noise, as a full width at half maximum in keV.
    fano
        Fano factor times the mean energy per electron-hole pair times ``8 ln 2``, in keV.
    bins_per_fwhm
        Bins in one full width at half maximum; 2.5 loses nothing that a classifier can use
        (measured, see ``docs/decisions/0004-model-axis.md``).

    Returns
    -------
    ndarray, shape (bin + 1,)
        Increasing edges in keV.
    """
    if not 0 <= low_keV < high_keV:
        raise InvalidValueError(
            f"Bins from {low_keV} to {high_keV} keV.", expected="0 <= low < high"
        )
    if noise_keV <= 0 or fano <= 0 or bins_per_fwhm <= 0:
        raise InvalidValueError(
            f"Resolution of noise {noise_keV}, Fano term {fano}, {bins_per_fwhm} bins per FWHM.",
            expected="three positive numbers",
        )

    def count_below(energy: float) -> float:
        return float(2 * bins_per_fwhm / fano * np.sqrt(noise_keV**2 + fano * energy))

    first, last = count_below(low_keV), count_below(high_keV)
    numbers = np.linspace(first, last, max(1, round(last - first)) + 1)
    edges = ((numbers * fano / (2 * bins_per_fwhm)) ** 2 - noise_keV**2) / fano
    edges[0], edges[-1] = low_keV, high_keV
    return edges
