"""Images in Bruker's header: planes of numbers in base64, such as a map's pixel times."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.io.bruker.xml_tree import number_of, text_of

_IMAGE = "ClassInstance[@Type='TRTImageData']"
_OVERVIEW = f".//ClassInstance[@Name='OverviewImages']/ChildClassInstances/{_IMAGE}"
_MOSAIC = "mosaic"
# So an M4 Tornado's mosaic is called in what public scripts read.
_DEFAULT = f".//{_IMAGE}[@Name='Default']"
_TYPES = {1: "<u1", 2: "<u2", 4: "<u4"}
_COLOURS = 3
_MAX_PLANES = 16
_MAX_SIDE = 1 << 16


def map_shape(database: ET.Element | None) -> tuple[int, int] | None:
    """Return rows and columns of the map, as its image without a name has them."""
    for node in () if database is None else database.findall(f"./{_IMAGE}"):
        if not node.get("Name"):
            return _shape(node)
    return None


def pixel_times_s(database: ET.Element | None) -> NDArray[np.float64] | None:
    """Return the time spent on each pixel in s, shape (y, x), where there are any."""
    node = None if database is None else database.find(f"./{_IMAGE}[@Name='PixelTimes']")
    times = None if node is None else image_of(node)
    # Many files hold nothing but zeros, whatever the times were. What others hold are whole µs.
    if times is None or times.ndim != 2 or not times.any():
        return None
    return times.astype(np.float64) * 1e-6


def mosaic_of(root: ET.Element) -> NDArray[Any] | None:
    """Return the optical overview that was taken before the map, as `image_of` does."""
    for node in overview_nodes(root):
        image = image_of(node)
        if image is not None:
            return image
    return None


def overview_nodes(root: ET.Element) -> list[ET.Element]:
    """Return the images of a header that may be the overview, the likeliest first."""
    named = [n for n in root.iter("ClassInstance") if _MOSAIC in n.get("Name", "").lower()]
    return [*named, *root.findall(_DEFAULT), *root.findall(_OVERVIEW)]


def image_of(node: ET.Element) -> NDArray[Any] | None:
    """Return the numbers of an image as they are stored.

    Returns
    -------
    ndarray or None
        Shape (y, x), with a last axis where there are several planes or colours (these in the
        order in which they are stored); ``None`` where there is no image, or a broken one.
    """
    shape, size = _shape(node), number_of(node, "ItemSize")
    n_planes = number_of(node, "PlaneCount") or 0
    if shape is None or size not in (*_TYPES, _COLOURS) or not 1 <= n_planes <= _MAX_PLANES:
        return None
    planes = [_plane(node.find(f"Plane{i}"), shape, int(size)) for i in range(int(n_planes))]
    held = [plane for plane in planes if plane is not None]
    if not held:
        return None
    return held[0] if len(held) == 1 else np.stack(held, axis=2)


def _shape(node: ET.Element) -> tuple[int, int] | None:
    height, width = number_of(node, "Height"), number_of(node, "Width")
    if height is None or width is None:
        return None
    if not (1 <= height <= _MAX_SIDE and 1 <= width <= _MAX_SIDE):
        return None
    return int(height), int(width)


def _plane(node: ET.Element | None, shape: tuple[int, int], size: int) -> NDArray[Any] | None:
    """Return a plane; ``None`` if it is empty or has another size than it should."""
    try:
        raw = base64.b64decode(text_of(node, "Data"))
    except ValueError:
        return None
    values = np.frombuffer(raw, dtype=np.uint8)
    if values.size != shape[0] * shape[1] * size or not values.any():
        return None
    if size == _COLOURS:
        return values.reshape(*shape, _COLOURS)
    return values.view(_TYPES[size]).reshape(shape)
