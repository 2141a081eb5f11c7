"""What flows between the steps of a chain: what the values are, and of which energies."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lithoscope.errors import PreprocessingError

Kind = Literal["counts", "net", "shares", "scaled", "scores", "inputs"]

COUNTS_ALONE: tuple[Kind, ...] = ("counts",)

_WORDS: dict[Kind, str] = {
    "counts": "counts with Poisson noise",
    "net": "intensities on the scale of counts",
    "shares": "intensities on a scale of their own",
    "scaled": "scaled values",
    "scores": "scores without an energy axis",
    "inputs": "a network's inputs",
}


@dataclass(frozen=True, eq=False)
class Layout:
    """What a batch holds.

    Parameters
    ----------
    kind
        ``counts``: Poisson counts; ``net``: 0 or more, on the counts' scale, without their noise or
        baseline; ``shares``: 0 or more, divided by something; ``scaled``: roots, logarithms,
        standardised values; ``scores``: not one value a bin; ``inputs``: ready for a network.
    length
        Values of a spectrum.
    edges_keV
        Edges of the bins, shape (length + 1,); ``None`` for scores.
    channels
        Values of a bin: 1, or more for a network's inputs, which have shape
        (batch, channels, length).
    """

    kind: Kind
    length: int
    edges_keV: NDArray[np.float64] | None = None
    channels: int = 1

    @classmethod
    def of_counts(cls, edges_keV: ArrayLike) -> Layout:
        """Layout of counts on bins of these edges, shape (bin + 1,)."""
        edges = np.asarray(edges_keV, dtype=np.float64)
        if edges.ndim != 1 or edges.size < 2 or not np.all(np.diff(edges) > 0):
            raise PreprocessingError(
                f"Bin edges of shape {edges.shape} that do not increase.",
                expected="two or more edges in keV, each above the one before",
            )
        return cls("counts", edges.size - 1, edges)

    def edges_for(self, step: str, kinds: Collection[Kind]) -> NDArray[np.float64]:
        """Return the edges, if what flows here is something that a step takes.

        Raises
        ------
        PreprocessingError
            If it is not.
        """
        self.require(step, kinds)
        if self.edges_keV is None:
            raise PreprocessingError(
                f"'{step}' works along the energy axis, and stands after a step that leaves none.",
                expected=f"'{step}' before steps such as pca",
            )
        return self.edges_keV

    def require(self, step: str, kinds: Collection[Kind]) -> None:
        """Raise `PreprocessingError` unless what flows here is of one of these kinds."""
        if self.kind not in kinds:
            raise PreprocessingError(
                f"'{step}' would be given {_WORDS[self.kind]}.",
                expected=" or ".join(_WORDS[kind] for kind in kinds),
                remedy=f"put '{step}' elsewhere in the chain",
            )
