"""The stored error of the simulation."""

from importlib.resources import files

import numpy as np
import pytest

from lithoscope.physics.model_error import relative_model_error_from_energies


@pytest.fixture(scope="module")
def rows():
    text = files("lithoscope.physics").joinpath("data/model_error.csv").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines[0] == "energy_keV,relative_error,n_spectra"
    return np.array([line.split(",") for line in lines[1:]], dtype=float)


def test_table_is_sound(rows):
    energies, errors, numbers = rows.T
    assert (np.diff(energies) > 0).all()
    assert energies[0] < 1.5
    assert energies[-1] > 25
    assert (errors > 0).all()
    assert (errors < 3).all()
    assert (numbers >= 3).all()


def test_table_is_met_at_its_energies(rows):
    error = relative_model_error_from_energies(energies_keV=rows[:, 0])
    np.testing.assert_allclose(error, rows[:, 1])


def test_between_two_energies_lies_the_error_between_both(rows):
    energies, errors = rows[:, 0], rows[:, 1]
    between = relative_model_error_from_energies(energies_keV=np.sqrt(energies[:-1] * energies[1:]))
    np.testing.assert_allclose(between, (errors[:-1] + errors[1:]) / 2, rtol=1e-12)


def test_beyond_the_table_the_error_stays(rows):
    beyond = relative_model_error_from_energies(energies_keV=np.array([[-1.0, 0.0], [0.1, 90.0]]))
    assert beyond.shape == (2, 2)
    np.testing.assert_allclose(beyond, [[rows[0, 1]] * 2, [rows[0, 1], rows[-1, 1]]])
