"""The overview picture in a .bcf's header, and where the map lies in it."""

import base64
from pathlib import Path

import numpy as np
import pytest

from lithoscope.errors import InvalidValueError
from lithoscope.io import read_overview
from lithoscope.io.bruker.overview import LONGEST_SIDE, Overview

REAL = Path("../shared/data/bruker_files/bcf_v2_50x50px.bcf")
RNG = np.random.default_rng(5)
COLOUR = RNG.integers(1, 256, (40, 60, 3)).astype(np.uint8)


def node(image, *, name="Default", inner="", um=(10, 20)):
    planes = "".join(
        f"<Plane{i}><Data>{base64.b64encode(plane.tobytes()).decode()}</Data></Plane{i}>"
        for i, plane in enumerate(np.moveaxis(np.atleast_3d(image), 2, 0))
    )
    return (
        f'<ClassInstance Type="TRTImageData" Name="{name}"><ItemSize>{image.dtype.itemsize}'
        f"</ItemSize><Width>{image.shape[1]}</Width><Height>{image.shape[0]}</Height>"
        f"<PlaneCount>{np.atleast_3d(image).shape[2]}</PlaneCount><XCalibration>{um[0]}"
        f"</XCalibration><YCalibration>{um[1]}</YCalibration>{planes}<ChildClassInstances>{inner}"
        "</ChildClassInstances></ClassInstance>"
    )


def description(text):
    coded = base64.b64encode(text.encode()).decode()
    return (
        '<ClassInstance Type="TRTText" Name="OverviewImageDescription">'
        f"<Text>{coded}</Text></ClassInstance>"
    )


def rectangle(left, top, right, bottom, name="Map"):
    return (
        f'<ClassInstance Type="TRTRectangleOverlayElement" Name="{name}"><TRTOverlayElement><Rect>'
        f"<Left>{left}</Left><Top>{top}</Top><Right>{right}</Right><Bottom>{bottom}</Bottom>"
        "</Rect></TRTOverlayElement></ClassInstance>"
    )


@pytest.fixture
def overview_in(tmp_path, write_bcf):
    def read(parts):
        xml = write_bcf.header_xml(60)
        xml = xml.replace("<SpectrumData0>", parts + "<SpectrumData0>", 1)
        path = write_bcf(tmp_path / "a.bcf", np.ones((2, 3, 60), np.int64), xml=xml)
        return read_overview(path)

    return read


def test_where_the_map_lies_in_a_mosaic_is_told_in_mm(overview_in):
    # 10 µm across and 20 µm down a pixel: columns 20 to 29, rows 10 to 19.
    found = overview_in(node(COLOUR) + description("X=1\r\nMapRectMM=0.2,2E-1,0.1,0.2\r\n"))
    left, top, right, bottom = found.map_box
    # Half of the map's size is kept on each side: 5 pixels.
    assert (left, top) == (5.0, 5.0)
    assert (right - left, bottom - top) == pytest.approx((10.0, 10.0))
    np.testing.assert_array_equal(found.image[5:15, 5:15], COLOUR[10:20, 20:30])


def test_where_the_map_lies_is_told_by_a_rectangle(overview_in):
    grey = RNG.integers(0, 1 << 16, (40, 60)).astype("<u2")
    found = overview_in(node(grey, inner=rectangle(0, 30, 19, 39)))
    # The map touches the left and the lower edge.
    assert found.map_box == (0.0, 5.0, 20.0, 15.0)
    assert found.image.shape == (15, 31, 3)
    # Grey, and the brighter the more.
    assert (np.ptp(found.image, axis=2) == 0).all()
    level = found.image[..., 0].astype(int).ravel()
    assert np.corrcoef(level, grey[25:, :31].ravel())[0, 1] > 0.999


@pytest.mark.parametrize(
    "more",
    [
        "",
        description("MapRectMM=0.2,0.2,0.1"),
        description("MapRectMM=0.2,0.2,-0.1,0.2"),
        description("MapRectMM=0.2,0.2,1E300,1E300"),
        description("MapRectMM=1e,0.2,0.1,0.1"),
        description("MapRectMM=5,5,1,1"),
        description("MapRectMM=-1000,-1000,2000,2000"),
        '<ClassInstance Name="OverviewImageDescription"><Text>ü</Text></ClassInstance>',
    ],
)
def test_a_place_that_cannot_be_is_none(overview_in, more):
    found = overview_in(node(COLOUR) + more)
    assert found.map_box is None
    np.testing.assert_array_equal(found.image, COLOUR)


@pytest.mark.parametrize("inner", [rectangle(9, 9, 3, 12), rectangle(1, 1, 3, 3, "ScaleRect")])
def test_a_rectangle_that_is_no_map_is_none(overview_in, inner):
    assert overview_in(node(COLOUR, inner=inner)).map_box is None


def test_a_file_without_a_picture(overview_in):
    assert overview_in("") is None
    assert overview_in(node(COLOUR).replace("<Width>60", "<Width>61")) is None


def test_a_large_picture_is_made_smaller_by_means(overview_in):
    large = np.zeros((10, 2 * LONGEST_SIDE + 3), np.uint8)
    large[:, ::2] = 90
    large[:, -1] = 255
    found = overview_in(node(large))
    # Means of three by three pixels, one or two of three columns bright; what is left over is cut.
    assert found.image.shape == (3, (2 * LONGEST_SIDE + 3) // 3, 3)
    assert set(np.unique(found.image[:, :-1])) == {30, 60}


@pytest.mark.skipif(not REAL.exists(), reason="needs the real files in shared/")
def test_the_rectangle_in_a_real_file_is_where_its_map_was_taken():
    """An electron microscope's picture; the file holds the map's own picture as well."""
    from lithoscope.errors import ScanError
    from lithoscope.io.bruker.container import SfsContainer
    from lithoscope.io.bruker.header_files import HEADER_DATA
    from lithoscope.io.bruker.images import image_of
    from lithoscope.io.bruker.xml_tree import MAX_BYTES, parse_xml

    found = read_overview(REAL)
    left, top, right, bottom = (int(edge) for edge in found.map_box)
    assert (right - left, bottom - top) == (50, 50)
    with SfsContainer(REAL) as container:
        raw = container.read(HEADER_DATA, limit=MAX_BYTES)
    root = parse_xml(raw, where="", error=ScanError)
    images = root.findall("./ClassInstance/ClassInstance[@Type='TRTImageData']")
    own = image_of(next(image for image in images if not image.get("Name")))
    picture = found.image[..., 0].astype(float)

    def likeness(y, x):
        return np.corrcoef(picture[y : y + 50, x : x + 50].ravel(), own.ravel())[0, 1]

    assert likeness(top, left) > 0.97
    assert likeness(top - 25, left) < likeness(top, left) - 0.02


@pytest.mark.parametrize(
    ("image", "box"),
    [
        (COLOUR[..., :2], None),
        (COLOUR.astype(float), None),
        (COLOUR[:0], None),
        (COLOUR, (5.0, 5.0, 5.0, 9.0)),
        (COLOUR, (0.0, np.nan, 5.0, 9.0)),
    ],
)
def test_what_is_no_picture_is_refused(image, box):
    with pytest.raises(InvalidValueError):
        Overview(image, box)
