"""A stored detector of the unknown as a file beside the weights, and what the description says."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lithoscope.errors import CheckpointError
from lithoscope.models.unknown_parts import StoredDetector, in_stored_precision


def detector_bytes(detector: StoredDetector) -> bytes:
    """Return its arrays as safetensors."""
    from safetensors.numpy import save

    return save({name: in_stored_precision(values) for name, values in detector.arrays.items()})


def detector_as_data(detector: StoredDetector, content: bytes) -> dict[str, Any]:
    """Return all but its arrays, and the hash of those, as plain values."""
    return {
        "counts": list(detector.counts),
        "false_alarms": list(detector.false_alarms),
        "scores": [list(row) for row in detector.scores],
        "spectra": detector.spectra,
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def detector_from_bytes(values: Mapping[str, Any], content: bytes, path: Path) -> StoredDetector:
    """Return the detector that `detector_bytes` and `detector_as_data` describe.

    Raises
    ------
    CheckpointError
        If the file is damaged or the values are not sound.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(content)
    except SafetensorError as error:
        raise CheckpointError(f"{path} is damaged: {error}.") from error
    return StoredDetector(
        arrays={name: one.astype(np.float32) for name, one in arrays.items()},
        counts=tuple(values["counts"]),
        false_alarms=tuple(values["false_alarms"]),
        scores=tuple(tuple(row) for row in values["scores"]),
        spectra=int(values["spectra"]),
    )
