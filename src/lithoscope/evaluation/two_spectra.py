"""How often the best classifier between two known spectra errs: a bound that no network passes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import InvalidValueError

FloatArray = NDArray[np.float64]

_DRAWS = 20_000
# Share of a count below which a channel is taken to hold it in either spectrum.
_FLOOR = 1e-9


def error_between(one: FloatArray, other: FloatArray, counts: float, seed: int = 0) -> float:
    """Return the share of draws that the likelihood ratio puts to the wrong of two known spectra.

    By Neyman and Pearson's lemma (1933) nothing does better, however it was trained, when both are
    equally likely and all else about them is known. By Poisson draws, half from each; its standard
    error is below 0.3 points.

    Parameters
    ----------
    one, other
        Expected shares of the counts, shape (channel,).
    counts
        Expected total counts.
    seed
        Of the draws.

    Raises
    ------
    InvalidValueError
        If the shapes differ, the shares do not sum to one, or the counts are not positive.
    """
    sums = np.array([one.sum(), other.sum()])
    if one.shape != other.shape or not np.allclose(sums, 1, atol=1e-6) or not counts > 0:
        raise InvalidValueError(
            f"Spectra of {one.size} and {other.size} channels, sums {sums[0]:.6g} and "
            f"{sums[1]:.6g}, at {counts} counts.",
            expected="shares of the counts on the same channels, and positive counts",
        )
    rng = np.random.default_rng(seed)
    ratio = np.log(np.maximum(one, _FLOOR) / np.maximum(other, _FLOOR))
    # Channels in which the two are the same tell nothing.
    telling = np.abs(ratio) > 1e-12
    if not telling.any():
        return 0.5
    wrong = []
    for shares, sign in ((one, 1.0), (other, -1.0)):
        drawn = rng.poisson(counts * shares[telling], size=(_DRAWS // 2, int(telling.sum())))
        evidence = sign * (drawn @ ratio[telling])
        evidence -= sign * counts * float((one - other)[telling].sum())
        wrong.append((evidence < 0).mean() + 0.5 * (evidence == 0).mean())
    return float(np.mean(wrong))
