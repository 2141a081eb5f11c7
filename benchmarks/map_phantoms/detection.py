"""How few pixels of a rare mineral a map shows, with and without the scan's priors."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from benchmarks.map_phantoms.accuracy import maps_of_scan
from benchmarks.map_phantoms.pool import Pool
from benchmarks.map_phantoms.scans import PredictedScan

from lithoscope.core.labels import VOID, LabelSet
from lithoscope.inference.posteriors import Posteriors

MINERALS = ("gold", "zircon", "cassiterite", "scheelite", "monazite-(ce)", "galena", "rutile")
NUMBERS = (1, 2, 3, 5, 10, 20)
METHODS = ("raw", "priors", "potts", "unet")
# A mineral is detected where more pixels bear its name than in any scan without it.
_HELD = 0.95


def detection_rows(
    scans: Sequence[PredictedScan], pool: Pool, labels: LabelSet
) -> list[dict[str, object]]:
    """Put single pixels of minerals into scans without them, and count those named right.

    Pixels are single ones, apart from each other, taken at random from the pool; all minerals of
    the list are put into a scan at once.
    """
    known = [name for name in MINERALS if name in labels.members]
    alone = [maps_of_scan(scan, len(labels)) for scan in scans]
    rows: list[dict[str, object]] = []
    named: dict[tuple[str, str, int], list[int]] = {}
    for place, scan in enumerate(scans):
        for number in NUMBERS:
            wanted = [n for n in known if labels.index_of(n) not in np.unique(scan.truth)]
            mixed, where = _with_pixels(scan, pool, [labels.index_of(n) for n in wanted], number)
            maps = maps_of_scan(mixed, len(labels))
            for name in wanted:
                for method in METHODS:
                    right = maps[method][where[labels.index_of(name)]] == labels.index_of(name)
                    named.setdefault((name, method, number), []).append(int(right.sum()))
            print(f"detection: {place + 1} of {len(scans)}, {number} pixels", flush=True)
    for name in known:
        own = labels.index_of(name)
        row: dict[str, object] = {"mineral": labels.labels[own]}
        for method in METHODS:
            without = [
                int((maps[method] == own).sum())
                for maps, scan in zip(alone, scans, strict=True)
                if own not in np.unique(scan.truth)
            ]
            limit = max(without, default=0)
            held = [
                number
                for number in NUMBERS
                if np.mean(np.array(named[name, method, number]) > limit) >= _HELD
            ]
            row[method] = {
                "false": float(np.mean(without)),
                "most_false": limit,
                "limit": min(held) if held else None,
                "right": float(np.mean(named[name, method, 20]) / 20),
            }
        rows.append(row)
    return rows


def _with_pixels(
    scan: PredictedScan, pool: Pool, classes: Sequence[int], number: int
) -> tuple[PredictedScan, dict[int, tuple[np.ndarray, np.ndarray]]]:
    rng = np.random.default_rng([number, len(scan.rock)])
    free = np.argwhere((scan.truth != VOID) & (scan.classes != VOID))
    free = free[(free % 3 == 1).all(axis=1)]
    chosen = free[rng.choice(len(free), size=number * len(classes), replace=False)]
    best, logs, rest = (
        part.copy()
        for part in (
            scan.posteriors.classes,
            scan.posteriors.log_probabilities,
            scan.posteriors.log_rest,
        )
    )
    named, unknown, where = scan.classes.copy(), scan.unknown.copy(), {}
    for place, own in enumerate(classes):
        y, x = chosen[place * number : (place + 1) * number].T
        rows = rng.choice(np.flatnonzero(pool.classes == own), size=number)
        repeats = rng.integers(pool.unknown.shape[1], size=number)
        best[y, x] = pool.posteriors.classes[rows, repeats]
        logs[y, x] = pool.posteriors.log_probabilities[rows, repeats]
        rest[y, x] = pool.posteriors.log_rest[rows, repeats]
        named[y, x] = best[y, x, 0].astype(np.int16)
        unknown[y, x] = pool.unknown[rows, repeats]
        where[own] = (y, x)
    posteriors = Posteriors(best, logs, rest, scan.posteriors.allowed)
    changed = dataclasses.replace(scan, posteriors=posteriors, classes=named, unknown=unknown)
    return changed, where
