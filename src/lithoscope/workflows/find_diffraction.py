"""Diffraction in a file whose detectors are kept apart: found, taken out, written down."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.scan import Scan
from lithoscope.errors import ScanError
from lithoscope.inference.bragg_mask import FALSE_DISCOVERY_RATE
from lithoscope.inference.bragg_scan import Diffraction, find_in_scan, scan_without
from lithoscope.io import open_scan
from lithoscope.workflows.mineral_map import MineralMap

TABLE = "diffraction.csv"
LAYER = "diffraction_counts"
COLUMNS = ("energy_keV", "detector", "pixels", "significance", "row", "column")


def find_diffraction(
    path: str | Path,
    *,
    energy_axis: EnergyAxis | None = None,
    salvage: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Scan, Diffraction]:
    """Find diffraction in a file, and open its scan without it.

    Parameters
    ----------
    path
        A ``.bcf`` that keeps two detectors apart.
    energy_axis, salvage
        As for `open_scan`.
    progress
        Called with rows done and rows in all.

    Returns
    -------
    scan : Scan
        The detectors' sum without the diffraction that was found.
    diffraction : Diffraction

    Raises
    ------
    ScanError
        If the file does not hold two detectors, or cannot be read.
    """
    scans = open_scan(path, energy_axis=energy_axis, detectors="separate", salvage=salvage)
    if len(scans) != 2:
        raise ScanError(
            f"{path} holds the counts of {len(scans)} detector{'s' if len(scans) > 1 else ''}.",
            expected="two detectors that are kept apart, to tell Bragg peaks from elements",
            remedy="map it without --bragg-test",
        )
    first, second = scans
    found = find_in_scan(first, second, progress=progress)
    whole = open_scan(path, energy_axis=energy_axis, salvage=salvage)
    return scan_without(found, whole, first, second), found


def csv_of_diffraction(diffraction: Diffraction) -> str:
    """Return the peaks as CSV, the most significant first; rows and columns count from 0."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for peak in diffraction.peaks:
        writer.writerow(
            [
                f"{peak.energy_keV:.3f}",
                peak.detector,
                peak.pixels,
                f"{peak.significance:.2f}",
                peak.row,
                peak.column,
            ]
        )
    return stream.getvalue()


def with_diffraction(result: MineralMap, diffraction: Diffraction) -> MineralMap:
    """Add to a map what was taken out of its scan: table, layer, warning, and a record."""
    layer = (
        ("y", "x"),
        diffraction.removed,
        {"long_name": "counts of diffraction that were taken out", "units": "1"},
    )
    return dataclasses.replace(
        result,
        dataset=result.dataset.assign({LAYER: layer}),
        run={**result.run, "diffraction": facts_of_diffraction(diffraction)},
        warnings=(*result.warnings, line_of_diffraction(diffraction)),
        tables={**result.tables, TABLE: csv_of_diffraction(diffraction)},
    )


def facts_of_diffraction(diffraction: Diffraction) -> dict[str, Any]:
    """Return what was found, in numbers, as ``run.json`` holds it."""
    return {
        "peaks": len(diffraction.peaks),
        "pixels": diffraction.pixels,
        "counts": round(float(diffraction.removed.sum()), 1),
        "tests": diffraction.tests,
        "false_discovery_rate": FALSE_DISCOVERY_RATE,
        "shift_at_4_keV_eV": round(1000 * float(diffraction.ratio.response[0]), 2),
        "largest_spread": round(float(np.max(diffraction.ratio.spread)), 3),
    }


def line_of_diffraction(diffraction: Diffraction) -> str:
    """Say in one line what was found."""
    pixels, all_pixels = diffraction.pixels, diffraction.removed.size
    if not pixels:
        return "no diffraction was found: no peak stands in one detector alone"
    return (
        f"diffraction: peaks that stand in one detector alone were taken out of {pixels} of "
        f"{all_pixels} pixels ({pixels / all_pixels:.1%}), some of which only lie beside it"
    )
