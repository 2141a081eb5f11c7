"""A bank of expected spectra: every class in many compositions, instruments and voltages."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import edges_from_resolution
from lithoscope.core.instrument import Instrument
from lithoscope.core.labels import LabelSet
from lithoscope.core.mineral import Mineral
from lithoscope.errors import InvalidValueError
from lithoscope.minerals.sampling import sample_compositions
from lithoscope.physics.compile import compile_instrument, mass_fraction_matrix

# The bank's own bins are this much finer than a detector's peak, so that a shift of a few eV can
# be made by interpolation (measured: below 0.2 % of a line's counts, tests/synthesis).
_BINS_PER_FWHM = 6.0


@dataclass(frozen=True, eq=False)
class SpectrumBank:
    """Expected spectra, each normalised to one count.

    Parameters
    ----------
    edges_keV
        Bin edges, shape (bin + 1,).
    spectra
        Shape (spectrum, bin), float32, rows sum to one.
    classes
        Class of each spectrum, shape (spectrum,).
    minerals
        Name of the mineral of each spectrum.
    settings
        Index into `instruments` of each spectrum, shape (spectrum,).
    instruments
        The instruments, one for each optic and voltage.
    labels
        The classes.
    """

    edges_keV: NDArray[np.float64]
    spectra: NDArray[np.float32]
    classes: NDArray[np.int64]
    minerals: tuple[str, ...]
    settings: NDArray[np.int64]
    instruments: tuple[Instrument, ...]
    labels: LabelSet

    def __post_init__(self) -> None:
        count = len(self.spectra)
        if not (len(self.classes) == len(self.settings) == len(self.minerals) == count):
            raise InvalidValueError(
                f"A bank of {count} spectra with {len(self.classes)} classes.",
                expected="one class, mineral and setting for each spectrum",
            )
        missing = set(range(len(self.labels))) - set(self.classes.tolist())
        if missing:
            names = [self.labels.labels[index] for index in sorted(missing)]
            raise InvalidValueError(
                f"The bank has no spectrum of {', '.join(names)}.",
                expected="at least one spectrum of each class",
            )


def bank_edges(
    *, low_keV: float, high_keV: float, noise_keV: float, fano_keV: float
) -> NDArray[np.float64]:
    """Bin edges for a bank that covers the given range and the shifts beyond it."""
    return edges_from_resolution(
        low_keV=max(low_keV - 0.25, 0.0),
        high_keV=high_keV * 1.02 + 0.1,
        noise_keV=noise_keV,
        fano=fano_keV,
        bins_per_fwhm=_BINS_PER_FWHM,
    )


def build_bank(
    *,
    minerals: Sequence[Mineral],
    labels: LabelSet,
    instruments: Sequence[Instrument],
    voltages_kV: Sequence[float],
    compositions: int,
    edges_keV: NDArray[np.float64],
    seed: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> SpectrumBank:
    """Simulate every class in natural compositions under every instrument and voltage.

    Parameters
    ----------
    minerals
        The members of all classes.
    labels
        The classes.
    instruments
        Instruments whose physics differ; each is used at every voltage.
    voltages_kV
        Tube voltages.
    compositions
        Compositions drawn of each mineral; each is used in every setting.
    edges_keV
        Bin edges of the bank.
    seed
        Seed of the compositions.
    progress
        Called with the number of settings done and in all.
    """
    rng = np.random.default_rng(seed)
    drawn = [
        (mineral.name, composition)
        for mineral in minerals
        for composition in sample_compositions(mineral, compositions, rng)
    ]
    symbols = sorted({symbol for _, composition in drawn for symbol in composition.elements})
    fractions = mass_fraction_matrix([composition for _, composition in drawn], symbols)
    settings = [
        dataclasses.replace(
            instrument, tube=dataclasses.replace(instrument.tube, voltage_kV=voltage)
        )
        for instrument in instruments
        for voltage in voltages_kV
    ]
    spectra = np.empty((len(settings), len(drawn), edges_keV.size - 1), dtype=np.float32)
    for index, setting in enumerate(settings):
        compiled = compile_instrument(instrument=setting, symbols=symbols, edges_keV=edges_keV)
        counts = compiled.spectra(fractions)
        spectra[index] = counts / counts.sum(axis=1, keepdims=True)
        progress(index + 1, len(settings))
    names = tuple(name for name, _ in drawn)
    classes = np.array([labels.index_of(name) for name in names])
    return SpectrumBank(
        edges_keV=edges_keV,
        spectra=spectra.reshape(-1, edges_keV.size - 1),
        classes=np.tile(classes, len(settings)),
        minerals=names * len(settings),
        settings=np.repeat(np.arange(len(settings)), len(names)),
        instruments=tuple(settings),
        labels=labels,
    )
