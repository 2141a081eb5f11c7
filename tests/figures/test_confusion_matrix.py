"""The clustered matrix: who is shown, and in which order."""

import numpy as np

from lithoscope.figures.confusion_matrix import confusion_figure
from lithoscope.figures.save import figure_bytes
from lithoscope.minerals.identifiability import PairErrors


def pairs_of(errors):
    names = tuple(f"m{number}" for number in range(len(errors)))
    return PairErrors(names, np.array([100.0, 1000.0]), np.stack([errors, errors]), 100)


def test_confused_minerals_stand_side_by_side_and_others_are_left_out():
    errors = 0.5 * np.eye(6)
    for first, second in ((0, 3), (2, 5)):
        errors[first, second] = errors[second, first] = 0.4
    figure = confusion_figure(pairs_of(errors), counts=300, title="machine")
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert sorted(names) == ["m0", "m2", "m3", "m5"]
    assert abs(names.index("m0") - names.index("m3")) == 1
    assert abs(names.index("m2") - names.index("m5")) == 1
    assert figure_bytes(figure) == figure_bytes(figure)


def test_a_matrix_without_confusion_is_drawn_whole():
    figure = confusion_figure(pairs_of(0.5 * np.eye(3)), counts=100, title="machine")
    assert len(figure.axes[0].get_yticklabels()) == 3
