"""The tables ``grains.csv`` and ``associations.csv``."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.labels import VOID, LabelSet
from lithoscope.segmentation.quantify import UNKNOWN_ROW, VOID_ROW
from lithoscope.segmentation.regions import (
    PERCENTILES,
    grain_sizes,
    regions_from_codes,
    shared_boundaries,
)

_LENGTHS = (*(f"diameter_um_p{percent:g}" for percent in PERCENTILES),)
GRAIN_COLUMNS = (
    "mineral",
    "grains",
    "pixels",
    "area_mm2",
    *_LENGTHS,
    "diameter_um_p50_by_area",
    "diameter_um_largest",
)
ASSOCIATION_COLUMNS = ("mineral", "touches", "boundary_pixels", "percent")


def codes_of_map(
    classes: NDArray[np.integer], unknown: NDArray[np.bool_], labels: LabelSet
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return a code for each pixel, unknown and void apart, and the name of each code.

    Parameters
    ----------
    classes
        Class of each pixel, `VOID` for none, shape (y, x).
    unknown
        Pixels that count as unknown, shape (y, x).
    labels
        The classes.
    """
    void = classes == VOID
    codes = np.where(unknown, len(labels), classes.astype(np.int64))
    return np.where(void, len(labels) + 1, codes), (*labels.labels, UNKNOWN_ROW, VOID_ROW)


def grain_rows(
    codes: NDArray[np.int64], names: Sequence[str], *, pixel_um: tuple[float, float] | None
) -> list[dict[str, Any]]:
    """Return the rows of ``grains.csv``, the mineral of most pixels first; void has none.

    Parameters
    ----------
    codes, names
        From `codes_of_map`.
    pixel_um
        Height and width of a pixel in µm; areas and diameters are left empty where it is unknown.
    """
    area_um2 = None if pixel_um is None else pixel_um[0] * pixel_um[1]
    rows = []
    for sizes in grain_sizes(regions_from_codes(codes, none=names.index(VOID_ROW))):
        row: dict[str, Any] = {
            "mineral": names[sizes.code],
            "grains": sizes.number,
            "pixels": sizes.pixels,
            "area_mm2": None if area_um2 is None else round(sizes.pixels * area_um2 * 1e-6, 6),
        }
        lengths = (*sizes.diameters, sizes.median_by_area, sizes.largest)
        for column, length in zip(GRAIN_COLUMNS[4:], lengths, strict=True):
            row[column] = None if area_um2 is None else round(length * area_um2**0.5, 2)
        rows.append(row)
    return rows


def association_rows(codes: NDArray[np.int64], names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of ``associations.csv``: which mineral touches which, and how much.

    Percents are of the mineral's own boundary with all else, unknown and void among it; what lies
    at the edge of the map has no neighbour there.

    Parameters
    ----------
    codes, names
        From `codes_of_map`.
    """
    present, inverse = np.unique(codes, return_inverse=True)
    table = shared_boundaries(inverse.reshape(codes.shape), n_codes=present.size)
    own = [names[code] for code in present]
    rows = []
    for place in np.argsort(-table.sum(axis=1), kind="stable"):
        total = int(table[place].sum())
        rows += [
            {
                "mineral": own[place],
                "touches": own[other],
                "boundary_pixels": int(table[place, other]),
                "percent": round(100 * float(table[place, other]) / total, 3),
            }
            for other in np.argsort(-table[place], kind="stable")
            if table[place, other]
        ]
    return rows


def csv_of_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return rows as CSV; unknown values are empty."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()
