"""Whether each shipped model is the better one for the instrument that chooses it.

    python -m benchmarks.model_by_instrument -o docs/your-instrument.md

Natural compositions of all minerals of the library, under `poisson` and `realistic`, on each of
two instruments; both models see the same grains. Their classes differ: light elements part minerals
that beryllium windows leave in one group. So right is what names a group that holds the true
mineral, and beside it stands how many minerals a named group holds in the mean. Takes five minutes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from benchmarks.physics.tables import table
from benchmarks.sections import write_section

from lithoscope.core.labels import LabelSet
from lithoscope.inference.predict import logits_from_counts
from lithoscope.models.checkpoint import Checkpoint, find_checkpoint
from lithoscope.synthesis.conditions import CONDITIONS
from lithoscope.workflows.model_spectra import ModelSpectra, spectra_of_model

INSTRUMENTS = ("m4-tornado", "m4-tornado-plus")
MODELS = ("default", "m4-tornado-plus")
CONDITION_NAMES = ("poisson", "realistic")
LEVELS = (300.0, 1_000.0, 3_000.0, 10_000.0)
SPECTRA, SEED = 6_144, 5_000_011

_INTRODUCTION = """\
Percent named a group that holds the true mineral (6 144 simulated spectra of natural compositions a level, the same grains for both models; a standard error of 0.3 to 0.6 points; how many minerals a named group
holds in the mean in parentheses). Own simulation, not measured spectra. Each model is the better one on the instrument that chooses it. Written by `python -m benchmarks.model_by_instrument -o docs/your-instrument.md`.

"""  # noqa: E501


def measured(
    checkpoint: Checkpoint, instrument: str, condition: str
) -> dict[float, tuple[float, float]]:
    """Percent of a group with the true mineral, and mean members of named groups, by counts."""
    own = spectra_of_model(checkpoint)
    names = sorted(checkpoint.labels.members)
    one_each = LabelSet.of_minerals(names)
    by_name = {mineral.name: mineral for mineral in own.minerals}
    recipe = own.recipe.model_copy(update={"instruments": [instrument], "seed": 0})
    spectra = ModelSpectra(recipe, [by_name[name] for name in names], one_each, own.axis)
    stream = spectra.for_tests(CONDITIONS[condition], seed=SEED)
    sizes = np.array([len(group.members) for group in checkpoint.labels])
    class_of = np.array([checkpoint.labels.index_of(name) for name in one_each.labels])
    found: dict[float, list[tuple[float, float]]] = {level: [] for level in LEVELS}
    for number in range(-(-SPECTRA // stream.batch_size)):
        for level in LEVELS:
            batch = stream.at(level).batch(number)
            named = logits_from_counts(checkpoint, batch.counts).argmax(dim=1).numpy()
            right = named == class_of[batch.classes.numpy()]
            found[level].append((float(right.mean()), float(sizes[named].mean())))
    return {
        level: (100 * float(np.mean(rights)), float(np.mean(members)))
        for level, (rights, members) in (
            (level, tuple(zip(*rows, strict=True))) for level, rows in found.items()
        )
    }


def page() -> str:
    """Measure all and write it as Markdown."""
    rows = []
    for instrument in INSTRUMENTS:
        for condition in CONDITION_NAMES:
            for name in MODELS:
                cells = measured(find_checkpoint(name), instrument, condition)
                rows.append(
                    [instrument, condition, name]
                    + [f"{share:.1f} ({size:.2f})" for share, size in cells.values()]
                )
                print("|", " | ".join(rows[-1]), "|", flush=True)
    head = ["instrument", "condition", "model", *(f"{level:,.0f}" for level in LEVELS)]
    return _INTRODUCTION + table(head, rows)


def main() -> None:
    """Measure, and put the table into a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path)
    output = parser.parse_args().output
    text = page()
    if output is not None:
        write_section(output, "python -m benchmarks.model_by_instrument", text)


if __name__ == "__main__":
    main()
