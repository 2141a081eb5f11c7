"""A bank of expected spectra: every class in many compositions, instruments and voltages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.composition import Composition
from lithoscope.core.energy import edges_from_resolution
from lithoscope.core.instrument import Instrument
from lithoscope.core.labels import LabelSet
from lithoscope.core.mineral import Mineral
from lithoscope.errors import InvalidValueError
from lithoscope.minerals.sampling import sample_compositions
from lithoscope.physics.compile import compile_instrument, mass_fraction_matrix
from lithoscope.synthesis.conditions import (
    MeasurementRange,
    draw_diffuse_share,
    draw_instrument,
)

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
        The machines drawn, each with its voltage and lens.
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
    conditions: MeasurementRange,
    settings: int,
    compositions: int,
    edges_keV: NDArray[np.float64],
    seed: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> SpectrumBank:
    """Simulate every class in natural compositions on many machines.

    Parameters
    ----------
    minerals
        The members of all classes.
    labels
        The classes.
    instruments
        Instruments whose physics differ.
    conditions
        From which machines and diffuse shares are drawn.
    settings
        Machines drawn of each instrument, each with its voltage.
    compositions
        Compositions drawn of each mineral, anew for each machine.
    edges_keV
        Bin edges of the bank.
    seed
        Seed of all that is drawn.
    progress
        Called with the number of machines done and in all.
    """
    rng = np.random.default_rng(seed)
    machines = [
        draw_instrument(instrument, conditions, rng)
        for instrument in instruments
        for _ in range(settings)
    ]
    names = tuple(mineral.name for mineral in minerals for _ in range(compositions))
    spectra = np.empty((len(machines), len(names), edges_keV.size - 1), dtype=np.float32)
    for index, machine in enumerate(machines):
        drawn = [
            composition
            for mineral in minerals
            for composition in sample_compositions(mineral, compositions, rng)
        ]
        counts = _counts_on_machine(machine, drawn, conditions, edges_keV, rng)
        spectra[index] = counts / counts.sum(axis=1, keepdims=True)
        progress(index + 1, len(machines))
    classes = np.array([labels.index_of(name) for name in names])
    return SpectrumBank(
        edges_keV=edges_keV,
        spectra=spectra.reshape(-1, edges_keV.size - 1),
        classes=np.tile(classes, len(machines)),
        minerals=names * len(machines),
        settings=np.repeat(np.arange(len(machines)), len(names)),
        instruments=tuple(machines),
        labels=labels,
    )


def _counts_on_machine(
    machine: Instrument,
    compositions: Sequence[Composition],
    conditions: MeasurementRange,
    edges_keV: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.floating]:
    symbols = sorted({symbol for item in compositions for symbol in item.elements})
    compiled = compile_instrument(
        instrument=machine, symbols=symbols, edges_keV=edges_keV, dtype=np.float32
    )
    low, high = np.log(conditions.mass_thickness_g_cm2)
    return compiled.spectra(
        mass_fraction_matrix(compositions, symbols),
        diffuse_share=draw_diffuse_share(compiled.source_keV, len(compositions), conditions, rng),
        mass_thickness_g_cm2=np.exp(rng.uniform(low, high, len(compositions))),
    )
