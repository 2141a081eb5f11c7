"""Bragg peaks stand where the mineral's planes reflect, and as high as drawn."""

import itertools

import numpy as np
import pytest
import torch

from lithoscope.physics.constants import FWHM_PER_SIGMA
from lithoscope.physics.detector import fwhm_from_energy
from lithoscope.synthesis.distortions.base import Draws
from lithoscope.synthesis.distortions.bragg import PEAKS, Bragg
from lithoscope.synthesis.expected import ExpectedBatch
from lithoscope.synthesis.planes import SPACINGS, spacings_of_planes

# h c = 12.39842 keV Angstrom; an M4 Tornado's detectors see what is deflected by 130 degrees.
HALF_ANGLE = np.deg2rad(65.0)


def energy_of_plane(d_A):
    return 12.39842 / (2 * d_A * np.sin(HALF_ANGLE))


def halite_spacings():
    """Of a face-centred cell of 5.64 Angstrom: h, k, l all odd or all even."""
    found = set()
    for planes in itertools.product(range(14), repeat=3):
        if any(planes) and len({index % 2 for index in planes}) == 1:
            found.add(sum(index**2 for index in planes))
    return 5.64 / np.sqrt(sorted(found))


def drawn_for(ideal, mineral, number=400, severity=4.0):
    """Peaks of many spectra of one mineral."""
    row = torch.nonzero(ideal.generation.minerals == mineral)[0]
    batch = ExpectedBatch(ideal.generation, row.expand(number))
    draws = Draws(number, torch.Generator().manual_seed(0))
    return batch, Bragg(severity).sample(batch, draws)


def test_half_of_halite_s_peaks_are_its_planes(ideal, minerals):
    """Of those drawn; planes that reflect outside 2.3 to 13 keV give way to random energies."""
    _, drawn = drawn_for(ideal, 2)
    energies = drawn["energies_keV"].double().numpy()
    own = energy_of_plane(halite_spacings())
    nearest = np.abs(energies[..., None] - own).min(axis=2) / energies
    met = energy_of_plane(spacings_of_planes(minerals[2]))
    expected = 0.5 * ((met > 2.3) & (met < 13)).mean()
    assert expected > 0.4
    assert (nearest < 1e-4).mean() == pytest.approx(expected, abs=0.03)
    assert energies.min() >= 2.3
    assert energies.max() <= 13.0


@pytest.mark.parametrize(("mineral", "lines"), [(1, (1.818, 1.542)), (2, (1.994, 1.628, 1.261))])
def test_strong_powder_lines_are_among_them(mineral, lines, ideal):
    """Quartz and halite; the distances are those of the library's powder patterns."""
    _, drawn = drawn_for(ideal, mineral, number=1000)
    energies = drawn["energies_keV"].double().numpy()
    for d_A in lines:
        energy = energy_of_plane(d_A)
        # Cells are as in the library, powder patterns of other authors: to half a per cent.
        here = (np.abs(energies / energy - 1) < 0.005).mean()
        beside = (np.abs(energies / energy - 1.02) < 0.005).mean()
        assert here > beside + 0.003


def test_minerals_without_a_cell_have_random_peaks(ideal, minerals):
    assert minerals[4].cell is None
    assert np.isinf(spacings_of_planes(minerals[4])).all()
    _, drawn = drawn_for(ideal, 4, number=2000)
    energies = drawn["energies_keV"].double().numpy()
    assert np.isfinite(energies).all()
    histogram = np.histogram(energies, bins=10, range=(2.3, 13.0))[0]
    assert histogram.sum() == energies.size
    assert (np.abs(histogram / 1600 - 1) < 0.12).all()


def test_planes_are_met_more_often_where_they_reflect_more(minerals):
    spacings = spacings_of_planes(minerals[2])
    assert spacings.shape == (SPACINGS,)
    assert (np.diff(spacings) >= 0).all()
    own = halite_spacings()
    assert np.abs(spacings[:, None] / own - 1).min(axis=1).max() < 1e-4
    # 200 has the largest structure factor of rock salt, 111 only the difference of its atoms.
    assert (np.abs(spacings - 2.82) < 0.01).sum() > (np.abs(spacings - 3.256) < 0.01).sum()


def test_how_often_and_how_high(ideal):
    for severity, share in ((1.0, 0.25), (2.0, 0.5), (5.0, 1.0)):
        _, drawn = drawn_for(ideal, 0, number=4000, severity=severity)
        heights, energies = drawn["heights"], drawn["energies_keV"]
        shown = heights.amax(dim=1) > 0
        assert shown.double().mean().item() == pytest.approx(share, abs=0.03)
        # Dimmed by a factor of median 0.5, higher where energy is low.
        relative = heights[shown] * (energies[shown] / 8.0) ** 2
        assert relative.median().item() == pytest.approx(0.46 * severity / 2, rel=0.12)


def one_peak(ideal, energy_keV, height):
    count = len(ideal)
    energies = torch.full((count, PEAKS), 5.0)
    heights = torch.zeros(count, PEAKS)
    energies[:, 0], heights[:, 0] = energy_keV, height
    return {"energies_keV": energies, "heights": heights}


@pytest.mark.parametrize("energy_keV", [2.5, 6.4, 12.9])
def test_height_and_width_over_an_even_continuum(energy_keV, ideal, flat, tornado):
    spectra = Bragg().apply(flat, one_peak(ideal, energy_keV, 3.0), ideal)
    density = (spectra / torch.diff(ideal.edges_keV))[0].double().numpy()
    energies = ideal.middles_keV.double().numpy()
    assert density.max() == pytest.approx(1 + 3.0, rel=0.01)
    assert energies[density.argmax()] == pytest.approx(energy_keV, abs=0.02)
    fwhm = fwhm_from_energy(detector=tornado.detector, energies_keV=np.array(energy_keV))
    sigma = np.hypot(float(fwhm) / FWHM_PER_SIGMA, 0.012 * energy_keV)
    added = (spectra - flat)[0].double().numpy()
    assert added.sum() == pytest.approx(3.0 * sigma * np.sqrt(2 * np.pi), rel=2e-3)
    centre = added @ energies / added.sum()
    assert np.sqrt(added @ (energies - centre) ** 2 / added.sum()) == pytest.approx(sigma, rel=0.02)


def test_peaks_at_the_ends_of_the_axis_are_cut(ideal, flat):
    edges = ideal.edges_keV
    whole = (Bragg().apply(flat, one_peak(ideal, 20.0, 1.0), ideal) - flat)[0].sum().item()
    for end in (float(edges[0]), float(edges[-1])):
        added = (Bragg().apply(flat, one_peak(ideal, end, 1.0), ideal) - flat)[0]
        assert (added >= 0).all()
        # Half of a peak, whose width is another there.
        inside = torch.abs(ideal.middles_keV - end)
        assert (added * inside).sum() / added.sum() < 0.5
        assert 0.03 * whole < added.sum().item() < 1.2 * whole
        assert added[len(added) // 2] == 0
    for outside in (float(edges[0]) - 2.0, float(edges[-1]) + 4.0):
        assert torch.equal(Bragg().apply(flat, one_peak(ideal, outside, 1.0), ideal), flat)


def test_peaks_stand_on_the_continuum_and_not_on_lines(ideal):
    """A peak on potassium Ka is as high as the continuum beside it."""
    orthoclase = ideal.of(torch.nonzero(ideal.generation.minerals == 0)[:1, 0])
    spectra = orthoclase.spectra()
    peak = {"energies_keV": torch.full((1, PEAKS), 3.313), "heights": torch.zeros(1, PEAKS)}
    peak["heights"][0, 0] = 2.0
    added = Bragg().apply(spectra, peak, orthoclase) - spectra
    line = torch.abs(ideal.middles_keV - 3.313).argmin()
    assert 0 < added[0, line] < 0.2 * spectra[0, line]


def test_a_peak_does_not_depend_on_the_rest_of_the_batch(ideal):
    drawn = Bragg(5.0).sample(ideal, Draws(len(ideal), torch.Generator().manual_seed(4)))
    together = Bragg().apply(ideal.spectra(), drawn, ideal)
    for row in range(0, len(ideal), 9):
        alone = ideal.of(torch.tensor([row]))
        part = {name: values[row : row + 1] for name, values in drawn.items()}
        torch.testing.assert_close(
            Bragg().apply(alone.spectra(), part, alone)[0], together[row], rtol=1e-6, atol=0
        )
