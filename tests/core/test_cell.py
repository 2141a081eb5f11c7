"""Unit cells: volume and lattice planes against textbook formulas of each crystal system."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithoscope.core.cell import Cell
from lithoscope.errors import MineralError

LENGTHS = st.floats(2, 30)


def test_quartz() -> None:
    """ICDD 46-1045: d(101) = 3.3435, d(100) = 4.2550, d(112) = 1.8180 Å; density 2.65."""
    quartz = Cell(4.9134, 4.9134, 5.4052, gamma_deg=120, formula_units=3)
    np.testing.assert_allclose(
        quartz.d_spacings_A([[1, 0, 1], [1, 0, 0], [1, 1, 2]]),
        [3.3435, 4.2550, 1.8180],
        rtol=2e-4,
    )
    assert 3 * 60.0843 * 1.66054 / quartz.volume_A3 == pytest.approx(2.649, abs=2e-3)


@given(LENGTHS, LENGTHS, LENGTHS)
def test_orthogonal_axes(a: float, b: float, c: float) -> None:
    cell = Cell(a, b, c)
    assert cell.volume_A3 == pytest.approx(a * b * c)
    assert cell.d_spacings_A([1, 2, 3]) == pytest.approx(
        1 / math.sqrt(1 / a**2 + 4 / b**2 + 9 / c**2)
    )


@given(LENGTHS, LENGTHS, LENGTHS, st.floats(60, 120))
def test_monoclinic(a: float, b: float, c: float, beta: float) -> None:
    """Cullity, Elements of X-ray Diffraction, appendix 1."""
    cell = Cell(a, b, c, beta_deg=beta)
    cos, sin2 = math.cos(math.radians(beta)), math.sin(math.radians(beta)) ** 2
    h, k, el = 2, 1, -3
    inverse = h**2 / a**2 + k**2 * sin2 / b**2 + el**2 / c**2 - 2 * h * el * cos / (a * c)
    assert cell.d_spacings_A([h, k, el]) == pytest.approx(math.sqrt(sin2 / inverse))
    assert cell.volume_A3 == pytest.approx(a * b * c * math.sqrt(sin2))


def test_triclinic_volume() -> None:
    """Albite: a 8.142, b 12.785, c 7.159 Å, 94.19, 116.61, 87.68°; V = 664.5 Å³."""
    assert Cell(8.142, 12.785, 7.159, 94.19, 116.61, 87.68).volume_A3 == pytest.approx(664.5, abs=1)


def test_any_shape_of_indices() -> None:
    cell = Cell(4.0, 4.0, 4.0)
    assert cell.d_spacings_A([1, 0, 0]).shape == ()
    assert cell.d_spacings_A(np.ones((2, 5, 3))).shape == (2, 5)


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ((0, 1, 1), "a_A is 0"),
        ((1, -1, 1), "b_A is -1"),
        ((1, 1, math.inf), "c_A is inf"),
        ((1, math.nan, 1), "b_A is nan"),
        ((1, 1, 500), "c_A is 500"),
        ((1, 1, 1, 180), "alpha_deg is 180"),
        ((1, 1, 1, 90, math.nan), "beta_deg is nan"),
        ((1, 1, 1, 90, 90, 0), "gamma_deg is 0"),
        ((1, 1, 1, 90, 90, 90, 0), "0 formula units"),
        ((1, 1, 1, 90, 90, 90, 1.5), "1.5 formula units"),
        ((1, 1, 1, 40, 40, 90), "No cell has the angles 40, 40 and 90"),
        ((1, 1, 1, 120, 120, 120), "No cell has the angles 120"),
    ],
)
def test_what_is_no_cell(numbers: tuple[float, ...], says: str) -> None:
    with pytest.raises(MineralError, match=says):
        Cell(*numbers)
