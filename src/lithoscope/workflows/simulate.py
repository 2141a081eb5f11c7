"""The expected spectrum of a mineral, by name or formula."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.composition import Composition
from lithoscope.core.formula import composition_from_formula
from lithoscope.core.instrument import Instrument
from lithoscope.core.mineral import Mineral
from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import FormulaError, InstrumentError, InvalidValueError, MineralError
from lithoscope.io import load_instrument, save_spectrum
from lithoscope.minerals import load_library, sample_compositions
from lithoscope.physics.diffraction import bragg_counts_from_grain, orientation_from_seed
from lithoscope.physics.own_signals import stray_from_counts, zero_peak_from_detector
from lithoscope.physics.pileup import pileup_from_rates
from lithoscope.physics.simulate import spectrum_from_composition

_MOST_COUNTS = 1e12


@dataclass(frozen=True)
class Sample:
    """What lies under the beam.

    Parameters
    ----------
    title
        What to call it.
    composition
        Element mass fractions.
    mineral
        Its entry in the library; ``None`` for a formula.
    mass_thickness_g_cm2
        Mass per area.
    """

    title: str
    composition: Composition
    mineral: Mineral | None
    mass_thickness_g_cm2: float


def simulate(
    mineral: str,
    *,
    instrument: str | Path | Instrument = "m4-tornado",
    counts: float | None = None,
    sampled: bool = False,
    seed: int = 0,
    thickness_um: float | None = None,
    density_g_cm3: float | None = None,
    bragg: bool = False,
    pile_up: bool = False,
    zero_peak: bool = False,
    stray_lines: bool = False,
) -> Spectrum:
    """Simulate the spectrum of a mineral of the library, or of a formula.

    Without `counts`, the noise-free expected counts of one second of live time, of the ideal
    formula as a thick sample: fluorescence, scatter and the detector's response. What else real
    spectra hold is switched on by name.

    Parameters
    ----------
    mineral
        Name of a library entry or a chemical formula.
    instrument
        Name or file of an instrument, or an instrument.
    counts
        Expected total counts of a Poisson draw; noise-free when left out.
    sampled
        Draw a natural composition instead of the ideal one.
    seed
        Seed of composition, grain orientation and noise.
    thickness_um
        Thickness of the sample in µm; thick when left out.
    density_g_cm3
        Density; the library's when left out.
    bragg
        Add the Bragg peaks of one grain in a random orientation.
    pile_up
        Let photons pile up within the detector's pulse-pair resolution.
    zero_peak
        Add the electronics' pulses at 0 keV.
    stray_lines
        Add the lines of the instrument's own parts.

    Returns
    -------
    Spectrum
        Float64 expected counts, or whole counts where `counts` is given.

    Raises
    ------
    MineralError
        If `mineral` is neither in the library nor a formula, or has no unit cell for its Bragg
        peaks.
    InvalidValueError
        If `counts`, thickness or density is not positive, or the density of a formula is missing.
    InstrumentError
        If the instrument lacks what was switched on.
    """
    if counts is not None and not 0 < counts <= _MOST_COUNTS:
        raise InvalidValueError(
            f"A spectrum of {counts} counts.", expected=f"more than 0 and at most {_MOST_COUNTS:g}"
        )
    rng = np.random.default_rng(seed)
    sample = _sample(mineral, thickness_um, density_g_cm3, sampled=sampled, rng=rng)
    machine = instrument if isinstance(instrument, Instrument) else load_instrument(str(instrument))
    expected = spectrum_from_composition(
        composition=sample.composition,
        instrument=machine,
        mass_thickness_g_cm2=sample.mass_thickness_g_cm2,
    )
    if bragg:
        expected = expected + _bragg_counts(sample, machine, seed)
    if stray_lines:
        expected = expected + _stray_counts(expected, machine)
    if pile_up:
        expected = _piled_up(expected, machine)
    if zero_peak:
        expected = expected + _zero_peak(machine)
    title = f"{sample.title}, simulated, {machine.name}"
    if counts is None:
        return Spectrum(expected, machine.axis, 1.0, title, machine)
    live_time = counts / expected.sum()
    drawn = rng.poisson(expected * live_time).astype(np.int64)
    return Spectrum(drawn, machine.axis, float(live_time), title, machine)


def _bragg_counts(sample: Sample, machine: Instrument, seed: int) -> NDArray[np.float64]:
    if sample.mineral is None:
        raise MineralError(
            f"'{sample.title}' is a formula, and a formula has no unit cell.",
            expected="a mineral of the library for Bragg peaks",
        )
    return bragg_counts_from_grain(
        mineral=sample.mineral,
        composition=sample.composition,
        orientation=orientation_from_seed(seed=seed),
        instrument=machine,
    )


def _stray_counts(expected: NDArray[np.float64], machine: Instrument) -> NDArray[np.float64]:
    if not machine.stray_lines:
        raise _lacks(machine, "stray_lines", "entries such as {element: Ni, share: 9.0e-4}")
    return stray_from_counts(counts=expected, instrument=machine, edges_keV=machine.axis.edges_keV)


def _piled_up(expected: NDArray[np.float64], machine: Instrument) -> NDArray[np.float64]:
    resolution = machine.detector.pulse_pair_resolution_ns
    if resolution == 0:
        raise _lacks(machine, "detector.pulse_pair_resolution_ns", "some 50 to 500 ns")
    return pileup_from_rates(
        counts_per_s=expected, axis=machine.axis, pulse_pair_resolution_ns=resolution
    )


def _zero_peak(machine: Instrument) -> NDArray[np.float64]:
    if machine.detector.zero_peak_per_s == 0:
        raise _lacks(machine, "detector.zero_peak_per_s", "pulses per second, such as 10000")
    return zero_peak_from_detector(detector=machine.detector, edges_keV=machine.axis.edges_keV)


def _lacks(machine: Instrument, field: str, expected: str) -> InstrumentError:
    return InstrumentError(
        f"The instrument {machine.name} has no {field}.",
        expected=expected,
        remedy="add it in a YAML file with 'based_on', and give that as --instrument",
    )


def _sample(
    mineral: str,
    thickness_um: float | None,
    density_g_cm3: float | None,
    *,
    sampled: bool,
    rng: np.random.Generator,
) -> Sample:
    entry, composition = _find(mineral, sampled=sampled, rng=rng)
    for name, value in (("thickness", thickness_um), ("density", density_g_cm3)):
        if value is not None and not 0 < value < np.inf:
            raise InvalidValueError(f"A {name} of {value}.", expected="a positive number")
    density = density_g_cm3 or (entry.density_g_cm3 if entry else None)
    mass_thickness = np.inf
    if thickness_um is not None:
        if density is None:
            raise InvalidValueError(
                f"'{mineral}' is a formula without a density.",
                expected="a density in g/cm3 along with the thickness",
                remedy="add --density",
            )
        mass_thickness = density * thickness_um * 1e-4
    return Sample(entry.name if entry else mineral, composition, entry, mass_thickness)


def _find(
    mineral: str, *, sampled: bool, rng: np.random.Generator
) -> tuple[Mineral | None, Composition]:
    try:
        entry = load_library().get(mineral)
    except MineralError as unknown_name:
        if sampled:
            raise
        return None, _composition(mineral, unknown_name)
    if sampled:
        return entry, sample_compositions(entry, 1, rng)[0]
    return entry, entry.composition


def _composition(formula: str, unknown_name: MineralError) -> Composition:
    """Read a formula; what looks like a misspelt name is reported as a name."""
    try:
        return composition_from_formula(formula)
    except FormulaError as error:
        if formula.isalpha() and formula.islower():
            raise unknown_name from error
        raise


def write_spectrum(spectrum: Spectrum, path: Path, mineral: str) -> None:
    """Write a simulated spectrum as data, or as a picture with its element lines named.

    Raises
    ------
    OutputError
        If the path's ending is not one of ``.msa``, ``.hspy``, ``.npz``, ``.png``, ``.svg``, or
        it cannot be written to.
    """
    if path.suffix.lower() in (".png", ".svg"):
        from lithoscope.figures.save import save_figure
        from lithoscope.figures.spectrum_plot import spectrum_figure

        _, composition = _find(mineral, sampled=False, rng=np.random.default_rng(0))
        figure = spectrum_figure(spectrum, elements=composition.elements, title=spectrum.title)
        save_figure(figure, path)
        return
    save_spectrum(spectrum, path)
