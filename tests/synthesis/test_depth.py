"""Thin grains over their neighbours, and shadows, against exact physics."""

import numpy as np
import pytest
import torch
import xraylib

from lithoscope.core.formula import composition_from_formula
from lithoscope.physics.compile import mass_fraction_matrix
from lithoscope.synthesis.distortions.base import Draws
from lithoscope.synthesis.distortions.depth import (
    attenuation_of_emitted,
    attenuation_of_exciting,
    exciting_energies,
)
from lithoscope.synthesis.distortions.grain_depth import GrainDepth, seen_from_depth
from lithoscope.synthesis.distortions.shadow import Shadow

LINES = {
    "KAlSi3O8": (1.740, 3.313),
    "NaCl": (2.622,),
    "Fe2O3": (6.404,),
    "CaCO3": (3.691,),
    "SrSO4": (14.165,),
    "ZnS": (8.638,),
}


@pytest.fixture(scope="module")
def compiled(ideal):
    from lithoscope.physics.compile import compile_instrument

    symbols = {name for formula in LINES for name in composition_from_formula(formula).elements}
    instrument = ideal.generation.machines[0].compiled.instrument
    return compile_instrument(instrument=instrument, symbols=sorted(symbols))


def net(spectrum, energies, line_keV):
    peak = np.abs(energies - line_keV) < 0.12
    beside = (np.abs(energies - line_keV) > 0.2) & (np.abs(energies - line_keV) < 0.3)
    return spectrum[peak].sum() - np.median(spectrum[beside]) * peak.sum()


@pytest.mark.parametrize("thickness_g_cm2", [1e-3, 5e-3, 0.02, 0.08])
@pytest.mark.parametrize("formula", LINES)
def test_a_layer_gives_what_a_finite_sample_gives(formula, thickness_g_cm2, compiled):
    """Share of a thick sample's line that the layer gives, approximated by one exciting energy.

    Lines from 1.7 to 14 keV, on an M4 Tornado: within 8 %.
    """
    from lithoscope.synthesis.expected import Machine

    machine = Machine(compiled)
    fractions = mass_fraction_matrix([composition_from_formula(formula)], compiled.symbols)
    thick, thin = (
        compiled.spectra(fractions, mass_thickness_g_cm2=mass)[0]
        for mass in (np.inf, thickness_g_cm2)
    )
    geometry = compiled.instrument.geometry
    sines = np.sin(np.deg2rad([[geometry.incidence_deg, geometry.take_off_deg]]))
    share = seen_from_depth(
        attenuation_in=torch.from_numpy(fractions @ machine.table(attenuation_of_exciting)),
        attenuation_out=torch.from_numpy(fractions @ machine.table(attenuation_of_emitted)),
        sines=torch.from_numpy(sines),
        mass_thickness=torch.tensor([thickness_g_cm2], dtype=torch.float64),
    )[0].numpy()
    energies = compiled.instrument.axis.energies_keV
    for line in LINES[formula]:
        exact = net(thin, energies, line) / net(thick, energies, line)
        near = np.abs(energies - line).argmin()
        assert share[near] == pytest.approx(exact, rel=0.08)


def with_thickness(ideal, thickness, other=1):
    count = len(ideal)
    return {
        "mass_thickness_g_cm2": torch.full((count,), thickness),
        "other": torch.full((count,), other),
    }


def test_limits_of_a_layer(ideal):
    grain = GrainDepth()
    spectra = ideal.spectra()
    thick = grain.apply(spectra, with_thickness(ideal, torch.inf), ideal)
    assert torch.equal(thick, spectra)
    # So thick that nothing comes from below is thick, whether drawn as such or not.
    nearly = grain.apply(spectra, with_thickness(ideal, 1e4), ideal)
    torch.testing.assert_close(nearly, spectra, rtol=1e-5, atol=1e-9)
    # The neighbour stays below 45 % however thin the layer is, so that the grain is named right.
    nothing = grain.apply(spectra, with_thickness(ideal, 1e-4), ideal)
    below = ideal.others(torch.ones(len(ideal), dtype=torch.int64)).spectra()
    assert not torch.allclose(nothing, spectra, rtol=0.1)
    iron = torch.nonzero(ideal.generation.minerals == 3)[0]
    line = torch.abs(ideal.middles_keV - 6.404).argmin()
    quartz = torch.nonzero(ideal.generation.minerals == 1)[:, 0]
    assert below[quartz[0], line] < spectra[iron, line]


def test_the_neighbour_shines_through_where_radiation_is_hard(ideal):
    """Hematite below quartz: Si K stays, Fe K comes."""
    minerals = ideal.generation.minerals
    quartz, iron = (torch.nonzero(minerals == number)[0] for number in (1, 3))
    row = ideal.of(quartz)
    spectra = row.spectra()
    parameters = {"mass_thickness_g_cm2": torch.tensor([0.02]), "other": iron}
    seen = GrainDepth().apply(spectra, parameters, row)[0]
    silicon, rayleigh = (torch.abs(ideal.middles_keV - energy).argmin() for energy in (1.74, 6.404))
    assert seen[silicon] == pytest.approx(spectra[0, silicon].item(), rel=0.01)
    below = ideal.of(iron).spectra()[0] * (
        ideal.generation.rates[iron] / ideal.generation.rates[quartz]
    )
    # What passes the quartz: down with the exciting radiation, up with Fe Ka.
    mu = sum(
        share * xraylib.CS_Total_Kissel(number, 6.4)
        for number, share in ((14, 0.4674), (8, 0.5326))
    )
    sine = np.sin(np.deg2rad(50))
    upwards = np.exp(-mu * 0.02 / sine)
    assert seen[rayleigh] < upwards * below[rayleigh]
    assert seen[rayleigh] > 0.1 * upwards * below[rayleigh]


def test_how_often_and_how_thin(ideal):
    number = 20_000
    rows = type(ideal)(ideal.generation, torch.zeros(number, dtype=torch.int64))
    for severity, thinnest in ((2.0, 0.01), (4.0, 0.08 / 64)):
        draws = Draws(number, torch.Generator().manual_seed(0))
        thickness = GrainDepth(severity).sample(rows, draws)["mass_thickness_g_cm2"]
        thin = thickness[torch.isfinite(thickness)]
        assert len(thin) / number == pytest.approx(0.075 * severity, abs=0.01)
        assert thinnest * 0.999 <= thin.min() < 1.05 * thinnest
        assert 0.079 < thin.max() <= 0.0801


def test_exciting_energies_lie_above_the_edge():
    """Against a sum over a source of two lines, by hand."""
    source = np.array([8.0, 20.0, 5.0])
    photons = np.array([3.0, 1.0, 7.0])
    seen = np.array([3.0, 6.404, 10.0, 19.5, 30.0])
    found = exciting_energies(seen_keV=seen, source_keV=source, photons_per_s=photons)

    def mean(energies, numbers):
        weights = np.array(numbers) * np.array(energies) ** -2.8
        return weights @ np.array(energies) / weights.sum()

    expected = [mean([8, 20, 5], [3, 1, 7]), mean([8, 20], [3, 1]), 20.0, 19.5, 30.0]
    np.testing.assert_allclose(found, expected)


def test_a_shadow_dims_as_matter_does(ideal):
    """All of the spot behind 3 mg/cm2 of its own mineral: exp(-mu rho d) of xraylib."""
    count, mass = len(ideal), 3e-3
    for part in (1.0, 0.4):
        parameters = {
            "part": torch.full((count,), part),
            "ridge_g_cm2": torch.full((count,), mass),
        }
        spectra = torch.ones_like(ideal.spectra())
        ratio = Shadow().apply(spectra, parameters, ideal).double().numpy()
        symbols = ideal.generation.machines[0].compiled.symbols
        for row in (0, 7, 23):
            fractions = ideal.generation.fractions[row].double().numpy()
            # Away from edges of these minerals' elements.
            for wanted in (1.3, 2.3, 5.0, 10.0, 20.0):
                column = int(torch.abs(ideal.middles_keV - wanted).argmin())
                energy = float(ideal.middles_keV[column])
                mu = sum(
                    share * xraylib.CS_Total_Kissel(xraylib.SymbolToAtomicNumber(symbol), energy)
                    for symbol, share in zip(symbols, fractions, strict=True)
                    if share > 0
                )
                expected = 1 - part + part * np.exp(-mu * mass)
                assert ratio[row, column] == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize(
    ("mineral", "line_keV", "edge_keV"), [(3, 7.058, 7.112), (0, 3.590, 3.608)]
)
def test_a_line_is_dimmed_as_a_whole(mineral, line_keV, edge_keV, ideal):
    """Iron and potassium Kb lie below the K edge, though their peaks reach beyond it."""
    row = ideal.of(torch.nonzero(ideal.generation.minerals == mineral)[:1, 0])
    parameters = {"part": torch.ones(1), "ridge_g_cm2": torch.full((1,), 3e-3)}
    ratio = Shadow().apply(torch.ones_like(row.spectra()), parameters, row)[0]

    def at(energy_keV):
        return ratio[torch.abs(ideal.middles_keV - energy_keV).argmin()].item()

    for energy in (line_keV, edge_keV + 0.02, edge_keV + 0.08):
        assert at(energy) == pytest.approx(at(line_keV), rel=0.09)
    assert at(edge_keV + 0.25) < 0.92 * at(line_keV)
