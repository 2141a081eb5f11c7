"""Peaks of a map's regions that none of its minerals explains."""

from __future__ import annotations

import csv
import dataclasses
import io
from typing import Any

import numpy as np

from lithoscope.core.scan import Scan
from lithoscope.inference.predict import Predictor
from lithoscope.models.checkpoint import Checkpoint
from lithoscope.workflows.choose_instrument import InstrumentChoice
from lithoscope.workflows.explain_spectrum import unexplained_by
from lithoscope.workflows.mineral_map import MineralMap
from lithoscope.workflows.region_sums import sums_of_regions

TABLE = "unexplained.csv"
UNKNOWN_REGION = "unknown"
COLUMNS = ("region", "pixels", "energy_keV", "significance", "elements", "lines", "note")
# Rows of the scan that are read again, evenly spread: their sums hold counts enough.
_MOST_ROWS = 96
# Regions that are looked at, the largest first, and the least pixels of one.
_MOST_REGIONS, _FEWEST_PIXELS = 12, 9
# Neighbours of a region reach into its pixels: so many of the map's commonest explain it too.
_OTHERS = 4


def with_unexplained(
    result: MineralMap, scan: Scan, checkpoint: Checkpoint, choice: InstrumentChoice
) -> MineralMap:
    """Add to a map the table of its unexplained peaks; a map that was made is left as it is.

    Of each mineral, and of all unknown pixels together, the spectrum is summed and fitted by the
    mineral and the commonest others of the map. What stands out of the fit is listed with
    the elements that would explain it.

    Parameters
    ----------
    result
        The map.
    scan
        Its scan, of which some rows are read again.
    checkpoint
        The model.
    choice
        The instrument.
    """
    rows = unexplained_rows(result, scan, checkpoint, choice)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        joined = {name: ";".join(row[name]) for name in ("elements", "lines")}
        writer.writerow({**row, **joined})
    return dataclasses.replace(
        result,
        tables={**result.tables, TABLE: stream.getvalue()},
        unexplained=tuple(rows),
    )


def unexplained_rows(
    result: MineralMap, scan: Scan, checkpoint: Checkpoint, choice: InstrumentChoice
) -> list[dict[str, Any]]:
    """Return the rows of ``unexplained.csv``, regions by falling size."""
    classes = result.dataset["mineral"].values.astype(np.int64)
    unknown = result.dataset["unknown"].values & (classes >= 0)
    regions = np.where(unknown, len(checkpoint.labels), classes)
    sizes = np.bincount(regions[regions >= 0], minlength=len(checkpoint.labels) + 1)
    largest = [int(one) for one in np.argsort(-sizes, kind="stable")[:_MOST_REGIONS]]
    largest = [one for one in largest if sizes[one] >= _FEWEST_PIXELS]
    common = [one for one in largest if one < len(checkpoint.labels)][: _OTHERS + 1]
    if not common:
        return []
    sums, _ = sums_of_regions(scan, regions, largest, most_rows=_MOST_ROWS)
    binned = Predictor(checkpoint, scan.axis).binned(sums)
    rows = []
    for region, counts in zip(largest, binned, strict=True):
        own = [region] if region < len(checkpoint.labels) else []
        others = [one for one in common if one != region]
        peaks = unexplained_by(
            counts,
            [*own, *others][: _OTHERS + 1],
            checkpoint=checkpoint,
            choice=choice,
            axis=scan.axis,
        )
        name = checkpoint.labels.labels[region] if own else UNKNOWN_REGION
        rows += [{"region": name, "pixels": int(sizes[region]), **peak} for peak in peaks or ()]
    return rows
