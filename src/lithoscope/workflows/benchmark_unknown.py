"""The benchmark of the unknown: what each detector is worth, on what, and what it costs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lithoscope.core.mineral import Mineral
from lithoscope.errors import CheckpointError
from lithoscope.evaluation.strange_materials import MATERIALS
from lithoscope.evaluation.strange_samples import (
    BY_ELEMENT,
    FOREIGN_COMPOSITIONS,
    FOREIGN_ELEMENTS,
    LIGHT,
    NEAR,
    gaussian_spectra,
    strange_minerals,
)
from lithoscope.inference.predict import Scorer
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import Checkpoint, find_checkpoint, save_checkpoint
from lithoscope.workflows.fit_unknown import (
    Expected,
    expected_spectra,
    seen_at,
    with_detector,
)
from lithoscope.workflows.left_out import model_without
from lithoscope.workflows.model_spectra import spectra_of_model
from lithoscope.workflows.new_model import Progress
from lithoscope.workflows.unknown_cost import cost_of_detector
from lithoscope.workflows.unknown_flags import flagged
from lithoscope.workflows.unknown_samples import check_outside, outside_spectra
from lithoscope.workflows.unknown_separation import Row, Subject, separations, subject_of_model
from lithoscope.workflows.unlike_rows import material_and_unlike_rows
from lithoscope.workflows.unlike_training import (
    corrupted,
    instruments_unlike,
    mixtures,
    split_by_kind,
)

LEVELS = (100.0, 300.0, 1_000.0, 3_000.0, 10_000.0)
OUTSIDE_LEVELS = (300.0, 1_000.0, 3_000.0, 10_000.0, 100_000.0)
_TEST_SEED = 9_300_017
_KNOWN, _STRANGE, _MATERIALS, _UNLIKE, _DRAWS = 8192, 3072, 4096, 2048, 400
_MACHINES, _LEFT_OUT_SPECTRA = 32, 150_000


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
    whole = subject_of_model("whole", checkpoint, progress)
    known = _known(whole, progress)
    rows += separations(whole, known, _far_samples(whole, progress), progress, levels=LEVELS)
    rows += _materials_and_unlike(whole, known, progress)
    rows.append(cost_of_detector(checkpoint))
    if data is not None:
        rows += _outside(whole, data)
    less = subject_of_model(
        "left out", _left_out_model(checkpoint, folder / "left-out", progress), progress
    )
    left_out = _left_out_samples(less, progress)
    rows += separations(less, _known(less, progress), left_out, progress, levels=LEVELS)
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


def _far_samples(subject: Subject, progress: Progress) -> dict[str, Expected]:
    rng = np.random.default_rng(_TEST_SEED)
    shares = torch.from_numpy(gaussian_spectra(subject.model.axis.edges_keV, _STRANGE, rng))
    return {
        "foreign elements": _strange(subject, strange_minerals(FOREIGN_ELEMENTS), progress),
        "alloys and ceramics": _strange(subject, strange_minerals(FOREIGN_COMPOSITIONS), progress),
        "Gaussian peaks": Expected(shares, torch.zeros(_STRANGE, dtype=torch.int64)),
    }


def _left_out_samples(subject: Subject, progress: Progress) -> dict[str, Expected]:
    library = load_library()
    chosen = {"near: minerals left out": NEAR, "far: elements left out": BY_ELEMENT}
    return {
        kind: _strange(subject, [library.get(name) for name in names], progress)
        for kind, names in chosen.items()
    }


def _materials_and_unlike(subject: Subject, known: Expected, progress: Progress) -> list[Row]:
    materials = {kind: strange_minerals(samples) for kind, samples in MATERIALS.items()}
    every = [one for samples in materials.values() for one in samples]
    drawn = _strange(subject, every, progress, count=_MATERIALS)
    spectra, machines = subject.spectra, _MACHINES // 4
    unlike = instruments_unlike(
        spectra, count=_UNLIKE, machines=machines, seed=_TEST_SEED, progress=progress
    )
    unlike |= mixtures(spectra, count=_UNLIKE, machines=machines, seed=_TEST_SEED)
    unlike |= corrupted(known, subject.model.axis.edges_keV, seed=_TEST_SEED)
    parted = split_by_kind(drawn, {kind: len(samples) for kind, samples in materials.items()})
    return material_and_unlike_rows(subject, known, parted, unlike, progress, levels=LEVELS)


def _known(subject: Subject, progress: Progress) -> Expected:
    return expected_spectra(
        subject.spectra,
        (),
        count=_KNOWN,
        seed=_TEST_SEED,
        machines=_MACHINES,
        advanced=lambda done: progress("benchmark: known spectra", done, _KNOWN, ""),
    )


def _strange(
    subject: Subject, strangers: Sequence[Mineral], progress: Progress, *, count: int | None = None
) -> Expected:
    total = count or _STRANGE
    return expected_spectra(
        subject.spectra,
        strangers,
        count=total,
        seed=_TEST_SEED,
        machines=_MACHINES // 4,
        advanced=lambda done: progress("benchmark: unknown spectra", done, total, ""),
    )


def _outside(subject: Subject, data: Path) -> list[Row]:
    """False alarms on known minerals of another code, and on measured elements."""
    found: list[Row] = []
    for name, shares in outside_spectra(subject.model, data).items():
        found += _flagged_draws(subject.model, name, shares, "outside")
    return found


def _left_out_acrylic(subject: Subject, data: Path) -> list[Row]:
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
