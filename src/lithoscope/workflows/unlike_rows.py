"""What detectors make of materials, and of spectra unlike training that are not unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from lithoscope.evaluation.strange_materials import MATERIALS
from lithoscope.inference.predict import Scorer
from lithoscope.inference.unknown.base import Seen
from lithoscope.models.checkpoint import Checkpoint
from lithoscope.workflows.fit_unknown import Expected, seen_at
from lithoscope.workflows.new_model import Progress
from lithoscope.workflows.unknown_flags import flags
from lithoscope.workflows.unknown_separation import (
    Row,
    Subject,
    rows_by_sample,
    rows_of_detectors,
)
from lithoscope.workflows.unlike_training import Unlike

_SEED = 3


def material_and_unlike_rows(
    subject: Subject,
    known: Expected,
    materials: Mapping[str, Expected],
    unlike: Mapping[str, Unlike],
    progress: Progress,
    *,
    levels: Sequence[float],
) -> list[Row]:
    """Return rows of every detector on materials and on spectra unlike training.

    Rows of the latter are of kind ``unlike``, since a detector that calls them known may be right;
    rows of kind ``answers`` say how often they are named right, and called unknown by the model.

    Parameters
    ----------
    subject
        What is tested.
    known
        What it knows.
    materials
        What it does not, by kinds of `MATERIALS`; classes are places among the samples of a kind.
    unlike
        What it knows, measured as it never was in training, by name.
    progress
        Called with stage, levels done, levels in all and a remark.
    levels
        Total counts.
    """
    scorer, generator = Scorer(subject.model), torch.Generator().manual_seed(_SEED)
    every = {name: one.shares for name, one in materials.items()}
    every |= {name: one.shares for name, one in unlike.items()}
    rows: list[Row] = []
    for number, level in enumerate(levels):
        progress("benchmark: score unlike", number, len(levels), f"{level:g} counts")
        seen = seen_at(scorer, known.shares, level, generator)
        strange = {
            name: seen_at(scorer, shares, level, generator) for name, shares in every.items()
        }
        base: Row = {"model": subject.name, "counts": level}
        found = rows_of_detectors(subject, seen, known.classes, strange, base)
        for name, one in materials.items():
            found += rows_by_sample(subject.model, one, strange[name], {**base, "unknown": name})
        rows += [_told(row, unlike) for row in found if not _is_risk_of(row, unlike)]
        base["kind"] = "answers"
        rows.append(
            {**base, "set": "as in training", "what": "known"}
            | _answers(subject.model, seen, known.classes[:, None])
        )
        rows += [
            {**base, "set": name, "what": one.what}
            | _answers(subject.model, strange[name], one.classes)
            for name, one in unlike.items()
        ]
    progress("benchmark: score unlike", len(levels), len(levels), "")
    return rows


def _is_risk_of(row: Row, unlike: Mapping[str, Unlike]) -> bool:
    # A curve of what is misnamed counts every unknown spectrum as such, which these are not.
    return row["kind"] == "risk" and row["unknown"] in unlike


def _told(row: Row, unlike: Mapping[str, Unlike]) -> Row:
    """Say what a row is of: spectra unlike training are not unknown, samples have names."""
    name = row["unknown"]
    if row["kind"] == "by sample":
        own = list(MATERIALS[name])
        return {**row, "names": [own[place] for place in row["samples"]]}
    if name not in unlike:
        return row
    rest = {key: value for key, value in row.items() if key not in ("unknown", "unknown_n")}
    return {**rest, "kind": "unlike", "n": row["unknown_n"], "set": name, "what": unlike[name].what}


def _answers(model: Checkpoint, seen: Seen, classes: Tensor) -> Row:
    """How often the answer is one of the classes, and the first; flagged, and neither."""
    right = seen.logits.argmax(dim=1)[:, None] == classes
    named, marks = right.any(dim=1).numpy(), flags(model, seen)
    return {
        "right": float(named.mean()),
        "right_first": float(right[:, 0].numpy().mean()),
        "flagged": float(marks.mean()),
        "wrong": float((~named).mean()),
        "wrong_unflagged": float((~named & ~marks).mean()),
        "right_flagged": float((named & marks).mean()),
        "n": len(seen),
    }
