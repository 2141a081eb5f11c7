"""Figures of the report: what is drawn where."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_hex

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import InvalidValueError
from lithoscope.figures.certainty_maps import certainty_maps_figure
from lithoscope.figures.mean_spectra import EXPECTED_COLOUR, mean_spectra_figure
from lithoscope.figures.palette import UNKNOWN_COLOUR, VOID_COLOUR


def test_confidence_leaves_void_out_and_unknown_has_its_colour():
    dataset = xr.Dataset(
        {
            "mineral": (("y", "x"), [[0, 1], [-1, 0]]),
            "confidence": (("y", "x"), [[0.9, 0.4], [0.0, 0.7]]),
            "unknown": (("y", "x"), [[False, True], [False, False]]),
        },
        {"y": [0.0, 0.1], "x": [0.0, 0.1]},
        {"units": "mm"},
    )
    sure, known, *_ = certainty_maps_figure(dataset).axes
    image = sure.images[0]
    assert image.get_clim() == (0.0, 1.0)
    assert image.get_array().mask.tolist() == [[False, False], [True, False]]
    shown = known.images[0]
    colours = shown.cmap(shown.norm(shown.get_array()))
    assert to_hex(colours[0, 1]) == UNKNOWN_COLOUR
    assert to_hex(colours[1, 0]) == VOID_COLOUR
    assert known.get_title(loc="left") == "unknown: 33.3 %"


def test_expected_counts_lie_over_the_measured_channel_by_channel():
    axis = EnergyAxis(0.0, 0.01, 800)
    counts = np.full(800, 10.0)
    counts[640] = 1000.0
    expected = counts * 2
    figure = mean_spectra_figure(
        [("calcite, mean of 3 pixels", Spectrum(counts, axis), ["Fe"], expected)]
    )
    measured, over = figure.axes[0].patches
    assert to_hex(over.get_edgecolor()) == EXPECTED_COLOUR
    assert over.get_data().values == pytest.approx(2 * measured.get_data().values)
    assert over.get_data().edges == pytest.approx(measured.get_data().edges)
    with pytest.raises(InvalidValueError, match="shape"):
        mean_spectra_figure([("x", Spectrum(counts, axis), [], expected[1:])])
    with pytest.raises(InvalidValueError):
        mean_spectra_figure([])
