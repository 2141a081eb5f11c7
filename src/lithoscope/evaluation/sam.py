"""Spectral angle mapping: the classical baseline every accuracy is quoted beside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def classes_from_angles(
    *,
    counts: NDArray[np.floating],
    templates: NDArray[np.floating],
    template_classes: NDArray[np.int64],
    chunk: int = 1024,
) -> NDArray[np.int64]:
    """Class of the template at the smallest spectral angle.

    ``angle = arccos(s . t / (|s| |t|))`` (Kruse et al. 1993, Remote Sens. Environ. 44, 145).

    Parameters
    ----------
    counts
        Shape (spectrum, bin).
    templates
        Expected spectra, shape (template, bin).
    template_classes
        Class of each template, shape (template,).
    chunk
        Spectra compared at a time.

    Returns
    -------
    ndarray, shape (spectrum,)
    """
    lengths = np.linalg.norm(templates, axis=1, keepdims=True)
    unit = (templates / np.maximum(lengths, 1e-30)).astype(np.float32)
    best = np.empty(len(counts), dtype=np.int64)
    for first in range(0, len(counts), chunk):
        cosines = counts[first : first + chunk].astype(np.float32) @ unit.T
        best[first : first + chunk] = template_classes[cosines.argmax(axis=1)]
    return best
