"""A spectrum as notebooks show it: its facts, and counts over energy as a small curve (SVG)."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from lithoscope.core.spectrum import Spectrum

_WIDTH, _HEIGHT, _LEFT, _BELOW = 640, 150, 44, 30
_COLOUR, _INK = "#1f4e79", "#777"
# Below lies the zero peak; beyond the energy below which this share lies there is nothing to see.
_FIRST_KEV, _SHOWN_SHARE, _DECADES = 0.3, 0.9995, 5
_STEPS_KEV = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


def html_of_spectrum(spectrum: Spectrum) -> str:
    """Return the facts and the curve of a spectrum; every text is escaped."""
    facts = [f"{spectrum.counts.sum():,.0f} counts", f"{spectrum.axis.n_channels} channels"]
    if spectrum.live_time_s is not None:
        facts.append(f"{spectrum.live_time_s:.3g} s")
    title = html.escape(spectrum.title or "spectrum")
    return f"<div><b>{title}</b> <span>{', '.join(facts)}</span><br>{_curve(spectrum)}</div>"


def _curve(spectrum: Spectrum) -> str:
    energies = spectrum.axis.energies_keV
    counts = np.where(energies < _FIRST_KEV, 0.0, spectrum.counts.astype(np.float64))
    if not counts.any():
        return "no counts"
    last = int(np.searchsorted(np.cumsum(counts), _SHOWN_SHARE * counts.sum()))
    # A little beyond, so that the last peak is not cut.
    high = max(1.05 * float(energies[last]), 1.0)
    binned, edges = _highest_in_bins(energies, counts, high)
    top = float(np.ceil(np.log10(binned.max() * 1.01)))
    least = binned[binned > 0].min() / 2
    low = float(np.floor(max(np.log10(least), top - _DECADES)))
    levels = (np.log10(np.maximum(binned, 10**low)) - low) / max(top - low, 1.0)
    x = _LEFT + (edges[:-1] - edges[0]) / (edges[-1] - edges[0]) * (_WIDTH - _LEFT)
    y = 5 + (1 - levels) * _HEIGHT
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH + 8} {_HEIGHT + _BELOW}" '
        f'width="{_WIDTH}" role="img" font-family="sans-serif" font-size="10" fill="{_INK}">'
        f"{_axes(float(edges[0]), float(edges[-1]), low, top)}"
        f'<polyline points="{points}" fill="none" stroke="{_COLOUR}"/></svg>'
    )


def _highest_in_bins(
    energies: NDArray[np.float64], counts: NDArray[np.float64], high: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the highest channel in each of the picture's columns, and the columns' edges."""
    edges = np.linspace(0.0, high, min(_WIDTH - _LEFT, energies.size) + 1)
    seen = (energies >= 0) & (energies < high)
    columns = np.searchsorted(edges, energies[seen], side="right") - 1
    binned = np.zeros(edges.size - 1)
    np.maximum.at(binned, columns, counts[seen])
    return binned, edges


def _axes(start: float, end: float, low: float, top: float) -> str:
    step = next((step for step in _STEPS_KEV if (end - start) / step <= 12), _STEPS_KEV[-1])
    floor = _HEIGHT + 5
    parts = [f'<path d="M{_LEFT} 5V{floor}H{_WIDTH}" fill="none" stroke="{_INK}"/>']
    for energy in np.arange(np.ceil(start / step) * step, end, step):
        x = _LEFT + (energy - start) / (end - start) * (_WIDTH - _LEFT)
        parts.append(f'<text x="{x:.0f}" y="{floor + 12}" text-anchor="middle">{energy:g}</text>')
    parts.append(f'<text x="{_WIDTH}" y="{floor + 24}" text-anchor="end">energy (keV)</text>')
    for power in range(int(low), int(top) + 1):
        y = 5 + (1 - (power - low) / max(top - low, 1.0)) * _HEIGHT
        label = f"{10.0**power:g}"
        parts.append(f'<text x="{_LEFT - 4}" y="{y + 3:.0f}" text-anchor="end">{label}</text>')
    parts.append(f'<text x="{_LEFT}" y="{floor + 24}">counts a channel, at most in a column</text>')
    return "".join(parts)
