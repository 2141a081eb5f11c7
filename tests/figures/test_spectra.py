"""Spectra and the scan overview: lines are named and the pixel is marked where they are."""

import itertools

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import InvalidValueError
from lithoscope.figures.layout import blank_figure, place_axes
from lithoscope.figures.scan_overview import scan_overview_figure
from lithoscope.figures.spectrum_plot import draw_spectrum, spectrum_figure
from lithoscope.physics.lines import EmissionLine

AXIS = EnergyAxis(-0.955, 0.01, 4096)


def make_spectrum(peaks_keV=(1.74, 6.40), *, height=1000.0, zero_peak=0.0, axis=AXIS):
    energies = axis.energies_keV
    counts = np.zeros(axis.n_channels)
    for energy in peaks_keV:
        counts += height * np.exp(-(((energies - energy) / 0.06) ** 2))
    counts += zero_peak * np.exp(-((energies / 0.05) ** 2))
    return Spectrum(np.round(counts), axis)


def make_scan(shape, *, step=(0.05, 0.05), units="mm"):
    counts = np.random.default_rng(0).poisson(500, shape)
    coords = {axis: np.arange(n) * s for axis, n, s in zip("yx", shape, step, strict=True)}
    return xr.Dataset({"counts": (("y", "x"), counts)}, coords=coords, attrs={"units": units})


def line_labels(figure):
    return figure.findobj(lambda artist: artist.get_gid() == "line-label")


def overlapping(figure):
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    boxes = [label.get_window_extent(renderer) for label in line_labels(figure)]
    return [pair for pair in itertools.combinations(boxes, 2) if pair[0].overlaps(pair[1])]


def test_lines_are_named_above_their_peaks():
    figure = spectrum_figure(make_spectrum(), elements=["Fe", "Si"], title="")
    axes = figure.axes[0]
    rendered = {label.get_text(): label for label in line_labels(figure)}
    assert {"Fe Kα", "Si Kα"} <= set(rendered)
    for text, energy in {"Fe Kα": 6.40, "Si Kα": 1.74}.items():
        x, y = rendered[text].get_transform().transform(rendered[text].get_position())
        peak_x, peak_y = axes.transData.transform((energy, 1000))
        assert x == pytest.approx(peak_x, abs=15)
        assert peak_y < y < peak_y + 30


ELEMENTS = ["Na", "Mg", "Al", "Si", "P", "S", "Cl", "K", "Ca", "Ti", "Mn", "Fe", "Zn", "Pb", "Rh"]


@settings(deadline=None, max_examples=8)
@given(
    st.lists(st.sampled_from(ELEMENTS), unique=True),
    st.lists(st.floats(0.5, 30), min_size=1, max_size=6),
)
def test_names_of_lines_never_lie_on_each_other_or_outside(elements, peaks):
    figure = spectrum_figure(make_spectrum(peaks), elements=elements, title="")
    assert not overlapping(figure)
    window = figure.axes[0].get_window_extent()
    for label in line_labels(figure):
        extent = label.get_window_extent(FigureCanvasAgg(figure).get_renderer())
        assert extent.y1 <= window.y1 + 3
        assert window.x0 - 3 <= extent.x0
        assert extent.x1 <= window.x1 + 3


def test_six_light_elements_side_by_side_are_all_named():
    energies = {"Na": 1.04, "Mg": 1.25, "Al": 1.49, "Si": 1.74, "P": 2.01, "S": 2.31, "Rh": 20.2}
    spectrum = make_spectrum(energies.values())
    figure = spectrum_figure(spectrum, elements=list(energies), title="")
    named = {label.get_text() for label in line_labels(figure)}
    assert {f"{element} Kα" for element in energies} <= named


def test_lines_that_fall_together_have_one_name():
    figure = blank_figure(8, 4, title="")
    axes = place_axes(figure, left_in=1, top_in=1, width_in=6, height_in=2.5)
    lines = [
        EmissionLine("Si", "Si Kα", 1.74, 2.0),
        EmissionLine("Si", "Si Kβ", 1.84, 1.0),
        EmissionLine("Rb", "Rb Lα", 1.69, 1.0),
    ]
    draw_spectrum(axes, make_spectrum((1.74, 20.0)), lines=lines)
    assert {label.get_text() for label in line_labels(figure)} == {"Si Kα", "Rb Lα"}


def test_names_stay_inside_and_those_without_room_are_left_out():
    figure = blank_figure(8, 4, title="")
    axes = place_axes(figure, left_in=1, top_in=1, width_in=4, height_in=1.5)
    elements = ("Na", "Mg", "Al", "Si", "P", "S", "Cl", "K", "Ca", "Ti", "V", "Cr", "Mn", "Fe")
    crowd = [EmissionLine(symbol, f"{symbol} Kα", 1.74, 1.0) for symbol in elements]
    edge = [EmissionLine("Fe", "Fe Kα far left", 0.31, 1.0), EmissionLine("Ni", "Ni Kα", 20.4, 1.0)]
    draw_spectrum(axes, make_spectrum((1.74, 20.0)), lines=[*edge, *crowd])
    renderer = FigureCanvasAgg(figure).get_renderer()
    window = axes.get_window_extent()
    boxes = {label.get_text(): label.get_window_extent(renderer) for label in line_labels(figure)}
    assert {"Fe Kα far left", "Ni Kα", "Na Kα"} <= set(boxes)
    assert "Fe Kα" not in boxes
    for box in boxes.values():
        assert window.x0 - 2 <= box.x0 < box.x1 <= window.x1 + 2
        assert box.y1 <= window.y1 + 3


def test_the_zero_peak_is_not_drawn():
    spectrum = make_spectrum(height=100.0, zero_peak=1e6)
    figure = spectrum_figure(spectrum, elements=[], title="")
    axes = figure.axes[0]
    (drawn,) = axes.patches
    values, edges, _ = drawn.get_data()
    assert 95 < values.max() <= 100
    assert edges[0] >= 0.3 - AXIS.gain_keV
    assert axes.get_ylim()[1] < 1e4


def test_the_axis_ends_where_the_counts_do():
    figure = spectrum_figure(make_spectrum((1.74, 6.40)), elements=["Rh"], title="")
    assert 6.4 < figure.axes[0].get_xlim()[1] < 8
    assert {label.get_text() for label in line_labels(figure)} <= {"Rh Lα", "Rh Lβ"}


@pytest.mark.parametrize(
    "spectrum",
    [
        make_spectrum(()),
        Spectrum(np.eye(1, 4096, 1500)[0], AXIS),
        Spectrum(np.array([5]), EnergyAxis(0.0, 0.01, 1)),
        Spectrum(np.array([5, 0]), EnergyAxis(3.0, 0.01, 2)),
        Spectrum(np.full(50, 1e-9), EnergyAxis(0.0, 0.1, 50)),
        Spectrum(np.full(50, 10**9, dtype=np.uint64), EnergyAxis(0.0, 0.1, 50)),
    ],
)
@pytest.mark.parametrize("log", [True, False])
def test_bare_spectra_are_drawn(spectrum, log):
    figure = blank_figure(6, 4, title="")
    axes = place_axes(figure, left_in=1, top_in=1, width_in=4, height_in=2.5)
    draw_spectrum(axes, spectrum, lines=[EmissionLine("Ca", "Ca Kα", 3.69, 1.0)], log=log)
    FigureCanvasAgg(figure).draw()
    assert axes.get_ylim()[0] < axes.get_ylim()[1]


def test_an_element_that_is_none_is_named():
    with pytest.raises(InvalidValueError, match="Xx"):
        spectrum_figure(make_spectrum(), elements=["Xx"], title="")


@pytest.mark.parametrize(
    ("shape", "pixel", "step", "units"),
    [
        ((70, 50), (0, 49), (1, 1), "pixel"),
        ((458, 499), (400, 3), (0.03, 0.03), "mm"),
        ((5, 7), (4, 2), (0.1, 0.3), "mm"),
        ((1, 300), (0, 250), (0.1, 0.1), "mm"),
        ((1, 1), (0, 0), (1, 1), "pixel"),
    ],
)
def test_the_marked_pixel_is_red_where_it_lies(shape, pixel, step, units):
    figure = scan_overview_figure(
        make_scan(shape, step=step, units=units),
        make_spectrum(),
        pixel=pixel,
        elements=["Fe"],
        title="",
    )
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = np.asarray(canvas.buffer_rgba())[..., :3].astype(int)
    red = (image[..., 0] > 200) & (image[..., 1:] < 40).all(axis=-1)
    box = figure.axes[0].get_position()
    height, width = red.shape
    # The place in the map follows from the shares of rows and columns alone.
    x = (box.x0 + box.width * (pixel[1] + 0.5) / shape[1]) * width
    y = (1 - box.y1 + box.height * (pixel[0] + 0.5) / shape[0]) * height
    assert red[int(y), int(x)]
    rows, columns = np.nonzero(red)
    if 1 not in shape:
        # At an edge of the map the outline is cut off there.
        assert rows.mean() == pytest.approx(y, abs=2)
        assert columns.mean() == pytest.approx(x, abs=2)
    assert np.ptp(rows) <= box.height * height / shape[0] + 7
    assert np.ptp(columns) <= box.width * width / shape[1] + 7


def test_a_pixel_outside_the_map_is_named():
    for pixel in ((5, 0), (0, 7), (-1, 0)):
        with pytest.raises(InvalidValueError, match="inside the map"):
            scan_overview_figure(
                make_scan((5, 7)), make_spectrum(), pixel=pixel, elements=[], title=""
            )
