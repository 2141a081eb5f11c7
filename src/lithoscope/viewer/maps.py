"""Maps computed from a scan's counts, block by block, when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.elements import symbols
from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Detector
from lithoscope.core.scan import Scan
from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import InvalidValueError
from lithoscope.inference.elements import (
    LineWindow,
    net_counts_from_window,
    visible_lines,
    window_of_line,
)
from lithoscope.physics.lines import main_lines

FloatMap = NDArray[np.float64]

# Below this lie the zero peak and electronic noise.
FIRST_KEV = 0.3
_LOWEST_LINE_KEV, _HIGHEST_LINE_KEV = 0.9, 30.0


class ScanMaps:
    """Total counts and net counts of elements over a scan; what was computed is kept.

    Parameters
    ----------
    scan
        The scan, of which one block is held at a time.
    detector
        Gives the widths of lines.
    progress
        Called with rows done and rows in all in the first pass, which sums.
    """

    def __init__(
        self,
        scan: Scan,
        detector: Detector,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        self._scan = scan
        self._detector = detector
        self._progress = progress
        self._totals: tuple[FloatMap, FloatMap] | None = None
        self._nets: dict[str, FloatMap] = {}

    @property
    def counts(self) -> FloatMap:
        """Counts above 0.3 keV, shape (y, x)."""
        return self._summed()[0]

    @property
    def sum_spectrum(self) -> FloatMap:
        """Sum of all pixels, shape (channel,)."""
        return self._summed()[1]

    def visible_elements(self) -> list[str]:
        """Elements whose lines stand out of the sum of all pixels, the highest peak first."""
        return self._visible(self.sum_spectrum)

    def elements_of(self, spectrum: Spectrum) -> list[str]:
        """Elements whose lines stand out of one spectrum, the highest peak first."""
        return self._visible(spectrum.counts)

    def mappable_elements(self) -> list[str]:
        """Elements with a line on the scan's axis between 0.9 and 30 keV, by atomic number."""
        low, high = _line_range(self._scan.axis)
        return [name for name in symbols() if main_lines(name, low_keV=low, high_keV=high)]

    def net(self, elements: Sequence[str]) -> list[FloatMap]:
        """Net counts of each element's main line, each of shape (y, x), in one pass.

        The counts of a window of 1.2 FWHM above a straight background; noise makes some pixels
        negative.

        Raises
        ------
        InvalidValueError
            If an element has no line on the axis between 0.9 and 30 keV.
        """
        missing = {name: self._window(name) for name in elements if name not in self._nets}
        if missing:
            new = {name: np.zeros(self._scan.shape) for name in missing}
            for first, counts in self._scan.blocks():
                for name, window in missing.items():
                    net, _ = net_counts_from_window(counts=counts, window=window)
                    new[name][first : first + len(net)] = net
            self._nets |= new
        return [self._nets[name] for name in elements]

    def line_name(self, element: str) -> str:
        """Name of the line by which an element is mapped, such as ``Fe Kα``."""
        return self._window(element).line.label

    def _window(self, element: str) -> LineWindow:
        axis = self._scan.axis
        low, high = _line_range(axis)
        lines = main_lines(element, low_keV=low, high_keV=high)
        if not lines:
            raise InvalidValueError(
                f"{element} has no line between {low:.2f} and {high:.2f} keV.",
                expected="an element with a line on the scan's axis",
            )
        return window_of_line(line=lines[0], axis=axis, detector=self._detector)

    def _visible(self, counts: NDArray[np.generic]) -> list[str]:
        windows = visible_lines(counts=counts, axis=self._scan.axis, detector=self._detector)
        return [window.line.element for window in windows]

    def _summed(self) -> tuple[FloatMap, FloatMap]:
        if self._totals is None:
            seen = self._scan.axis.energies_keV >= FIRST_KEV
            first_channel = int(seen.argmax())
            totals = np.zeros(self._scan.shape)
            summed = np.zeros(self._scan.axis.n_channels)
            for first, counts in self._scan.blocks():
                totals[first : first + len(counts)] = counts[..., first_channel:].sum(
                    axis=-1, dtype=np.float64
                )
                summed += counts.sum(axis=(0, 1), dtype=np.float64)
                self._progress(first + len(counts), len(totals))
            self._totals = totals, summed
        return self._totals


def _line_range(axis: EnergyAxis) -> tuple[float, float]:
    low = max(_LOWEST_LINE_KEV, float(axis.edges_keV[0]))
    return low, min(float(axis.edges_keV[-1]) - 1.0, _HIGHEST_LINE_KEV)
