"""Which classes a model takes for which, most often first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import InvalidValueError


@dataclass(frozen=True)
class Confusion:
    """One class taken for another.

    Parameters
    ----------
    truth, named
        Indices of the classes.
    share
        Of the spectra of `truth`.
    spectra
        Number of spectra of `truth`.
    """

    truth: int
    named: int
    share: float
    spectra: int


def most_frequent_confusions(
    *, truth: NDArray[np.integer], named: NDArray[np.integer], n_classes: int, count: int
) -> list[Confusion]:
    """Return the pairs of true and wrong class that most spectra of the true one fall to.

    Parameters
    ----------
    truth, named
        Classes, shape (spectrum,).
    n_classes
        Number of classes.
    count
        Most pairs to return.

    Returns
    -------
    list of Confusion
        The largest share first; equal ones in the order of the classes. Pairs that never occur are
        left out.

    Raises
    ------
    InvalidValueError
        If the shapes differ, or a class is not there.
    """
    if truth.shape != named.shape or truth.ndim != 1:
        raise InvalidValueError(
            f"True classes of shape {truth.shape}, named ones of {named.shape}.",
            expected="one of each for every spectrum",
        )
    for classes in (truth, named):
        if classes.size and not 0 <= classes.min() <= classes.max() < n_classes:
            raise InvalidValueError(
                f"Classes from {classes.min()} to {classes.max()}.",
                expected=f"0 to {n_classes - 1}",
            )
    pairs = np.zeros((n_classes, n_classes), dtype=np.int64)
    np.add.at(pairs, (truth, named), 1)
    spectra = pairs.sum(axis=1)
    np.fill_diagonal(pairs, 0)
    shares = pairs / np.maximum(spectra, 1)[:, None]
    order = np.argsort(-shares, axis=None, kind="stable")[:count]
    return [
        Confusion(int(one), int(other), float(shares[one, other]), int(spectra[one]))
        for one, other in zip(*np.unravel_index(order, shares.shape), strict=True)
        if pairs[one, other]
    ]
