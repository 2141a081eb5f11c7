"""Mineral and element maps: what is painted, to which scale, and the smallest maps there are."""

import itertools
import json

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex

from lithoscope.errors import InvalidValueError
from lithoscope.figures.element_maps import element_maps_figure, side_by_side_figure
from lithoscope.figures.map_key import MapKey
from lithoscope.figures.map_panel import MapFrame, round_length
from lithoscope.figures.mineral_map import mineral_map_figure
from lithoscope.figures.palette import OTHER_COLOUR, POOL, UNKNOWN_COLOUR, VOID_COLOUR
from lithoscope.figures.save import figure_bytes

LABELS = ["quartz", "pyrite", "galena/anglesite"]


def make_dataset(classes, *, step=(0.1, 0.1), units="mm", unknown=None, labels=LABELS):
    classes = np.asarray(classes, dtype=np.int16)
    flagged = np.zeros(classes.shape, bool) if unknown is None else np.asarray(unknown, bool)
    dims = ("y", "x")
    return xr.Dataset(
        {
            "mineral": (dims, classes),
            "mineral_smoothed": (dims, classes),
            "unknown": (dims, flagged),
            "counts": (dims, np.full(classes.shape, 1000.0)),
        },
        coords={
            axis: np.arange(n) * s for axis, n, s in zip(dims, classes.shape, step, strict=True)
        },
        attrs={"units": units, "long_names": json.dumps(labels)},
    )


def make_rows(*shares, labels=LABELS):
    return [
        {"mineral": label, "area_percent": share, "area_percent_smoothed": share / 2}
        for label, share in zip(labels, shares, strict=False)
    ]


def rendered(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def colour_at(figure, axes, x, y):
    image = rendered(figure)
    column, row = axes.transData.transform((x, y))
    return to_hex(image[image.shape[0] - 1 - int(row), int(column), :3] / 255)


def texts(figure):
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def scale_bars(figure):
    return figure.findobj(lambda artist: artist.get_gid() == "scale-bar")


@given(st.floats(min_value=1e-6, max_value=1e6))
def test_a_round_length_is_the_longest_of_1_2_5_that_fits(limit):
    length = round_length(limit)
    assert f"{length:.0e}"[0] in "125"
    assert length == pytest.approx(float(f"{length:.0e}"))
    assert length <= limit < 2.5 * length * (1 + 1e-9)


@pytest.mark.parametrize(
    ("step_mm", "columns"), [(0.0004, 2), (0.0004, 499), (0.03, 33), (0.25, 499), (7.0, 2)]
)
def test_the_scale_bar_is_round_and_as_long_as_it_says(step_mm, columns):
    dataset = make_dataset(np.zeros((20, columns)), step=(step_mm, step_mm))
    figure = mineral_map_figure(dataset, make_rows(100.0), title="")
    (bar,) = scale_bars(figure)
    length = float(np.ptp(bar.get_xdata()))
    assert 0.1 * columns * step_mm < length < 0.4 * columns * step_mm
    assert f"{length:.0e}" == f"{length:.3e}".replace(".000", "")
    said = next(text for text in texts(figure) if text.endswith(("mm", "µm")) or "in x" in text)
    number, unit = said.split()[:2]
    assert float(number) * {"mm": 1, "µm": 1e-3}[unit] == pytest.approx(length)
    # Drawn to the scale of the map itself: ends of the bar against edges of the image.
    left, right = bar.get_transform().transform(bar.get_xydata())[:, 0]
    window = figure.axes[0].get_window_extent()
    assert (right - left) / window.width == pytest.approx(length / (columns * step_mm))


def test_each_pixel_has_the_colour_of_what_it_is():
    classes = [[0, 1], [2, -1], [0, -1]]
    unknown = [[0, 0], [0, 0], [1, 1]]
    dataset = make_dataset(classes, unknown=unknown)
    figure = mineral_map_figure(dataset, make_rows(50.0, 30.0, 20.0), title="")
    axes = figure.axes[0]
    painted = [[colour_at(figure, axes, 0.1 * x, 0.1 * y) for x in range(2)] for y in range(3)]
    assert painted == [
        [POOL["pale"], POOL["yellow"]],
        [POOL["slate"], VOID_COLOUR],
        [UNKNOWN_COLOUR, VOID_COLOUR],
    ]


def test_the_smoothed_map_is_drawn_unless_told_otherwise():
    dataset = make_dataset([[0, 0]])
    dataset["mineral_smoothed"] = dataset["mineral"] + 1
    rows = make_rows(60.0, 40.0)
    smoothed = mineral_map_figure(dataset, rows, title="")
    plain = mineral_map_figure(dataset, rows, title="", smoothed=False)
    assert colour_at(smoothed, smoothed.axes[0], 0, 0) == POOL["yellow"]
    assert colour_at(plain, plain.axes[0], 0, 0) == POOL["pale"]
    assert "30.0" in texts(smoothed)
    assert "60.0" in texts(plain)


def test_many_minerals_share_one_entry_and_its_colour():
    labels = [f"mineral {number}" for number in range(20)]
    dataset = make_dataset([range(20)], labels=labels, units="pixel", step=(1, 1))
    rows = make_rows(*np.linspace(9, 1, 20), labels=labels)
    figure = mineral_map_figure(dataset, rows, title="", smoothed=False)
    key = MapKey.of(rows)
    assert len(key.colours) == 11
    assert "other (9 minerals)" in texts(figure)
    assert f"{sum(np.linspace(9, 1, 20)[11:]):.1f}" in texts(figure)
    assert colour_at(figure, figure.axes[0], 19, 0) == OTHER_COLOUR
    assert colour_at(figure, figure.axes[0], 0, 0) == key.colours["mineral 0"]


def test_no_entry_stands_for_one_other_mineral():
    labels = [f"mineral {number}" for number in range(12)]
    assert MapKey.of(make_rows(*range(12), labels=labels)).others == ()


def test_key_names_unknown_and_void_only_where_they_are():
    rows = [*make_rows(90.0), {"mineral": "unknown", "area_percent_smoothed": 10.0}]
    clean = texts(mineral_map_figure(make_dataset([[0, 0]]), rows, title=""))
    mixed = make_dataset([[0, 0, -1]], unknown=[[0, 1, 0]])
    mixed_texts = texts(mineral_map_figure(mixed, rows, title=""))
    assert not {"unknown", "void or too few counts"} & set(clean)
    assert {"unknown", "10.0", "void or too few counts"} <= set(mixed_texts)


def test_pixels_that_are_not_square_are_drawn_in_proportion():
    dataset = make_dataset(np.zeros((10, 10)), step=(0.1, 0.3))
    figure = mineral_map_figure(dataset, make_rows(100.0), title="")
    rendered(figure)
    window = figure.axes[0].get_window_extent()
    assert window.width / window.height == pytest.approx(3)


def test_without_a_pixel_size_there_is_an_axis_instead_of_a_bar():
    dataset = make_dataset(np.zeros((5, 9)), step=(1, 1), units="pixel")
    figure = mineral_map_figure(dataset, make_rows(100.0), title="")
    assert not scale_bars(figure)
    assert figure.axes[0].get_xlabel() == "pixel"
    assert len(figure.axes[0].get_xticks()) > 2


def test_ticks_of_a_pixel_axis_are_whole_pixels():
    for shape in ((1, 1), (2, 1), (5, 9)):
        dataset = make_dataset(np.zeros(shape), step=(1, 1), units="pixel")
        axes = mineral_map_figure(dataset, make_rows(100.0), title="").axes[0]
        for ticks, count in ((axes.get_xticks(), shape[1]), (axes.get_yticks(), shape[0])):
            inside = [tick for tick in ticks if -0.5 <= tick <= count - 0.5]
            assert inside
            assert all(tick == round(tick) for tick in inside)


@pytest.mark.parametrize(
    ("shape", "units", "value"),
    [
        ((1, 1), "mm", 0),
        ((1, 1), "pixel", -1),
        ((1, 300), "mm", -1),
        ((1, 300), "pixel", 0),
        ((300, 1), "mm", 0),
        ((2, 3), "mm", -1),
    ],
)
def test_the_smallest_maps_are_drawn_large_enough_to_see(shape, units, value):
    dataset = make_dataset(np.full(shape, value), units=units, unknown=np.zeros(shape))
    figure = side_by_side_figure(
        dataset, make_rows(100.0), {"Fe Kα": np.zeros(shape), "Ca Kα": np.ones(shape)}, title=""
    )
    assert rendered(figure).any()
    window = figure.axes[0].get_window_extent()
    assert min(window.width, window.height) > 15
    assert max(*figure.get_size_inches()) < 20


def test_a_void_map_without_any_mineral_has_a_key_all_the_same():
    figure = mineral_map_figure(make_dataset(-np.ones((4, 5))), [], title="")
    assert "void or too few counts" in texts(figure)
    assert figure_bytes(figure)


def test_texts_of_panels_do_not_lie_on_each_other():
    rng = np.random.default_rng(0)
    labels = ["quartz", "albite/oligoclase/andesine/labradorite/bytownite", "x" * 60]
    dataset = make_dataset(rng.integers(-1, 3, (30, 9)), labels=labels)
    maps = {name: rng.poisson(1e5, (30, 9)) for name in ("Fe Kα", "Ca Kα", "K Kα", "Mn Kα")}
    figure = side_by_side_figure(dataset, make_rows(60, 30, 10, labels=labels), maps, title="all")
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    boxes = [
        text.get_window_extent(renderer)
        for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))
        if text.get_text() and text.get_visible()
    ]
    assert not [pair for pair in itertools.combinations(boxes, 2) if pair[0].overlaps(pair[1])]


def test_element_maps_have_their_own_scales_from_zero():
    maps = {"Fe Kα": np.array([[5, 900]]), "P Kα": np.array([[0, 7]])}
    figure = element_maps_figure(maps, make_dataset([[0, 0]]), title="")
    ranges = [axes.images[0].get_clim() for axes in figure.axes if axes.images]
    assert ranges == [(0, 900), (0, 7)]


def test_formulas_and_stray_bytes_in_names_are_drawn_as_they_stand():
    name = "a$\\frac{$\udc80\nb"
    dataset = make_dataset([[0, 0]], labels=[name])
    figure = mineral_map_figure(dataset, make_rows(100.0, labels=[name]), title=name)
    assert figure_bytes(figure)
    assert "a$\\frac{$  b" in texts(figure)


def test_faults_in_what_is_drawn_are_named():
    with pytest.raises(InvalidValueError, match="classes 0 to 7"):
        mineral_map_figure(make_dataset([[0, 7]]), [], title="")
    with pytest.raises(InvalidValueError, match="at least one row"):
        MapFrame.of(make_dataset(np.zeros((0, 3))))
    with pytest.raises(InvalidValueError, match="that grow"):
        MapFrame.of(make_dataset(np.zeros((2, 2)), step=(0.1, -0.1)))
    with pytest.raises(InvalidValueError, match="Fe Kα has the shape"):
        element_maps_figure({"Fe Kα": np.zeros((2, 2))}, make_dataset([[0, 0]]), title="")
    with pytest.raises(InvalidValueError, match="no element map"):
        element_maps_figure({}, make_dataset([[0, 0]]), title="")
