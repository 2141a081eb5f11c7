"""Figures of components, latent spaces, and spectra before and after."""

import numpy as np
import pytest

from lithoscope.errors import InvalidValueError
from lithoscope.figures.before_after import before_after_figure
from lithoscope.figures.components_plot import components_figure
from lithoscope.figures.latent_plot import latent_figure
from lithoscope.figures.save import figure_bytes

EDGES = np.linspace(1, 30, 121)


def texts(axes):
    return [item.get_text() for item in axes.texts]


def test_components_have_their_lines_marked_and_their_variance_drawn():
    shares = np.array([0.6, 0.3, 0.1])
    figure = components_figure(
        np.eye(3, 120), EDGES, shares, elements=["Fe", "Si", "Al"], title="components"
    )
    assert len(figure.axes) == 4
    # Aluminium's line would be written over silicon's.
    assert texts(figure.axes[0]) == ["Fe Kα", "Si Kα"]
    heights = [bar.get_height() for bar in figure.axes[-1].patches]
    np.testing.assert_allclose(heights, 100 * shares)
    np.testing.assert_allclose(figure.axes[-1].lines[0].get_ydata(), [60, 90, 100])
    assert figure_bytes(figure)


def test_every_family_has_its_colour_and_the_rarest_are_grey():
    families = [f"family {index:02d}" for index in range(18) for _ in range(18 - index)]
    points = np.random.default_rng(0).normal(size=(len(families), 2))
    figure = latent_figure(points, families, axes_named=("a", "b"), title="latent")
    groups = figure.axes[0].collections
    assert sum(len(group.get_offsets()) for group in groups) == len(families)
    colours = [tuple(group.get_facecolor()[0][:3]) for group in groups]
    assert len(set(colours)) == 17
    with pytest.raises(InvalidValueError, match="two numbers"):
        latent_figure(points[:3], families, axes_named=("a", "b"), title="latent")


def test_spectra_stand_beside_what_became_of_them():
    counts = np.random.default_rng(0).poisson(20.0, 120).astype(float)
    rows = [
        ("pixel (0, 1)", (counts, EDGES), (counts / 2, EDGES)),
        ("x", (counts, EDGES), (counts[:4], None)),
    ]
    figure = before_after_figure(rows, chain="snip", title="scan")
    assert len(figure.axes) == 4
    np.testing.assert_allclose(figure.axes[1].patches[0].get_data().values, counts / 2)
    assert figure.axes[3].get_xlabel() == "component"
    assert figure_bytes(figure)
