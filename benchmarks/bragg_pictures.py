"""The figure of `benchmarks.bragg_test`: spectra of two detectors, and where they disagree."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from lithoscope.core.energy import EnergyAxis
from lithoscope.figures.style import COUNTS_COLOUR_MAP, figure_style
from lithoscope.inference.bragg_scan import Diffraction

# Blue and orange of Okabe and Ito, which the colour-blind tell apart.
_COLOURS = ("#0072B2", "#D55E00")
_SHADES = ("#9ecae1", "#fdbe85")


def real_map_figure(counts: np.ndarray, axis: EnergyAxis, found: Diffraction) -> Figure:
    """One pixel's spectra with the windows found in it, and the counts taken out of all pixels.

    Parameters
    ----------
    counts
        Shape (y, x, detector, channel).
    axis
        Energies.
    found
        What was found in them.
    """
    touched = found.touched
    number = np.zeros(found.shape, dtype=int)
    np.add.at(number, (touched.rows, touched.columns), 1)
    row, column = (int(one) for one in np.unravel_index(number.argmax(), number.shape))
    with figure_style():
        figure = Figure(figsize=(9.0, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(2.2, 1))
        energies = axis.energies_keV
        total = counts[row, column].sum(axis=1)
        for detector, name in enumerate("AB"):
            scaled = counts[row, column, detector] * (total.mean() / total[detector])
            left.step(
                energies,
                scaled,
                where="mid",
                lw=0.7,
                color=_COLOURS[detector],
                label=f"detector {name}",
            )
        here = (touched.rows == row) & (touched.columns == column)
        first, edges = found.grid.first_cells, found.grid.edges_keV
        for detector, name in enumerate("AB"):
            label = f"found in {name} alone"
            for window in touched.windows[here & (touched.detectors == detector)]:
                start = first[window]
                left.axvspan(
                    edges[start],
                    edges[start + 4],
                    color=_SHADES[detector],
                    lw=0,
                    zorder=0,
                    label=label,
                )
                label = "_"
        left.set(
            xlim=(1, 11),
            yscale="log",
            ylim=(3, None),
            xlabel="energy / keV",
            ylabel="counts in a channel, detectors scaled alike",
            title=f"Pixel in row {row}, column {column}",
        )
        left.legend(frameon=False, fontsize=8)
        shown = right.imshow(
            np.ma.masked_less_equal(found.removed, 0.0),
            cmap=COUNTS_COLOUR_MAP,
            norm=LogNorm(vmin=10),
        )
        right.plot(column, row, "s", mfc="none", mec="#e00000", ms=8)
        left.yaxis.set_major_formatter("{x:,.0f}")
        right.set(title="Pixels of 0.1 mm", xlabel="column", ylabel="row")
        right.set_facecolor("#dddddd")
        figure.colorbar(
            shown, ax=right, label="counts of diffraction (grey: none found)", shrink=0.8
        )
    return figure
