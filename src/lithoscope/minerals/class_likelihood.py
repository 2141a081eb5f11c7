"""How likely counts are under a mineral: composition and instrument integrated out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import InvalidValueError

FloatArray = NDArray[np.float64]

# Components of a class that carry less than this many nats at the most counts asked for are noise
# of the sample, not of nature; more than so many were of no use (docs/decisions/0011).
_LEAST_INFORMATION = 0.5
_MOST_COMPONENTS = 8
# Newton's method stops when a step would gain less than this in log likelihood.
_LEAST_GAIN = 0.02
_MOST_STEPS = 40
_SHORTER = 0.3
# Spectra worked on together: few enough for their tables to stay in the processor's cache.
_CHUNK = 128
# Directions that tell fewer nats than this at the counts at hand change no likelihood.
_LEAST_FELT = 0.03
# Share of all counts that an empty bin is granted, so that its logarithm is finite.
_FLOOR = 1e-9


@dataclass(frozen=True, eq=False)
class ClassModel:
    """A class of spectra: their geometric mean, and the directions in which they vary.

    A spectrum of the class has the shares ``p = softmax(m + theta J)`` with a standard normal
    theta, and its counts are multinomial. Element lines, scatter and the instrument's response
    multiply, so in the logarithm even a lens that halves the hard radiation is a straight line.

    Parameters
    ----------
    log_mean
        Mean logarithm of the shares, shape (bin,).
    directions
        Change of the logarithm for one standard deviation, shape (direction, bin).
    """

    log_mean: FloatArray
    directions: FloatArray

    def __post_init__(self) -> None:
        if self.log_mean.ndim != 1 or not self.log_mean.size:
            raise InvalidValueError(f"A mean of shape {self.log_mean.shape}.", expected="(bin,)")
        if self.directions.ndim != 2 or self.directions.shape[1] != self.log_mean.size:
            raise InvalidValueError(
                f"Directions of shape {self.directions.shape}.",
                expected=f"(direction, {self.log_mean.size})",
            )

    def log_likelihood(self, counts: NDArray[np.number]) -> FloatArray:
        """Logarithm of the likelihood of each spectrum, theta integrated out.

        Laplace's method: ``log p(n) = f(theta*) - log det(-f'') / 2`` at the maximum of
        ``f = log p(n | theta) - theta^2 / 2`` (Tierney and Kadane 1986, J. Am. Stat. Assoc. 81,
        82). f is concave; its maximum is found by Newton's method with shortened steps.

        Parameters
        ----------
        counts
            Shape (spectrum, bin).

        Returns
        -------
        ndarray, shape (spectrum,): up to the multinomial coefficient, which is the same for
        every class
        """
        measured = np.asarray(counts, dtype=np.float64)
        products = self._products()
        parts = [
            self._integrals(measured[start : start + _CHUNK], products)
            for start in range(0, len(measured), _CHUNK)
        ]
        return np.concatenate([np.empty(0), *parts])

    def felt_at(self, counts: float) -> ClassModel:
        """Return the same without what does not matter at so few counts.

        Theta may be rotated, its prior being round: along the principal axes of the Fisher
        information at the mean, only those that inform are kept.
        """
        shares = np.exp(self.log_mean)
        centred = self.directions - (self.directions @ shares)[:, None]
        rotation, scales, _ = np.linalg.svd(centred * np.sqrt(shares), full_matrices=False)
        kept = scales**2 * counts > _LEAST_FELT
        return ClassModel(self.log_mean, rotation[:, kept].T @ centred)

    def _integrals(self, measured: FloatArray, products: NDArray[np.float32]) -> FloatArray:
        totals, scores = measured.sum(axis=1), measured @ self.directions.T
        theta, step = np.zeros_like(scores), np.zeros_like(scores)
        highest = np.full(len(measured), -np.inf)
        integral = np.empty(len(measured))
        active = np.arange(len(measured))
        for _ in range(_MOST_STEPS):
            trial = theta[active] + step[active]
            value, gradient, curvature = self._expanded(
                trial, totals[active], scores[active], products
            )
            worse = value < highest[active] - _LEAST_GAIN
            step[active[worse]] *= _SHORTER
            better = active[~worse]
            newton = np.linalg.solve(curvature[~worse], gradient[~worse, :, None])[:, :, 0]
            gain = (gradient[~worse] * newton).sum(axis=1) / 2
            theta[better], step[better] = trial[~worse], newton
            highest[better] = value[~worse]
            done = gain <= _LEAST_GAIN
            logdet = np.linalg.slogdet(curvature[~worse][done])[1]
            integral[better[done]] = (value[~worse] + gain)[done] - logdet / 2
            active = np.concatenate([active[worse], better[~done]])
            if not active.size:
                break
        # Where the maximum was not reached, a value on the way to it, lower than the integral.
        integral[active] = highest[active]
        return np.asarray(measured @ self.log_mean + integral)

    def _products(self) -> NDArray[np.float32]:
        """Products of all pairs of directions, shape (bin, pair).

        In single precision, which the second derivative needs no more than and takes half as long.
        """
        rows, columns = np.triu_indices(len(self.directions))
        products = (self.directions[rows] * self.directions[columns]).T
        return np.ascontiguousarray(products, dtype=np.float32)

    def _expanded(
        self,
        theta: FloatArray,
        totals: FloatArray,
        scores: FloatArray,
        products: NDArray[np.float32],
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Value without ``counts @ log_mean``, gradient and negative second derivative of f."""
        logs = self.log_mean + theta @ self.directions
        top = logs.max(axis=1, keepdims=True)
        shares = np.exp(logs - top)
        sums = shares.sum(axis=1, keepdims=True)
        shares /= sums
        normaliser = (top + np.log(sums))[:, 0]
        value = (theta * scores).sum(axis=1) - totals * normaliser - (theta**2).sum(axis=1) / 2
        mean = shares @ self.directions.T
        gradient = scores - totals[:, None] * mean - theta
        size = len(self.directions)
        rows, columns = np.triu_indices(size)
        second = np.empty((len(theta), size, size))
        second[:, rows, columns] = shares.astype(np.float32) @ products
        second[:, columns, rows] = second[:, rows, columns]
        second -= mean[:, :, None] * mean[:, None, :]
        return value, gradient, totals[:, None, None] * second + np.eye(size)


def class_model_from_spectra(
    *, spectra: FloatArray, responses: FloatArray, most_counts: float
) -> ClassModel:
    """Make a class model from expected spectra of one mineral on one machine.

    The directions are the principal components of the logarithms in the metric of their Fisher
    information (each bin weighted by its share), and the responses of the machine.

    Parameters
    ----------
    spectra
        Shape (sample, bin), of any total.
    responses
        Change of the logarithm for one standard deviation of each thing that is uncertain about
        the machine, shape (response, bin).
    most_counts
        Counts above which no difference need be told.
    """
    logs = log_shares_from_spectra(spectra=spectra)
    mean = logs.mean(axis=0)
    weights = np.exp(mean / 2)
    _, scales, axes = np.linalg.svd((logs - mean) * weights, full_matrices=False)
    scales = scales / np.sqrt(max(len(logs) - 1, 1))
    kept = np.flatnonzero(scales**2 * most_counts > _LEAST_INFORMATION)[:_MOST_COMPONENTS]
    components = scales[kept, None] * axes[kept] / weights
    return ClassModel(mean, np.concatenate([components, responses]))


def log_shares_from_spectra(*, spectra: FloatArray) -> FloatArray:
    """Logarithm of each bin's share of the counts, shape (spectrum, bin)."""
    shares = spectra / spectra.sum(axis=-1, keepdims=True) + _FLOOR
    return np.asarray(np.log(shares / shares.sum(axis=-1, keepdims=True)))
