"""Textures: cells against brute force, areas against what was asked for."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lithoscope.errors import InvalidValueError
from lithoscope.minerals import load_library
from lithoscope.minerals.rocks import find_rock, sample_rock
from lithoscope.synthesis.phantoms import TextureRecipe, texture_of_rock
from lithoscope.synthesis.phantoms.features import Accessories
from lithoscope.synthesis.phantoms.fields import banded_field, smooth_field
from lithoscope.synthesis.phantoms.power_diagram import (
    PowerDiagram,
    fitted_diagram,
    metrics_of_ellipses,
)
from lithoscope.synthesis.phantoms.texture import draw_texture

EXTENT = (5000.0, 5000.0)


def grid(extent_um, count):
    axes = [(np.arange(count) + 0.5) * size / count for size in extent_um]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)


def drawn(rock_name, seed=1, **changes):
    rock = find_rock(rock_name)
    rng = np.random.default_rng(seed)
    shares = dict(zip(rock.shares, sample_rock(rock, 1, rng)[0].tolist(), strict=True))
    recipe = dataclasses.replace(texture_of_rock(rock, EXTENT), **changes)
    library = load_library()
    names = [*shares, "quartz", "epoxy", *([recipe.vein] if recipe.vein else [])]
    texture = draw_texture(
        shares=shares,
        minerals={name: library.get(name) for name in names},
        recipe=recipe,
        extent_um=EXTENT,
        rng=rng,
    )
    return shares, texture


def area_shares(texture, count=400):
    grains, _ = texture.at(grid(EXTENT, count))
    names = np.array(texture.names)[grains[grains < len(texture.names) - 1]]
    return dict(zip(*np.unique(names, return_counts=True), strict=True)), names.size


def test_cells_are_those_of_brute_force():
    rng = np.random.default_rng(0)
    seeds = rng.uniform(0, 100, (60, 2))
    weights = rng.uniform(0, 60, 60)
    points = rng.uniform(0, 100, (4000, 2))
    for aspects in (np.ones(60), rng.uniform(1, 2.5, 60)):
        metrics = metrics_of_ellipses(aspects, rng.uniform(0, np.pi, 60))
        cells, gaps = PowerDiagram(seeds, weights, metrics).nearest(points)
        away = points[:, None] - seeds
        yy, yx, xx = metrics.T
        powers = yy * away[..., 0] ** 2 + 2 * yx * away[..., 0] * away[..., 1]
        powers += xx * away[..., 1] ** 2 - weights
        # Of elongated cells only those near by plain distance are tried.
        assert (cells == powers.argmin(axis=1)).mean() > (0.97 if aspects.max() > 1 else 0.9999)
        least = np.sort(powers, axis=1)[:, :2]
        right = cells == powers.argmin(axis=1)
        assert np.median(np.abs(gaps - (least[:, 1] - least[:, 0]))[right]) < 1e-9


def test_ellipses_have_unit_area_and_point_where_they_are_told():
    angle, aspect = 0.6, 4.0
    yy, yx, xx = metrics_of_ellipses(np.array([aspect]), np.array([angle]))[0]
    assert yy * xx - yx**2 == pytest.approx(1.0)
    y, x = np.sin(angle), np.cos(angle)
    assert yy * y**2 + 2 * yx * y * x + xx * x**2 == pytest.approx(1 / aspect)


def test_cells_get_the_areas_that_they_shall_have():
    rng = np.random.default_rng(3)
    areas = np.exp(rng.normal(0, 0.8, 80))
    areas *= 1e6 / areas.sum()
    plain = np.tile([1.0, 0.0, 1.0], (80, 1))
    diagram = fitted_diagram(
        areas_um2=areas,
        seeds=rng.uniform(0, 1000, (80, 2)),
        metrics=plain,
        points=grid((1000, 1000), 200),
        rng=rng,
    )
    cells, _ = diagram.nearest(grid((1000, 1000), 333))
    found = np.bincount(cells, minlength=80) / 333**2 * 1e6
    # Where seeds begin crowded, small cells stay small.
    assert np.abs(found - areas).sum() / areas.sum() < 0.1
    assert np.corrcoef(found, areas)[0, 1] > 0.99


@pytest.mark.parametrize(
    "rock", ["granite", "gneiss", "gabbro", "lead-zinc ore", "banded iron formation"]
)
def test_shares_are_met(rock):
    shares, texture = drawn(rock)
    found, total = area_shares(texture)
    for name, share in shares.items():
        assert found.get(name, 0) / total == pytest.approx(share, abs=0.03), name


def test_quartz_in_feldspar_counts_towards_its_share():
    shares, texture = drawn("granite", graphic_share=0.4, myrmekite_share=0.3, cracks=0)
    found, total = area_shares(texture)
    assert len(texture.intergrowths) > 3
    assert found["quartz"] / total == pytest.approx(shares["quartz"], abs=0.03)


def test_graphic_granite_is_a_quarter_quartz():
    _, texture = drawn("granite", graphic_share=0.6, myrmekite_share=0.0, cracks=0)
    grains, _ = texture.at(grid(EXTENT, 400))
    hosts = [item.host for item in texture.intergrowths]
    guests = [item.guest for item in texture.intergrowths]
    quartz, feldspar = np.isin(grains, guests).sum(), np.isin(grains, hosts).sum()
    assert quartz / (quartz + feldspar) == pytest.approx(0.27, abs=0.05)


def test_a_vein_counts_towards_its_mineral_and_is_as_wide_as_told():
    shares, texture = drawn("porphyry copper ore", cracks=0, edge_share=0.0)
    found, total = area_shares(texture)
    assert found["quartz"] / total == pytest.approx(shares["quartz"], abs=0.025)
    points = grid(EXTENT, 400)
    inside = points[texture.vein.inside(points)]
    across = (inside - texture.vein.centre_um) @ [texture.vein.along[1], -texture.vein.along[0]]
    along = (inside - texture.vein.centre_um) @ texture.vein.along
    # Across the vein in many places along it, away from where the map cuts it.
    steps = np.linspace(*np.quantile(along, [0.2, 0.8]), 20)
    widths = [np.ptp(across[np.abs(along - step) < 20]) for step in steps]
    assert np.median(widths) == pytest.approx(400, rel=0.25)


def test_small_crystals_have_their_areas():
    areas = np.array([400.0, 900.0, 2500.0])
    crystals = Accessories(
        centres=np.array([[200.0, 200.0], [500.0, 500.0], [800.0, 300.0]]),
        areas_um2=areas,
        aspects=np.array([1.0, 2.0, 3.0]),
        angles_rad=np.array([0.0, 0.5, 2.0]),
    )
    covering = crystals.covering(grid((1000, 1000), 2000))
    found = np.bincount(covering[covering >= 0]) * 0.25
    np.testing.assert_allclose(found, areas, rtol=0.02)


def test_zones_go_from_core_to_rim():
    _, texture = drawn("granite", cracks=0, lobate=0.0)
    grains, zones = texture.at(grid(EXTENT, 500))
    grains, zones = grains.reshape(500, 500), zones.reshape(500, 500)
    edge = np.zeros((500, 500), dtype=bool)
    edge[:, 1:] |= grains[:, 1:] != grains[:, :-1]
    main = grains < len(texture.main.seeds)
    cut = np.isin(grains, [item.guest for item in texture.intergrowths])
    near_cut = np.zeros_like(edge)
    near_cut[:, 1:] = cut[:, :-1] | ~main[:, :-1] | cut[:, 1:]
    assert zones[edge & main & ~near_cut].mean() > 0.93
    assert zones.min() < 0.02
    assert zones[main].mean() < 0.75


def test_beyond_the_edge_lies_as_much_as_told():
    _, texture = drawn("granite", edge_share=0.2, cracks=0)
    grains, _ = texture.at(grid(EXTENT, 300))
    assert (grains == len(texture.names) - 1).mean() == pytest.approx(0.2, abs=0.01)
    assert texture.names[-1] == "epoxy"


def test_foliated_grains_lie_along_one_direction():
    _, texture = drawn("schist", lobate=0.0, cracks=0, edge_share=0.0)
    yy, yx, xx = texture.main.metrics.T
    turns = 0.5 * np.arctan2(-2 * yx, yy - xx)
    long = (yy - xx) ** 2 + 4 * yx**2 > 0.1
    assert np.abs(np.exp(2j * turns[long]).mean()) > 0.9


def test_fields_have_mean_0_and_variance_1():
    rng = np.random.default_rng(0)
    for field in (smooth_field(20.0, rng), banded_field(20.0, 0.4, 3.0, rng)):
        values = field(rng.uniform(0, 20_000, (40_000, 2)))
        assert values.mean() == pytest.approx(0, abs=0.03)
        assert values.std() == pytest.approx(1, abs=0.03)


@given(seed=st.integers(0, 100), length=st.floats(5.0, 500.0))
@settings(max_examples=20, deadline=None)
def test_fields_do_not_depend_on_how_points_are_grouped(seed, length):
    field = smooth_field(length, np.random.default_rng(seed))
    points = np.random.default_rng(seed + 1).uniform(0, 1000, (50, 2))
    one_by_one = np.concatenate([field(points[i : i + 1]) for i in range(50)])
    np.testing.assert_allclose(field(points), one_by_one, atol=1e-4)


def test_seeds():
    points = grid(EXTENT, 60)
    first, again, other = (drawn("gneiss", seed)[1].at(points) for seed in (2, 2, 3))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("grain_um", 0.0),
        ("vein_um", -1.0),
        ("crack_um", np.inf),
        ("grain_spread", 2.0),
        ("lobate", -0.1),
        ("banding", 9.0),
        ("fabric", "woven"),
        ("fill", "water"),
        ("graphic_share", 1.5),
        ("myrmekite_share", -0.5),
        ("edge_share", 0.9),
        ("cracks", -1),
    ],
)
def test_what_cannot_be_is_refused(name, value):
    with pytest.raises(InvalidValueError, match=name):
        TextureRecipe(**{name: value})


def test_a_small_scan_gets_finer_grains():
    rock = find_rock("pegmatite")
    assert texture_of_rock(rock, (80_000, 80_000)).grain_um == 5000
    assert texture_of_rock(rock, (2000, 2000)).grain_um == 250
