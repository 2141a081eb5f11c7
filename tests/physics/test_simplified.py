"""Parts of the physics left out, against the tables of single elements."""

import numpy as np
import pytest

from lithoscope.errors import InvalidValueError
from lithoscope.io import load_instrument
from lithoscope.physics.compile import compile_instrument
from lithoscope.physics.simplified import SCATTER, SECONDARY, simplified_instrument


@pytest.fixture(scope="module")
def compiled():
    return compile_instrument(instrument=load_instrument("m4-tornado"), symbols=("S", "Fe", "Cu"))


# Chalcopyrite.
_FRACTIONS = np.array([[0.349, 0.304, 0.347]])


def _sum(spectrum, edges, low, high):
    middle = (edges[:-1] + edges[1:]) / 2
    return spectrum[0][(middle > low) & (middle < high)].sum()


def test_without_secondary_fluorescence_iron_is_weaker_and_copper_is_not(compiled):
    less = simplified_instrument(compiled=compiled, left_out=[SECONDARY])
    whole, without = compiled.spectra(_FRACTIONS), less.spectra(_FRACTIONS)
    iron = [_sum(one, compiled.edges_keV, 6.2, 6.6) for one in (whole, without)]
    copper = [_sum(one, compiled.edges_keV, 7.9, 8.2) for one in (whole, without)]
    # Copper's lines excite iron's and nothing excites copper's.
    assert iron[0] / iron[1] > 1.05
    assert copper[0] == pytest.approx(copper[1], rel=5e-3)


def test_without_scatter_nothing_is_left_at_the_tubes_line(compiled):
    less = simplified_instrument(compiled=compiled, left_out=[SCATTER])
    whole, without = compiled.spectra(_FRACTIONS), less.spectra(_FRACTIONS)
    rhodium = [_sum(one, compiled.edges_keV, 18.5, 20.6) for one in (whole, without)]
    assert rhodium[1] < 1e-3 * rhodium[0]
    assert _sum(without, compiled.edges_keV, 6.2, 6.6) == pytest.approx(
        _sum(whole, compiled.edges_keV, 6.2, 6.6), rel=0.05
    )


def test_nothing_left_out_changes_nothing_and_unknown_parts_are_refused(compiled):
    assert simplified_instrument(compiled=compiled, left_out=[]) is compiled
    with pytest.raises(InvalidValueError, match="gravity"):
        simplified_instrument(compiled=compiled, left_out=["gravity"])
