"""What a network says of each pixel, in 14 bytes instead of one number a class.

Some 200 classes times 228 000 pixels are 180 MB; smoothing and priors need them all at once. Almost
all of the probability lies on few classes, so three stand for themselves and the others share
what is left evenly: ``p = floor + excess``, the excess on three classes alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lithoscope.errors import InvalidValueError

MOST_KEPT = 3
# Below this nothing is told apart: e^-60 is less than one wrong pixel in any map, and float32
# probabilities end near e^-87.
LEAST_LOG = -60.0
# float16 keeps 11 bits of each logarithm, which moves a sum of probabilities by less than this.
_SUM_TOLERANCE = 0.02


@dataclass(frozen=True, eq=False)
class Posteriors:
    """Posterior probabilities of pixels under even class priors, in compact form.

    Parameters
    ----------
    classes
        The most probable classes, the best first, shape (..., kept), uint16; kept is three, or
        the number of allowed classes where there are fewer.
    log_probabilities
        Natural logarithm of their probabilities, shape (..., kept), float16.
    log_rest
        Logarithm of the mean probability of all other allowed classes, shape (...), float16;
        `LEAST_LOG` where there are none.
    allowed
        Classes that were not ruled out, increasing.

    Raises
    ------
    InvalidValueError
        If shapes, types or values do not fit together, or probabilities do not sum to 1.
    """

    classes: NDArray[np.uint16]
    log_probabilities: NDArray[np.float16]
    log_rest: NDArray[np.float16]
    allowed: tuple[int, ...]

    def __post_init__(self) -> None:
        self._check_allowed()
        self._check_shapes()
        self._check_classes()
        self._check_probabilities()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the pixels: (pixel,) or (y, x)."""
        return self.log_rest.shape

    @property
    def kept(self) -> int:
        """Number of classes that stand for themselves."""
        return self.classes.shape[-1]

    @property
    def others(self) -> int:
        """Number of allowed classes that share the rest."""
        return len(self.allowed) - self.kept

    def rows(self, first: int, last: int) -> Posteriors:
        """Return the pixels from `first` to `last` along the first axis."""
        part = slice(first, last)
        return Posteriors(
            self.classes[part], self.log_probabilities[part], self.log_rest[part], self.allowed
        )

    def reshaped(self, *shape: int) -> Posteriors:
        """Return the same pixels in another shape, (y, x) or (pixel,)."""
        return Posteriors(
            self.classes.reshape(*shape, self.kept),
            self.log_probabilities.reshape(*shape, self.kept),
            self.log_rest.reshape(*shape),
            self.allowed,
        )

    def dense(self, n_classes: int) -> NDArray[np.float32]:
        """Return probabilities of all classes, shape (..., class), which sum to 1.

        Parameters
        ----------
        n_classes
            Number of the model's classes; those that were ruled out get 0.
        """
        probabilities = np.zeros((*self.shape, n_classes), dtype=np.float32)
        probabilities[..., list(self.allowed)] = np.exp(self.log_rest.astype(np.float32))[..., None]
        np.put_along_axis(
            probabilities,
            self.classes.astype(np.intp),
            np.exp(self.log_probabilities.astype(np.float32)),
            axis=-1,
        )
        return np.asarray(probabilities / probabilities.sum(axis=-1, keepdims=True))

    def _check_allowed(self) -> None:
        allowed = np.asarray(self.allowed)
        if not allowed.size or allowed[0] < 0 or (np.diff(allowed) < 1).any():
            raise InvalidValueError(
                f"Allowed classes {self.allowed!r}.", expected="one or more, increasing from 0 on"
            )

    def _check_shapes(self) -> None:
        kept = min(MOST_KEPT, len(self.allowed))
        wanted = (*self.log_rest.shape, kept)
        found = (self.classes.shape, self.log_probabilities.shape)
        types = (self.classes.dtype, self.log_probabilities.dtype, self.log_rest.dtype)
        if found != (wanted, wanted) or types != (np.uint16, np.float16, np.float16):
            raise InvalidValueError(
                f"Posteriors of shapes {found[0]}, {found[1]} and {self.log_rest.shape}, "
                f"types {', '.join(map(str, types))}.",
                expected=f"(..., {kept}), (..., {kept}) and (...), uint16, float16 and float16",
            )

    def _check_classes(self) -> None:
        known = np.zeros(1 << 16, dtype=bool)
        known[list(self.allowed)] = True
        ranks = [self.classes[..., rank] for rank in range(self.kept)]
        twice = any((a == b).any() for i, a in enumerate(ranks) for b in ranks[:i])
        if twice or not known[self.classes].all():
            raise InvalidValueError(
                "Posteriors of classes that were ruled out, or of one class twice.",
                expected="different classes, each an allowed one",
            )

    def _check_probabilities(self) -> None:
        logs = self.log_probabilities.astype(np.float32)
        rest = self.log_rest.astype(np.float32)
        sums = np.exp(logs).sum(axis=-1) + self.others * np.exp(rest)
        # Written so that NaN fails as well.
        if not (np.abs(sums - 1) <= _SUM_TOLERANCE).all():
            worst = sums.ravel()[np.argmax(np.nan_to_num(np.abs(sums - 1), nan=np.inf))]
            raise InvalidValueError(
                f"Posterior probabilities that sum to {worst:g}.", expected="1 for each pixel"
            )
        if (np.diff(logs, axis=-1) > 0).any() or (rest > logs[..., -1] + 0.05).any():
            raise InvalidValueError(
                "Posterior probabilities out of order.", expected="the most probable class first"
            )


def posteriors_from_probabilities(
    probabilities: NDArray[np.floating], *, allowed: Sequence[int]
) -> Posteriors:
    """Keep the three best classes of each spectrum and the mean of the rest.

    Parameters
    ----------
    probabilities
        Shape (spectrum, class), after the model's temperature, zero for classes that were ruled
        out; a block of rows at a time.
    allowed
        Classes that were not ruled out.

    Returns
    -------
    Posteriors
        Of shape (spectrum,).
    """
    columns = np.array(sorted(allowed), dtype=np.intp)
    if probabilities.ndim != 2 or not columns.size or columns[-1] >= probabilities.shape[1]:
        raise InvalidValueError(
            f"Probabilities of shape {probabilities.shape} with {columns.size} allowed classes.",
            expected="(spectrum, class), with a column for each allowed class",
        )
    # A fancy index copies, so that what is kept can be struck out below.
    chosen = torch.from_numpy(np.asarray(probabilities, dtype=np.float32)[:, columns])
    best, places = torch.topk(chosen, min(MOST_KEPT, columns.size), dim=1)
    # The rest is summed by itself: one less the best would leave nothing but rounding.
    chosen.scatter_(1, places, 0.0)
    others = columns.size - best.shape[1]
    rest = chosen.sum(dim=1) / max(others, 1)
    return Posteriors(
        columns[places.numpy()].astype(np.uint16),
        _logarithms(best),
        _logarithms(rest),
        tuple(columns.tolist()),
    )


def _logarithms(values: torch.Tensor) -> NDArray[np.float16]:
    logs = torch.log(values).clamp_(LEAST_LOG, 0.0)
    return np.asarray(logs.numpy().astype(np.float16))


def joined(blocks: Sequence[Posteriors]) -> Posteriors:
    """Put blocks of posteriors of the same allowed classes together along their first axis."""
    if len({block.allowed for block in blocks}) != 1:
        raise InvalidValueError(
            "Blocks of posteriors among different classes, or no block.",
            expected="one or more of the same model and minerals",
        )
    return Posteriors(
        np.concatenate([block.classes for block in blocks]),
        np.concatenate([block.log_probabilities for block in blocks]),
        np.concatenate([block.log_rest for block in blocks]),
        blocks[0].allowed,
    )
