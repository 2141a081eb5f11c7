"""Spectra as tables with the columns ``energy_keV,counts``."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import SpectrumError
from lithoscope.io.axes import axis_from_centres
from lithoscope.io.formats import read_bounded
from lithoscope.io.text_numbers import counts_from_words, finite_number
from lithoscope.io.zero_peak import without_residue

_MAX_BYTES = 32 << 20
_COLUMNS = ["energy_keV", "counts"]
_REMEDY = "write a first line 'energy_keV,counts' and one line a channel"


def open_csv(path: Path, *, energy_axis: EnergyAxis | None = None) -> Spectrum:
    """Read a table with one line a channel; its energies are channel centres in keV.

    Parameters
    ----------
    path
        The file.
    energy_axis
        Offset and gain to use instead of the file's.

    Raises
    ------
    SpectrumError
        If the columns are others, a line holds no numbers, or the energies are not linear.
    """
    lines = _lines(path)
    header = lines[0][1] if lines else []
    if header != _COLUMNS:
        raise SpectrumError(
            f"{path} has the columns {','.join(header)[:80] or 'nothing'}.",
            expected=",".join(_COLUMNS),
            remedy=_REMEDY,
        )
    for number, words in lines[1:]:
        if len(words) != len(_COLUMNS) or None in map(finite_number, words):
            raise SpectrumError(
                f"{path}, line {number}: {','.join(words)[:80]}.",
                expected="an energy in keV and counts",
                remedy=_REMEDY,
            )
    energies = [float(words[0]) for _, words in lines[1:]]
    axis = axis_from_centres(energies, given=energy_axis, path=path, error=SpectrumError)
    counts = counts_from_words([words[1] for _, words in lines[1:]])
    return Spectrum(without_residue(counts, axis, path), axis, title=path.stem)


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """Return the number and words of each line that holds any."""
    raw = read_bounded(path, limit=_MAX_BYTES, error=SpectrumError)
    rows = csv.reader(io.StringIO(raw.decode("utf-8-sig", "replace"), newline=""))
    try:
        return [(rows.line_num, [word.strip() for word in row]) for row in rows if row]
    except csv.Error as problem:
        raise SpectrumError(
            f"{path}, line {rows.line_num}: {problem}.", expected="comma-separated text"
        ) from None
