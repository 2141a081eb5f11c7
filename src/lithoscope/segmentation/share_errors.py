"""How far estimated shares of minerals were from the truth, on scans whose truth is known.

A network that is calibrated on average is not so on the one machine and the few compositions of a
scan: a mineral may be misnamed in half of its grains, or in all. What its posteriors say of that
is far too narrow (docs/maps.md). So intervals are read off errors that were seen, as in split
conformal prediction (Vovk, Gammerman and Shafer 2005): quantiles of log(truth / estimate) over
simulated scans, by how large the share is and how doubtful its pixels are.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import InvalidValueError

# Shares and doubts between which errors are looked at apart.
SHARE_EDGES, DOUBT_EDGES = (0.01, 0.1), (0.01, 0.05, 0.15)
# Somewhat wider than 95 %, since minerals that were not found at all are missed by every interval.
QUANTILES = (0.015, 0.985)
# Fewer errors than this give no quantile.
_FEWEST = 20
_NORMAL_95 = 1.96


@dataclass(frozen=True)
class ShareErrors:
    """Errors of estimated shares.

    Parameters
    ----------
    share_edges, doubt_edges
        Increasing edges of the strata of shares and of doubts.
    low, high
        Quantiles of ``log(truth / estimate)`` that bound it, of each stratum of shares (outer) and
        doubts (inner); low ones are not above 0, high ones not below.
    block_factors
        By what the standard error of the block bootstrap is multiplied in each stratum of shares:
        blocks are fewer than they seem, since grains cross from one to the next.
    scans
        Simulated scans by which all this was measured.
    """

    share_edges: tuple[float, ...]
    doubt_edges: tuple[float, ...]
    low: tuple[tuple[float, ...], ...]
    high: tuple[tuple[float, ...], ...]
    block_factors: tuple[float, ...]
    scans: int

    def __post_init__(self) -> None:
        rows, columns = len(self.share_edges) + 1, len(self.doubt_edges) + 1
        for name in ("low", "high"):
            table = getattr(self, name)
            if len(table) != rows or {len(row) for row in table} != {columns}:
                raise InvalidValueError(
                    f"A table of {name} errors of {len(table)} rows.",
                    expected=f"{rows} rows of {columns}, one for each stratum",
                )
        if not (np.array(self.low) <= 0).all() or not (np.array(self.high) >= 0).all():
            raise InvalidValueError(
                "Errors that leave out the estimate itself.", expected="low <= 0 <= high"
            )
        if len(self.block_factors) != rows or min(self.block_factors) <= 0:
            raise InvalidValueError(
                f"Block factors {self.block_factors}.", expected=f"{rows} positive numbers"
            )

    def bounds(
        self,
        shares: NDArray[np.float64],
        doubts: NDArray[np.float64],
        block_errors: NDArray[np.float64] | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the bounds of ``log(truth / estimate)``, shapes as the shares.

        Parameters
        ----------
        shares, doubts
            Estimated, from 0 to 1.
        block_errors
            Relative standard errors of the block bootstrap, added in quadrature; left out for the
            scan itself.
        """
        row = np.searchsorted(self.share_edges, shares, side="right")
        column = np.searchsorted(self.doubt_edges, doubts, side="right")
        low, high = np.array(self.low)[row, column], np.array(self.high)[row, column]
        if block_errors is None:
            return low, high
        width = _NORMAL_95 * np.array(self.block_factors)[row] * block_errors
        return -np.hypot(low, width), np.hypot(high, width)

    def as_data(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def share_errors_from_data(data: Mapping[str, Any]) -> ShareErrors:
    """Make it from what `ShareErrors.as_data` gave and JSON kept."""
    return ShareErrors(
        share_edges=tuple(data["share_edges"]),
        doubt_edges=tuple(data["doubt_edges"]),
        low=tuple(tuple(row) for row in data["low"]),
        high=tuple(tuple(row) for row in data["high"]),
        block_factors=tuple(data["block_factors"]),
        scans=int(data["scans"]),
    )


@functools.cache
def shipped_share_errors() -> ShareErrors:
    """Return the errors that were measured with the shipped model (docs/maps.md)."""
    file = importlib.resources.files("lithoscope.segmentation") / "data" / "share_errors.json"
    return share_errors_from_data(json.loads(file.read_text(encoding="utf-8")))


def fit_share_errors(
    *,
    errors: NDArray[np.float64],
    shares: NDArray[np.float64],
    doubts: NDArray[np.float64],
    block_factors: tuple[float, ...],
    scans: int,
) -> ShareErrors:
    """Take quantiles of errors that were seen.

    Parameters
    ----------
    errors
        ``log(truth / estimate)`` of minerals that were there and were found, shape (mineral,).
    shares, doubts
        Estimates, shape (mineral,).
    block_factors, scans
        As `ShareErrors` holds them.

    Raises
    ------
    InvalidValueError
        If a stratum has too few errors.
    """
    row = np.searchsorted(SHARE_EDGES, shares, side="right")
    column = np.searchsorted(DOUBT_EDGES, doubts, side="right")
    low: list[tuple[float, ...]] = []
    high: list[tuple[float, ...]] = []
    for i in range(len(SHARE_EDGES) + 1):
        cells = [errors[(row == i) & (column == j)] for j in range(len(DOUBT_EDGES) + 1)]
        if min(cell.size for cell in cells) < _FEWEST:
            raise InvalidValueError(
                f"{min(cell.size for cell in cells)} errors in a stratum.",
                expected=f"{_FEWEST} or more",
            )
        ends = [np.quantile(cell, QUANTILES) for cell in cells]
        low.append(tuple(round(min(float(end[0]), 0.0), 4) for end in ends))
        high.append(tuple(round(max(float(end[1]), 0.0), 4) for end in ends))
    return ShareErrors(SHARE_EDGES, DOUBT_EDGES, tuple(low), tuple(high), block_factors, scans)
