"""Maps of phantoms, of which the truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lithoscope.core.labels import VOID, LabelSet
from lithoscope.core.rebinner import Rebinner
from lithoscope.evaluation.agreement import agreement_from_labels
from lithoscope.inference.posteriors import posteriors_from_probabilities
from lithoscope.inference.priors import best_under_priors, estimate_priors
from lithoscope.minerals.rocks import find_rock
from lithoscope.segmentation.potts import potts_smoothed
from lithoscope.segmentation.smooth import majority_filter
from lithoscope.segmentation.spatial import network_smoothed, shipped_network
from lithoscope.synthesis.phantoms import Phantom, PhantomRecipe, ScanRecipe, texture_of_rock
from lithoscope.workflows.study import spectra
from lithoscope.workflows.study.arm import Case
from lithoscope.workflows.study.learners import Learnt
from lithoscope.workflows.study.size import StudySize

ROCKS = ("granite", "gabbro")
_SEED = 9_000_011
# Truth that no class stands for.
_NO_CLASS = -2


def phantoms(learnt: Learnt, case: Case, size: StudySize, seed: int) -> dict[str, Any]:
    """Accuracy, mean intersection over union, and error of area percents of each map.

    By level of mean counts, rock, and way: named pixel by pixel; with the commonest class among a
    pixel's neighbours in place of its own; and, of networks, under the scan's own priors, pixel by
    pixel, smoothed by a Potts field, and by the U-Net that ships. That one is not trained here: it
    has seen posteriors of the shipped model, on phantoms of other rocks. The error is half the sum
    of differences of area shares, from 0 to 1. Pixels of void, or of minerals that are not learnt,
    do not count.
    """
    found: dict[str, Any] = {}
    labels = spectra.labels(size, case)
    for rock in ROCKS:
        for level in case.levels:
            probabilities, truth = _named(learnt, case, size, rock, level, seed)
            confidence = probabilities.max(axis=-1)
            for way, named in _maps(probabilities, truth < 0, learnt.are_logits).items():
                measured = _measured(named, truth, confidence, labels)
                found.setdefault(rock, {}).setdefault(f"{level:g}", {})[way] = measured
    return found


def _maps(
    probabilities: NDArray[np.float64], void: NDArray[np.bool_], have_posteriors: bool
) -> dict[str, NDArray[np.int16]]:
    """The map of each way, shape (y, x)."""
    direct = np.where(void, VOID, probabilities.argmax(axis=-1)).astype(np.int16)
    maps = {"direct": direct, "majority": majority_filter(direct)}
    if have_posteriors:
        rows, columns, n_classes = probabilities.shape
        flat = probabilities.reshape(-1, n_classes)
        posteriors = posteriors_from_probabilities(flat, allowed=range(n_classes))
        seen = posteriors.reshaped(rows, columns)
        priors = estimate_priors(seen, n_classes=n_classes, use=~void)
        best, _ = best_under_priors(seen, priors.shares)
        maps["scan's priors"] = np.where(void, VOID, best).astype(np.int16)
        maps["scan's priors, Potts"] = potts_smoothed(seen, priors, void=void)
        maps["scan's priors, U-Net"] = network_smoothed(
            seen, priors, shipped_network(), void=void, silent=np.zeros_like(void)
        )
    return maps


def _named(
    learnt: Learnt, case: Case, size: StudySize, rock: str, level: float, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Probabilities, shape (y, x, class), and true class of each pixel, shape (y, x)."""
    scan = ScanRecipe(shape=(size.rows, size.rows), counts=level)
    made = find_rock(rock)
    recipe = PhantomRecipe(made, texture_of_rock(made, scan.extent_um), scan, _SEED + seed)
    phantom = Phantom(recipe, spectra.find_instrument("m4-tornado"))
    rebin = Rebinner(
        from_edges_keV=phantom.machine.axis.edges_keV, to_edges_keV=spectra.edges_keV(case.axis)
    )
    rows = [
        learnt.scores(torch.from_numpy(rebin(phantom.row(row).sum(axis=1).astype(np.float64))))
        for row in range(size.rows)
    ]
    scores = torch.from_numpy(np.stack(rows).astype(np.float64))
    probabilities = torch.softmax(scores, dim=-1).numpy()
    labels = spectra.labels(size, case)
    known = [
        labels.index_of(name) if name in labels.members else _NO_CLASS
        for name in phantom.mineral_names
    ]
    # The last place is void's, which has number -1.
    truth = np.array([*known, VOID])[phantom.truth["mineral"].to_numpy()]
    return probabilities, truth


def _measured(
    named: NDArray[np.int16],
    truth: NDArray[np.int64],
    confidence: NDArray[np.float64],
    labels: LabelSet,
) -> dict[str, float]:
    counted = truth >= 0
    if not counted.any():
        return {}
    agreement = agreement_from_labels(
        labelled=truth[counted],
        named=named[counted].astype(np.int64),
        confidence=confidence[counted],
        regions=np.zeros(int(counted.sum()), dtype=np.int64),
        n_classes=len(labels),
    )
    areas = [np.bincount(found[counted], minlength=len(labels)) for found in (named, truth)]
    error = np.abs(areas[0] - areas[1]).sum() / counted.sum() / 2
    return {
        "accuracy": agreement.accuracy.value,
        "mean_iou": agreement.mean_iou.value,
        "area_error": float(error),
        "pixels": int(counted.sum()),
    }
