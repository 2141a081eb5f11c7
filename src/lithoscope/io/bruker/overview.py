"""The optical overview (mosaic) in Bruker's header, and where in it the map lies."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import InvalidValueError
from lithoscope.io.bruker.images import image_of, overview_nodes
from lithoscope.io.bruker.xml_tree import number_of, text_of

# Of a larger picture so many pixels are kept along the longer side.
LONGEST_SIDE = 2048
# Of the picture so much is kept around the map, as a share of the map's own size.
_AROUND = 0.5
# Grey levels of 16 bits are spread between these percentiles.
_DARK_BRIGHT = (0.2, 99.8)
_GREY_SAMPLE = 1 << 18
_DESCRIPTION = ".//ClassInstance[@Name='OverviewImageDescription']"
_LONGEST_DESCRIPTION = 1 << 16
_NUMBER = rb"([-+0-9.Ee]{1,30})"
_MAP_RECT_MM = re.compile(rb"MapRectMM=" + rb",".join([_NUMBER] * 4))
_RECTANGLE = ".//ClassInstance[@Type='TRTRectangleOverlayElement']"
_MAP_NAMES = ("Map", "MapRect")

Box = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Overview:
    """A picture of the sample that was taken before the map.

    Parameters
    ----------
    image
        Red, green and blue, shape (y, x, 3), type uint8.
    map_box
        Left, top, right and bottom edge of the map in pixels of `image`, from its upper left
        corner; ``None`` where the file does not say. It may reach out of the picture.

    Raises
    ------
    InvalidValueError
        If that is no picture, or the box has no area.
    """

    image: NDArray[np.uint8]
    map_box: Box | None = None

    def __post_init__(self) -> None:
        image = self.image
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise InvalidValueError(
                f"A picture of shape {image.shape} and type {image.dtype}.",
                expected="shape (y, x, 3), type uint8",
            )
        if self.map_box is not None and not _is_box(self.map_box):
            raise InvalidValueError(
                f"A map at {self.map_box} of a picture.",
                expected="left, top, right and bottom, right of left and below top",
            )


def overview_of(root: ET.Element) -> Overview | None:
    """Return the overview of a header; ``None`` where there is none, or a broken one.

    A picture of one plane is grey; of three planes or colours it is red, green and blue. Only the
    map and half of its size on each side are kept where the file says where the map lies, and no
    more than 2048 pixels along the longer side.

    Notes
    -----
    Where the map lies stands in one of two places: in an M4 Tornado's ``OverviewImageDescription``
    as ``MapRectMM=left,top,width,height`` in mm (as public scripts that read such files show; none
    was at hand), and in an electron microscope's overlay of the picture as a rectangle named
    ``Map`` in pixels, both ends inside (seen in a real file, whose map agrees with it).
    """
    for node in overview_nodes(root):
        values = image_of(node)
        if values is None:
            continue
        planes = values[:, :, None] if values.ndim == 2 else values
        planes = planes[:, :, :3] if planes.shape[2] >= 3 else planes[:, :, :1]
        box = _map_box(root, node, (values.shape[0], values.shape[1]))
        return _prepared(planes, box)
    return None


def _prepared(planes: NDArray[Any], box: Box | None) -> Overview:
    """Cut out the surroundings of the map, make the picture smaller, and its values bytes."""
    height, width = planes.shape[:2]
    to_bytes = _grey_levels(planes)
    left, top, right, bottom = 0, 0, width, height
    if box is not None:
        across, down = _AROUND * (box[2] - box[0]), _AROUND * (box[3] - box[1])
        left, right = max(int(box[0] - across), 0), min(int(box[2] + across) + 1, width)
        top, bottom = max(int(box[1] - down), 0), min(int(box[3] + down) + 1, height)
    cut = planes[top:bottom, left:right]
    step = -(-max(cut.shape[:2]) // LONGEST_SIDE)
    image = to_bytes(_smaller(cut, step))
    if image.shape[2] == 1:
        image = np.repeat(image, 3, axis=2)
    if box is None:
        return Overview(image)
    moved = (box[0] - left, box[1] - top, box[2] - left, box[3] - top)
    return Overview(image, (moved[0] / step, moved[1] / step, moved[2] / step, moved[3] / step))


def _smaller(planes: NDArray[Any], step: int) -> NDArray[Any]:
    """Means of ``step x step`` pixels, of type float32; what is left over at the ends is cut."""
    if step == 1:
        return planes
    height, width, count = planes.shape
    rows, columns = max(height // step, 1), max(width // step, 1)
    tall, wide = min(step, height), min(step, width)
    total = np.zeros((rows, columns, count), dtype=np.float32)
    for y in range(tall):
        for x in range(wide):
            total += planes[y : rows * step : step, x : columns * step : step][:rows, :columns]
    return total / (tall * wide)


def _grey_levels(planes: NDArray[Any]) -> Callable[[NDArray[Any]], NDArray[np.uint8]]:
    """Return what makes bytes of a picture's values: bytes stay as they are."""
    if planes.dtype == np.uint8:
        return lambda values: np.rint(values).astype(np.uint8)
    sample = planes.reshape(-1)[:: max(planes.size // _GREY_SAMPLE, 1)]
    dark, bright = np.percentile(sample, _DARK_BRIGHT)
    span = max(float(bright - dark), 1.0)

    def spread(values: NDArray[Any]) -> NDArray[np.uint8]:
        shares = (values.astype(np.float32) - dark) / span
        return np.rint(255 * np.clip(shares, 0, 1)).astype(np.uint8)

    return spread


def _map_box(root: ET.Element, image: ET.Element, shape: tuple[int, int]) -> Box | None:
    """Where the map lies in a picture, in its pixels, if it overlaps the picture at all."""
    for box in (_box_in_mm(root, image), _box_in_pixels(image)):
        if box is None or not _is_box(box):
            continue
        inside = box[0] < shape[1] and box[1] < shape[0] and box[2] > 0 and box[3] > 0
        # A map far larger than the picture would be laid over next to nothing of it.
        if inside and box[2] - box[0] <= 2 * shape[1] and box[3] - box[1] <= 2 * shape[0]:
            return box
    return None


def _box_in_mm(root: ET.Element, image: ET.Element) -> Box | None:
    step_x, step_y = number_of(image, "XCalibration"), number_of(image, "YCalibration")
    if step_x is None or step_y is None or step_x <= 0 or step_y <= 0:
        return None
    text = text_of(root.find(_DESCRIPTION), "Text")[:_LONGEST_DESCRIPTION]
    try:
        found = _MAP_RECT_MM.search(base64.b64decode(text))
        left, top, width, height = (1000 * float(one) for one in (found.groups() if found else ()))
    except ValueError:
        return None
    return left / step_x, top / step_y, (left + width) / step_x, (top + height) / step_y


def _box_in_pixels(image: ET.Element) -> Box | None:
    for node in image.findall(_RECTANGLE):
        if node.get("Name") in _MAP_NAMES:
            rect = next(node.iter("Rect"), None)
            ends = [number_of(rect, tag) for tag in ("Left", "Top", "Right", "Bottom")]
            known = [end for end in ends if end is not None]
            if len(known) == 4:
                return known[0], known[1], known[2] + 1, known[3] + 1
    return None


def _is_box(box: Box) -> bool:
    return bool(np.isfinite(box).all()) and box[2] > box[0] and box[3] > box[1]
