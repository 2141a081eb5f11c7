"""The truth of a phantom as a data set."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from lithoscope.synthesis.phantoms.spot import MOST_MINERALS, PixelParts

if TYPE_CHECKING:
    from lithoscope.synthesis.phantoms.phantom import Phantom


def truth_of_phantom(phantom: Phantom) -> xr.Dataset:
    """Gather what is known of each pixel and each grain.

    Returns
    -------
    Dataset
        On (y, x) in mm: `mineral`, the dominant one (-1 is void), with CF ``flag_values`` and
        ``flag_meanings``; `grain`, the dominant one; `void`, the share of nothing. On
        (y, x, part): `part_mineral` (-1 where there is no further part) and `abundance`, the
        largest first, which sum to one less `void`. On (grain): `grain_mineral`, `orientation`
        (a quaternion x, y, z, w from the crystal's frame to the instrument's; NaN where it is no
        crystal), `core` and `rim`, which are rows of `composition` (mass fractions). On (y): the
        drift's `offset_shift_eV` and relative `gain_change`. Attributes: rock, recipe and shares
        as JSON, spot, step, seed, instrument, live time.
    """
    height, width = phantom.shape
    minerals, abundances, void = _by_mineral(phantom)
    grains = _dominant_grains(phantom.parts).reshape(height, width)
    dominant = np.where(void > abundances[:, 0], -1, minerals[:, 0])
    step_mm = phantom.recipe.scan.step_um * 1e-3
    chemistry, crystals = phantom.chemistry, phantom.crystals
    orientation = np.full((len(phantom.texture.names), 4), np.nan)
    known = crystals.of_grains >= 0
    orientation[known] = crystals.quaternions[crystals.of_grains[known]]
    flags = {
        "flag_values": np.arange(-1, len(phantom.mineral_names), dtype=np.int16),
        "flag_meanings": " ".join(
            name.replace(" ", "_") for name in ("void", *phantom.mineral_names)
        ),
    }
    map_dims, part_dims = ("y", "x"), ("y", "x", "part")
    return xr.Dataset(
        {
            "mineral": (map_dims, dominant.reshape(height, width).astype(np.int16), flags),
            "part_mineral": (part_dims, minerals.reshape(height, width, -1), flags),
            "abundance": (part_dims, abundances.reshape(height, width, -1)),
            "void": (map_dims, void.reshape(height, width).astype(np.float32)),
            "grain": (map_dims, grains),
            "grain_mineral": ("grain_number", phantom.minerals_of_grains.astype(np.int16), flags),
            "orientation": (("grain_number", "quaternion"), orientation),
            "core": ("grain_number", chemistry.first.astype(np.int32)),
            "rim": ("grain_number", chemistry.rims.astype(np.int32)),
            "composition": (("composition_row", "element"), chemistry.mass_fractions),
            "offset_shift_eV": ("y", phantom.drift.offsets_keV * 1e3),
            "gain_change": ("y", phantom.drift.gains),
        },
        coords={
            "y": ("y", np.arange(height) * step_mm, {"units": "mm"}),
            "x": ("x", np.arange(width) * step_mm, {"units": "mm"}),
            "element": np.array(chemistry.symbols),
            "quaternion": np.array(["x", "y", "z", "w"]),
        },
        attrs=_attributes(phantom),
    )


def _attributes(phantom: Phantom) -> dict[str, Any]:
    recipe = phantom.recipe
    return {
        "title": f"{phantom.title} (synthetic)",
        "rock": recipe.rock.name,
        "recipe": json.dumps(dataclasses.asdict(recipe)),
        "shares": json.dumps(phantom.shares),
        "long_names": json.dumps(phantom.mineral_names),
        "step_um": recipe.scan.step_um,
        "spot_um": recipe.scan.spot_um,
        "seed": recipe.seed,
        "instrument": phantom.machine.name,
        "live_time_s": phantom.live_time_s,
    }


def _by_mineral(
    phantom: Phantom,
) -> tuple[NDArray[np.int16], NDArray[np.float32], NDArray[np.float64]]:
    """Minerals and abundances of each pixel, the largest first, and the share of void."""
    parts = phantom.parts
    count, pixels = parts.starts.size - 1, parts.pixels
    # Void comes first, so that its number -1 is a place like others.
    n_minerals = len(phantom.mineral_names) + 1
    keys = pixels * n_minerals + phantom.minerals_of_grains[parts.grains] + 1
    found, which = np.unique(keys, return_inverse=True)
    shares = np.bincount(which.ravel(), parts.shares)
    pixel, mineral = found // n_minerals, found % n_minerals - 1
    void = np.bincount(pixel[mineral < 0], shares[mineral < 0], count).astype(np.float64)
    pixel, mineral, shares = (values[mineral >= 0] for values in (pixel, mineral, shares))
    order = np.lexsort((-shares, pixel))
    pixel, mineral, shares = pixel[order], mineral[order], shares[order]
    numbers = np.bincount(pixel, minlength=count)
    rank = np.arange(pixel.size) - np.repeat(np.cumsum(numbers) - numbers, numbers)
    minerals = np.full((count, MOST_MINERALS), -1, dtype=np.int16)
    abundances = np.zeros((count, MOST_MINERALS), dtype=np.float32)
    minerals[pixel, rank], abundances[pixel, rank] = mineral, shares
    return minerals, abundances, void


def _dominant_grains(parts: PixelParts) -> NDArray[np.int32]:
    """Grain with the largest share of each pixel, its zones together."""
    pixels = parts.pixels
    most = int(parts.grains.max()) + 1
    found, which = np.unique(pixels * most + parts.grains, return_inverse=True)
    shares = np.bincount(which.ravel(), parts.shares)
    order = np.lexsort((shares, found // most))
    last = np.cumsum(np.bincount(found // most, minlength=parts.starts.size - 1)) - 1
    return (found[order][last] % most).astype(np.int32)
