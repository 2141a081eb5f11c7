"""The measured spectra of a Bruker XS-52, and what the simulator makes of the same samples."""

from __future__ import annotations

import dataclasses
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.formula import composition_from_formula
from lithoscope.core.instrument import Instrument, Polycapillary
from lithoscope.core.spectrum import Spectrum
from lithoscope.io import load_instrument, open_spectra
from lithoscope.physics.emission import emission_from_sample
from lithoscope.physics.own_signals import stray_from_counts
from lithoscope.physics.pileup import pileup_from_rates
from lithoscope.physics.simulate import counts_from_emission, spectrum_from_composition
from lithoscope.physics.source import source_from_instrument

FloatArray = NDArray[np.float64]

ACRYLIC = "C5H8O2"
# The plate is not thick for 20 keV; its mass per area is not known. Acrylic alone is fitted as well
# with 0.5 to 1.2 g/cm²; the metals' Rh Kα scatter, too weak with 0.8, too strong with 0.5, decides.
ACRYLIC_G_CM2 = 0.65
ELEMENTS = ("Si", "S", "Ti", "Cr", "Ni", "Zr", "Sn")
# The pulser at zero does not pile up, nor does noise.
_PILING_KEV = 1.0
_FILTERED = "20170510_D1_Rh_50kv_100mA_acryl_f{}_0.spx"
_BASE = "m4-tornado"


@dataclass(frozen=True, eq=False)
class Measured:
    """One measured spectrum, and how its sample and the machine are described.

    Parameters
    ----------
    name
        Element symbol, or ``acrylic`` with its filter.
    formula, mass_thickness_g_cm2
        The sample.
    spectrum
        Counts and their axis.
    instrument
        The machine, filters and axis of this spectrum included.
    pulse_pair_ns
        Pulse-pair resolution, by which counts pile up; 0 where the maker's software took pile-up
        out, which it did of lines but not of continuum.
    """

    name: str
    formula: str
    mass_thickness_g_cm2: float
    spectrum: Spectrum
    instrument: Instrument
    pulse_pair_ns: float = 0.0

    @property
    def energies_keV(self) -> FloatArray:
        """Middles of the channels."""
        return self.spectrum.axis.energies_keV

    @property
    def counts(self) -> FloatArray:
        """Counts of each channel."""
        return np.asarray(self.spectrum.counts, dtype=np.float64)

    @property
    def is_acrylic(self) -> bool:
        """Whether the sample only scatters."""
        return self.formula == ACRYLIC

    def through(self, lens: Polycapillary, *, pulse_pair_ns: float = 0.0) -> Measured:
        """The same spectrum, its machine with another lens, and acrylic with pile-up."""
        return dataclasses.replace(
            self,
            instrument=dataclasses.replace(self.instrument, optic=lens),
            pulse_pair_ns=pulse_pair_ns if self.is_acrylic else 0.0,
        )

    def simulated(self) -> FloatArray:
        """Expected counts on the measured channels, stray lines included, in any scale."""
        counts = spectrum_from_composition(
            composition=composition_from_formula(self.formula),
            instrument=self.instrument,
            mass_thickness_g_cm2=self.mass_thickness_g_cm2,
        )
        edges = self.instrument.axis.edges_keV
        return counts + stray_from_counts(
            counts=counts, instrument=self.instrument, edges_keV=edges
        )

    def simulated_in(self, edges_keV: FloatArray) -> FloatArray:
        """Expected counts in coarser bins, faster, without stray lines."""
        emission = emission_from_sample(
            composition=composition_from_formula(self.formula),
            instrument=self.instrument,
            source=source_from_instrument(instrument=self.instrument),
            mass_thickness_g_cm2=self.mass_thickness_g_cm2,
        )
        return counts_from_emission(
            emission=emission, instrument=self.instrument, edges_keV=edges_keV
        )

    def piled_in(self, edges_keV: FloatArray) -> FloatArray:
        """Counts that are sums of two photons, from the measured rates, in bins."""
        if self.pulse_pair_ns == 0:
            return np.zeros(edges_keV.size - 1)
        seconds = self.spectrum.live_time_s or np.nan
        rates = np.where(self.energies_keV > _PILING_KEV, self.counts, 0.0) / seconds
        recorded = pileup_from_rates(
            counts_per_s=rates,
            axis=self.spectrum.axis,
            pulse_pair_resolution_ns=self.pulse_pair_ns,
        )
        alone = np.exp(-2e-9 * self.pulse_pair_ns * rates.sum())
        piled = seconds * (recorded - alone * rates)
        return np.histogram(self.energies_keV, edges_keV, weights=piled)[0]

    def counted_in(self, edges_keV: FloatArray) -> FloatArray:
        """Measured counts in coarser bins; channels belong where their middles lie."""
        return np.histogram(self.energies_keV, edges_keV, weights=self.counts)[0]


def opened(path: Path) -> Spectrum:
    """The first spectrum of a file."""
    with warnings.catch_warnings():
        # The zero peak's subtraction left negative channels near 0.3 keV, which no one uses here.
        warnings.simplefilter("ignore", UserWarning)
        return open_spectra(path)[0]


def read_measured(data: Path) -> list[Measured]:
    """Seven elements, then acrylic unfiltered and behind five filters."""
    folder = data / "bruker_xs52"
    spectra = [opened(folder / "backgrounds" / _FILTERED.format(n)) for n in range(1, 6)]
    described = spectra[0].instrument
    if described is None:
        raise ValueError(f"{folder}: no instrument in the header of the filtered acrylic")
    base = load_instrument(_BASE)
    # Windows and resolution of this very machine; everything else as the M4 is described.
    machine = dataclasses.replace(
        base,
        detector=dataclasses.replace(
            base.detector,
            window=described.detector.window,
            noise_keV=described.detector.noise_keV,
            fano=described.detector.fano,
        ),
    )
    measured = [
        _measured(element, element, np.inf, opened(folder / "elements" / f"{element}.msa"), machine)
        for element in ELEMENTS
    ]
    bare = opened(folder / "elements" / "Acrylic_600s.msa")
    measured.append(_measured("acrylic", ACRYLIC, ACRYLIC_G_CM2, bare, machine))
    for spectrum in spectra:
        filters = spectrum.instrument.tube.filters if spectrum.instrument else ()
        tube = dataclasses.replace(machine.tube, filters=filters)
        name = "acrylic, " + " + ".join(f"{one.formula} {one.thickness_um:g} µm" for one in filters)
        filtered = dataclasses.replace(machine, tube=tube)
        measured.append(_measured(name, ACRYLIC, ACRYLIC_G_CM2, spectrum, filtered))
    return measured


def _measured(
    name: str, formula: str, mass_thickness_g_cm2: float, spectrum: Spectrum, machine: Instrument
) -> Measured:
    instrument = dataclasses.replace(machine, axis=spectrum.axis)
    return Measured(name, formula, mass_thickness_g_cm2, spectrum, instrument)
