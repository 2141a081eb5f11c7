"""Reliability curves: what is drawn is what was given."""

import numpy as np
import pytest

from lithoscope.errors import InvalidValueError
from lithoscope.figures.reliability_plot import ReliabilityCurve, reliability_figure
from lithoscope.figures.save import figure_bytes

BEFORE = ((0.5, 0.3, 100), (0.9, 0.7, 400))
AFTER = ((0.3, 0.28, 50), (0.5, 0.9, 5), (0.7, 0.71, 450))


def test_a_panel_a_curve_in_per_cent_without_bins_of_few_spectra():
    curves = [ReliabilityCurve(f"level {number}", BEFORE, AFTER) for number in range(5)]
    figure = reliability_figure(curves, title="model")
    assert [axes.get_title(loc="left") for axes in figure.axes] == [one.name for one in curves]
    _, before, after = [line for line in figure.axes[0].get_lines() if len(line.get_xdata()) > 1]
    np.testing.assert_allclose(before.get_xydata(), [[50, 30], [90, 70]])
    np.testing.assert_allclose(after.get_xydata(), [[30, 28], [70, 71]])
    assert figure_bytes(figure) == figure_bytes(figure)


def test_impossible_curves():
    with pytest.raises(InvalidValueError, match="one or more"):
        reliability_figure([], title="model")
    for points in ((), ((0.5, 0.3),)):
        with pytest.raises(InvalidValueError, match="level"):
            ReliabilityCurve("level", points, AFTER)
