"""The figure of `benchmarks.bragg_test`: spectra of two detectors, and where they disagree."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from lithoscope.core.energy import EnergyAxis
from lithoscope.figures.style import COUNTS_COLOUR_MAP, figure_style
from lithoscope.inference.bragg_scan import Diffraction

# Blue and orange of Okabe and Ito, which the colour-blind tell apart.
_COLOURS = ("#0072B2", "#D55E00")
_SHADES = ("#9ecae1", "#fdbe85")


def on_a_peak_of_both(counts: np.ndarray, found: Diffraction) -> np.ndarray:
    """Whether the detector that sees less has a peak in a touched window too, shape (record,).

    Its counts there are half as many again as the geometric mean of those 1.5 FWHM away, and more
    than that by three standard deviations.
    """
    touched, grid = found.touched, found.grid
    weaker = counts[touched.rows, touched.columns, 1 - touched.detectors]
    windows, own = grid.windows_of(grid.cells_of(weaker)), np.arange(len(touched))
    sides = [
        windows[own, np.clip(touched.windows + step, 0, windows.shape[1] - 1)] for step in (-3, 3)
    ]
    here, between = windows[own, touched.windows], np.sqrt((sides[0] + 1) * (sides[1] + 1))
    return (here > 1.5 * between) & (here - between > 3 * np.sqrt(here))


def real_map_figure(counts: np.ndarray, axis: EnergyAxis, found: Diffraction) -> Figure:
    """Two pixels' spectra with the windows found in them, and the counts taken out of all pixels.

    The pixels are those of most windows in which one detector shows no peak, and in which both do.

    Parameters
    ----------
    counts
        Shape (y, x, detector, channel).
    axis
        Energies.
    found
        What was found in them.
    """
    touched, both = found.touched, on_a_peak_of_both(counts, found)
    pixels = []
    for chosen in (~both, both):
        number = np.zeros(found.shape, dtype=int)
        np.add.at(number, (touched.rows[chosen], touched.columns[chosen]), 1)
        pixels.append(tuple(int(one) for one in np.unravel_index(number.argmax(), number.shape)))
    with figure_style():
        figure = Figure(figsize=(9.0, 6.0), layout="constrained")
        panels = figure.subplot_mosaic([["one", "map"], ["other", "map"]], width_ratios=(2, 1))
        titles = ("most windows that one detector alone sees", "most windows where both have peaks")
        for name, pixel, title in zip(("one", "other"), pixels, titles, strict=True):
            _draw_pixel(panels[name], counts[pixel], pixel, axis, found)
            panels[name].set_title(f"Row {pixel[0]}, column {pixel[1]}: {title}")
        shown = panels["map"].imshow(
            np.ma.masked_less_equal(found.removed, 0.0),
            cmap=COUNTS_COLOUR_MAP,
            norm=LogNorm(vmin=10),
        )
        for row, column in pixels:
            panels["map"].plot(column, row, "s", mfc="none", mec="#e00000", ms=8)
        panels["map"].set(title="Pixels of 0.1 mm", xlabel="column", ylabel="row")
        panels["map"].set_facecolor("#dddddd")
        figure.colorbar(
            shown,
            ax=panels["map"],
            label="counts of diffraction (grey: none found)",
            format=StrMethodFormatter("{x:,.0f}"),
            shrink=0.6,
        )
    return figure


def _draw_pixel(panel, spectra: np.ndarray, pixel, axis: EnergyAxis, found: Diffraction) -> None:
    touched, total = found.touched, spectra.sum(axis=1)
    here = (touched.rows == pixel[0]) & (touched.columns == pixel[1])
    first, edges = found.grid.first_cells, found.grid.edges_keV
    for detector, name in enumerate("AB"):
        scaled = spectra[detector] * (total.mean() / total[detector])
        panel.step(
            axis.energies_keV,
            scaled,
            where="mid",
            lw=0.7,
            color=_COLOURS[detector],
            label=f"detector {name}",
        )
        label = f"found in {name}"
        for window in touched.windows[here & (touched.detectors == detector)]:
            start = first[window]
            panel.axvspan(
                edges[start], edges[start + 4], color=_SHADES[detector], lw=0, zorder=0, label=label
            )
            label = "_"
    panel.set(xlim=(1, 11), yscale="log", ylim=(3, None), xlabel="energy / keV")
    panel.set_ylabel("counts in a channel,\ndetectors scaled alike")
    panel.yaxis.set_major_formatter("{x:,.0f}")
    panel.legend(frameon=False, fontsize=8)
