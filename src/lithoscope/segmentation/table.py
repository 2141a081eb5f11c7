"""The table ``minerals.csv``."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from lithoscope.segmentation.quantify import MineralShare

COLUMNS = (
    "mineral",
    "members",
    "pixels",
    "area_percent",
    "area_percent_low",
    "area_percent_high",
    "area_percent_smoothed",
    "weight_percent",
    *(
        f"{kind}_percent_{what}"
        for kind in ("area", "weight")
        for what in ("corrected", "scan_low", "scan_high", "rock_low", "rock_high")
    ),
)
# Columns that are fields of a share; those after them come from its correction.
_OWN = COLUMNS[2:8]


def row_of_share(share: MineralShare) -> dict[str, Any]:
    """Return a row as plain values; lists stay lists, percents have four decimals."""
    values: dict[str, Any] = {"mineral": share.mineral, "members": list(share.members)}
    for column in _OWN:
        value = getattr(share, column)
        values[column] = round(value, 4) if isinstance(value, float) else value
    corrected = [None] * (len(COLUMNS) - 8) if share.corrected is None else share.corrected.values()
    for column, value in zip(COLUMNS[8:], corrected, strict=True):
        values[column] = None if value is None else round(value, 4)
    return values


def csv_of_shares(shares: Sequence[MineralShare]) -> str:
    """Return the table as CSV; members are joined by ``;``, unknown values are empty."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for share in shares:
        row = row_of_share(share)
        writer.writerow({**row, "members": ";".join(row["members"])})
    return stream.getvalue()
