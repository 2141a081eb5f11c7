"""How many pixels, minerals and grains of phantoms a map has right, raw and cleaned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from benchmarks.map_phantoms.scans import PredictedScan
from numpy.typing import NDArray

from lithoscope.core.labels import VOID
from lithoscope.inference.priors import ScanPriors, best_under_priors, estimate_priors
from lithoscope.segmentation.potts import potts_smoothed
from lithoscope.segmentation.regions import regions_from_codes
from lithoscope.segmentation.smooth import majority_filter
from lithoscope.segmentation.smoothing import CERTAIN
from lithoscope.segmentation.spatial import network_smoothed, shipped_network

# A pixel is pure where one mineral has this share of it, and at a boundary otherwise.
PURE = 0.95
# Minerals of less than this share of a scan are accessories.
ACCESSORY = 0.02
METHODS = ("raw", "priors", "raw, majority", "priors, majority", "potts", "unet")


def priors_of_scan(scan: PredictedScan, n_classes: int) -> ScanPriors:
    """Estimate the priors of a scan as `map` does."""
    use = (scan.classes != VOID) & ~scan.unknown
    return estimate_priors(scan.posteriors, n_classes=n_classes, use=use)


def maps_of_scan(scan: PredictedScan, n_classes: int) -> dict[str, NDArray[np.int16]]:
    """Return the classes of a scan by method, shape (y, x)."""
    priors = priors_of_scan(scan, n_classes)
    void = scan.classes == VOID
    best, sure = best_under_priors(scan.posteriors, priors.shares)
    best = np.where(void, np.int16(VOID), best)

    def majority(classes: NDArray[np.int16], confidence: NDArray[np.float32]) -> Any:
        keep = (confidence >= CERTAIN) & ~scan.unknown
        return majority_filter(classes, ignore=scan.unknown, keep=keep)

    return dict(
        zip(
            METHODS,
            (
                scan.classes,
                best,
                majority(scan.classes, scan.confidence),
                majority(best, sure),
                potts_smoothed(scan.posteriors, priors, void=void, silent=scan.unknown),
                network_smoothed(
                    scan.posteriors, priors, shipped_network(), void=void, silent=scan.unknown
                ),
            ),
            strict=True,
        )
    )


def scores_of_map(scan: PredictedScan, named: NDArray[np.int16]) -> dict[str, float]:
    """Compare a map with the truth, on pixels that hold mineral and were classified."""
    seen = (scan.truth != VOID) & (scan.classes != VOID)
    pure = seen & (scan.pure >= PURE)
    right = named == scan.truth
    ious = []
    for label in np.unique(scan.truth[seen]):
        own, said = scan.truth[seen] == label, named[seen] == label
        ious.append((own & said).sum() / (own | said).sum())
    grains, lost, halved = _accessory_grains(scan, named)
    present = np.unique(scan.truth[scan.truth != VOID])
    return {
        "pixels": int(seen.sum()),
        "all": float(right[seen].mean()),
        "pure": float(right[pure].mean()),
        "boundary": float(right[seen & ~pure].mean()) if (seen & ~pure).any() else float("nan"),
        "iou": float(np.mean(ious)),
        "grains": grains,
        "lost": lost,
        "halved": halved,
        "absent_pixels": int((~np.isin(named[seen], present)).sum()),
        "absent_pure_pixels": int((~np.isin(named[pure], present)).sum()),
        "pure_pixels": int(pure.sum()),
        "absent_minerals": int(np.setdiff1d(named[seen], present).size),
    }


def _accessory_grains(scan: PredictedScan, named: NDArray[np.int16]) -> tuple[int, int, int]:
    """Accessory grains of two pixels or more; those with no pixel right; with less than half."""
    regions = regions_from_codes(scan.truth)
    share = np.bincount(scan.truth[scan.truth != VOID], minlength=int(scan.truth.max()) + 1)
    share = share / max(share.sum(), 1)
    chosen = (regions.pixels >= 2) & (share[regions.codes] < ACCESSORY)
    inside = regions.numbers >= 0
    right = np.bincount(
        regions.numbers[inside],
        (named == scan.truth)[inside].astype(float),
        minlength=len(regions),
    )
    lost = chosen & (right == 0)
    halved = chosen & (right < regions.pixels / 2)
    return int(chosen.sum()), int(lost.sum()), int(halved.sum())


def percents_of_minerals(
    scans: Sequence[PredictedScan], maps: Sequence[dict[str, NDArray[np.int16]]], n_classes: int
) -> list[dict[str, Any]]:
    """Area percent of each mineral of each scan, true and by method; unknown left out."""
    rows = []
    for scan, named in zip(scans, maps, strict=True):
        seen = (scan.truth != VOID) & (scan.classes != VOID)
        known = seen & ~scan.unknown
        truth = np.bincount(scan.truth[seen], minlength=n_classes) / seen.sum()
        found = {
            name: np.bincount(layer[known], minlength=n_classes) / known.sum()
            for name, layer in named.items()
        }
        found["corrected"] = priors_of_scan(scan, n_classes).shares
        rows += [
            {"rock": scan.rock, "class": int(place), "truth": 100 * truth[place]}
            | {name: 100 * shares[place] for name, shares in found.items()}
            for place in np.flatnonzero(truth)
        ]
    return rows
