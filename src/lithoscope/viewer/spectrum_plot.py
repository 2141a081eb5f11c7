"""The spectrum of the page, in Bokeh."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh import plotting
from bokeh.models import ColumnDataSource, HoverTool, Range1d, SaveTool
from numpy.typing import NDArray

from lithoscope.figures.spectrum_plot import SPECTRUM_COLOUR
from lithoscope.figures.style import FAINT_INK, INK, MARK_RED
from lithoscope.viewer.spectrum_shown import ShownSpectrum

SPECTRUM_PX = (430, 320)
# A CSS pixel is 1/96 inch, a point 1/72.
SPECTRUM_PT = (SPECTRUM_PX[0] * 0.75, SPECTRUM_PX[1] * 0.75)
_EXPECTED_COLOUR = "#d55e00"
# The stubs of Bokeh 3.9 leave out the options of a figure where Dask is installed.
_figure: Any = plotting.figure


class SpectrumPlot:
    """A spectrum with names of lines; what is expected and what is unexplained come later.

    Parameters
    ----------
    shown
        The spectrum.
    log
        Whether the axis of counts is logarithmic.
    expected_name
        What the expected spectrum will be of; empty where there will be none.
    across
        First and last energy in keV that is seen; all of it if left out.
    """

    def __init__(
        self,
        shown: ShownSpectrum,
        *,
        log: bool,
        expected_name: str,
        across: tuple[float, float] | None,
    ) -> None:
        self._shown = shown
        self._floor = shown.floor if log else 0.0
        self._ends = float(shown.energies_keV[0]), float(shown.energies_keV[-1])
        first, last = across or self._ends
        # Bokeh types their ends as numbers, dates or spans of time.
        self._across: Any = Range1d(start=first, end=last)
        self.figure = _figure(
            frame_width=SPECTRUM_PX[0],
            frame_height=SPECTRUM_PX[1],
            y_axis_type="log" if log else "linear",
            x_range=self._across,
            y_range=Range1d(start=shown.floor, end=shown.top),
            tools="pan,wheel_zoom,box_zoom,reset",
            active_scroll="wheel_zoom",
            x_axis_label="energy (keV)",
            y_axis_label="counts",
        )
        self.figure.add_tools(SaveTool(filename="spectrum"))
        self.figure.toolbar.logo = None
        self._expected = ColumnDataSource({"x": [], "y": []})
        self._unexplained = ColumnDataSource({"x": [], "from": [], "to": []})
        self._add_curves(expected_name)
        self._add_names()
        # Beside the frame, where no name of a line can be under it.
        self.figure.add_layout(self.figure.legend[0], "above")
        self.figure.legend.orientation = "horizontal"
        self.figure.legend.click_policy = "hide"
        self.figure.legend.border_line_color = None

    @property
    def zoomed(self) -> tuple[float, float] | None:
        """First and last energy that is seen, where that is not the whole spectrum."""
        seen = float(self._across.start), float(self._across.end)
        return None if np.allclose(seen, self._ends, atol=1e-6) else seen

    def lay_over(self, expected: NDArray[np.float64] | None) -> None:
        """Draw expected counts in the same channels."""
        if expected is not None:
            heights = np.maximum(expected, self._floor)
            self._expected.data = {"x": self._shown.energies_keV, "y": heights}

    def mark_unexplained(self, energies_keV: Sequence[float]) -> None:
        """Draw a line at each peak that the answer does not explain."""
        count = len(energies_keV)
        self._unexplained.data = {
            "x": [*energies_keV],
            "from": [self._shown.floor] * count,
            "to": [self._shown.top] * count,
        }

    def _add_curves(self, expected_name: str) -> None:
        plot, shown = self.figure, self._shown
        measured = plot.step(
            shown.energies_keV, np.maximum(shown.counts, self._floor), mode="center",
            color=SPECTRUM_COLOUR, line_width=1.2, legend_label="measured",
        )  # fmt: skip
        if expected_name:
            plot.line(
                "x", "y", source=self._expected, color=_EXPECTED_COLOUR, line_width=1.4,
                line_alpha=0.8, legend_label=f"expected, {expected_name}",
            )  # fmt: skip
            plot.segment(
                x0="x", x1="x", y0="from", y1="to", source=self._unexplained, color=MARK_RED,
                line_width=1.0, line_dash="dashed", line_alpha=0.7, level="underlay",
                legend_label="unexplained",
            )  # fmt: skip
        plot.add_tools(
            HoverTool(
                renderers=[measured],
                mode="vline",
                tooltips=[("keV", "@x{0.00}"), ("counts", "@y{0,0.[0]}")],
            )
        )

    def _add_names(self) -> None:
        names = self._shown.names
        self.figure.segment(
            x0=[name.energy_keV for name in names],
            x1=[name.energy_keV for name in names],
            y0=[name.from_counts for name in names],
            y1=[name.to_counts for name in names],
            color=FAINT_INK, line_width=0.7,
        )  # fmt: skip
        self.figure.text(
            x=[name.text_keV for name in names],
            y=[name.to_counts for name in names],
            text=[name.label for name in names],
            text_align="center", text_baseline="bottom", text_font_size="8pt", text_color=INK,
        )  # fmt: skip
