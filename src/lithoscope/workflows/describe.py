"""Facts about library entries and files, as plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Instrument
from lithoscope.core.mineral import Mineral
from lithoscope.io import open_scan
from lithoscope.minerals import load_library
from lithoscope.physics.lines import main_lines

_LOWEST_LINE_KEV, _HIGHEST_LINE_KEV = 0.9, 35.0
_ZERO_PEAK_END_KEV = 0.8


def describe_library() -> list[dict[str, Any]]:
    """Return the rows of ``lithoscope minerals list``, with each entry's group in the model."""
    # Imported here: `minerals show` and `info` need no torch, which takes seconds to load.
    from lithoscope.models.checkpoint import DEFAULT_MODEL, find_checkpoint

    groups = {
        name: group for group in find_checkpoint(DEFAULT_MODEL).labels for name in group.members
    }
    rows = []
    for mineral in load_library():
        group = groups.get(mineral.name)
        rows.append(
            {
                "name": mineral.name,
                "aliases": list(mineral.aliases),
                "symbol": mineral.symbol,
                "kind": mineral.kind,
                "class": mineral.mineral_class,
                "formula": mineral.formula,
                "density_g_cm3": mineral.density_g_cm3,
                "group": group.label if group else mineral.name,
                "members": list(group.members) if group else [mineral.name],
            }
        )
    return rows


def describe_mineral(name: str) -> dict[str, Any]:
    """Return what ``lithoscope minerals show`` tells of one entry."""
    mineral = load_library().get(name)
    return {
        "name": mineral.name,
        "aliases": list(mineral.aliases),
        "symbol": mineral.symbol,
        "kind": mineral.kind,
        "class": mineral.mineral_class,
        "formula": mineral.formula,
        "density_g_cm3": mineral.density_g_cm3,
        "end_members": {key: list(value) for key, value in mineral.end_members.items()},
        "traces": {key: list(value) for key, value in mineral.traces.items()},
        "weight_percent": [
            f"{symbol} {100 * fraction:.2f}" for symbol, fraction in mineral.composition
        ],
        "lines": _lines(mineral),
    }


def _lines(mineral: Mineral) -> list[dict[str, Any]]:
    return [
        {"line": line.label, "energy_keV": round(line.energy_keV, 4)}
        for symbol in mineral.composition.elements
        for line in main_lines(symbol, low_keV=_LOWEST_LINE_KEV, high_keV=_HIGHEST_LINE_KEV)[:2]
    ]


def describe_scan(path: Path, energy_axis: EnergyAxis | None = None) -> dict[str, Any]:
    """Return what ``lithoscope info`` tells of a scan."""
    scan = open_scan(path, energy_axis=energy_axis)
    axis = scan.axis
    lowest = axis.channel(_ZERO_PEAK_END_KEV)
    totals = np.concatenate(
        [counts[:, :, lowest:].sum(axis=2, dtype=np.int64).ravel() for _, counts in scan.blocks()]
    )
    quantiles = np.percentile(totals, [0, 5, 50, 95, 100])
    return {
        "title": scan.title,
        "rows": scan.shape[0],
        "columns": scan.shape[1],
        "pixel_size_mm": list(scan.pixel_size_mm) if scan.pixel_size_mm else None,
        "channels": axis.n_channels,
        "offset_keV": axis.offset_keV,
        "gain_keV": axis.gain_keV,
        "electron_beam": scan.electron_beam,
        "instrument": _describe_instrument(scan.instrument),
        "counts_per_pixel": dict(
            zip(("min", "p5", "median", "p95", "max"), quantiles.tolist(), strict=True)
        ),
    }


def _describe_instrument(instrument: Instrument | None) -> str | None:
    if instrument is None:
        return None
    tube = instrument.tube
    return f"{instrument.name}: {tube.anode}, {tube.voltage_kV:g} kV"
