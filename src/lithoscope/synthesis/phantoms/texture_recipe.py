"""What the texture of a phantom is made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lithoscope.errors import InvalidValueError

FABRICS = ("massive", "foliated", "ophitic")
FILLS = ("epoxy", "void")


@dataclass(frozen=True)
class TextureRecipe:
    """A rock's texture.

    Parameters
    ----------
    grain_um
        Median diameter of a main grain in µm: of a circle of its area. Each mineral's own is some
        factor of it (`lithoscope.synthesis.phantoms.habits`).
    grain_spread
        Standard deviation of the logarithm of the diameters of one mineral.
    fabric
        ``massive``: grains lie in any direction. ``foliated``: long grains lie along one
        direction, and minerals are gathered in bands. ``ophitic``: plagioclase in laths between
        larger pyroxenes.
    banding
        How strongly a foliated rock is banded: dark minerals are ``exp(2 banding)`` times as
        frequent in the darkest as in the lightest bands.
    lobate
        Waviness of grain boundaries as a share of the grain's diameter; 0 keeps them straight.
    zoned
        Whether solid solutions (feldspar, garnet, pyroxene and others) vary from core to rim.
    graphic_share
        Share of potassium feldspar that is intergrown with cuneiform quartz.
    myrmekite_share
        Share of plagioclase whose rim holds vermicular quartz.
    vein
        Mineral of a vein across the rock; ``None`` for no vein.
    vein_um
        Width of the vein in µm.
    cracks
        Number of cracks.
    crack_um
        Width of a crack at its middle in µm; it thins towards its ends.
    edge_share
        Share of the map that lies beyond the edge of the sample.
    fill
        What is in cracks and beyond the edge: ``epoxy`` or ``void``, which sends out nothing.
    """

    grain_um: float = 500.0
    grain_spread: float = 0.4
    fabric: str = "massive"
    banding: float = 1.5
    lobate: float = 0.05
    zoned: bool = True
    graphic_share: float = 0.0
    myrmekite_share: float = 0.0
    vein: str | None = None
    vein_um: float = 300.0
    cracks: int = 2
    crack_um: float = 20.0
    edge_share: float = 0.02
    fill: str = "epoxy"

    def __post_init__(self) -> None:
        for name in ("grain_um", "vein_um", "crack_um"):
            value = getattr(self, name)
            _require(0 < value < np.inf, name, value, "a positive number of µm")
        _require(0 <= self.grain_spread <= 1, "grain_spread", self.grain_spread, "0 to 1")
        _require(0 <= self.lobate <= 0.5, "lobate", self.lobate, "0 to 0.5")
        _require(0 <= self.banding <= 5, "banding", self.banding, "0 to 5")
        _require(self.fabric in FABRICS, "fabric", self.fabric, f"one of {', '.join(FABRICS)}")
        _require(self.fill in FILLS, "fill", self.fill, f"one of {', '.join(FILLS)}")
        for name in ("graphic_share", "myrmekite_share"):
            _require(0 <= getattr(self, name) <= 1, name, getattr(self, name), "0 to 1")
        _require(0 <= self.edge_share <= 0.5, "edge_share", self.edge_share, "0 to 0.5")
        _require(0 <= self.cracks <= 100, "cracks", self.cracks, "0 to 100")


def _require(holds: bool, name: str, value: object, expected: str) -> None:
    if not holds:
        raise InvalidValueError(f"{name} of a texture is {value}.", expected=expected)
