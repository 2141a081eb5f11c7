"""Clean isolated pixels off a mineral map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from lithoscope.core.labels import VOID


def majority_filter(
    classes: NDArray[np.int16],
    *,
    ignore: NDArray[np.bool_] | None = None,
    keep: NDArray[np.bool_] | None = None,
) -> NDArray[np.int16]:
    """Give each pixel the class most common among itself and its eight neighbours.

    A pixel keeps its class unless another has strictly more votes. Void pixels stay void and have
    no vote; ignored pixels have no vote, and take the class of their neighbours.

    Parameters
    ----------
    classes
        Shape (y, x), ``VOID`` for no class.
    ignore
        Pixels whose class is not to be trusted, shape (y, x).
    keep
        Pixels whose class is certain and stays whatever lies around, shape (y, x).

    Returns
    -------
    ndarray, shape (y, x)
    """
    voting = classes != VOID
    if ignore is not None:
        voting &= ~ignore
    labels = np.unique(classes[voting])
    if labels.size == 0:
        return classes.copy()
    votes = np.stack([_neighbours((classes == label) & voting) for label in labels], axis=0)
    own = np.take_along_axis(
        votes, np.searchsorted(labels, classes).clip(0, labels.size - 1)[None], 0
    )[0]
    own = np.where(np.isin(classes, labels), own, 0)
    better = (votes.max(axis=0) > own) & (classes != VOID)
    if keep is not None:
        better &= ~keep
    return np.where(better, labels[votes.argmax(axis=0)], classes).astype(np.int16)


def _neighbours(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Count each pixel and its neighbours; a byte a class, since all classes are held at once."""
    return np.rint(uniform_filter(mask.astype(np.float32), size=3, mode="constant") * 9).astype(
        np.uint8
    )
