"""What a phantom is made from: a rock, its texture, the scan, and a seed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lithoscope.errors import InvalidValueError
from lithoscope.minerals.rocks import Rock
from lithoscope.synthesis.phantoms.texture_recipe import TextureRecipe

_MOST_COUNTS = 1e6


@dataclass(frozen=True)
class ScanRecipe:
    """How a phantom is measured.

    Parameters
    ----------
    shape
        Rows and columns (y, x).
    step_um
        Distance of pixels in µm, the same along both axes.
    spot_um
        Full width at half maximum of the beam's spot in µm, a Gaussian.
    counts
        Mean counts of a pixel of the rock, all detectors together. Live time is the same in all
        pixels, so that minerals differ in counts as their simulated intensities do.
    detectors
        Number of detectors that are recorded apart, 1 or 2. The instrument's own are summed
        where 1 is recorded.
    bragg
        Whether grains show their Bragg peaks.
    offset_drift_eV
        Largest shift of the energy offset along the scan, either way.
    gain_drift_eV
        Largest shift that the drift of the gain brings at 10 keV, either way.
    tilt
        Standard deviation of the relative difference that topography makes between a detector
        and the mean of both. It cancels in their sum.
    """

    shape: tuple[int, int] = (128, 128)
    step_um: float = 20.0
    spot_um: float = 20.0
    counts: float = 2000.0
    detectors: int = 1
    bragg: bool = True
    offset_drift_eV: float = 2.0
    gain_drift_eV: float = 3.0
    tilt: float = 0.05

    def __post_init__(self) -> None:
        _require(
            len(self.shape) == 2 and min(self.shape) >= 1,
            "shape",
            self.shape,
            "at least one row and one column, such as 128x128",
        )
        for name in ("step_um", "spot_um"):
            value = getattr(self, name)
            _require(0 < value < np.inf, name, value, "a positive number of µm")
        _require(0 < self.counts <= _MOST_COUNTS, "counts", self.counts, f"0 to {_MOST_COUNTS:g}")
        _require(self.detectors in (1, 2), "detectors", self.detectors, "1 or 2")
        for name in ("offset_drift_eV", "gain_drift_eV"):
            _require(0 <= getattr(self, name) <= 200, name, getattr(self, name), "0 to 200 eV")
        _require(0 <= self.tilt <= 0.3, "tilt", self.tilt, "0 to 0.3")

    @property
    def extent_um(self) -> tuple[float, float]:
        """Height and width of the map in µm."""
        return self.shape[0] * self.step_um, self.shape[1] * self.step_um


@dataclass(frozen=True)
class PhantomRecipe:
    """A phantom: the same recipe and instrument give the same counts.

    Parameters
    ----------
    rock
        The rock; its shares are drawn within their ranges.
    texture
        Its texture; `texture_of_rock` gives that of a kind of rock.
    scan
        How it is measured.
    seed
        Seed of all that is drawn.
    """

    rock: Rock
    texture: TextureRecipe = field(default_factory=TextureRecipe)
    scan: ScanRecipe = field(default_factory=ScanRecipe)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise InvalidValueError(f"The seed {self.seed}.", expected="0 or more")


def _require(holds: bool, name: str, value: object, expected: str) -> None:
    if not holds:
        raise InvalidValueError(f"{name} of a scan is {value}.", expected=expected)
