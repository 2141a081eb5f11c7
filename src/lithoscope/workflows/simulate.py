"""The expected spectrum of a mineral, by name or formula."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lithoscope.core.composition import Composition
from lithoscope.core.formula import composition_from_formula
from lithoscope.core.instrument import Instrument
from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import FormulaError, InvalidValueError, MineralError
from lithoscope.io import load_instrument, save_spectrum
from lithoscope.minerals import load_library, sample_compositions
from lithoscope.physics.simulate import spectrum_from_composition

_MOST_COUNTS = 1e12


def simulate(
    mineral: str,
    *,
    instrument: str | Path | Instrument = "m4-tornado",
    counts: float | None = None,
    sampled: bool = False,
    seed: int = 0,
) -> Spectrum:
    """Simulate the spectrum of a mineral of the library, or of a formula.

    Without `counts`, the noise-free expected counts of one second of live time, of the ideal
    formula as a thick sample: fluorescence, scatter and the detector's response, without Bragg
    peaks, pile-up, zero peak or stray lines.

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
        Seed of composition and noise.

    Returns
    -------
    Spectrum
        Float64 expected counts, or whole counts where `counts` is given.

    Raises
    ------
    MineralError
        If `mineral` is neither in the library nor a formula.
    InvalidValueError
        If `counts` is not positive.
    """
    if counts is not None and not 0 < counts <= _MOST_COUNTS:
        raise InvalidValueError(
            f"A spectrum of {counts} counts.", expected=f"more than 0 and at most {_MOST_COUNTS:g}"
        )
    rng = np.random.default_rng(seed)
    name, composition = _find(mineral, sampled=sampled, rng=rng)
    machine = instrument if isinstance(instrument, Instrument) else load_instrument(str(instrument))
    expected = spectrum_from_composition(composition=composition, instrument=machine)
    title = f"{name}, simulated, {machine.name}"
    if counts is None:
        return Spectrum(expected, machine.axis, 1.0, title, machine)
    live_time = counts / expected.sum()
    drawn = rng.poisson(expected * live_time).astype(np.int64)
    return Spectrum(drawn, machine.axis, float(live_time), title, machine)


def _find(mineral: str, *, sampled: bool, rng: np.random.Generator) -> tuple[str, Composition]:
    try:
        entry = load_library().get(mineral)
    except MineralError as unknown_name:
        if sampled:
            raise
        return mineral, _composition(mineral, unknown_name)
    if sampled:
        return entry.name, sample_compositions(entry, 1, rng)[0]
    return entry.name, entry.composition


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
