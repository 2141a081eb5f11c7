"""Unit cell: the box of atoms that a crystal repeats."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lithoscope.errors import MineralError

# The longest axis of a mineral (apuanite, some clays and sulfosalts) is below 100 Å.
_MAX_LENGTH_A = 200.0


@dataclass(frozen=True)
class Cell:
    """A unit cell.

    Parameters
    ----------
    a_A, b_A, c_A
        Lengths of the axes in Å.
    alpha_deg, beta_deg, gamma_deg
        Angles between b and c, a and c, a and b, in degrees.
    formula_units
        Ideal formulas in one cell, crystallography's Z.

    Raises
    ------
    MineralError
        If a length, an angle or the number of formula units is out of range, or if no three axes
        enclose such angles.
    """

    a_A: float
    b_A: float
    c_A: float
    alpha_deg: float = 90.0
    beta_deg: float = 90.0
    gamma_deg: float = 90.0
    formula_units: int = 1

    def __post_init__(self) -> None:
        for axis in ("a_A", "b_A", "c_A"):
            length = getattr(self, axis)
            if not (math.isfinite(length) and 0 < length <= _MAX_LENGTH_A):
                raise MineralError(
                    f"The cell's {axis} is {length}.",
                    expected=f"a length in Å above 0, at most {_MAX_LENGTH_A:g}",
                )
        for angle in ("alpha_deg", "beta_deg", "gamma_deg"):
            degrees = getattr(self, angle)
            if not (math.isfinite(degrees) and 0 < degrees < 180):
                raise MineralError(
                    f"The cell's {angle} is {degrees}.", expected="an angle above 0 and below 180"
                )
        if self.formula_units < 1 or self.formula_units != int(self.formula_units):
            raise MineralError(
                f"The cell holds {self.formula_units} formula units.", expected="1, 2, 3, ..."
            )
        if self._oblique() <= 1e-9:
            raise MineralError(
                f"No cell has the angles {self.alpha_deg:g}, {self.beta_deg:g} and "
                f"{self.gamma_deg:g}.",
                expected="angles of which the largest is less than the sum of the others",
            )

    def _cosines(self) -> tuple[float, float, float]:
        angles = (self.alpha_deg, self.beta_deg, self.gamma_deg)
        alpha, beta, gamma = (math.cos(math.radians(angle)) for angle in angles)
        return alpha, beta, gamma

    def _oblique(self) -> float:
        """Square of the volume over that of a cell with right angles."""
        alpha, beta, gamma = self._cosines()
        return 1 - alpha**2 - beta**2 - gamma**2 + 2 * alpha * beta * gamma

    def _metric(self) -> NDArray[np.float64]:
        """Metric tensor ``G_ij = a_i · a_j`` in Å², shape (3, 3)."""
        lengths = np.array([self.a_A, self.b_A, self.c_A])
        alpha, beta, gamma = self._cosines()
        cosines = np.array([[1.0, gamma, beta], [gamma, 1.0, alpha], [beta, alpha, 1.0]])
        return cosines * np.outer(lengths, lengths)

    @property
    def volume_A3(self) -> float:
        """Volume in Å³, ``a b c sqrt(1 - cos²α - cos²β - cos²γ + 2 cosα cosβ cosγ)``."""
        return self.a_A * self.b_A * self.c_A * math.sqrt(self._oblique())

    def d_spacings_A(self, hkl: ArrayLike) -> NDArray[np.float64]:
        """Return the distances between lattice planes.

        ``1 / d² = h G⁻¹ hᵀ`` with the metric tensor G (International Tables for Crystallography
        B, 1.1).

        Parameters
        ----------
        hkl
            Miller indices, shape (..., 3), none of them all zero.

        Returns
        -------
        ndarray, shape (...)
            Distances in Å.
        """
        indices = np.asarray(hkl, dtype=np.float64)
        inverse_squares = np.einsum(
            "...i,ij,...j->...", indices, np.linalg.inv(self._metric()), indices
        )
        return 1 / np.sqrt(inverse_squares)
