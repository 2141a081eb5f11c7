"""Phantoms: counts are what the truth says they must be."""

import dataclasses
import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from scipy.special import erf

from lithoscope.core.composition import Composition
from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import InvalidValueError, MineralError
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.minerals.rocks import Rock, find_rock
from lithoscope.physics.diffraction import bragg_counts_from_grain
from lithoscope.physics.simulate import spectrum_from_composition
from lithoscope.synthesis.phantoms import Phantom, PhantomRecipe, ScanRecipe, TextureRecipe
from lithoscope.synthesis.phantoms.spot import LEVELS, pixel_parts, spot_from_scan

SCAN = ScanRecipe((24, 20), counts=1000.0, bragg=False, offset_drift_eV=0, gain_drift_eV=0, tilt=0)
TEXTURE = TextureRecipe(grain_um=120.0, cracks=1)
TWO = Rock("two", {"quartz": (0.6, 0.6), "cassiterite": (0.4, 0.4)})
# Materials of one composition, without traces.
FIXED = Rock("fixed", {"acrylic": (0.6, 0.6), "tin": (0.4, 0.4)})


@pytest.fixture(scope="module")
def machine():
    return dataclasses.replace(load_instrument("m4-tornado"), axis=EnergyAxis(0.0, 0.02, 2048))


def made(machine, rock=None, texture=TEXTURE, scan=SCAN, seed=3, **changes):
    rock = rock or find_rock("granite")
    return Phantom(
        PhantomRecipe(rock, texture, dataclasses.replace(scan, **changes), seed), machine
    )


@pytest.fixture(scope="module")
def granite(machine):
    return made(machine)


def test_abundances_sum_to_one(granite):
    truth = granite.truth
    total = truth["abundance"].sum("part") + truth["void"]
    np.testing.assert_allclose(total, 1, atol=1e-6)
    first = truth["part_mineral"].values[:, :, 0]
    np.testing.assert_array_equal(truth["mineral"], first)
    assert (np.diff(truth["abundance"].values, axis=2) <= 0).all()


def test_area_shares_meet_the_recipe(machine):
    phantom = made(machine, texture=TextureRecipe(grain_um=80.0), shape=(60, 60))
    found = phantom.area_shares()
    rock = 1 - found["epoxy"]
    for name, share in phantom.shares.items():
        assert found.get(name, 0) / rock == pytest.approx(share, abs=0.03), name


def test_a_pixel_inside_a_grain_is_its_composition_s_spectrum(granite, machine):
    truth = granite.truth
    pure = (truth["abundance"].values[:, :, 0] > 0.99999) & (truth["core"] == truth["rim"]).values[
        truth["grain"].values
    ]
    y, x = np.argwhere(pure)[0]
    grain = int(truth["grain"][y, x])
    fractions = truth["composition"].values[int(truth["core"][grain])]
    symbols = truth["element"].values
    composition = Composition(
        {str(s): float(f) for s, f in zip(symbols, fractions, strict=True) if f > 0}
    )
    reference = spectrum_from_composition(composition=composition, instrument=machine)
    expected = granite.expected_row(y)[x, 0]
    reference *= truth.attrs["live_time_s"]
    assert expected.sum() == pytest.approx(reference.sum(), rel=1e-4)
    assert np.abs(expected - reference).max() < 1e-3 * reference.max()


def test_a_mixed_pixel_is_the_sum_of_its_parts_by_abundance(machine):
    phantom = made(machine, FIXED, TextureRecipe(grain_um=120.0, cracks=0, edge_share=0.0))
    truth, library = phantom.truth, load_library()
    names = json.loads(truth.attrs["long_names"])
    single = {
        name: spectrum_from_composition(
            composition=library.get(name).composition, instrument=machine
        )
        for name in names
    }
    y, x = np.argwhere(np.abs(truth["abundance"].values[:, :, 0] - 0.6) < 0.05)[0]
    parts = zip(truth["part_mineral"].values[y, x], truth["abundance"].values[y, x], strict=True)
    reference = sum(share * single[names[code]] for code, share in parts if code >= 0)
    reference = reference * truth.attrs["live_time_s"]
    expected = phantom.expected_row(y)[x, 0]
    assert np.abs(expected - reference).max() < 1e-3 * reference.max()
    # One is the brighter, so that counts are not shared as areas are.
    rates = {name: spectrum.sum() for name, spectrum in single.items()}
    assert abs(rates["acrylic"] / rates["tin"] - 1) > 0.3


def test_zones_lie_on_the_line_from_core_to_rim(granite):
    chemistry = granite.chemistry
    grain = int(np.flatnonzero(chemistry.zoned)[0])
    first = chemistry.first[grain]
    ladder = chemistry.mass_fractions[first : first + LEVELS]
    np.testing.assert_allclose(
        np.diff(ladder, axis=0), np.tile(ladder[1] - ladder[0], (5, 1)), atol=1e-12
    )
    np.testing.assert_allclose(chemistry.mass_fractions.sum(axis=1), 1, atol=1e-9)
    assert np.abs(ladder[-1] - ladder[0]).max() > 1e-4


class HalfPlane:
    """A texture of two grains with a straight boundary."""

    names = ("quartz", "cassiterite", "epoxy")

    def __init__(self, boundary_um):
        self.boundary_um = boundary_um

    def at(self, points):
        return (points[:, 1] > self.boundary_um).astype(np.int64), np.zeros(len(points))


@pytest.mark.parametrize(("step", "spot"), [(20.0, 20.0), (20.0, 60.0), (50.0, 20.0)])
def test_a_straight_boundary_is_blurred_as_the_error_function(step, spot):
    scan = ScanRecipe((3, 31), step_um=step, spot_um=spot)
    boundary = 15.5 * step + 0.25 * spot
    parts = pixel_parts(HalfPlane(boundary), scan, np.zeros(3, dtype=bool), np.array([0, 1, 2]))
    share = np.bincount(parts.pixels, parts.shares * (parts.grains == 1), 93).reshape(3, 31)
    sigma = spot / np.sqrt(8 * np.log(2))
    centres = (np.arange(31) + 0.5) * step
    ideal = 0.5 * (1 + erf((centres - boundary) / sigma / np.sqrt(2)))
    # Four sub-pixels lie across the spot, so that the boundary is known to half of one.
    slope = 1 / (sigma * np.sqrt(2 * np.pi))
    assert np.abs(share - ideal).max() < slope * spot / 8 + 0.01
    assert share.sum(axis=1) == pytest.approx(ideal.sum(), abs=slope * spot / 8 * 4)
    assert spot_from_scan(scan).weights.sum() == pytest.approx(1)


def test_rows_do_not_depend_on_blocks(granite):
    whole = np.concatenate(list(granite.rows(24)))
    np.testing.assert_array_equal(whole, np.concatenate(list(granite.rows(1))))
    np.testing.assert_array_equal(whole, np.concatenate(list(granite.rows(7))))
    scan = granite.scan()
    np.testing.assert_array_equal(scan.read_rows(5, 9), whole[5:9])
    assert scan.instrument == granite.machine


def test_counts_are_poisson_about_what_is_expected(machine):
    phantom = made(machine, texture=TextureRecipe(grain_um=120.0, cracks=0, edge_share=0.0))
    expected = np.stack([phantom.expected_row(row)[:, 0] for row in range(24)])
    drawn = np.concatenate(list(phantom.rows(24)))
    chi = ((drawn - expected) ** 2)[expected > 0.5] / expected[expected > 0.5]
    assert chi.mean() == pytest.approx(1, abs=0.03)
    assert expected.sum(axis=2).mean() == pytest.approx(1000, rel=1e-4)


def test_seeds(machine, granite):
    same, other = made(machine), made(machine, seed=4)
    np.testing.assert_array_equal(same.row(3), granite.row(3))
    assert not np.array_equal(other.row(3), granite.row(3))


def test_bragg_peaks_belong_to_grains_and_detectors(machine):
    texture = TextureRecipe(grain_um=200.0, cracks=0, edge_share=0.0, zoned=False)
    plain = made(machine, TWO, texture, detectors=2)
    bragg = made(machine, TWO, texture, detectors=2, bragg=True)
    assert plain.truth["grain"].equals(bragg.truth["grain"])
    truth, names = bragg.truth, json.loads(bragg.truth.attrs["long_names"])
    pure = (truth["abundance"].values[:, :, 0] > 0.99999) & (
        truth["mineral"].values == names.index("quartz")
    )
    grains = truth["grain"].values
    # Inside one grain, its grain alone under the spot.
    inner = pure & (np.roll(grains, 1, 1) == grains) & (np.roll(grains, -1, 1) == grains)
    inner &= np.roll(inner, 1, axis=1)
    inner[:, :2] = False
    y, x = np.argwhere(inner)[0]
    peaks = bragg.expected_row(y) / bragg.live_time_s - plain.expected_row(y) / plain.live_time_s
    np.testing.assert_allclose(peaks[x], peaks[x - 1], atol=1e-6 * peaks[x].max())
    assert np.corrcoef(peaks[x, 0], peaks[x, 1])[0, 1] < 0.8
    quartz = load_library().get("quartz")
    turn = Rotation.from_quat(truth["orientation"].values[grains[y, x]]).as_matrix()
    single = bragg_counts_from_grain(
        mineral=quartz, composition=quartz.composition, orientation=turn, instrument=bragg.machine
    )
    both = peaks[x].sum(axis=0)
    assert both.sum() == pytest.approx(single.sum(), rel=0.01)
    assert np.abs(both - single).max() < 0.03 * single.max()


def test_drift_moves_a_line_by_what_is_stated(machine):
    texture = TextureRecipe(grain_um=2000.0, cracks=0, edge_share=0.0)
    rock = Rock("iron", {"hematite": (1.0, 1.0)})
    still = made(machine, rock, texture, shape=(12, 2))
    moving = made(machine, rock, texture, shape=(12, 2), offset_drift_eV=6.0, gain_drift_eV=9.0)
    energies = machine.axis.energies_keV
    near = np.abs(energies - 6.40) < 0.3

    def centroid(phantom, row):
        counts = phantom.expected_row(row)[0, 0, near]
        return (counts @ energies[near]) / counts.sum()

    shifts = moving.truth["offset_shift_eV"].values
    assert np.abs(shifts).max() == pytest.approx(6.0)
    assert np.abs(moving.truth["gain_change"].values).max() == pytest.approx(9.0 / 1e4)
    row = int(np.abs(shifts).argmax())
    stated = shifts[row] + moving.truth["gain_change"].values[row] * 6400
    found = (centroid(moving, row) - centroid(still, row)) * 1e3
    # The window stays while the line moves, which takes off what little its flanks lose.
    assert found == pytest.approx(stated, rel=0.05)
    assert moving.expected_row(row).sum() == pytest.approx(still.expected_row(row).sum(), rel=1e-3)


def test_tilt_shares_counts_between_detectors(machine):
    flat = made(machine, detectors=2)
    tilted = made(machine, detectors=2, tilt=0.1)
    np.testing.assert_allclose(
        tilted.expected_row(4).sum(axis=1), flat.expected_row(4).sum(axis=1), rtol=1e-9
    )
    ratio = tilted.expected_row(4).sum(axis=2)
    share = ratio[:, 0] / ratio.mean(axis=1)
    assert 0.01 < np.abs(share - 1).max() < 0.4
    assert np.abs(np.diff(share)).max() < 0.1


def test_void_sends_out_nothing(machine):
    texture = TextureRecipe(grain_um=120.0, edge_share=0.3, cracks=0, fill="void")
    phantom = made(machine, texture=texture)
    truth = phantom.truth
    assert "void" not in json.loads(truth.attrs["long_names"])
    assert (truth["mineral"] == -1).mean() == pytest.approx(0.3, abs=0.04)
    y, x = np.argwhere(truth["void"].values > 0.99999)[0]
    assert phantom.expected_row(y)[x].sum() == 0
    np.testing.assert_allclose(truth["abundance"].sum("part") + truth["void"], 1, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("shape", (0, 5)),
        ("step_um", 0.0),
        ("spot_um", -1.0),
        ("counts", 0.0),
        ("counts", 1e9),
        ("detectors", 3),
        ("offset_drift_eV", -1.0),
        ("gain_drift_eV", 1e4),
        ("tilt", 0.9),
    ],
)
def test_what_cannot_be_is_refused(name, value):
    with pytest.raises(InvalidValueError, match=name):
        ScanRecipe(**{name: value})


def test_unknown_minerals_and_seeds_are_refused(machine):
    with pytest.raises(MineralError, match="quarz"):
        _ = made(machine, Rock("typo", {"quarz": (1.0, 1.0)})).minerals
    with pytest.raises(InvalidValueError, match="seed"):
        made(machine, seed=-1)
