"""Whether the intervals of corrected shares hold the truth, on minimal phantoms."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.map_phantoms import pool as pools
from benchmarks.map_phantoms.minimal import MinimalPhantom, minimal_phantom
from benchmarks.map_phantoms.pool import Pool, stored_pool
from numpy.typing import NDArray

from lithoscope.core.labels import LabelSet
from lithoscope.inference.priors import estimate_priors
from lithoscope.models.checkpoint import Checkpoint
from lithoscope.segmentation.corrected import HALF_A_PIXEL, estimated_shares, share_intervals
from lithoscope.segmentation.quantify import shares_from_map
from lithoscope.segmentation.share_errors import SHARE_EDGES, ShareErrors, fit_share_errors

PHANTOMS, TUNING_PHANTOMS = 1000, 800
STRATA = ((0.0, 0.01), (0.01, 0.1), (0.1, 1.01))
_FACTORS = np.arange(0.8, 3.01, 0.05)
_FIRST_TUNING = 20_000
DATA = Path(__file__).parents[2] / "src/lithoscope/segmentation/data/share_errors.json"


@dataclass(frozen=True, eq=False)
class Records:
    """One row for each class of each phantom that is in rock, scan or estimate, shape (row,)."""

    phantom: NDArray[np.int64]
    recipe: NDArray[np.float64]
    scanned: NDArray[np.float64]
    shares: NDArray[np.float64]
    doubts: NDArray[np.float64]
    block_errors: NDArray[np.float64]
    pixels: NDArray[np.float64]
    scan_low: NDArray[np.float64]
    scan_high: NDArray[np.float64]
    rock_low: NDArray[np.float64]
    rock_high: NDArray[np.float64]
    counted_low: NDArray[np.float64]
    counted_high: NDArray[np.float64]

    @property
    def found(self) -> NDArray[np.bool_]:
        """Classes with half a pixel or more."""
        return np.asarray(self.shares * self.pixels >= HALF_A_PIXEL)


def records_of(
    pool: Pool, labels: LabelSet, seeds: Sequence[int], errors: ShareErrors | None = None
) -> Records:
    """Estimate the shares of phantoms; intervals are NaN without errors."""
    rows = []
    for seed in seeds:
        phantom = minimal_phantom(pool, labels, seed)
        rows.append(_record(phantom, labels, seed, errors))
    return Records(*np.concatenate(rows, axis=1))


def _record(
    phantom: MinimalPhantom, labels: LabelSet, seed: int, errors: ShareErrors | None
) -> NDArray[np.float64]:
    use = ~phantom.unknown
    priors = estimate_priors(phantom.posteriors, n_classes=len(labels), use=use)
    estimated = estimated_shares(phantom.posteriors, priors, use)
    rows = np.flatnonzero((phantom.recipe > 0) | (phantom.scanned > 0) | estimated.found)
    ends = np.full((4, len(labels)), np.nan)
    if errors is not None:
        ends = np.concatenate(share_intervals(estimated, errors))
    counted = _counted(phantom, labels) if errors is not None else ends[:2]
    parts = [
        np.full(len(labels), seed),
        phantom.recipe,
        phantom.scanned,
        estimated.shares,
        estimated.doubts,
        estimated.block_errors,
        np.full(len(labels), estimated.pixels),
        *ends,
        *counted,
    ]
    return np.stack(parts)[:, rows]


def _counted(phantom: MinimalPhantom, labels: LabelSet) -> NDArray[np.float64]:
    """Intervals of the counted shares, by the bootstrap of blocks alone, shape (2, class)."""
    ends = np.zeros((2, len(labels)))
    classes = phantom.posteriors.classes[..., 0].astype(np.int16)
    for row in shares_from_map(
        classes=classes,
        smoothed=classes,
        unknown=phantom.unknown,
        labels=labels,
        densities_g_cm3=dict.fromkeys(labels.members, 1.0),
    ):
        if row.mineral in labels.labels and row.area_percent_low is not None:
            place = labels.labels.index(row.mineral)
            ends[:, place] = row.area_percent_low / 100, (row.area_percent_high or 0) / 100
    return ends


def fitted_errors(checkpoint: Checkpoint, folder: Path) -> ShareErrors:
    """Measure errors on phantoms whose machines and compositions no result is reported of."""
    parts = []
    for number, seed in enumerate(pools.TUNING_SEEDS):
        pool = stored_pool(checkpoint, seed, folder)
        first = _FIRST_TUNING + number * TUNING_PHANTOMS
        parts.append(records_of(pool, checkpoint.labels, range(first, first + TUNING_PHANTOMS)))
    names = [field.name for field in dataclasses.fields(Records)]
    tuning = Records(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))
    there = tuning.found & (tuning.scanned > 0)
    half = HALF_A_PIXEL / tuning.pixels
    errors = fit_share_errors(
        errors=np.log((tuning.scanned + half) / (tuning.shares + half))[there],
        shares=tuning.shares[there],
        doubts=tuning.doubts[there],
        block_factors=(1.0,) * (len(SHARE_EDGES) + 1),
        scans=TUNING_PHANTOMS * len(pools.TUNING_SEEDS),
    )
    return _with_block_factors(errors, tuning)


def _with_block_factors(errors: ShareErrors, tuning: Records) -> ShareErrors:
    """Choose the smallest factor by which 95 % of the minerals of a stratum are held."""
    half = HALF_A_PIXEL / tuning.pixels
    truth = np.log((tuning.recipe + half) / (tuning.shares + half))
    row = np.searchsorted(SHARE_EDGES, tuning.recipe, side="right")
    chosen = []
    for stratum in range(len(SHARE_EDGES) + 1):
        own = tuning.found & (tuning.recipe > 0) & (row == stratum)
        for factor in _FACTORS:
            tried = dataclasses.replace(errors, block_factors=(float(factor),) * 3)
            low, high = tried.bounds(
                tuning.shares[own], tuning.doubts[own], tuning.block_errors[own]
            )
            if ((low <= truth[own]) & (truth[own] <= high)).mean() >= 0.955:
                break
        chosen.append(round(float(factor), 2))
    return dataclasses.replace(errors, block_factors=tuple(chosen))


def write_errors(errors: ShareErrors) -> None:
    """Put errors where the package finds them."""
    DATA.write_text(json.dumps(errors.as_data(), indent=1) + "\n", encoding="utf-8")


def coverage_rows(found: Records) -> list[dict[str, float]]:
    """Coverage of both intervals by the abundance that each is to hold."""
    rows = []
    for low, high in STRATA:
        scan = (found.scanned > 0) & (found.scanned >= low) & (found.scanned < high)
        rock = (found.recipe > 0) & (found.recipe >= low) & (found.recipe < high)
        rock &= (found.scanned > 0) | found.found
        in_scan = (found.scan_low <= found.scanned) & (found.scanned <= found.scan_high)
        in_rock = (found.rock_low <= found.recipe) & (found.recipe <= found.rock_high)
        counted = (found.counted_low <= found.recipe) & (found.recipe <= found.counted_high)
        wide = (found.scan_high - found.scan_low) / np.maximum(found.shares, 1e-9)
        rows.append(
            {
                "low": low,
                "high": high,
                "minerals": int(scan.sum()),
                "scan": float((in_scan & found.found)[scan].mean()),
                "scan_of_found": float(in_scan[scan & found.found].mean()),
                "not_found": float((~found.found)[scan].mean()),
                "width": float(np.median(wide[scan & found.found])),
                "rock_minerals": int(rock.sum()),
                "rock": float((in_rock & found.found)[rock].mean()),
                "rock_of_found": float(in_rock[rock & found.found].mean()),
                "counted": float(counted[rock].mean()),
            }
        )
    return rows
