"""Made-up samples are no minerals, and do not give themselves away."""

import numpy as np
import pytest

from lithoscope.core.elements import atomic_number
from lithoscope.errors import InvalidValueError
from lithoscope.minerals import load_library
from lithoscope.synthesis.surrogates import FOREIGN, stretched_spectra, surrogate_minerals


@pytest.fixture(scope="module")
def some():
    library = load_library()
    names = ["quartz", "hematite", "forsterite", "galena", "zircon", "nickel", "gypsum"]
    return [library.get(name) for name in names]


def _shares(composition):
    visible = {
        symbol: share
        for symbol, share in composition.mass_fractions.items()
        if atomic_number(symbol) >= 11
    }
    total = sum(visible.values())
    return {symbol: share / total for symbol, share in visible.items()}


def test_none_is_near_a_mineral_in_its_visible_elements(some):
    made = surrogate_minerals(some, 200, np.random.default_rng(0))
    assert len({one.name for one in made}) == 200
    for one in made:
        own = _shares(one.composition)
        for mineral in some:
            theirs = _shares(mineral.composition)
            distance = sum(
                abs(own.get(symbol, 0) - theirs.get(symbol, 0)) for symbol in {*own, *theirs}
            )
            assert distance > 0.24, (one.formula, mineral.name)


def test_elements_are_those_of_the_minerals_and_some_foreign_ones(some):
    made = surrogate_minerals(some, 200, np.random.default_rng(1))
    allowed = {symbol for one in some for symbol in one.composition.elements}
    allowed |= {"Fe", "Mg"}
    used = {symbol for one in made for symbol in one.composition.elements}
    assert used <= allowed | set(FOREIGN) | {"O", "C", "H", "F", "N"} | _end_member_elements(some)
    assert set(FOREIGN) <= used


def _end_member_elements(minerals):
    from lithoscope.core.formula import parse_formula

    return {
        symbol
        for one in minerals
        for formula in one.end_members
        for symbol in parse_formula(formula)
    }


def test_the_same_seed_makes_the_same_samples(some):
    first, second = (surrogate_minerals(some, 20, np.random.default_rng(3)) for _ in range(2))
    assert [one.formula for one in first] == [one.formula for one in second]


def test_cells_and_traces_are_those_of_minerals(some):
    made = surrogate_minerals(some, 50, np.random.default_rng(4))
    cells = [mineral.cell for mineral in some]
    assert all(one.cell in cells for one in made)
    assert any(one.traces for one in made)


def test_one_mineral_is_enough_to_make_some_from(some):
    assert len(surrogate_minerals(some[:1], 30, np.random.default_rng(0))) == 30


def _of_light_elements(samples):
    return [
        one
        for one in samples
        if max(atomic_number(symbol) for symbol in one.composition.elements) < 11
    ]


def test_some_are_as_plastics_are(some):
    light = _of_light_elements(surrogate_minerals(some, 400, np.random.default_rng(5)))
    assert 25 <= len(light) <= 75
    assert all(
        0.85 <= one.density_g_cm3 <= 2.3 and "C" in one.composition.elements for one in light
    )
    assert {bool(one.traces) for one in light} == {True, False}
    # They differ from each other: all four elements beside carbon, and densities.
    assert {symbol for one in light for symbol in one.composition.elements} == set("CHONF")
    assert np.ptp([one.density_g_cm3 for one in light]) > 0.5


def test_what_has_no_visible_elements_is_known_where_one_such_is(some):
    with_acrylic = [*some, load_library().get("acrylic")]
    made = surrogate_minerals(with_acrylic, 400, np.random.default_rng(5))
    assert not _of_light_elements(made)


def test_nothing_to_make_is_refused(some):
    with pytest.raises(InvalidValueError, match="1 or more"):
        surrogate_minerals(some, 0, np.random.default_rng(0))


def test_stretched_spectra_keep_their_sum_and_move_their_peaks():
    edges = np.linspace(1.0, 41.0, 4001)
    peaks = np.zeros((300, 4000))
    peaks[:, 1005] = 2.0
    made = stretched_spectra(peaks, edges, np.random.default_rng(0))
    np.testing.assert_allclose(made.sum(axis=1), 2.0, rtol=1e-5)
    centres = (edges[1:] + edges[:-1]) / 2
    # A peak at 11.055 keV comes to stand at 11.055 / (1 + off), known to half a bin of 0.01 keV.
    off = 11.055 / (made @ centres / 2.0) - 1
    known_to = 0.005 / 9.6
    assert 0.05 - known_to <= np.abs(off).min() < np.abs(off).max() <= 0.15 + known_to
    assert 0.4 < (off > 0).mean() < 0.6
