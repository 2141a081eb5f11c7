"""How many ideal minerals a model names right through each filter of an M4 Tornado.

    python -m benchmarks.model_by_filter default -o docs/your-instrument.md

Eight machines are drawn as `realistic` draws them, but for the filter; each is measured with every
filter in turn. Ten minerals of ideal formula, thick, without traces, 60 draws of 2 000 counts from
each machine: 480 draws a cell, of eight machines, which is what its error hangs on. Takes five
minutes.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from benchmarks.physics.tables import table
from benchmarks.sections import write_section

from lithoscope.core.instrument import Instrument, Layer
from lithoscope.core.rebinner import Rebinner
from lithoscope.inference.predict import logits_from_counts
from lithoscope.io import load_instrument
from lithoscope.models.checkpoint import Checkpoint, find_checkpoint
from lithoscope.synthesis.conditions import CONDITIONS
from lithoscope.synthesis.distortions.base import MachineDistortion
from lithoscope.synthesis.distortions.tube_filter import FILTERS
from lithoscope.workflows.simulate import simulate

MINERALS = (
    "quartz",
    "topaz",
    "albite",
    "orthoclase",
    "muscovite",
    "almandine",
    "calcite",
    "diopside",
    "pyrite",
    "cassiterite",
)
INSTRUMENT, MACHINES, DRAWS, COUNTS, SEED = "m4-tornado", 8, 60, 2_000.0, 11
_SECTION = "python -m benchmarks.model_by_filter"

_INTRODUCTION = """\
Percent of ideal minerals named right by the model `default` through each filter of an M4 Tornado, at 2 000 counts: eight machines drawn as `realistic` draws them, each with every filter, 480 draws a cell. Own
simulation, not measured spectra. Written by `python -m benchmarks.model_by_filter default -o docs/your-instrument.md`.

"""  # noqa: E501


def drawn_machines() -> list[Instrument]:
    """Instruments as `realistic` draws them, without filters."""
    found = []
    for seed in range(MACHINES):
        rng = np.random.default_rng((SEED, seed))
        instrument = load_instrument(INSTRUMENT)
        for distortion in CONDITIONS["realistic"].distortions:
            if isinstance(distortion, MachineDistortion) and distortion.name != "filter":
                instrument = distortion.apply(instrument, distortion.sample(instrument, rng))
        found.append(instrument)
    return found


def percent_right(checkpoint: Checkpoint, machines: Sequence[Instrument], name: str) -> float:
    """Percent of draws of one ideal mineral that are named right."""
    right = []
    for number, machine in enumerate(machines):
        spectrum = simulate(name, instrument=machine)
        rebin = Rebinner(
            from_edges_keV=spectrum.axis.edges_keV, to_edges_keV=checkpoint.axis.edges_keV
        )
        expected = rebin(np.asarray(spectrum.counts, dtype=np.float64)[None])[0]
        rng = np.random.default_rng((SEED, MACHINES, number))
        drawn = rng.poisson(expected / expected.sum() * COUNTS, (DRAWS, expected.size))
        named = logits_from_counts(checkpoint, torch.from_numpy(drawn.astype(np.float32)))
        right.append((named.argmax(dim=1) == checkpoint.labels.index_of(name)).numpy().mean())
    return 100 * float(np.mean(right))


def page(checkpoint: Checkpoint) -> str:
    """Measure all and write it as Markdown."""
    machines, rows = drawn_machines(), []
    for filters in ((), *FILTERS):
        with_filter = [_through(machine, filters) for machine in machines]
        cells = [percent_right(checkpoint, with_filter, name) for name in MINERALS]
        rows.append([_named(filters), *(f"{cell:.0f}" for cell in (*cells, np.mean(cells)))])
        print("|", " | ".join(rows[-1]), "|", flush=True)
    return _INTRODUCTION + table(["filter", *MINERALS, "mean"], rows)


def _through(machine: Instrument, filters: tuple[Layer, ...]) -> Instrument:
    tube = dataclasses.replace(machine.tube, filters=filters)
    return dataclasses.replace(machine, tube=tube)


def _named(filters: tuple[Layer, ...]) -> str:
    return ", ".join(f"{foil.formula} {foil.thickness_um:g} µm" for foil in filters) or "none"


def main() -> None:
    """Measure, and put the table into a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="name of a shipped model, or a folder")
    parser.add_argument("-o", "--output", type=Path)
    chosen = parser.parse_args()
    text = page(find_checkpoint(chosen.model))
    if chosen.output is not None:
        write_section(chosen.output, _SECTION, text)


if __name__ == "__main__":
    main()
