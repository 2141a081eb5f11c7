"""What the summed spectra of the largest grains are, where their pixels could not tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.labels import VOID
from lithoscope.inference.answer import answer_from_key, keys_from_probabilities, tree_of_labels
from lithoscope.inference.pixel_answers import probabilities_in_scan
from lithoscope.inference.predict import Predictor
from lithoscope.minerals import load_library
from lithoscope.segmentation.answers import NO_ANSWER, MapAnswers
from lithoscope.segmentation.grain_tables import codes_of_map
from lithoscope.segmentation.regions import regions_from_codes
from lithoscope.workflows.map_plan import MapPlan
from lithoscope.workflows.map_quantities import Quantities
from lithoscope.workflows.region_sums import sums_of_regions

if TYPE_CHECKING:
    from lithoscope.workflows.map_finish import Layers

# Grains that are looked at, the least pixels of one, and rows that are read again for it.
_MOST_GRAINS, _FEWEST_PIXELS, _MOST_ROWS = 60, 4, 96


def grain_answer_rows(
    plan: MapPlan, layers: Layers, quantities: Quantities, answers: MapAnswers
) -> list[dict[str, Any]]:
    """Return the rows of ``grain_answers.csv``: the largest grains of the smoothed map.

    Each grain's spectra are summed and classified as one, under the scan's priors as its pixels
    are (`probabilities_in_scan`). Beside it stands the commonest answer of its own pixels.

    Parameters
    ----------
    plan
        The scan, of which some rows are read again, and the model.
    layers, quantities, answers
        What was found of its pixels.
    """
    labels = plan.checkpoint.labels
    codes, names = codes_of_map(quantities.smoothed, layers.unknown, labels)
    regions = regions_from_codes(np.where(layers.classes == VOID, -1, codes))
    largest = np.argsort(-regions.pixels, kind="stable")[:_MOST_GRAINS]
    chosen = largest[regions.pixels[largest] >= _FEWEST_PIXELS]
    sums, summed = sums_of_regions(
        plan.scan, regions.numbers, chosen.tolist(), most_rows=_MOST_ROWS
    )
    # A grain that lies between the rows that were read has no sum.
    chosen, sums, summed = chosen[summed > 0], sums[summed > 0], summed[summed > 0]
    if not chosen.size:
        return []
    said = _said(plan, quantities.priors.shares, sums)
    y_mm, x_mm = plan.scan.coordinates_mm
    rows = []
    for place, grain in enumerate(chosen.tolist()):
        ys, xs = np.nonzero(regions.numbers == grain)
        rows.append(
            {
                "mineral": names[regions.codes[grain]],
                "y": round(float(y_mm[ys].mean()), 4),
                "x": round(float(x_mm[xs].mean()), 4),
                "pixels": int(regions.pixels[grain]),
                "pixels_summed": int(summed[place]),
                **said[place],
                **_of_pixels(answers, answers.numbers[ys, xs]),
            }
        )
    return rows


def _said(
    plan: MapPlan, priors: NDArray[np.float64], sums: NDArray[np.float64]
) -> list[dict[str, Any]]:
    predictor = Predictor(
        plan.checkpoint, plan.scan.axis, plan.minerals, false_alarms=plan.false_alarms
    )
    tree = tree_of_labels(plan.checkpoint.labels, load_library())
    found = predictor(sums)
    said = probabilities_in_scan(
        probabilities=found.probabilities, counts=found.counts, priors=priors
    )
    keys = keys_from_probabilities(
        said, tree, allowed=predictor.allowed, least=plan.answer_probability
    )
    rows = []
    for place, key in enumerate(keys):
        answer, classes = answer_from_key(key, tree, allowed=predictor.allowed)
        rows.append(
            {
                "counts": round(float(found.counts[place])),
                "answer": answer.label,
                "level": answer.level,
                "members": ";".join(answer.members),
                "probability": round(min(float(said[place, list(classes)].sum()), 1.0), 4),
                "unknown": bool(found.unknown[place]),
            }
        )
    return rows


def _of_pixels(answers: MapAnswers, numbers: NDArray[np.integer]) -> dict[str, Any]:
    """Return the commonest answer of a grain's pixels, and the percent that give it."""
    named = numbers[numbers != NO_ANSWER]
    tally = np.bincount(named, minlength=1)
    commonest = answers.answers[int(tally.argmax())]
    return {
        "answer_of_pixels": commonest.label,
        "level_of_pixels": commonest.level,
        "percent_of_pixels": round(100 * float(tally.max()) / max(named.size, 1), 1),
    }
