"""The figure of detectors: a panel for each kind of unknown, a line for each detector."""

import numpy as np
import pytest

from lithoscope.errors import InvalidValueError
from lithoscope.figures.detection_plot import DetectionPanel, detection_figure

POINTS = [(100.0, 0.7), (1000.0, 0.9)]


def test_lines_hold_the_values_and_one_legend_names_them():
    lines = {"energy": POINTS, "combined": [(100.0, 0.9), (1000.0, 0.99)]}
    figure = detection_figure([DetectionPanel("far", lines)] * 4, title="Unknown")
    axes = figure.axes
    assert [one.get_title(loc="left") for one in axes] == ["far"] * 4
    np.testing.assert_allclose(axes[0].lines[1].get_ydata(), [0.9, 0.99])
    assert axes[0].get_xscale() == "log"
    assert axes[0].get_ylabel() == "AUROC"
    assert axes[3].get_xlabel() == "counts"
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["energy", "combined"]
    # Ticks are numbers, not the markup of powers that the style does not draw.
    figure.draw_without_rendering()
    shown = [text.get_text() for text in axes[0].get_xticklabels()]
    assert "1,000" in shown


@pytest.mark.parametrize(
    ("lines", "message"),
    [({}, "without points"), ({"energy": []}, "without points")],
)
def test_panels_without_points_are_refused(lines, message):
    with pytest.raises(InvalidValueError, match=message):
        DetectionPanel("far", lines)


def test_too_many_lines_and_no_panels_are_refused():
    with pytest.raises(InvalidValueError, match="at most"):
        DetectionPanel("far", {str(number): POINTS for number in range(9)})
    with pytest.raises(InvalidValueError, match="one or more"):
        detection_figure([], title="Unknown")
