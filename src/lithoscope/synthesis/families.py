"""Spectra of minerals as they vary: composition, crystal, and what is uncertain in the machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.composition import Composition
from lithoscope.core.energy import edges_from_resolution
from lithoscope.core.instrument import Instrument
from lithoscope.core.mineral import Mineral
from lithoscope.errors import InstrumentError, InvalidValueError
from lithoscope.minerals.class_likelihood import log_shares_from_spectra
from lithoscope.minerals.identifiability import SpectrumFamily
from lithoscope.minerals.sampling import sample_compositions
from lithoscope.physics.attenuation import transmission_from_atmosphere
from lithoscope.physics.compile import (
    CompiledInstrument,
    compile_instrument,
    mass_fraction_matrix,
)
from lithoscope.physics.detector import efficiency_from_detector, fano_term_from_factor
from lithoscope.synthesis.calibration import CalibrationUncertainty
from lithoscope.synthesis.distortions.coherent import Coherent
from lithoscope.synthesis.surface import Surface

FloatArray = NDArray[np.float64]

# Where the zero peak of measured spectra ends; a detector that sees softer radiation is used
# from where it does.
_ZERO_PEAK_ENDS_KEV = 0.8
_LOWEST_KEV, _HIGHEST_KEV = 0.2, 39.5
_SEEN_EFFICIENCY = 0.05
# 2.5 bins to a peak lose nothing (docs/decisions/0004); finer ones are what shifts are made on.
_BINS_PER_FWHM, _FINE_BINS_PER_FWHM = 2.5, 6.0
# Share of the free atoms' coherent scatter at which the responses to the machine are computed.
_TYPICAL_DIFFUSE_SHARE = 0.6


@dataclass(frozen=True)
class FamilySize:
    """How much is drawn for each mineral.

    Parameters
    ----------
    fitted
        Compositions on the instrument as described.
    machines
        Instruments drawn for the test.
    tested
        Compositions for each of them.
    """

    fitted: int = 32
    machines: int = 8
    tested: int = 4

    def __post_init__(self) -> None:
        if min(self.fitted, self.machines, self.tested) < 1:
            raise InvalidValueError(f"A family of {self}.", expected="at least one of each")


def lowest_seen_energy(instrument: Instrument) -> float:
    """Energy in keV from which counts of an instrument are used.

    The end of the zero peak; lower where window and gas let more than 5 % of softer radiation
    through.
    """
    energies = np.arange(_LOWEST_KEV, _ZERO_PEAK_ENDS_KEV, 0.01)
    seen = efficiency_from_detector(
        detector=instrument.detector, energies_keV=energies
    ) * transmission_from_atmosphere(
        atmosphere=instrument.atmosphere,
        path_mm=instrument.atmosphere.detection_path_mm,
        energies_keV=energies,
    )
    above = np.flatnonzero(seen > _SEEN_EFFICIENCY)
    return float(energies[above[0]]) if above.size else _ZERO_PEAK_ENDS_KEV


@dataclass(frozen=True, eq=False)
class _Axis:
    """Bins in which spectra are compared, and the finer ones in which they are simulated."""

    fine_edges_keV: FloatArray
    edges_keV: FloatArray

    @classmethod
    def of(cls, instrument: Instrument) -> _Axis:
        detector = instrument.detector
        low = lowest_seen_energy(instrument)
        high = min(_HIGHEST_KEV, float(instrument.axis.edges_keV[-1]))
        if high < low + 5:
            raise InstrumentError(
                f"The axis of {instrument.name} ends at {high:.2f} keV.",
                expected=f"at least {low + 5:.1f} keV",
            )

        def edges(below: float, above: float, bins_per_fwhm: float) -> FloatArray:
            return edges_from_resolution(
                low_keV=low - below,
                high_keV=high + above,
                noise_keV=detector.noise_keV,
                fano=fano_term_from_factor(fano=detector.fano),
                bins_per_fwhm=bins_per_fwhm,
            )

        return cls(edges(0.1, 0.5, _FINE_BINS_PER_FWHM), edges(0, 0, _BINS_PER_FWHM))

    def rebinned(
        self, spectra: FloatArray, gains: FloatArray | float, offsets_keV: FloatArray | float
    ) -> FloatArray:
        """Spectra as recorded where a line at E seems to have ``gain E + offset``."""
        gains = np.broadcast_to(gains, len(spectra))
        offsets_keV = np.broadcast_to(offsets_keV, len(spectra))
        below = np.concatenate([np.zeros((len(spectra), 1)), np.cumsum(spectra, axis=1)], axis=1)
        rows = zip(below, gains, offsets_keV, strict=True)
        return np.array(
            [
                np.diff(np.interp((self.edges_keV - offset) / gain, self.fine_edges_keV, row))
                for row, gain, offset in rows
            ]
        )


class FamilySimulator:
    """Simulates the families of some minerals on one instrument.

    Parameters
    ----------
    minerals
        The minerals.
    instrument
        The instrument as described.
    uncertainty
        How well it is known.
    size
        How much is drawn.
    seed
        Seed of all that is drawn.
    """

    def __init__(
        self,
        minerals: Sequence[Mineral],
        instrument: Instrument,
        *,
        uncertainty: CalibrationUncertainty | None = None,
        size: FamilySize | None = None,
        seed: int = 0,
    ) -> None:
        self.minerals = tuple(minerals)
        self.instrument = instrument
        self.uncertainty = uncertainty or CalibrationUncertainty()
        self.size = size or FamilySize()
        self._rng = np.random.default_rng(seed)
        self._axis = _Axis.of(instrument)
        self._fitted = self._compositions(self.size.fitted)
        self._tested = [self._compositions(self.size.tested) for _ in range(self.size.machines)]
        every = [item for drawn in (self._fitted, *self._tested) for item in drawn]
        self._symbols = sorted({symbol for item in every for symbol in item.elements})

    def _compositions(self, count: int) -> list[Composition]:
        return [
            composition
            for mineral in self.minerals
            for composition in sample_compositions(mineral, count, self._rng)
        ]

    def families(
        self, progress: Callable[[int, int], None] = lambda done, total: None
    ) -> list[SpectrumFamily]:
        """Simulate; `progress` is called with the machines done and in all."""
        parameters = self.uncertainty.parameters(self.instrument)
        steps = 1 + len(parameters) + self.size.machines
        fractions = mass_fraction_matrix(self._fitted, self._symbols)
        described = self._compiled(self.instrument)
        fitted = self._drawn_spectra(described, fractions)
        typical = fractions.reshape(len(self.minerals), self.size.fitted, -1).mean(axis=1)
        reference = self._typical_spectra(described, typical)
        responses = self._shift_responses(reference)
        unmoved = self._log_shares(reference)
        progress(1, steps)
        for number, name in enumerate(parameters):
            machine = self._compiled(self.uncertainty.vary(self.instrument, {name: 1.0}))
            moved = self._typical_spectra(machine, typical)
            responses.append(self._log_shares(moved) - unmoved)
            progress(2 + number, steps)
        tested = []
        for number, compositions in enumerate(self._tested):
            deviates = dict(
                zip(parameters, self._rng.standard_normal(len(parameters)), strict=True)
            )
            machine = self._compiled(self.uncertainty.vary(self.instrument, deviates))
            drawn = self._drawn_spectra(machine, mass_fraction_matrix(compositions, self._symbols))
            tested.append(self._miscalibrated(drawn))
            progress(2 + len(parameters) + number, steps)
        return self._assembled(self._axis.rebinned(fitted, 1.0, 0.0), responses, tested)

    def _assembled(
        self, fitted: FloatArray, responses: list[FloatArray], tested: list[FloatArray]
    ) -> list[SpectrumFamily]:
        fitted = fitted.reshape(len(self.minerals), self.size.fitted, -1)
        by_machine = [part.reshape(len(self.minerals), self.size.tested, -1) for part in tested]
        return [
            SpectrumFamily(
                mineral.name,
                fitted[row],
                np.array([response[row] for response in responses]),
                np.concatenate([part[row] for part in by_machine]),
            )
            for row, mineral in enumerate(self.minerals)
        ]

    def _drawn_spectra(self, machine: CompiledInstrument, fractions: FloatArray) -> FloatArray:
        """Spectra in fine bins, each of a crystal of its own."""
        ideal = Surface.ideal(len(fractions), machine.source_keV, machine.instrument.geometry)
        crystals = Coherent()
        drawn = crystals.sample(ideal, machine.instrument, self._rng)
        seen = crystals.apply(ideal, drawn, machine.instrument)
        spectra = machine.spectra(fractions, diffuse_share=seen.diffuse_share)
        return np.asarray(spectra, dtype=np.float64)

    def _typical_spectra(self, machine: CompiledInstrument, fractions: FloatArray) -> FloatArray:
        spectra = machine.spectra(fractions, diffuse_share=_TYPICAL_DIFFUSE_SHARE)
        return np.asarray(spectra, dtype=np.float64)

    def _compiled(self, machine: Instrument) -> CompiledInstrument:
        return compile_instrument(
            instrument=machine, symbols=self._symbols, edges_keV=self._axis.fine_edges_keV
        )

    def _log_shares(
        self, spectra: FloatArray, gain: float = 1.0, offset_keV: float = 0.0
    ) -> FloatArray:
        rebinned = self._axis.rebinned(spectra, gain, offset_keV)
        return log_shares_from_spectra(spectra=rebinned)

    def _shift_responses(self, spectra: FloatArray) -> list[FloatArray]:
        gain, offset = self.uncertainty.gain, self.uncertainty.offset_keV
        return [
            (self._log_shares(spectra, 1 + gain) - self._log_shares(spectra, 1 - gain)) / 2,
            (self._log_shares(spectra, 1, offset) - self._log_shares(spectra, 1, -offset)) / 2,
        ]

    def _miscalibrated(self, spectra: FloatArray) -> FloatArray:
        gains = 1 + self.uncertainty.gain * self._rng.standard_normal(len(spectra))
        offsets = self.uncertainty.offset_keV * self._rng.standard_normal(len(spectra))
        return self._axis.rebinned(spectra, gains, offsets)
