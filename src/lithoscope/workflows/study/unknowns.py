"""How well what was never learnt is told from what was, by scores that need nothing unknown."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.core.mineral import Mineral
from lithoscope.evaluation.strange_materials import MATERIALS
from lithoscope.evaluation.strange_samples import FOREIGN_ELEMENTS, strange_minerals
from lithoscope.evaluation.unknown import separation_from_scores
from lithoscope.inference.unknown.base import Detector, Seen
from lithoscope.inference.unknown.mahalanobis import Mahalanobis, RelativeMahalanobis
from lithoscope.inference.unknown.neighbours import Neighbours
from lithoscope.inference.unknown.outputs import Energy, MaximumSoftmax
from lithoscope.inference.unknown.reconstruction import Reconstruction
from lithoscope.minerals import load_library
from lithoscope.workflows.study import spectra
from lithoscope.workflows.study.arm import Case
from lithoscope.workflows.study.learners import Learnt
from lithoscope.workflows.study.measures import Measured
from lithoscope.workflows.study.size import StudySize

# What is known, and kinds of what is not, the nearest to it first.
KNOWN = "known"
LEFT_OUT, MATERIAL, FOREIGN = "minerals left out", "materials", "foreign elements"
FALSE_ALARMS = 0.01
# Of spectra as those of training, that training has not seen.
_FIT_SEED = 700_001
# Unknown spectra of a kind for each known one.
_STRANGE_SHARE = 0.4

Scores = Mapping[str, NDArray[np.float64]]
See = Callable[[Tensor], Seen]


def unknown(learnt: Learnt, case: Case, size: StudySize, seed: int) -> Measured:
    """What each detector is worth on each kind of unknown, under each condition, at each level.

    Detectors are fitted to spectra like those that the network was trained on. The threshold of a
    level is what a hundredth of other known spectra exceeds, under the condition of training and on
    machines drawn anew; which share of the test's known spectra exceeds it, is told as false
    alarms. Nothing unknown plays a part in either.

    Parameters
    ----------
    learnt
        A network.
    case, size, seed
        What it was fitted to.

    Returns
    -------
    dict
        By condition, kind, detector and level, ``auroc`` and the share ``detected``; for the kind
        `KNOWN`, ``false_alarms``. Nothing of what has no features.
    """
    if learnt.seen is None:
        return {}
    detectors = fitted_detectors(learnt.seen, case, size, seed)
    limits = _limits(detectors, learnt.seen, case, size)
    found: Measured = {}
    for condition in case.tests:
        known = spectra.tests(case, condition, size, case.levels, size.tested)
        strange = _strange(case, condition, size)
        for level in case.levels:
            of_known = scores_of(detectors, learnt.seen(known[level][0]))
            for kind, sets in strange.items():
                scores = scores_of(detectors, learnt.seen(sets[level][0]))
                values = worth_of_scores(known=of_known, strange=scores, limits=limits[level])
                _put(found.setdefault(condition, {}).setdefault(kind, {}), level, values)
            values = {
                name: {"false_alarms": float((own > limits[level][name]).mean())}
                for name, own in of_known.items()
            }
            _put(found.setdefault(condition, {}).setdefault(KNOWN, {}), level, values)
    return found


def fitted_detectors(see: See, case: Case, size: StudySize, seed: int) -> list[Detector]:
    """Fit every detector that does without unknown spectra, made-up ones included.

    `Reconstruction` is the physics residual: what the spectrum that is expected of the network's
    features leaves over, its expectation learnt from the same known spectra.

    Parameters
    ----------
    see
        Applies the network.
    case, size, seed
        What it was fitted to; detectors see no spectrum twice, at all counts of training.
    """
    source = spectra.to_fit(case, size, _FIT_SEED + seed)
    number = -(-size.each_class * len(source.labels) // spectra.BATCH)
    batches = [source.batch(one) for one in range(number)]
    seen = see(torch.cat([batch.counts for batch in batches]))
    classes = torch.cat([batch.classes for batch in batches])
    bare: Sequence[Detector] = (
        MaximumSoftmax(),
        Energy(),
        Mahalanobis(),
        RelativeMahalanobis(),
        Neighbours(),
        Reconstruction.on_axis(spectra.edges_keV(case.axis)),
    )
    return [one.fit(seen, classes) for one in bare]


def scores_of(detectors: Sequence[Detector], seen: Seen) -> Scores:
    """Scores of spectra by each detector's name, higher is stranger."""
    with torch.no_grad():
        return {one.name: one.score(seen).double().numpy() for one in detectors}


def worth_of_scores(
    *, known: Scores, strange: Scores, limits: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    """AUROC of each detector, and the share of unknown spectra above its threshold.

    Parameters
    ----------
    known, strange
        Scores by detector.
    limits
        Thresholds by detector, set by other spectra than these.
    """
    return {
        name: {
            "auroc": separation_from_scores(known=known[name], unknown=scores).auroc,
            "detected": float((scores > limits[name]).mean()),
        }
        for name, scores in strange.items()
    }


def _limits(
    detectors: Sequence[Detector], see: See, case: Case, size: StudySize
) -> dict[float, dict[str, float]]:
    """What known spectra exceed as often as there may be false alarms, by level and detector."""
    return {
        level: {
            name: float(np.quantile(scores, 1 - FALSE_ALARMS))
            for name, scores in scores_of(detectors, see(counts)).items()
        }
        for level, (counts, _) in spectra.after_training(case, size).items()
    }


def strangers(size: StudySize, case: Case) -> dict[str, list[list[Mineral]]]:
    """What a case does not know, by kind: minerals of each class.

    Classes that it leaves out; materials whose elements minerals have as well, put together as few
    do; and compounds of elements that no mineral of the library has.
    """
    library = load_library()
    materials = [one for samples in MATERIALS.values() for one in strange_minerals(samples)]
    kinds = {
        LEFT_OUT: [
            [library.get(name) for name in group.members] for group in spectra.left_out(size, case)
        ],
        MATERIAL: [[one] for one in materials],
        FOREIGN: [[one] for one in strange_minerals(FOREIGN_ELEMENTS)],
    }
    return {kind: classes for kind, classes in kinds.items() if classes}


def _strange(case: Case, condition: str, size: StudySize) -> dict[str, dict[float, spectra.Kept]]:
    alike = Case(
        learner="SAM", instruments=case.instruments, axis=case.axis, left_out=case.left_out
    )
    return {
        kind: _strange_of_kind(alike.model_dump_json(), kind, condition, size, case.levels)
        for kind in strangers(size, case)
    }


@functools.lru_cache(maxsize=16)
def _strange_of_kind(
    alike: str, kind: str, condition: str, size: StudySize, levels: tuple[float, ...]
) -> dict[float, spectra.Kept]:
    """Spectra of a kind, kept for other seeds and networks: which they are depends on neither."""
    case = Case.model_validate_json(alike)
    number = max(1, round(_STRANGE_SHARE * size.tested))
    classes = strangers(size, case)[kind]
    return spectra.strange_tests(case, condition, size, classes, levels, number)


def _put(found: Measured, level: float, values: Mapping[str, Mapping[str, float]]) -> None:
    for name, numbers in values.items():
        found.setdefault(name, {})[f"{level:g}"] = numbers
