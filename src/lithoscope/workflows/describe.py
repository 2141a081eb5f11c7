"""Facts about library entries, as plain values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lithoscope.core.mineral import Mineral
from lithoscope.core.spectrum import Spectrum
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.physics.lines import main_lines
from lithoscope.workflows.confused_with import confused_with
from lithoscope.workflows.simulate import simulate

_LOWEST_LINE_KEV, _HIGHEST_LINE_KEV = 0.9, 35.0
# What `minerals show` supposes: a common machine, and the counts of a pixel.
_INSTRUMENT, _COUNTS = "m4-tornado", 3000
# The spectrum in outline: bars up to beyond the scattered K lines of an Rh tube.
_OUTLINE_BARS, _OUTLINE_ENDS_KEV = 80, 24.0


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


def describe_mineral(
    name: str, progress: Callable[[int, int], None] = lambda done, total: None
) -> dict[str, Any]:
    """Return what ``lithoscope minerals show`` tells of one entry; `progress` gets steps done."""
    library = load_library()
    mineral = library.get(name)
    machine = load_instrument(_INSTRUMENT)
    spectrum = simulate(mineral.name, instrument=machine)
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
        "spectrum": _outline(spectrum),
        "instrument": _INSTRUMENT,
        "counts": _COUNTS,
        "confused_with": confused_with(
            mineral, list(library), machine, counts=_COUNTS, progress=progress
        ),
    }


def _lines(mineral: Mineral) -> list[dict[str, Any]]:
    return [
        {"line": line.label, "energy_keV": round(line.energy_keV, 4)}
        for symbol in mineral.composition.elements
        for line in main_lines(symbol, low_keV=_LOWEST_LINE_KEV, high_keV=_HIGHEST_LINE_KEV)[:2]
    ]


def _outline(spectrum: Spectrum) -> dict[str, Any]:
    """The expected spectrum in a few broad bars."""
    edges = np.linspace(0.0, _OUTLINE_ENDS_KEV, _OUTLINE_BARS + 1)
    bars, _ = np.histogram(spectrum.axis.energies_keV, edges, weights=spectrum.counts)
    return {
        "edges_keV": [round(float(edge), 4) for edge in edges],
        "counts_per_s": [float(f"{bar:.4g}") for bar in bars],
    }
