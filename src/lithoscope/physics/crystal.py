"""Lattice planes of a crystal and how strongly they reflect."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xraylib
import xraylib_np
from numpy.typing import NDArray

from lithoscope.core.cell import Cell
from lithoscope.core.elements import atomic_number
from lithoscope.core.formula import parse_formula
from lithoscope.core.mineral import Mineral
from lithoscope.errors import MineralError

FloatArray = NDArray[np.float64]

# Crystals whose atoms xraylib knows, by the names of the mineral library.
_KNOWN_STRUCTURES = {
    "quartz": "AlphaQuartz",
    "beryl": "Beryl",
    "corundum": "AlphaAlumina",
    "muscovite": "Muscovite",
    "halite": "NaCl",
    "sylvite": "KCl",
    "diamond": "Diamond",
    "graphite": "Graphite",
    "gold": "Gold",
    "copper": "Copper",
    "iron": "Iron",
    "platinum": "Platinum",
    "silicon": "Si",
    "aluminium": "Aluminum",
    "titanium": "Titanium",
}
# Isotropic displacement of atoms in silicates and oxides at room temperature (International Tables
# C, 6.1.1): B in exp(-2 B (sin theta / lambda)^2).
_DISPLACEMENT_A2 = 0.6
# Planes of one distance are taken to be of one family.
_SAME_DISTANCE = 1e-4
# A powder line stands for planes within this of its distance.
_LINE_TOLERANCE = 0.005
# Share of the scattering in the range of a mineral's powder lines that these hold.
_SHARE_OF_LINES = 0.8
_COPPER_KALPHA_A = 1.5406


@dataclass(frozen=True, eq=False)
class Reflections:
    """Lattice planes that can reflect.

    Parameters
    ----------
    vectors_per_A
        Reciprocal lattice vectors in the crystal's own frame, shape (reflection, 3), in 1/Å.
    structure_factors_squared
        ``|F|^2`` in electrons², displacement of the atoms included, shape (reflection,).
    volume_A3
        Volume of the cell.
    """

    vectors_per_A: FloatArray
    structure_factors_squared: FloatArray
    volume_A3: float


def reflections_from_mineral(*, mineral: Mineral, shortest_d_A: float) -> Reflections:
    """All lattice planes down to a distance, with their structure factors.

    Where xraylib knows the atoms, the structure factors are computed from them. Elsewhere the
    cell, its content and the strongest powder lines are known: each family of planes gets
    ``|F|^2 = w sum_j f_j(s)^2 exp(-2 B s^2)`` with s = 1 / 2d, where w is the family's share of the
    powder lines, and exponentially distributed with mean one beyond them (Wilson 1949, Acta
    Cryst. 2, 318), drawn from the mineral's name, so that it is the same crystal each time.

    Raises
    ------
    MineralError
        If the mineral has no unit cell.
    """
    if mineral.cell is None:
        raise MineralError(
            f"{mineral.name} has no unit cell, so it gives no Bragg peaks.",
            expected="a crystal whose entry in the library has a 'cell'",
            remedy="leave Bragg peaks out, or give the entry a cell in a YAML file",
        )
    known = _KNOWN_STRUCTURES.get(mineral.name)
    if known is not None:
        return _of_known_structure(known, shortest_d_A)
    _, vectors = _lattice(mineral.cell, shortest_d_A)
    distances = 1 / np.linalg.norm(vectors, axis=1)
    atoms = {
        symbol: count * mineral.cell.formula_units
        for symbol, count in parse_formula(mineral.formula).items()
    }
    weights = _family_weights(mineral, distances)
    squared = weights * _mean_square(atoms, distances)
    return Reflections(vectors, squared, mineral.cell.volume_A3)


def _lattice(cell: Cell, shortest_d_A: float) -> tuple[NDArray[np.int64], FloatArray]:
    """Miller indices and reciprocal vectors of all planes down to a distance."""
    axes = _axes(cell)
    reciprocal = np.linalg.inv(axes).T
    largest = np.floor(np.linalg.norm(axes, axis=1) / shortest_d_A).astype(int)
    grids = np.meshgrid(*(np.arange(-n, n + 1) for n in largest), indexing="ij")
    indices = np.stack([grid.ravel() for grid in grids], axis=1)
    vectors = indices @ reciprocal
    lengths = np.linalg.norm(vectors, axis=1)
    inside = (lengths > 0) & (lengths <= 1 / shortest_d_A)
    return indices[inside], vectors[inside]


def _axes(cell: Cell) -> FloatArray:
    """The cell's axes as rows, a along x and b in the xy plane, in Å."""
    alpha, beta, gamma = np.deg2rad([cell.alpha_deg, cell.beta_deg, cell.gamma_deg])
    tilt = (np.cos(alpha) - np.cos(beta) * np.cos(gamma)) / np.sin(gamma)
    height = np.sqrt(np.sin(beta) ** 2 - tilt**2)
    return np.array(
        [
            [cell.a_A, 0, 0],
            [cell.b_A * np.cos(gamma), cell.b_A * np.sin(gamma), 0],
            [cell.c_A * np.cos(beta), cell.c_A * tilt, cell.c_A * height],
        ]
    )


def _mean_square(atoms: Mapping[str, float], distances: FloatArray) -> FloatArray:
    """Wilson's mean of |F|², ``sum_j f_j(s)^2 exp(-2 B s^2)``."""
    s = 1 / (2 * distances)
    numbers = np.array([atomic_number(symbol) for symbol in atoms])
    factors = np.asarray(xraylib_np.FF_Rayl(numbers, np.ascontiguousarray(s)))
    total = np.array(list(atoms.values())) @ factors**2
    return np.asarray(total * np.exp(-2 * _DISPLACEMENT_A2 * s**2))


def _family_weights(mineral: Mineral, distances: FloatArray) -> FloatArray:
    """Share of the mean that each plane has, one on average."""
    order = np.argsort(-distances)
    steps = -np.diff(distances[order], prepend=distances[order[0]]) > (
        _SAME_DISTANCE * distances[order]
    )
    family = np.empty(distances.size, dtype=np.int64)
    family[order] = np.cumsum(steps)
    rng = np.random.default_rng(zlib.crc32(mineral.name.encode()))
    weights = rng.exponential(1.0, int(family.max()) + 1)[family]
    if not mineral.d_spacings:
        return weights
    listed = np.zeros(distances.size)
    for line_A, intensity in mineral.d_spacings.items():
        planes = np.abs(distances / line_A - 1) < _LINE_TOLERANCE
        if planes.any():
            listed[planes] += intensity / planes.sum() / _lorentz_polarisation(line_A)
    in_range = distances >= min(mineral.d_spacings) * (1 - _LINE_TOLERANCE)
    if listed.any():
        rest = in_range & (listed == 0)
        weights[listed > 0] = 0
        total = in_range.sum()
        weights += listed / listed.sum() * total * (_SHARE_OF_LINES if rest.any() else 1.0)
        if rest.any():
            weights[rest] *= (1 - _SHARE_OF_LINES) * total / weights[rest].sum()
    return weights


def _lorentz_polarisation(distance_A: float) -> float:
    """Of a powder diffractometer with copper radiation, ``(1 + cos^2 2t) / (sin^2 t cos t)``."""
    sine = min(_COPPER_KALPHA_A / (2 * distance_A), 0.999)
    theta = np.arcsin(sine)
    return float((1 + np.cos(2 * theta) ** 2) / (sine**2 * np.cos(theta)))


def _of_known_structure(name: str, shortest_d_A: float) -> Reflections:
    crystal = xraylib.Crystal_GetCrystal(name)
    a, b, c, alpha, beta, gamma = (
        float(crystal[key]) for key in ("a", "b", "c", "alpha", "beta", "gamma")
    )
    cell = Cell(a, b, c, alpha, beta, gamma)
    indices, vectors = _lattice(cell, shortest_d_A)
    sines = np.linalg.norm(vectors, axis=1) / 2
    displaced = np.exp(-_DISPLACEMENT_A2 * sines**2)
    # Far above all edges, so that form factors are those of free atoms without dispersion.
    energy_keV = 200.0
    factors = np.array(
        [
            xraylib.Crystal_F_H_StructureFactor(crystal, energy_keV, *map(int, hkl), 1.0, 1.0)
            for hkl in indices
        ]
    )
    return Reflections(vectors, np.abs(factors * displaced) ** 2, cell.volume_A3)
