"""What a model's detector of the unknown costs."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.inference.predict import Predictor
from lithoscope.io import load_instrument
from lithoscope.models.checkpoint import Checkpoint

_TIMED_SPECTRA, _TIMED_RUNS = 4096, 5


def cost_of_detector(model: Checkpoint) -> dict[str, Any]:
    """Time of prediction with and without the detector, the fastest of some runs each."""
    axis = load_instrument(model.instruments[0]).axis
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.5, (_TIMED_SPECTRA, axis.n_channels)).astype(np.uint16)
    without = dataclasses.replace(model, detector=None)
    seconds = [_fastest(Predictor(one, axis), counts) for one in (without, model)]
    per = [1e6 * one / _TIMED_SPECTRA for one in seconds]
    return {"kind": "cost", "without_us": per[0], "with_us": per[1], "ratio": per[1] / per[0] - 1}


def _fastest(predict: Callable[[NDArray[np.uint16]], object], counts: NDArray[np.uint16]) -> float:
    found = float("inf")
    for _ in range(_TIMED_RUNS):
        start = time.perf_counter()
        predict(counts)
        found = min(found, time.perf_counter() - start)
    return found
