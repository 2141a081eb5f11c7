"""What is made of a map's pixels once all are there: priors, smoothing, quantities, grains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.labels import VOID, LabelSet
from lithoscope.inference.posteriors import Posteriors
from lithoscope.inference.priors import ScanPriors, best_under_priors, estimate_priors
from lithoscope.inference.sharpening import sharpened_for_noise
from lithoscope.segmentation.corrected import CorrectedShare, corrected_shares, estimated_shares
from lithoscope.segmentation.grain_tables import association_rows, codes_of_map, grain_rows
from lithoscope.segmentation.share_errors import shipped_share_errors
from lithoscope.segmentation.smoothing import Classified, Smoothing, smoothed_classes

# Priors below this are left out of the record.
_LEAST_SHARE = 1e-6


@dataclass(frozen=True, eq=False)
class Quantities:
    """What a scan's pixels say together.

    Parameters
    ----------
    priors
        How frequent classes are in the scan.
    classes, confidence
        Best class of each pixel under them, `VOID` for none, and its probability, shape (y, x).
    smoothed
        Class of each pixel after smoothing, shape (y, x).
    corrected
        Corrected share of each class that was found, by label.
    grains, associations
        Rows of ``grains.csv`` and ``associations.csv``, of the smoothed map.
    """

    priors: ScanPriors
    classes: NDArray[np.int16]
    confidence: NDArray[np.float32]
    smoothed: NDArray[np.int16]
    corrected: Mapping[str, CorrectedShare]
    grains: tuple[dict[str, Any], ...]
    associations: tuple[dict[str, Any], ...]

    def priors_of(self, labels: LabelSet) -> dict[str, float]:
        """Return the priors by label, the largest first, without those next to nothing."""
        shares = self.priors.shares
        return {
            labels.labels[place]: float(f"{shares[place]:.6g}")
            for place in np.argsort(-shares, kind="stable").tolist()
            if shares[place] >= _LEAST_SHARE
        }


def quantities_of_map(
    *,
    posteriors: Posteriors,
    void: NDArray[np.bool_],
    unknown: NDArray[np.bool_],
    counts: NDArray[np.floating],
    labels: LabelSet,
    densities_g_cm3: Mapping[str, float],
    smoothing: Smoothing,
    pixel_um: tuple[float, float] | None,
) -> Quantities:
    """Estimate priors, apply them, smooth, and quantify; void and unknown pixels stay apart.

    Parameters
    ----------
    posteriors
        Under even priors, shape (y, x).
    void, unknown
        Shape (y, x).
    counts
        Total counts, shape (y, x); what bright pixels say is not taken for noise.
    labels
        The classes.
    densities_g_cm3
        Density of each mineral.
    smoothing
        How to smooth.
    pixel_um
        Height and width of a pixel in µm, ``None`` where that is unknown.
    """
    use = ~void & ~unknown
    posteriors = sharpened_for_noise(posteriors, counts)
    priors = estimate_priors(posteriors, n_classes=len(labels), use=use)
    best, sure = best_under_priors(posteriors, priors.shares)
    classes = np.where(void, np.int16(VOID), best)
    confidence = np.where(void, np.float32(0), sure)
    given = Classified(classes, confidence, unknown, posteriors, priors)
    smoothed = smoothed_classes(given, smoothing, pixel_um=pixel_um)
    estimated = estimated_shares(posteriors, priors, use)
    codes, names = codes_of_map(smoothed, unknown, labels)
    return Quantities(
        priors=priors,
        classes=classes,
        confidence=confidence,
        smoothed=smoothed,
        corrected=corrected_shares(
            estimated, shipped_share_errors(), labels=labels, densities_g_cm3=densities_g_cm3
        ),
        grains=tuple(grain_rows(codes, names, pixel_um=pixel_um)),
        associations=tuple(association_rows(codes, names)),
    )
