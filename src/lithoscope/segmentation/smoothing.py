"""Which smoothing a map gets, and how large what it removes may be."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.labels import VOID
from lithoscope.errors import InvalidValueError
from lithoscope.inference.posteriors import Posteriors
from lithoscope.inference.priors import ScanPriors
from lithoscope.segmentation.morphology import (
    closed,
    fewest_pixels_from_diameter,
    opened,
    without_small_grains,
)
from lithoscope.segmentation.potts import potts_smoothed
from lithoscope.segmentation.smooth import majority_filter

METHODS = ("potts", "unet", "majority", "opening", "closing", "none")
# All but Potts and the network, which weigh spectra themselves, leave pixels of this confidence
# alone, so that small grains stand where their spectra are clear.
CERTAIN = 0.9
_SIZE = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(px|um|µm|μm)\s*")


@dataclass(frozen=True)
class Size:
    """A length on the sample.

    Parameters
    ----------
    value
        How long, 0 or more.
    unit
        ``um`` or ``px``.
    """

    value: float
    unit: str

    def __post_init__(self) -> None:
        if not 0 <= self.value < np.inf or self.unit not in ("um", "px"):
            raise InvalidValueError(
                f"A size of {self.value:g} {self.unit}.", expected="0 or more, in um or px"
            )

    def __str__(self) -> str:
        return f"{self.value:g}{self.unit}"

    def in_um(self, pixel_um: tuple[float, float]) -> float:
        """Return it in µm, for pixels of a height and width; that of a square of their area."""
        side = float((pixel_um[0] * pixel_um[1]) ** 0.5)
        return self.value if self.unit == "um" else self.value * side


def size_from_text(text: str) -> Size:
    """Read a size such as ``60um`` or ``2px``.

    Raises
    ------
    InvalidValueError
        If it is none.
    """
    found = _SIZE.fullmatch(text)
    if not found:
        raise InvalidValueError(f"'{text}' is no size.", expected="such as 60um or 2px")
    return Size(float(found[1]), "px" if found[2] == "px" else "um")


@dataclass(frozen=True)
class Smoothing:
    """How a map is smoothed.

    Parameters
    ----------
    method
        One of `METHODS`.
    radius
        Of the disc of opening and closing.
    smallest_grain
        Diameter, of a circle of its area, of the smallest grain that stays; certain ones stay in
        any case.
    """

    method: str = "potts"
    radius: Size = Size(1.0, "px")
    smallest_grain: Size = Size(0.0, "px")

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InvalidValueError(
                f"There is no smoothing '{self.method}'.", expected="one of " + ", ".join(METHODS)
            )

    def check_sizes(self, pixel_um: tuple[float, float] | None) -> None:
        """Refuse sizes in µm where the height and width of a pixel are unknown.

        Raises
        ------
        InvalidValueError
            If they are, and a size is in µm.
        """
        if pixel_um is None and "um" in (self.radius.unit, self.smallest_grain.unit):
            raise InvalidValueError(
                f"Smoothing by {self.radius} and grains of {self.smallest_grain} on a scan "
                "without size of a pixel.",
                expected="sizes in pixels, such as 2px",
            )

    def as_data(self) -> dict[str, str]:
        """Return it as plain values, for the record."""
        return {
            "method": self.method,
            "radius": str(self.radius),
            "smallest_grain": str(self.smallest_grain),
        }


DEFAULT_SMOOTHING = Smoothing()


@dataclass(frozen=True, eq=False)
class Classified:
    """What smoothing starts from, shape (y, x).

    Parameters
    ----------
    classes, confidence
        Best class under the scan's priors, `VOID` for none, and its probability.
    unknown
        Pixels that count as unknown.
    posteriors, priors
        By which that was found.
    """

    classes: NDArray[np.int16]
    confidence: NDArray[np.float32]
    unknown: NDArray[np.bool_]
    posteriors: Posteriors
    priors: ScanPriors


def smoothed_classes(
    given: Classified, smoothing: Smoothing, *, pixel_um: tuple[float, float] | None
) -> NDArray[np.int16]:
    """Smooth a map.

    Parameters
    ----------
    given
        The map.
    smoothing
        How.
    pixel_um
        Height and width of a pixel in µm; where it is unknown, sizes in µm are refused.

    Raises
    ------
    InvalidValueError
        If a size is in µm and that of a pixel is unknown.
    """
    smoothing.check_sizes(pixel_um)
    pixel = pixel_um or (1.0, 1.0)
    radius = smoothing.radius.in_um(pixel) / Size(1.0, "px").in_um(pixel)
    keep = (given.confidence >= CERTAIN) & ~given.unknown
    smoothed = _by_method(given, smoothing.method, radius, keep)
    fewest = fewest_pixels_from_diameter(
        diameter_um=smoothing.smallest_grain.in_um(pixel), pixel_um=pixel
    )
    if fewest > 1:
        smoothed = without_small_grains(smoothed, fewest_pixels=fewest, keep=keep)
    return smoothed


def _by_method(
    given: Classified, method: str, radius: float, keep: NDArray[np.bool_]
) -> NDArray[np.int16]:
    if method == "potts":
        void = given.classes == VOID
        return potts_smoothed(given.posteriors, given.priors, void=void, silent=given.unknown)
    if method == "unet":
        from lithoscope.segmentation.spatial import network_smoothed, shipped_network

        void = given.classes == VOID
        return network_smoothed(
            given.posteriors, given.priors, shipped_network(), void=void, silent=given.unknown
        )
    if method == "majority":
        return majority_filter(given.classes, ignore=given.unknown, keep=keep)
    if method == "opening":
        return opened(given.classes, radius=radius, keep=keep)
    if method == "closing":
        return closed(given.classes, radius=radius, keep=keep)
    return given.classes.copy()
