"""Cells stand for the source's nodes."""

import numpy as np
import pytest
import xraylib

from lithoscope.core.formula import composition_from_formula
from lithoscope.core.instrument import Instrument, Polycapillary
from lithoscope.physics.attenuation import mass_attenuation_from_composition
from lithoscope.physics.cells import cells_from_source
from lithoscope.physics.fluorescence import (
    lines_from_elements,
    primary_from_sherman,
    production_from_lines,
)
from lithoscope.physics.source import source_from_instrument

INSTRUMENT = Instrument("test", optic=Polycapillary(1.2, 9.0, 4.4))
SOURCE = source_from_instrument(instrument=INSTRUMENT)


def test_photons_are_conserved_and_means_are_weighted():
    cells = cells_from_source(source=SOURCE, symbols=["Fe", "S"])
    assert cells.photons_per_s.sum() == pytest.approx(SOURCE.photons_per_s.sum())
    mean = cells.mean(SOURCE.energies_keV)
    assert mean @ cells.photons_per_s == pytest.approx(SOURCE.energies_keV @ SOURCE.photons_per_s)
    assert (np.diff(mean) > 0).all()


def test_no_edge_lies_inside_a_cell():
    cells = cells_from_source(source=SOURCE, symbols=["Fe"])
    edge = xraylib.EdgeEnergy(26, xraylib.K_SHELL)
    energies = SOURCE.energies_keV[cells.order]
    for first, last in zip(cells.starts, np.append(cells.starts[1:], energies.size), strict=True):
        assert not energies[first] < edge < energies[last - 1]


def test_a_cell_without_photons_is_no_division_by_zero():
    import dataclasses

    dark = dataclasses.replace(SOURCE, photons_per_s=np.zeros_like(SOURCE.photons_per_s))
    cells = cells_from_source(source=dark, symbols=["Fe"])
    assert np.isfinite(cells.mean(SOURCE.energies_keV)).all()


@pytest.mark.parametrize("formula", ["NaAlSi3O8", "CuFeS2", "PbS", "CePO4", "CaCO3"])
def test_lines_over_cells_equal_those_over_every_node(formula):
    composition = composition_from_formula(formula)
    symbols = composition.elements
    lines = lines_from_elements(symbols=symbols)
    production = production_from_lines(
        symbols=symbols, lines=lines, energies_keV=SOURCE.energies_keV
    )
    attenuation = mass_attenuation_from_composition(
        composition=composition, energies_keV=SOURCE.energies_keV
    )
    cells = cells_from_source(source=SOURCE, symbols=symbols)
    fractions = np.array([fraction for _, fraction in composition])[lines.elements]

    def photons(per_s, production, attenuation_in):
        return primary_from_sherman(
            photons_per_s=per_s,
            mass_fractions=fractions,
            production=production,
            attenuation_in=attenuation_in,
            attenuation_out=mass_attenuation_from_composition(
                composition=composition, energies_keV=lines.energies_keV
            ),
            geometry=INSTRUMENT.geometry,
        )

    every = photons(SOURCE.photons_per_s, production, attenuation)
    some = photons(cells.photons_per_s, cells.mean(production), cells.mean(attenuation))
    strong = every > 1e-4 * every.max()
    np.testing.assert_allclose(some[strong], every[strong], rtol=1e-3)
    assert cells.starts.size < SOURCE.energies_keV.size / 4
