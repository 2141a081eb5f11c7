"""What is remembered is what would be computed."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lithoscope.physics.attenuation import mass_attenuation_from_elements
from lithoscope.physics.remembered import RememberedColumns, remembered_attenuation

_ENERGIES = st.lists(st.integers(1, 12), max_size=8).map(lambda own: np.array(own, dtype=float))


def _table(energies: np.ndarray) -> np.ndarray:
    return np.stack([energies**2, -energies])


@given(asked=st.lists(_ENERGIES, min_size=1, max_size=6), most=st.integers(1, 12))
def test_every_answer_is_the_functions(asked, most):
    remembered = RememberedColumns(_table, most=most)
    for energies in asked:
        np.testing.assert_array_equal(remembered.at(energies), _table(energies))


def test_energies_are_computed_once():
    computed: list[float] = []

    def table(energies: np.ndarray) -> np.ndarray:
        computed.extend(energies)
        return _table(energies)

    remembered = RememberedColumns(table)
    remembered.at(np.array([3.0, 1.0]))
    remembered.at(np.array([1.0, 2.0, 3.0]))
    assert sorted(computed) == [1.0, 2.0, 3.0]


def test_more_than_it_keeps_is_computed_and_not_kept():
    remembered = RememberedColumns(_table, most=2)
    remembered.at(np.array([1.0, 2.0]))
    for value in range(3, 50):
        np.testing.assert_array_equal(
            remembered.at(np.array([float(value)])), _table(np.array([float(value)]))
        )
    assert remembered._known is not None
    assert remembered._known[0].size == 2


def test_an_answer_can_be_written_into():
    remembered = RememberedColumns(_table)
    remembered.at(np.array([1.0, 2.0]))[:] = 0
    np.testing.assert_array_equal(remembered.at(np.array([2.0])), [[4.0], [-2.0]])


def test_attenuation_is_xraylibs():
    energies = np.array([1.0, 7.0, 20.0])
    for part in (energies[:2], energies):
        np.testing.assert_array_equal(
            remembered_attenuation(("O", "Fe")).at(part),
            mass_attenuation_from_elements(symbols=["O", "Fe"], energies_keV=part),
        )
