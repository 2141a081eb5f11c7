"""How frequent each class is in a scan, and the posterior with that in mind.

A network is trained on classes as frequent as each other; a scan holds some ten of its hundreds. Of
228 000 pixels with 1 % misnamed, 2 300 would show exotic minerals. The scan's own frequencies are
found by expectation-maximisation over its pixels (Saerens, Latinne and Decaestecker 2002, Neural
Computation 14, eq. 2.9): with even priors in training, the network's posterior is the likelihood
up to a factor, and

    p'_n(k) = pi_k p_n(k) / sum_j pi_j p_n(j),        pi_k = mean_n p'_n(k).

In compact form ``p_n = floor_n + excess_n`` with an excess on three classes, and a step takes three
terms a pixel instead of one for each class, without approximation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import InvalidValueError
from lithoscope.inference.posteriors import Posteriors

MOST_STEPS = 500
# Steps end when no share moves by more than this: a tenth of a pixel in 100 000.
_SETTLED = 1e-6


@dataclass(frozen=True, eq=False)
class ScanPriors:
    """How frequent classes are in a scan.

    Parameters
    ----------
    shares
        Of each class of the model, sum 1, shape (class,); 0 for classes that were ruled out.
    pixels
        Pixels by which they were estimated.
    steps
        Steps that it took.
    """

    shares: NDArray[np.float64]
    pixels: int
    steps: int

    def __post_init__(self) -> None:
        total = self.shares.sum()
        if self.shares.ndim != 1 or not (self.shares >= 0).all() or not abs(total - 1) < 1e-6:
            raise InvalidValueError(
                f"Priors of shape {self.shares.shape} that sum to {total:g}.",
                expected="one share for each class, none negative, sum 1",
            )


@dataclass(frozen=True, eq=False)
class Likelihoods:
    """Likelihoods of pixels in sparse form, up to a factor of each pixel.

    Parameters
    ----------
    classes
        Classes with a likelihood of their own, shape (pixel, kept).
    excess
        Their likelihood above the floor, shape (pixel, kept), never negative.
    floor
        Likelihood of all other allowed classes, shape (pixel,).
    allowed
        Whether each class of the model is allowed, shape (class,).
    """

    classes: NDArray[np.intp]
    excess: NDArray[np.float64]
    floor: NDArray[np.float64]
    allowed: NDArray[np.bool_]

    @classmethod
    def of(
        cls, posteriors: Posteriors, n_classes: int, use: NDArray[np.bool_] | None = None
    ) -> Likelihoods:
        """Take the pixels that `use` chooses, all when left out, in order.

        Parameters
        ----------
        posteriors
            Under even priors.
        n_classes
            Number of the model's classes.
        use
            Shape of the posteriors.
        """
        part = np.ones(posteriors.shape, dtype=bool) if use is None else use
        if part.shape != posteriors.shape:
            raise InvalidValueError(
                f"A mask of shape {part.shape} for pixels of shape {posteriors.shape}.",
                expected="the same shape",
            )
        allowed = np.zeros(n_classes, dtype=bool)
        allowed[list(posteriors.allowed)] = True
        own = np.exp(posteriors.log_probabilities[part].astype(np.float64))
        # With no class left for the rest, the floor plays no part.
        floor = np.exp(posteriors.log_rest[part].astype(np.float64)) * (posteriors.others > 0)
        excess = np.maximum(own - floor[:, None], 0.0)
        return cls(posteriors.classes[part].astype(np.intp), excess, floor, allowed)

    def __len__(self) -> int:
        return len(self.floor)

    def weighed(
        self, shares: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return ``pi_k excess_n(k)``, shape (pixel, kept), and its sum with the floor, (pixel,).

        Parameters
        ----------
        shares
            Frequency of each class, sum 1 over the allowed ones, shape (class,).
        """
        above = shares[self.classes] * self.excess
        return above, np.maximum(above.sum(axis=1) + self.floor, np.finfo(float).tiny)

    def mean_posterior(
        self, shares: NDArray[np.float64], weights: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Return the mean over pixels of the posterior under priors, shape (class,).

        Parameters
        ----------
        shares
            The priors.
        weights
            Of each pixel, shape (pixel,); even when left out.
        """
        above, total = self.weighed(shares)
        scale = 1 / total if weights is None else weights / total
        own = np.bincount(
            self.classes.ravel(), (above * scale[:, None]).ravel(), minlength=shares.size
        )
        sums = own + shares * (self.floor @ scale)
        return np.asarray(sums / sums.sum())


def estimate_priors(
    posteriors: Posteriors, *, n_classes: int, use: NDArray[np.bool_] | None = None
) -> ScanPriors:
    """Estimate how frequent classes are in a scan, by expectation-maximisation.

    Parameters
    ----------
    posteriors
        Of its pixels, under even priors.
    n_classes
        Number of the model's classes.
    use
        Pixels to count, neither void nor unknown; all when left out. With none, all allowed
        classes are equally frequent.
    """
    likelihoods = Likelihoods.of(posteriors, n_classes, use)
    shares = likelihoods.allowed / likelihoods.allowed.sum()
    if not len(likelihoods):
        return ScanPriors(shares, 0, 0)
    shares, steps = maximised(likelihoods, shares)
    return ScanPriors(shares, len(likelihoods), steps)


def maximised(
    likelihoods: Likelihoods,
    shares: NDArray[np.float64],
    *,
    weights: NDArray[np.float64] | None = None,
    most_steps: int = MOST_STEPS,
) -> tuple[NDArray[np.float64], int]:
    """Return the priors that make the pixels most likely, and the steps taken.

    Parameters
    ----------
    likelihoods
        Of the pixels.
    shares
        Where to start.
    weights
        Of each pixel, shape (pixel,); even when left out.
    most_steps
        After how many steps to stop in any case.
    """
    steps, moved = 0, np.inf
    while steps < most_steps and moved >= _SETTLED:
        new = likelihoods.mean_posterior(shares, weights)
        moved = float(np.abs(new - shares).max())
        shares, steps = new, steps + 1
    return shares, steps


def best_under_priors(
    posteriors: Posteriors, shares: NDArray[np.float64]
) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """Return the most probable class of each pixel under priors, and its probability.

    A class that stands among the rest can win where it is much more frequent than the three kept:
    of those, only the most frequent one can, so that four classes a pixel are looked at.

    Parameters
    ----------
    posteriors
        Under even priors, shape (...).
    shares
        Frequency of each class of the model, sum 1 over the allowed ones, shape (class,).

    Returns
    -------
    classes, confidence : ndarray, shape (...)
    """
    likelihoods = Likelihoods.of(posteriors, shares.size)
    above, total = likelihoods.weighed(shares)
    own = above + shares[likelihoods.classes] * likelihoods.floor[:, None]
    rest = _most_frequent_of_rest(likelihoods, shares)
    candidates = np.column_stack([likelihoods.classes, rest])
    scores = np.column_stack([own, shares[rest] * likelihoods.floor])
    if not posteriors.others:
        candidates, scores = candidates[:, :-1], scores[:, :-1]
    best = scores.argmax(axis=1)
    pixels = np.arange(len(best))
    confidence = np.clip(scores[pixels, best] / total, 0, 1).astype(np.float32)
    classes = candidates[pixels, best].astype(np.int16)
    return classes.reshape(posteriors.shape), confidence.reshape(posteriors.shape)


def _most_frequent_of_rest(
    likelihoods: Likelihoods, shares: NDArray[np.float64]
) -> NDArray[np.intp]:
    """Return the most frequent class of each pixel that is not among those kept, shape (pixel,)."""
    kept = likelihoods.classes.shape[1]
    order = np.argsort(-np.where(likelihoods.allowed, shares, -1.0), kind="stable")[: kept + 1]
    found = np.full(len(likelihoods), order[0], dtype=np.intp)
    open_yet = np.ones(len(likelihoods), dtype=bool)
    for candidate in order:
        free = open_yet & ~(likelihoods.classes == candidate).any(axis=1)
        found[free] = candidate
        open_yet &= ~free
    return found
