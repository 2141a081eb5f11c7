"""Morphology of mineral maps: opening, closing, and removal of small grains.

A map of many classes is no binary picture: what an operation takes from a class must go to another.
Pixels that lose their class take that of the nearest pixel that kept its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lithoscope.core.labels import VOID
from lithoscope.errors import InvalidValueError
from lithoscope.segmentation.regions import regions_from_codes


def opened(
    classes: NDArray[np.int16], *, radius: float, keep: NDArray[np.bool_] | None = None
) -> NDArray[np.int16]:
    """Take from each class what is thinner than a disc: morphological opening, class by class.

    Parameters
    ----------
    classes
        Shape (y, x), `VOID` for no class.
    radius
        Of the disc, in pixels; below 1 nothing changes.
    keep
        Pixels whose class is certain and stays, shape (y, x).
    """
    disc = _disc(radius)
    stays = np.zeros(classes.shape, dtype=bool)
    for own in _masks(classes):
        # Beyond the edge of the map every class goes on.
        padded = np.pad(own, disc.shape[0], mode="edge")
        inside = slice(disc.shape[0], -disc.shape[0])
        stays |= own & ndimage.binary_opening(padded, disc)[inside, inside]
    return _filled(classes, stays if keep is None else stays | keep)


def closed(
    classes: NDArray[np.int16], *, radius: float, keep: NDArray[np.bool_] | None = None
) -> NDArray[np.int16]:
    """Fill in each class what is thinner than a disc: morphological closing.

    Classes close one after the other, the commonest last, so that it wins where two would.

    Parameters
    ----------
    classes, radius, keep
        As for `opened`.
    """
    disc = _disc(radius)
    free = classes != VOID if keep is None else (classes != VOID) & ~keep
    result = classes.copy()
    labels, counts = np.unique(classes[classes != VOID], return_counts=True)
    for label in labels[np.argsort(counts, kind="stable")]:
        padded = np.pad(classes == label, disc.shape[0], mode="edge")
        inside = slice(disc.shape[0], -disc.shape[0])
        result[free & ndimage.binary_closing(padded, disc)[inside, inside]] = label
    return result


def without_small_grains(
    classes: NDArray[np.int16], *, fewest_pixels: int, keep: NDArray[np.bool_] | None = None
) -> NDArray[np.int16]:
    """Give grains of fewer pixels to what lies nearest.

    Parameters
    ----------
    classes
        Shape (y, x), `VOID` for no class.
    fewest_pixels
        Pixels of the smallest grain that stays; those that touch at a corner are connected.
    keep
        Pixels whose class is certain; a grain that holds one stays, shape (y, x).
    """
    if fewest_pixels < 1:
        raise InvalidValueError(f"Grains of {fewest_pixels} pixels.", expected="1 or more")
    regions = regions_from_codes(classes, none=VOID)
    if not len(regions):
        return classes.copy()
    large = regions.pixels >= fewest_pixels
    if keep is not None:
        large[regions.numbers[keep & (classes != VOID)]] = True
    return _filled(classes, large[regions.numbers] & (classes != VOID))


def fewest_pixels_from_diameter(*, diameter_um: float, pixel_um: tuple[float, float]) -> int:
    """Return the fewest pixels that cover the circle of a diameter, ``ceil(pi d^2 / 4 A)``.

    Parameters
    ----------
    diameter_um
        Diameter in µm.
    pixel_um
        Height and width of a pixel in µm.
    """
    if not 0 <= diameter_um < np.inf or min(pixel_um) <= 0:
        raise InvalidValueError(
            f"Grains of {diameter_um:g} µm on pixels of {pixel_um[0]:g} x {pixel_um[1]:g} µm.",
            expected="a diameter of 0 or more, and pixels of some size",
        )
    return max(1, int(np.ceil(np.pi / 4 * diameter_um**2 / (pixel_um[0] * pixel_um[1]) - 1e-9)))


def _masks(classes: NDArray[np.int16]) -> list[NDArray[np.bool_]]:
    return [classes == label for label in np.unique(classes) if label != VOID]


def _disc(radius: float) -> NDArray[np.bool_]:
    if not 0 <= radius < np.inf:
        raise InvalidValueError(f"A disc of radius {radius:g}.", expected="0 pixels or more")
    reach = int(radius)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return np.asarray(y**2 + x**2 <= radius**2)


def _filled(classes: NDArray[np.int16], stays: NDArray[np.bool_]) -> NDArray[np.int16]:
    """Give pixels that lost their class that of the nearest that kept its own; void stays."""
    stays = stays & (classes != VOID)
    if not stays.any():
        return classes.copy()
    y, x = ndimage.distance_transform_edt(~stays, return_distances=False, return_indices=True)
    return np.where(classes == VOID, np.int16(VOID), classes[y, x]).astype(np.int16)
