"""Lines of one element and shell taken together: K, L and M groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xraylib
from numpy.typing import NDArray

from lithoscope.physics.compiled import CompiledInstrument
from lithoscope.physics.fluorescence import LineTable

# The last of xraylib's transitions into each shell; they count down from -1.
_LAST = {"K": xraylib.KP5_LINE, "L": xraylib.L3Q1_LINE, "M": xraylib.M5P5_LINE}


@dataclass(frozen=True, order=True)
class LineGroup:
    """All lines of an element that fill holes in one shell.

    Parameters
    ----------
    element
        Symbol.
    shell
        ``K``, ``L`` or ``M``.
    """

    element: str
    shell: str

    def __str__(self) -> str:
        return f"{self.element} {self.shell}"


def groups_of_lines(
    *, lines: LineTable, symbols: tuple[str, ...]
) -> tuple[tuple[LineGroup, ...], NDArray[np.float64]]:
    """Sort lines into groups.

    Parameters
    ----------
    lines
        The lines.
    symbols
        Elements that their table counts through.

    Returns
    -------
    groups : tuple of LineGroup
        In the order of `symbols`, K before L before M; those of no line are left out.
    member : ndarray, shape (line, group)
        1 where a line belongs to a group; lines of outer shells belong to none.
    """
    shell = np.searchsorted(-np.array(list(_LAST.values())), -lines.macros)
    inside = shell < len(_LAST)
    found = sorted(set(zip(lines.elements[inside].tolist(), shell[inside].tolist(), strict=True)))
    member = np.array(
        [(lines.elements == element) & (shell == number) for element, number in found], dtype=float
    ).T
    names = tuple(_LAST)
    groups = tuple(LineGroup(symbols[element], names[number]) for element, number in found)
    return groups, member.reshape(lines.macros.size, len(groups))


def counts_per_line_photon(
    *, compiled: CompiledInstrument, counted: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Counts that a photon of each line gives, all in all, in weighted channels.

    Peak, tail, shelf and escape peak together: what the response sums to.

    Parameters
    ----------
    compiled
        Instrument and lines.
    counted
        Weight of each channel, such as the share of it that lies on another axis,
        shape (channel,).

    Returns
    -------
    ndarray, shape (line,)
    """
    count = compiled.fluorescence.lines.macros.size
    response = np.zeros((count, compiled.edges_keV.size - 1), dtype=compiled.dtype)
    compiled.line_response.add_counts(np.eye(count, dtype=compiled.dtype), response)
    return response.astype(np.float64) @ counted
