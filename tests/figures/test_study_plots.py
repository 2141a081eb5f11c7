import numpy as np
import pytest

from lithoscope.errors import InvalidValueError
from lithoscope.figures.save import figure_bytes
from lithoscope.figures.study_plots import bars_figure, curves_figure, matrix_figure


def test_curves_stand_at_their_means_with_plain_numbers_below():
    figure = curves_figure(
        {"cnn": {1000.0: (91.0, 0.5), 100.0: (70.0, 1.0)}}, x_label="counts", y_label="%", title="t"
    )
    line = figure.axes[0].lines[0]
    assert line.get_xydata().tolist() == [[100.0, 70.0], [1000.0, 91.0]]
    assert figure.axes[0].get_xticks().tolist() == [100.0, 1000.0]
    text = figure_bytes(figure, file_format="svg").decode()
    assert "1,000" in text
    assert "mathdefault" not in text


def test_long_names_are_wrapped_and_not_cut():
    name = "without distortions, no secondary fluorescence"
    figure = curves_figure({name: {1.0: (1.0, 0.0)}}, x_label="x", y_label="y", title="t")
    (label,) = figure.legends[0].get_texts()
    assert label.get_text().replace("\n", " ") == name
    assert max(map(len, label.get_text().split("\n"))) < 40


def test_matrix_shows_each_number_and_leaves_gaps_empty():
    values = np.array([[12.0, np.nan], [99.0, 50.0]])
    figure = matrix_figure(["a", "b"], ["x", "y"], values, title="t", unit="%")
    assert sorted(text.get_text() for text in figure.axes[0].texts) == ["12", "50", "99"]


def test_bars_have_the_widths_of_their_values():
    figure = bars_figure({"cnn": (0.5, 0.1), "SAM": (1.0, 0.0)}, x_label="mCE", title="t", at=1)
    assert [bar.get_width() for bar in figure.axes[0].patches] == [0.5, 1.0]


def test_nothing_to_draw_is_refused():
    for draw in (
        lambda: curves_figure({}, x_label="", y_label="", title=""),
        lambda: bars_figure({}, x_label="", title=""),
        lambda: matrix_figure(["a"], [], np.zeros((1, 0)), title="", unit=""),
    ):
        with pytest.raises(InvalidValueError):
            draw()
