"""Bragg peaks against the formula, tabulated structures and a measured wafer."""

import dataclasses

import numpy as np
import pytest
import xraylib

from lithoscope.core.cell import Cell
from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Geometry, Instrument, Polycapillary, Tube
from lithoscope.core.mineral import Mineral
from lithoscope.errors import MineralError
from lithoscope.io import load_instrument
from lithoscope.physics.constants import HC_KEV_A
from lithoscope.physics.crystal import reflections_from_mineral
from lithoscope.physics.diffraction import (
    bragg_counts_from_grain,
    bragg_energy_from_spacing,
    bragg_from_grain,
    orientation_from_seed,
)
from lithoscope.physics.directions import beam_direction, detector_direction
from lithoscope.physics.simulate import spectrum_from_composition
from lithoscope.physics.source import source_from_instrument

QUARTZ = Mineral(
    "quartz", "SiO2", 2.65, cell=Cell(4.913, 4.913, 5.405, gamma_deg=120, formula_units=3)
)
SILICON = Mineral("silicon", "Si", 2.33, cell=Cell(5.431, 5.431, 5.431, formula_units=8))
MADE_UP = Mineral(
    "made-up",
    "CaTiO3",
    4.0,
    cell=Cell(5.38, 5.44, 7.64, formula_units=4),
    d_spacings={2.70: 100, 1.91: 50, 1.56: 30},
)


@pytest.mark.parametrize("angle", [95.0, 130.0, 160.0])
def test_directions_enclose_the_scattering_angle(angle):
    geometry = Geometry(50, 45, angle, detectors=2)
    for mirrored in (False, True):
        direction = detector_direction(geometry, mirrored=mirrored)
        scatter = np.arccos(beam_direction(geometry) @ direction)
        assert np.rad2deg(scatter) == pytest.approx(angle, abs=1e-6)
        assert np.linalg.norm(direction) == pytest.approx(1)


def test_bragg_s_law():
    energy = bragg_energy_from_spacing(spacing_A=np.array([3.343]), scattering_angle_deg=130)
    assert energy[0] == pytest.approx(12.39842 / (2 * 3.343 * np.sin(np.deg2rad(65))), rel=1e-6)


def test_number_of_planes_is_the_volume_of_the_sphere():
    planes = reflections_from_mineral(mineral=MADE_UP, shortest_d_A=0.6).vectors_per_A
    volume = 5.38 * 5.44 * 7.64
    assert len(planes) == pytest.approx(4 / 3 * np.pi / 0.6**3 * volume, rel=0.03)


def test_known_structures_are_xraylib_s():
    found = reflections_from_mineral(mineral=QUARTZ, shortest_d_A=3.0)
    lengths = np.linalg.norm(found.vectors_per_A, axis=1)
    strongest = found.structure_factors_squared[np.abs(1 / lengths - 3.343) < 0.01]
    crystal = xraylib.Crystal_GetCrystal("AlphaQuartz")
    both = [
        abs(xraylib.Crystal_F_H_StructureFactor(crystal, 200.0, *hkl, 1.0, 1.0)) ** 2
        for hkl in ((1, 0, 1), (0, 1, 1))
    ]
    displaced = np.exp(-2 * 0.6 / (2 * 3.343) ** 2)
    assert len(strongest) == 12
    expected = np.repeat(np.sort(both) * displaced, 6)
    np.testing.assert_allclose(np.sort(strongest), expected, rtol=1e-3)
    absent = found.structure_factors_squared[np.abs(1 / lengths - 5.405) < 0.01]
    assert absent.max() < 1e-3 * strongest.max()


def test_unknown_structures_keep_wilson_s_mean_and_the_powder_lines():
    found = reflections_from_mineral(mineral=MADE_UP, shortest_d_A=0.8)
    spacings = 1 / np.linalg.norm(found.vectors_per_A, axis=1)
    s = 1 / (2 * spacings)
    factors = 4 * sum(
        count * np.array([xraylib.FF_Rayl(number, q) for q in s]) ** 2
        for number, count in ((20, 1), (22, 1), (8, 3))
    )
    relative = found.structure_factors_squared / (factors * np.exp(-2 * 0.6 * s**2))
    fine = spacings < 1.5
    assert relative[fine].mean() == pytest.approx(1, abs=0.1)
    listed = np.abs(spacings / 2.70 - 1) < 0.005
    assert relative[listed].mean() > 3 * relative[~listed & ~fine].mean()


def test_an_unknown_structure_is_the_same_crystal_each_time():
    one, two = (reflections_from_mineral(mineral=MADE_UP, shortest_d_A=1.0) for _ in range(2))
    np.testing.assert_array_equal(one.structure_factors_squared, two.structure_factors_squared)


def test_every_ray_obeys_bragg_and_meets_the_detector():
    parallel = Instrument("parallel", geometry=Geometry(50, 50, 130, 0.02, detectors=2))
    reflections = reflections_from_mineral(mineral=QUARTZ, shortest_d_A=0.6)
    spacings = 1 / np.linalg.norm(reflections.vectors_per_A, axis=1)
    seen = []
    for seed in range(40):
        peaks = bragg_from_grain(
            reflections=reflections,
            orientation=orientation_from_seed(seed=seed),
            composition=QUARTZ.composition,
            density_g_cm3=2.65,
            instrument=parallel,
            source=source_from_instrument(instrument=parallel),
        )
        for energy in peaks.energies_keV:
            # Some family of planes reflects this energy within the detector's few degrees.
            half = np.rad2deg(np.arcsin(np.clip(HC_KEV_A / (2 * spacings * energy), 0, 1)))
            assert np.abs(half - 65).min() < np.rad2deg(np.sqrt(0.01 / np.pi)) / 2 + 0.01
        seen.append(set(np.round(peaks.energies_keV, 6)) if peaks.detectors.any() else set())
        first, second = (peaks.energies_keV[peaks.detectors == n] for n in (0, 1))
        if first.size and second.size:
            assert not np.array_equal(first, second)
    assert sum(bool(energies) for energies in seen) > 10


def test_mean_number_of_reflections_is_the_detector_s_share_of_the_sphere():
    """Over all orientations what leaves is spread evenly over the sphere."""
    parallel = Instrument("parallel", geometry=Geometry(50, 50, 130, 0.1))
    reflections = reflections_from_mineral(mineral=QUARTZ, shortest_d_A=0.6)
    source = source_from_instrument(instrument=parallel)
    counts = [
        bragg_from_grain(
            reflections=reflections,
            orientation=orientation_from_seed(seed=seed),
            composition=QUARTZ.composition,
            density_g_cm3=2.65,
            instrument=parallel,
            source=source,
        ).energies_keV.size
        for seed in range(200)
    ]
    # A plane turned through all orientations sends its reflection with the density
    # 1 / (16 pi sin(theta)) about the angle 2 theta (halving an angle crowds directions).
    expected = len(reflections.vectors_per_A) * 0.1 / (16 * np.pi * np.sin(np.deg2rad(65)))
    assert np.mean(counts) == pytest.approx(expected, rel=0.1)


def test_a_wafer_reflects_as_strongly_as_a_measured_one():
    """Silicon on a Bruker XS-52: its strongest Bragg peak holds 8 % of the counts of Si Kα."""
    machine = dataclasses.replace(load_instrument("m4-tornado"), axis=EnergyAxis(0.0, 0.02, 2048))
    energies = machine.axis.energies_keV
    line = spectrum_from_composition(composition=SILICON.composition, instrument=machine)
    shares = []
    for seed in range(12):
        peaks = bragg_counts_from_grain(
            mineral=SILICON,
            composition=SILICON.composition,
            orientation=orientation_from_seed(seed=seed),
            instrument=machine,
        )
        near = np.abs(energies - energies[peaks.argmax()]) < 0.3
        shares.append(peaks[near].sum() / line[np.abs(energies - 1.74) < 0.12].sum())
    assert np.median(shares) < 0.08 * 2
    assert max(shares) > 0.08 / 2


def test_bragg_peaks_are_cut_where_the_tube_ends():
    machine = Instrument(
        "low",
        tube=Tube(voltage_kV=10.0),
        optic=Polycapillary(1.2, 9.0, 4.4),
        axis=EnergyAxis(0.0, 0.02, 1024),
    )
    counts = bragg_counts_from_grain(
        mineral=QUARTZ,
        composition=QUARTZ.composition,
        orientation=orientation_from_seed(seed=1),
        instrument=machine,
    )
    assert counts.sum() > 0
    assert counts[machine.axis.energies_keV > 11].sum() < 1e-9 * counts.sum()


def test_what_has_no_cell_has_no_peaks():
    with pytest.raises(MineralError, match="no unit cell"):
        reflections_from_mineral(mineral=Mineral("glass", "SiO2", 2.2), shortest_d_A=1.0)
