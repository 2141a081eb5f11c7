"""How much of each mineral a map holds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.labels import VOID, LabelSet
from lithoscope.errors import InvalidValueError

if TYPE_CHECKING:
    from lithoscope.segmentation.corrected import CorrectedShare

UNKNOWN_ROW, VOID_ROW = "unknown", "void"
_RESAMPLES = 1000
# Blocks along the longer side of the map; fewer would leave too little to resample, and smaller
# blocks would treat the pixels of one grain as independent.
_BLOCKS = 8


@dataclass(frozen=True)
class MineralShare:
    """One row of ``minerals.csv``.

    Parameters
    ----------
    mineral
        Label of the group, ``unknown`` or ``void``.
    members
        Minerals of the group; empty for unknown and void.
    pixels
        Number of pixels.
    area_percent, area_percent_low, area_percent_high
        Percent of all non-void pixels with its 95 % interval; ``None`` for void.
    area_percent_smoothed
        The same after smoothing; ``None`` for void.
    weight_percent
        Percent by weight of the identified pixels; ``None`` for unknown and void.
    corrected
        The same corrected for known confusions, with intervals; ``None`` for unknown, void, and
        what confusions explain altogether.
    """

    mineral: str
    members: tuple[str, ...]
    pixels: int
    area_percent: float | None
    area_percent_low: float | None
    area_percent_high: float | None
    area_percent_smoothed: float | None
    weight_percent: float | None
    corrected: CorrectedShare | None = None


def shares_from_map(
    *,
    classes: NDArray[np.int16],
    smoothed: NDArray[np.int16],
    unknown: NDArray[np.bool_],
    labels: LabelSet,
    densities_g_cm3: Mapping[str, float],
    corrected: Mapping[str, CorrectedShare] | None = None,
    seed: int = 0,
) -> tuple[MineralShare, ...]:
    """Count a mineral map, most abundant group first, then unknown and void.

    Intervals are percentiles of a block bootstrap (1 000 resamples of blocks of an eighth of the
    map's longer side): they say how far another part of the same rock might differ, and hold
    nothing of misclassification.

    Parameters
    ----------
    classes, smoothed
        Class of each pixel before and after smoothing, shape (y, x).
    unknown
        Unknown pixels, which count only as unknown, shape (y, x).
    labels
        The classes.
    densities_g_cm3
        Density of each mineral; a group weighs the mean of its members.
    corrected
        Corrected share of each label that was found.
    seed
        Seed of the bootstrap.
    """
    found = corrected or {}
    if not classes.shape == smoothed.shape == unknown.shape or classes.ndim != 2:
        raise InvalidValueError(
            f"Maps of shapes {classes.shape}, {smoothed.shape} and {unknown.shape}.",
            expected="three maps of one shape (y, x)",
        )
    last = len(labels)
    void = classes == VOID
    codes = np.where(unknown & ~void, last, classes)
    cleaned = np.where(unknown & ~void, last, smoothed)
    tally = _tally(codes, cleaned, last + 1, seed)
    density = [np.mean([densities_g_cm3[name] for name in group.members]) for group in labels]
    weights = tally.pixels[:last] * np.array(density)
    identified = max(weights.sum(), 1e-9)
    rows = [
        dataclasses.replace(
            tally.row(index, group.label, group.members, float(100 * weights[index] / identified)),
            corrected=found.get(group.label),
        )
        for index, group in enumerate(labels)
        if tally.pixels[index] or tally.smoothed[index] or group.label in found
    ]
    rows.sort(key=lambda row: (-row.pixels, row.mineral))
    void_row = MineralShare(VOID_ROW, (), int(void.sum()), None, None, None, None, None)
    return (*rows, tally.row(last, UNKNOWN_ROW, (), None), void_row)


@dataclass(frozen=True, eq=False)
class _Tally:
    """Pixels of each code before and after smoothing, and the interval of their percentage."""

    pixels: NDArray[np.int64]
    smoothed: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def row(
        self, code: int, label: str, members: tuple[str, ...], weight_percent: float | None
    ) -> MineralShare:
        share = 100 / max(int(self.pixels.sum()), 1)
        return MineralShare(
            mineral=label,
            members=members,
            pixels=int(self.pixels[code]),
            area_percent=float(self.pixels[code] * share),
            area_percent_low=float(self.low[code]),
            area_percent_high=float(self.high[code]),
            area_percent_smoothed=float(self.smoothed[code] * share),
            weight_percent=weight_percent,
        )


def _tally(codes: NDArray[np.int16], cleaned: NDArray[np.int16], n_codes: int, seed: int) -> _Tally:
    low, high = _bootstrap_interval(codes, n_codes, seed)
    seen = codes != VOID
    pixels, smoothed = (
        np.bincount(layer[seen].ravel(), minlength=n_codes) for layer in (codes, cleaned)
    )
    return _Tally(pixels, smoothed, low, high)


def _bootstrap_interval(
    codes: NDArray[np.int16], n_codes: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % interval of each code's percentage, by resampling square blocks of pixels."""
    blocks = block_numbers(codes.shape)
    n_blocks = int(blocks.max()) + 1
    seen = codes != VOID
    table = np.zeros((n_blocks, n_codes))
    np.add.at(table, (blocks[seen], codes[seen]), 1)
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), size=_RESAMPLES)
    counts = draws @ table
    percents = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    low, high = np.percentile(percents, [2.5, 97.5], axis=0)
    return low, high


def block_numbers(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Number square blocks of an eighth of a map's longer side, shape (y, x)."""
    side = max(1, -(-max(shape) // _BLOCKS))
    rows, columns = (np.arange(length) // side for length in shape)
    return np.asarray(rows[:, None] * (columns[-1] + 1) + columns[None, :])
