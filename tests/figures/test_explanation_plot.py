"""What spoke for a class: signs are kept apart, add up, and stand under their channels."""

import numpy as np
import pytest
from matplotlib.patches import StepPatch

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.spectrum import Spectrum
from lithoscope.figures.explanation_plot import (
    AGAINST_COLOUR,
    ATTENTION_COLOUR,
    FOR_COLOUR,
    explanation_figure,
)
from lithoscope.figures.save import figure_bytes

AXIS = EnergyAxis(0.0, 0.01, 4000)
EDGES = np.linspace(1, 39, 191)
MIDDLES = (EDGES[1:] + EDGES[:-1]) / 2


def peak(energy, height, width=0.1):
    return height * np.exp(-(((MIDDLES - energy) / width) ** 2))


def figure_of(attributions, attention=None):
    counts = 900 * np.exp(-(((AXIS.energies_keV - 6.4) / 0.06) ** 2))
    return explanation_figure(
        Spectrum(np.round(counts), AXIS),
        edges_keV=EDGES,
        attributions=attributions,
        attention=attention,
        elements=["Fe"],
        title="why",
    )


def steps_of(axes):
    return [one for one in axes.patches if isinstance(one, StepPatch)]


def colour_of(patch):
    from matplotlib.colors import to_hex

    return to_hex(patch.get_facecolor())


def test_what_spoke_for_and_against_is_drawn_apart_and_adds_up():
    attributions = peak(6.4, 3.0) - peak(3.7, 1.25)
    figure = figure_of(attributions)
    above, below = figure.axes
    drawn = {colour_of(patch): patch.get_data() for patch in steps_of(below)}
    assert set(drawn) == {FOR_COLOUR, AGAINST_COLOUR}
    assert (drawn[FOR_COLOUR].values >= 0).all()
    assert (drawn[AGAINST_COLOUR].values <= 0).all()
    np.testing.assert_allclose(
        drawn[FOR_COLOUR].values + drawn[AGAINST_COLOUR].values, attributions
    )
    np.testing.assert_allclose(drawn[FOR_COLOUR].edges, EDGES)
    assert MIDDLES[drawn[FOR_COLOUR].values.argmax()] == pytest.approx(6.4, abs=0.1)
    named = [text.get_text() for text in below.get_legend().get_texts()]
    for word, values in (
        ("for", attributions[attributions > 0]),
        ("against", attributions[attributions < 0]),
    ):
        assert f"spoke {word} it: {values.sum():+.1f}" in named
    assert above.get_xlim() == below.get_xlim()
    assert below.get_xlabel() == "energy (keV)"
    assert figure_bytes(figure)


def test_a_named_line_runs_through_both():
    figure = figure_of(peak(6.4, 3.0))
    above, below = figure.axes
    labels = above.findobj(lambda artist: artist.get_gid() == "line-label")
    assert "Fe Kα" in [label.get_text() for label in labels]
    lines = [line.get_xdata()[0] for line in below.lines if line.get_xdata()[0] > 0]
    assert min(abs(energy - 6.40) for energy in lines) < 0.02


@pytest.mark.parametrize(("most", "least"), [(3.0, -0.5), (0.5, -3.0), (3.0, 0.5), (-3.0, -0.5)])
def test_attention_has_an_axis_of_its_own_in_percent(most, least):
    attention = peak(6.4, 1.0)
    attention /= attention.sum()
    figure = figure_of(peak(6.4, most) + peak(3.7, least), attention)
    beside = figure.axes[2]
    (drawn,) = steps_of(beside)
    np.testing.assert_allclose(drawn.get_data().values.sum(), 100)
    assert "%" in beside.get_ylabel()
    low, high = beside.get_ylim()
    assert high > 100 * attention.max()
    below = figure.axes[1]
    # Zero lies at the same height in both, unless nothing spoke for the class.
    bottom, top = below.get_ylim()
    assert low / high == pytest.approx(bottom / top if top > 0 else 0)
    entries = below.get_legend().get_texts()
    assert any("attention" in text.get_text() for text in entries)
    assert any(line.get_color() == ATTENTION_COLOUR for line in below.lines)


def test_without_attention_there_is_no_second_axis():
    assert len(figure_of(peak(6.4, 3.0)).axes) == 2
