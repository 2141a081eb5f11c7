"""How far each detector of a model parts known from other spectra, at every count level."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.errors import CheckpointError
from lithoscope.evaluation.unknown import misnamed_by_coverage, separation_from_scores
from lithoscope.inference.predict import Scorer
from lithoscope.inference.unknown.base import Detector, Seen
from lithoscope.inference.unknown.combined import Combined
from lithoscope.inference.unknown.mahalanobis import Mahalanobis, RelativeMahalanobis
from lithoscope.inference.unknown.neighbours import Neighbours
from lithoscope.inference.unknown.outputs import Energy, MaximumSoftmax
from lithoscope.models.checkpoint import Checkpoint
from lithoscope.workflows.fit_unknown import Expected, detector_data, seen_at
from lithoscope.workflows.model_spectra import ModelSpectra, spectra_of_model
from lithoscope.workflows.new_model import Progress
from lithoscope.workflows.unknown_flags import flagged, flags

_COVERAGES = np.linspace(0.02, 1.0, 50)

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Subject:
    """A model, its spectra, and detectors fitted to it."""

    name: str
    model: Checkpoint
    spectra: ModelSpectra
    detectors: Sequence[Detector]


def subject_of_model(name: str, model: Checkpoint, progress: Progress) -> Subject:
    """Fit the detectors that a model does not store, on what its own was fitted to."""
    if model.detector is None:
        raise CheckpointError(f"The model '{model.name}' has no detector of the unknown.")
    spectra = spectra_of_model(model)
    fitting = detector_data(model, spectra, progress)
    combined = Combined.from_arrays(model.detector.arrays)
    bare = (MaximumSoftmax(), Energy(), Mahalanobis(), RelativeMahalanobis(), Neighbours())
    fitted = [one.fit(fitting.known, fitting.classes) for one in bare]
    parts: list[Detector] = [combined.exposure.reconstruction, combined.exposure, combined]
    return Subject(name, model, spectra, [*fitted, *parts])


def separations(
    subject: Subject,
    known: Expected,
    samples: Mapping[str, Expected],
    progress: Progress,
    *,
    levels: Sequence[float],
    seed: int = 1,
) -> list[Row]:
    """Return rows of every detector on every kind of unknown at every level, and false alarms.

    Parameters
    ----------
    subject
        What is tested.
    known
        What it knows.
    samples
        What it does not, by kind; classes are places among the samples of a kind.
    progress
        Called with stage, levels done, levels in all and a remark.
    levels
        Total counts.
    seed
        Of the counts drawn.
    """
    scorer, generator = Scorer(subject.model), torch.Generator().manual_seed(seed)
    rows: list[Row] = []
    for number, level in enumerate(levels):
        progress("benchmark: score", number, len(levels), f"{level:g} counts")
        seen = seen_at(scorer, known.shares, level, generator)
        strange = {
            kind: seen_at(scorer, one.shares, level, generator) for kind, one in samples.items()
        }
        base = {"model": subject.name, "counts": level}
        rows.append(
            {"kind": "false alarms", **base, "share": flagged(subject.model, seen), "n": len(seen)}
        )
        rows += rows_of_detectors(subject, seen, known.classes, strange, base)
        for kind, one in strange.items():
            rows += rows_by_sample(subject.model, samples[kind], one, {**base, "unknown": kind})
    progress("benchmark: score", len(levels), len(levels), "")
    return rows


def rows_of_detectors(
    subject: Subject, seen: Seen, classes: Tensor, strange: Mapping[str, Seen], base: Row
) -> list[Row]:
    """Return what each detector is worth on each kind, at one count level.

    Parameters
    ----------
    subject
        What is tested.
    seen, classes
        Known spectra, and their true classes.
    strange
        Other spectra, by kind.
    base
        Goes into every row.
    """
    rows: list[Row] = []
    for detector in subject.detectors:
        of_known = detector.score(seen).double().numpy()
        for kind, one in strange.items():
            scores = detector.score(one).double().numpy()
            found = separation_from_scores(known=of_known, unknown=scores)
            rows.append(
                {
                    "kind": "separation",
                    **dataclasses.asdict(found),
                    "unknown_n": len(one),
                    **base,
                    "unknown": kind,
                    "detector": detector.name,
                }
            )
            rows += _risk(detector, seen, classes, of_known, scores, {**base, "unknown": kind})
    return rows


def _risk(
    detector: Detector,
    seen: Seen,
    classes: Tensor,
    known: NDArray[np.floating],
    strange: NDArray[np.floating],
    base: Row,
) -> list[Row]:
    """The risk-coverage curve of the combination, known and unknown spectra together."""
    if not isinstance(detector, Combined):
        return []
    right = (seen.logits.argmax(dim=1) == classes).numpy()
    risk = misnamed_by_coverage(
        scores=np.concatenate([known, strange]),
        right=np.concatenate([right, np.zeros(strange.size, dtype=np.bool_)]),
        coverages=_COVERAGES,
    )
    return [{"kind": "risk", **base, "coverage": _COVERAGES.tolist(), "risk": risk.tolist()}]


def rows_by_sample(model: Checkpoint, expected: Expected, seen: Seen, base: Row) -> list[Row]:
    """Share of each sample that the model flags."""
    marks = flags(model, seen)
    numbers = torch.unique(expected.classes).tolist()
    if len(numbers) < 2:
        return []
    found = [float(marks[(expected.classes == number).numpy()].mean()) for number in numbers]
    return [{"kind": "by sample", **base, "samples": numbers, "flagged": found}]
