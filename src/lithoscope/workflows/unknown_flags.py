"""Which spectra a model calls unknown, where its network has been applied already."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lithoscope.inference.predict import Scorer
from lithoscope.inference.unknown.base import Seen
from lithoscope.inference.unknown.judge import UnknownJudge
from lithoscope.models.checkpoint import Checkpoint


def flags(model: Checkpoint, seen: Seen) -> NDArray[np.bool_]:
    """Return which spectra a model calls unknown at its own share of false alarms."""
    look = Scorer(model).features_and_logits
    judge = UnknownJudge(model, range(len(model.labels)), look=look)
    classes = seen.logits.argmax(dim=1).numpy()
    return judge(seen, seen.counts.sum(dim=1).numpy(), classes=classes)[1]


def flagged(model: Checkpoint, seen: Seen) -> float:
    """Return the share of spectra that a model calls unknown."""
    return float(flags(model, seen).mean())
