"""Which elements have visible peaks, and how their net counts lie over a scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Detector
from lithoscope.physics.detector import fwhm_from_energy
from lithoscope.physics.lines import EmissionLine, main_lines

# Elements looked for, the commoner in rocks first: where two explain a peak the first is named.
_CANDIDATES = (
    *("Si", "Al", "Fe", "Ca", "K", "Na", "Mg", "Ti", "Mn", "P", "S", "Cl", "Cr", "Ba", "Sr"),
    *("Zr", "Rb", "Zn", "Cu", "Ni", "Pb", "As", "Ce", "Nb", "Sn", "Ta", "W", "Y", "La", "Co"),
    *("V", "Cs", "Mo", "Ag", "Au", "Bi", "Sb", "U", "Th", "Hg", "Se", "Te", "Br", "Ga", "Hf"),
    *("Nd", "Cd"),
)
# Net counts of a visible peak over their standard deviation, and over the tallest peak.
_LEAST_SIGNIFICANCE = 6.0
_LEAST_SHARE = 1e-3
_SAME_PEAK_KEV = 0.08
_CLEARLY_MORE = 1.3
# A further line of the element is missed if it should have been this many standard deviations
# high and is not even this share of what is due, since absorption makes lines unequal.
_SURELY_SEEN, _LEAST_SUPPORT = 12.0, 0.1
_LOWEST_LINE_KEV = 0.9


@dataclass(frozen=True)
class LineWindow:
    """Channels of an element's line and of the background on its sides.

    Parameters
    ----------
    line
        The line.
    peak, left, right
        Channel ranges (first, last + 1).
    """

    line: EmissionLine
    peak: tuple[int, int]
    left: tuple[int, int]
    right: tuple[int, int]


def window_of_line(*, line: EmissionLine, axis: EnergyAxis, detector: Detector) -> LineWindow:
    """Window of 1.2 FWHM around a line, and of 0.36 FWHM beyond 1.2 FWHM on either side."""
    fwhm = fwhm_from_energy(detector=detector, energies_keV=np.array([line.energy_keV]))[0]

    def channels(low: float, high: float) -> tuple[int, int]:
        first, last = axis.channel(line.energy_keV + low), axis.channel(line.energy_keV + high)
        return first, last + 1

    half = 0.6 * float(fwhm)
    return LineWindow(
        line,
        channels(-half, half),
        channels(-2.6 * half, -2.0 * half),
        channels(2.0 * half, 2.6 * half),
    )


def net_counts_from_window(
    *, counts: NDArray[np.generic], window: LineWindow
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Counts in a line's window above a straight background, and their variance.

    Parameters
    ----------
    counts
        Shape (..., channel).

    Returns
    -------
    net, variance : ndarray, shape (...,)
    """

    def total(channels: tuple[int, int]) -> NDArray[np.float64]:
        return counts[..., channels[0] : channels[1]].sum(axis=-1, dtype=np.float64)

    width = window.peak[1] - window.peak[0]
    sides = (window.left[1] - window.left[0]) + (window.right[1] - window.right[0])
    gross, beside = total(window.peak), total(window.left) + total(window.right)
    share = width / sides
    return gross - share * beside, gross + share**2 * beside


def line_windows(
    *, axis: EnergyAxis, detector: Detector, exclude: Sequence[str] = ()
) -> list[LineWindow]:
    """Windows of the main line of each element that may be seen, the commoner in rocks first.

    Parameters
    ----------
    axis
        The scan's energy axis.
    detector
        Gives the resolution.
    exclude
        Elements to leave out, such as the tube's anode.
    """
    return [
        window_of_line(line=lines[0], axis=axis, detector=detector)
        for symbol in _CANDIDATES
        if symbol not in exclude and (lines := _lines_on(symbol, axis))
    ]


def _lines_on(symbol: str, axis: EnergyAxis) -> Sequence[EmissionLine]:
    low, high = max(_LOWEST_LINE_KEV, axis.edges_keV[0]), axis.edges_keV[-1] - 1.0
    return main_lines(symbol, low_keV=low, high_keV=min(high, 30.0))


def visible_lines(
    *,
    counts: NDArray[np.generic],
    axis: EnergyAxis,
    detector: Detector,
    exclude: Sequence[str] = (),
) -> list[LineWindow]:
    """Windows of the main lines that stand out of a sum spectrum, one an element.

    Of lines closer than 80 eV the element commoner in rocks is kept, unless another has clearly
    more net counts. This names peaks for a reader; it is no analysis.

    Parameters
    ----------
    counts
        Shape (channel,).
    axis
        Its energy axis.
    detector
        Gives the resolution.
    exclude
        Elements not to name, such as the tube's anode.
    """
    found: list[tuple[float, LineWindow]] = []
    for window in line_windows(axis=axis, detector=detector, exclude=exclude):
        lines = _lines_on(window.line.element, axis)
        net, variance = net_counts_from_window(counts=counts, window=window)
        stands_out = net > _LEAST_SIGNIFICANCE * np.sqrt(variance + 1)
        if (
            stands_out
            and _is_peak(counts, window)
            and _is_supported(counts, window, lines, axis, detector)
        ):
            found.append((float(net), window))
    tallest = max((net for net, _ in found), default=0.0)
    kept: list[LineWindow] = []
    for height, window in sorted(_one_a_peak(found), key=lambda item: -item[0]):
        if height > _LEAST_SHARE * tallest and not _is_satellite(window.line, kept):
            kept.append(window)
    return kept


def _one_a_peak(found: Sequence[tuple[float, LineWindow]]) -> list[tuple[float, LineWindow]]:
    """Of lines on one peak keep the first and commoner, unless another has clearly more counts."""
    kept: list[tuple[float, LineWindow]] = []
    for height, window in found:
        energy = window.line.energy_keV
        rivals = [item for item in kept if abs(item[1].line.energy_keV - energy) < _SAME_PEAK_KEV]
        if all(height > _CLEARLY_MORE * rival for rival, _ in rivals):
            kept = [item for item in kept if item not in rivals] + [(height, window)]
    return kept


def _is_peak(counts: NDArray[np.generic], window: LineWindow) -> bool:
    """Whether the window's tallest channel lies in its middle, not on another peak's flank."""
    first, last = window.peak
    middle = (last - first) // 4
    smooth = np.convolve(np.asarray(counts[first - 2 : last + 2], float), np.ones(5) / 5, "valid")
    return bool(smooth.size and middle <= int(smooth.argmax()) < smooth.size - middle)


def _is_supported(
    counts: NDArray[np.generic],
    window: LineWindow,
    lines: Sequence[EmissionLine],
    axis: EnergyAxis,
    detector: Detector,
) -> bool:
    """Whether the element's other lines are there too, where they would be seen.

    Lead's Lα lies on arsenic's Kα; without a Kβ there is no arsenic.
    """
    net, _ = net_counts_from_window(counts=counts, window=window)
    for other in lines[1:]:
        near = abs(other.energy_keV - window.line.energy_keV) < 2 * _SAME_PEAK_KEV
        # Much softer lines may be absorbed on their way out.
        if near or other.energy_keV < 0.7 * window.line.energy_keV:
            continue
        beside = window_of_line(line=other, axis=axis, detector=detector)
        seen, variance = net_counts_from_window(counts=counts, window=beside)
        due = net * other.strength / window.line.strength
        if due > _SURELY_SEEN * np.sqrt(variance + 1) and seen < _LEAST_SUPPORT * due:
            return False
    return True


def _is_satellite(line: EmissionLine, stronger: Sequence[LineWindow]) -> bool:
    """Whether a stronger element's further lines explain the peak."""
    return any(
        abs(line.energy_keV - other.energy_keV) < _SAME_PEAK_KEV
        for window in stronger
        for other in main_lines(window.line.element, low_keV=0.5, high_keV=40.0)
    )
