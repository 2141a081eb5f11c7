"""The benchmark of the unknown: what each detector is worth, on what, and what it costs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.errors import CheckpointError
from lithoscope.evaluation.strange_samples import (
    BY_ELEMENT,
    FOREIGN_COMPOSITIONS,
    FOREIGN_ELEMENTS,
    LIGHT,
    NEAR,
    gaussian_spectra,
    strange_minerals,
)
from lithoscope.evaluation.unknown import misnamed_by_coverage, separation_from_scores
from lithoscope.inference.predict import Scorer
from lithoscope.inference.unknown.base import Detector, Seen
from lithoscope.inference.unknown.combined import Combined
from lithoscope.inference.unknown.mahalanobis import Mahalanobis, RelativeMahalanobis
from lithoscope.inference.unknown.neighbours import Neighbours
from lithoscope.inference.unknown.outputs import Energy, MaximumSoftmax
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import Checkpoint, find_checkpoint, save_checkpoint
from lithoscope.workflows.fit_unknown import (
    Expected,
    detector_data,
    expected_spectra,
    seen_at,
    with_detector,
)
from lithoscope.workflows.left_out import model_without
from lithoscope.workflows.model_spectra import ModelSpectra, spectra_of_model
from lithoscope.workflows.new_model import Progress
from lithoscope.workflows.unknown_cost import cost_of_detector
from lithoscope.workflows.unknown_flags import flagged, flags
from lithoscope.workflows.unknown_samples import check_outside, off_scales, outside_spectra

LEVELS = (100.0, 300.0, 1_000.0, 3_000.0, 10_000.0)
OUTSIDE_LEVELS = (300.0, 1_000.0, 3_000.0, 10_000.0, 100_000.0)
_TEST_SEED = 9_300_017
_KNOWN, _STRANGE, _DRAWS = 8192, 3072, 400
_MACHINES, _LEFT_OUT_SPECTRA = 32, 150_000
_OFF_SCALES = (0.03,)
_COVERAGES = np.linspace(0.02, 1.0, 50)

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class _Subject:
    """A model, its spectra, and detectors fitted to it."""

    name: str
    model: Checkpoint
    spectra: ModelSpectra
    detectors: Sequence[Detector]


def benchmark_unknown(
    folder: Path,
    *,
    model: str = "default",
    data: Path | None = None,
    progress: Progress = lambda stage, done, total, note: None,
) -> list[Row]:
    """Test all detectors of the unknown, and write ``unknown.jsonl`` to a folder.

    A small model that lacks some minerals is trained for it and kept in the folder, as
    ``left-out``; it is used again if it is there.

    Parameters
    ----------
    folder
        Where tables and that model go.
    model
        The model whose detector is tested.
    data
        Folder of measured elements and of XMI-MSIM's minerals; they are left out without it.
    progress
        Called with stage, steps done, steps in all and a remark.

    Returns
    -------
    list of dict
        One row for each number or few, `kind` saying of what.

    Raises
    ------
    CheckpointError
        If the model has no detector.
    InvalidValueError
        If `data` lacks the measured spectra.
    """
    checkpoint = find_checkpoint(model)
    if checkpoint.detector is None:
        raise CheckpointError(
            f"The model '{checkpoint.name}' has no detector of the unknown.",
            expected="a model that `lithoscope train` wrote",
            remedy="fit one: python -m benchmarks.recalibrate MODEL -o DIR",
        )
    if data is not None:
        check_outside(data)
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    whole = _subject("whole", checkpoint, progress)
    rows += _separations(whole, _far_samples(whole, progress), progress, offs=_OFF_SCALES)
    rows.append(cost_of_detector(checkpoint))
    if data is not None:
        rows += _outside(whole, data)
    less = _subject(
        "left out", _left_out_model(checkpoint, folder / "left-out", progress), progress
    )
    rows += _separations(less, _left_out_samples(less, progress), progress)
    if data is not None:
        rows += _left_out_acrylic(less, data)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "unknown.jsonl").write_text(lines, encoding="utf-8")
    return rows


def _left_out_model(checkpoint: Checkpoint, folder: Path, progress: Progress) -> Checkpoint:
    left_out = {*NEAR, *BY_ELEMENT, *LIGHT}
    bare = (
        find_checkpoint(str(folder))
        if folder.is_dir()
        else model_without(
            checkpoint, left_out, folder, spectra=_LEFT_OUT_SPECTRA, progress=progress
        )
    )
    if bare.detector is not None:
        return bare
    fitted = with_detector(bare, spectra_of_model(bare), progress)
    save_checkpoint(fitted, folder)
    return fitted


def _subject(name: str, model: Checkpoint, progress: Progress) -> _Subject:
    """Fit the detectors that a model does not store, on what its own was fitted to."""
    if model.detector is None:
        raise CheckpointError(f"The model '{model.name}' has no detector of the unknown.")
    spectra = spectra_of_model(model)
    fitting = detector_data(model, spectra, progress)
    combined = Combined.from_arrays(model.detector.arrays)
    bare = (MaximumSoftmax(), Energy(), Mahalanobis(), RelativeMahalanobis(), Neighbours())
    fitted = [one.fit(fitting.known, fitting.classes) for one in bare]
    parts: list[Detector] = [combined.exposure.reconstruction, combined.exposure, combined]
    return _Subject(name, model, spectra, [*fitted, *parts])


def _far_samples(subject: _Subject, progress: Progress) -> dict[str, Expected]:
    rng = np.random.default_rng(_TEST_SEED)
    shares = torch.from_numpy(gaussian_spectra(subject.model.axis.edges_keV, _STRANGE, rng))
    return {
        "foreign elements": _strange(subject, strange_minerals(FOREIGN_ELEMENTS), progress),
        "alloys and ceramics": _strange(subject, strange_minerals(FOREIGN_COMPOSITIONS), progress),
        "Gaussian peaks": Expected(shares, torch.zeros(_STRANGE, dtype=torch.int64)),
    }


def _left_out_samples(subject: _Subject, progress: Progress) -> dict[str, Expected]:
    library = load_library()
    chosen = {"near: minerals left out": NEAR, "far: elements left out": BY_ELEMENT}
    return {
        kind: _strange(subject, [library.get(name) for name in names], progress)
        for kind, names in chosen.items()
    }


def _strange(subject: _Subject, strangers: Sequence[Any], progress: Progress) -> Expected:
    return expected_spectra(
        subject.spectra,
        strangers,
        count=_STRANGE,
        seed=_TEST_SEED,
        machines=_MACHINES // 4,
        advanced=lambda done: progress("benchmark: unknown spectra", done, _STRANGE, ""),
    )


def _separations(
    subject: _Subject,
    samples: Mapping[str, Expected],
    progress: Progress,
    *,
    offs: Sequence[float] = (),
) -> list[Row]:
    """Rows of every detector on every kind of unknown at every level, and false alarms."""
    known = expected_spectra(
        subject.spectra,
        (),
        count=_KNOWN,
        seed=_TEST_SEED,
        machines=_MACHINES,
        advanced=lambda done: progress("benchmark: known spectra", done, _KNOWN, ""),
    )
    scorer, generator = Scorer(subject.model), torch.Generator().manual_seed(1)
    samples = {**samples, **off_scales(known, subject.model.axis.edges_keV, offs)}
    rows: list[Row] = []
    for number, level in enumerate(LEVELS):
        progress("benchmark: score", number, len(LEVELS), f"{level:g} counts")
        seen = seen_at(scorer, known.shares, level, generator)
        strange = {
            kind: seen_at(scorer, one.shares, level, generator) for kind, one in samples.items()
        }
        base = {"model": subject.name, "counts": level}
        rows.append(
            {"kind": "false alarms", **base, "share": flagged(subject.model, seen), "n": len(seen)}
        )
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
                rows += _risk(
                    detector, seen, known.classes, of_known, scores, {**base, "unknown": kind}
                )
        for kind, one in strange.items():
            rows += _by_sample(subject.model, samples[kind], one, {**base, "unknown": kind})
    progress("benchmark: score", len(LEVELS), len(LEVELS), "")
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


def _by_sample(model: Checkpoint, expected: Expected, seen: Seen, base: Row) -> list[Row]:
    """Share of each sample that the model flags."""
    marks = flags(model, seen)
    numbers = torch.unique(expected.classes).tolist()
    if len(numbers) < 2:
        return []
    found = [float(marks[(expected.classes == number).numpy()].mean()) for number in numbers]
    return [{"kind": "by sample", **base, "samples": numbers, "flagged": found}]


def _outside(subject: _Subject, data: Path) -> list[Row]:
    """False alarms on known minerals of another code, and on measured elements."""
    found: list[Row] = []
    for name, shares in outside_spectra(subject.model, data).items():
        found += _flagged_draws(subject.model, name, shares, "outside")
    return found


def _left_out_acrylic(subject: _Subject, data: Path) -> list[Row]:
    shares = outside_spectra(subject.model, data)
    name = next(name for name in shares if name.endswith("Acrylic"))
    return _flagged_draws(subject.model, name, shares[name], "left out, measured")


def _flagged_draws(model: Checkpoint, name: str, shares: Tensor, kind: str) -> list[Row]:
    scorer, generator = Scorer(model), torch.Generator().manual_seed(2)
    return [
        {
            "kind": kind,
            "sample": name,
            "counts": level,
            "share": flagged(model, seen_at(scorer, shares.expand(_DRAWS, -1), level, generator)),
            "n": _DRAWS,
        }
        for level in OUTSIDE_LEVELS
    ]
