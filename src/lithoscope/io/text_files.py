"""Spectra as text: EMSA/MAS files (ISO 22029) and CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import SpectrumError
from lithoscope.io.aside import written_aside
from lithoscope.io.axes import axis_from_centres, axis_of_file, to_keV
from lithoscope.io.formats import read_bounded

_MAX_BYTES = 32 << 20
_CSV_COLUMNS = ["energy_keV", "counts"]

_MSA_VALUES = re.compile(r"[,\s]+")
_MSA_TITLE_LENGTH = 64
_MSA_COLUMNS = 4


@dataclass(frozen=True)
class _MsaText:
    """An EMSA file: its keywords with the unit that stood after them, and its numbers."""

    keywords: dict[str, str]
    values: NDArray[Any]
    is_complete: bool


def open_msa(path: Path, *, energy_axis: EnergyAxis | None = None) -> Spectrum:
    """Read an EMSA/MAS file of data type ``Y`` or ``XY``.

    Parameters
    ----------
    path
        The file.
    energy_axis
        Offset and gain to use instead of the file's.

    Raises
    ------
    SpectrumError
        If the file is no EMSA file, ends too early, or has no energy calibration.
    """
    text = read_bounded(path, limit=_MAX_BYTES, error=SpectrumError).decode("latin-1")
    msa = _parse_msa(text, path)
    kind = msa.keywords.get("DATATYPE", "Y").upper()
    if kind not in ("Y", "XY"):
        raise SpectrumError(f"{path} has the data type {kind[:20]}.", expected="Y or XY")
    if kind == "XY" and msa.values.size % 2:
        raise SpectrumError(f"{path} has an energy without counts.", expected="pairs of numbers")
    counts = msa.values[1::2] if kind == "XY" else msa.values
    counts = _as_many_as_stated(counts, msa, path)
    return Spectrum(
        _whole_if_possible(counts),
        _msa_axis(msa, counts.size, energy_axis, path),
        live_time_s=_positive(msa.keywords.get("LIVETIME")),
        title=msa.keywords.get("TITLE", "").strip() or path.stem,
    )
