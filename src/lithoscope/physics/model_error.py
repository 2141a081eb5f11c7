"""How far simulated spectra are from measured ones, by energy."""

from __future__ import annotations

import functools
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_TABLE = "data/model_error.csv"


def relative_model_error_from_energies(*, energies_keV: FloatArray) -> FloatArray:
    """Relative error of an expected spectrum that no counting statistics explains.

    ``epsilon(E)``: the root mean square of ``ln(simulated / measured)`` in a spectrum, counting
    noise taken out, as the table ``model_error.csv`` has it, between whose energies it is
    interpolated in the logarithm of the energy; beyond its ends it stays as there. How it was
    measured stands in the table and in ``docs/physics-comparison.md``.

    Parameters
    ----------
    energies_keV
        Energies in keV, any shape; those of 0 and below are taken as the table's lowest.

    Returns
    -------
    ndarray, of the shape of `energies_keV`
    """
    table_keV, error = _table()
    energies = np.maximum(energies_keV, table_keV[0])
    return np.interp(np.log(energies), np.log(table_keV), error)


@functools.cache
def _table() -> tuple[FloatArray, FloatArray]:
    text = files("lithoscope.physics").joinpath(_TABLE).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    rows = np.array([line.split(",") for line in lines[1:]], dtype=np.float64)
    return rows[:, 0], rows[:, 1]
