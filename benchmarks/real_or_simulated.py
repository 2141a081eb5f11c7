"""Can simulated spectra be told from measured ones of the same element at equal counts?

    python -m benchmarks.real_or_simulated --data ../shared/data -o docs/sim-to-real.md

Measured spectra of eight pure materials (Bruker XS-52, Rh 50 kV; NIST, Unlicense) are thinned
binomially to some counts from 0.8 to 39.5 keV, and as many spectra of the same material are drawn
from a `SpectrumStream` at `realistic`. Takes some ten minutes on one core.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.physics.measured import Measured, read_measured
from benchmarks.sections import write_section
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lithoscope.core.labels import LabelSet
from lithoscope.minerals import load_library
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.conditions import CONDITIONS, Condition
from lithoscope.synthesis.generations import GenerationSize
from lithoscope.synthesis.stream import SpectrumStream

FloatArray = NDArray[np.float64]

MATERIALS = {
    "Si": "silicon",
    "S": "sulfur",
    "Ti": "titanium",
    "Cr": "chromium",
    "Ni": "nickel",
    "Zr": "zirconium",
    "Sn": "tin",
    "acrylic": "acrylic",
}
# What mixtures and thin grains hold besides.
OTHERS = ("quartz", "orthoclase", "calcite", "hematite")
LEVELS = (300, 3_000, 30_000)
# The measured ones are single pure plates; at `realistic` half of all spots touch other minerals.
PURE = {"mixture": 0.0, "grain_depth": 0.0, "contamination": 0.0}
DRAWS, MACHINES, SEED = 600, 24, 0
MODELS = (
    LogisticRegression(C=0.01, max_iter=200),
    MLPClassifier((32,), alpha=0.1, early_stopping=True, max_iter=60, random_state=SEED),
)
# Simulated spectra that are put in the measured one's place; the network has the first alone.
CONTROLS = 5
# Neighbouring bins are told as one energy.
_APART_KEV = 0.3
_TOLD = 3


@dataclass(frozen=True)
class Row:
    """How well one material's measured spectra are told from simulated ones at one level."""

    material: str
    counts: int
    linear: float
    network: float
    control_network: float
    nearest: float
    control_nearest: float
    mean: float
    energies: str


def simulated(severities: dict[str, float], machine: Measured) -> dict[int, tuple[FloatArray, ...]]:
    """Counts and expected counts by level, and the material of each, rows (spectrum, bin)."""
    library, names = load_library(), (*MATERIALS.values(), *OTHERS)
    condition = CONDITIONS["realistic"].with_severities(severities)
    number = len(names) * DRAWS
    stream = SpectrumStream(
        [library.get(name) for name in names],
        LabelSet.of_minerals(names),
        [machine.instrument],
        condition,
        ModelAxis().edges_keV,
        batch_size=number,
        seed=SEED,
        size=GenerationSize(MACHINES, -(-number // MACHINES)),
    )
    found = {}
    for level in LEVELS:
        stream.condition = Condition(condition.name, condition.severities, (level, level))
        batch = stream.batch(0)
        found[level] = tuple(
            tensor.double().numpy() for tensor in (batch.counts, batch.expected, batch.minerals)
        )
    return found


def rows_of(
    measured: Sequence[Measured], family: dict[int, tuple[FloatArray, ...]]
) -> Iterator[Row]:
    """Tell each material at each level."""
    rng = np.random.default_rng(SEED)
    for one in measured:
        place = list(MATERIALS).index(one.name)
        rebinner = ModelAxis().rebinner(one.spectrum.axis)
        counts = np.maximum(one.counts, 0).astype(np.int64)
        whole = rebinner(counts[None, :])[0].astype(np.float64)
        for level in LEVELS:
            drawn, expected, minerals = family[level]
            own = minerals == place
            share = min(1.0, level / whole.sum())
            thinned = rebinner(rng.binomial(counts, share, (int(own.sum()), counts.size)))
            yield row_of(
                (one.name, level), whole, thinned.astype(np.float64), drawn[own], expected[own], rng
            )


def row_of(
    named: tuple[str, int],
    whole: FloatArray,
    thinned: FloatArray,
    drawn: FloatArray,
    expected: FloatArray,
    rng: np.random.Generator,
) -> Row:
    """Tell one material at one level, and one simulated spectrum in its place."""
    level = named[1]
    linear, network = told_by_training(thinned, drawn, rng, MODELS)
    places = rng.choice(len(expected), CONTROLS, replace=False)
    instead = rng.poisson(level * expected[places[0]] / expected[places[0]].sum(), thinned.shape)
    left = np.delete(np.arange(len(drawn)), places[0])
    nearest = nearest_of(whole, expected)
    controls = [
        told_at_best(
            expected[place], nearest_of(expected[place], np.delete(expected, place, 0)), level, rng
        )
        for place in places
    ]
    return Row(
        *named,
        linear,
        network,
        told_by_training(instead.astype(np.float64), drawn[left], rng, MODELS[1:])[0],
        told_at_best(whole + 0.5, nearest, level, rng),
        float(np.mean(controls)),
        told_at_best(whole + 0.5, expected.mean(axis=0), level, rng),
        what_gives_away(whole, nearest, level),
    )


def told_by_training(
    real: FloatArray, drawn: FloatArray, rng: np.random.Generator, models: Sequence[Any]
) -> list[float]:
    """Cross-validated accuracy of each model."""
    features = 2 * np.sqrt(np.concatenate([real, drawn]) + 3 / 8)
    truth = np.repeat([1, 0], [len(real), len(drawn)])
    order = rng.permutation(truth.size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return [
            cross_val_score(
                make_pipeline(StandardScaler(), model), features[order], truth[order], cv=5
            ).mean()
            for model in models
        ]


def nearest_of(whole: FloatArray, expected: FloatArray) -> FloatArray:
    """The simulated spectrum under which the measured one is the most likely, as Poisson."""
    shapes = np.maximum(expected, 1e-12) / expected.sum(axis=1, keepdims=True)
    return shapes[(np.log(shapes) @ whole).argmax()]


def told_at_best(
    whole: FloatArray, shape: FloatArray, level: int, rng: np.random.Generator
) -> float:
    """Accuracy of whoever knows both spectra: the likelihood ratio of Poisson counts.

    No classifier is better at telling draws of one from draws of the other.
    """
    real, other = np.maximum(whole, 1e-12), np.maximum(shape, 1e-12)
    real, other = (level * array / array.sum() for array in (real, other))
    weights = np.log(real / other)
    told = [
        (rng.poisson(real, (4 * DRAWS, real.size)) @ weights > real.sum() - other.sum()).mean(),
        (rng.poisson(other, (4 * DRAWS, real.size)) @ weights <= real.sum() - other.sum()).mean(),
    ]
    return float(np.mean(told))


def what_gives_away(whole: FloatArray, shape: FloatArray, level: int) -> str:
    """Energies of the largest differences from the nearest simulation, in standard deviations."""
    edges = ModelAxis().edges_keV
    middles = (edges[1:] + edges[:-1]) / 2
    real, other = (level * array / array.sum() for array in (whole, shape))
    # Over a peak's width, two and a half bins.
    real, other = (np.convolve(array, np.ones(3), mode="same") for array in (real, other))
    deviation = (real - other) / np.sqrt(np.maximum((real + other) / 2, 1.0))
    parts: list[str] = []
    told: list[float] = []
    for place in np.abs(deviation).argsort()[::-1]:
        if all(abs(middles[place] - energy) > _APART_KEV for energy in told):
            told.append(float(middles[place]))
            parts.append(f"{middles[place]:.2f} ({deviation[place]:+.1f})")
        if len(told) == _TOLD:
            break
    return ", ".join(parts)


def table_of(rows: Sequence[Row]) -> Iterator[str]:
    """A Markdown table."""
    yield (
        "| material | counts | linear | network | (control) | nearest simulation | (control) | "
        "mean simulation | measured minus nearest: keV (standard deviations) |"
    )
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---|"
    for row in rows:
        shares = (
            *(row.linear, row.network, row.control_network),
            *(row.nearest, row.control_nearest, row.mean),
        )
        cells = " | ".join(f"{share:.0%}" for share in shares)
        yield f"| {row.material} | {row.counts:,} | {cells} | {row.energies} |"


_OPENING = """\
# Simulated or measured?

Written by `python -m benchmarks.real_or_simulated --data ../shared/data -o docs/sim-to-real.md`; do
not edit. Measured: one spectrum each of eight materials (Bruker XS-52, Rh 50 kV, lens, vacuum;
NIST), thinned binomially; simulated: `realistic` of the same material on the `m4-tornado` with this
machine's detector, {machines} machines drawn; {draws:,} spectra of each kind; 466 bins from 0.8 to
39.5 keV. Share told apart rightly, 50 % is perfect:

- **linear** and **network**: a logistic regression and a network of 32 hidden units, trained on the
  spectra, cross-validated fivefold. One measured spectrum is a point in a wide family: also a
  perfect simulation of many machines is told from thinnings of one machine, by the place of that
  point, as soon as counts show it.
- **nearest simulation**: draws of the one simulated spectrum that fits the measured one best,
  against draws of the measured one, told by someone who knows both (likelihood ratio, the best
  possible). The nearest of {draws} draws over two dozen parameters is not the family's best.
- **control**: the same with a simulated spectrum in the measured one's place, which the rest of the
  draws are compared with; for **nearest** the mean of five. This is what a perfect simulator would
  get; what the columns beside it exceed it by is what the simulation lacks.
- **mean simulation**: the same with the mean of all draws, the simulator's best guess before it has
  seen the machine.
"""


def main() -> None:
    """Measure both families and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    measured = [one for one in read_measured(arguments.data) if one.name in MATERIALS]
    lines = [_OPENING.format(machines=MACHINES, draws=DRAWS)]
    for title, severities in (
        ("`realistic` without mixtures, thin grains and contamination", PURE),
        ("`realistic`", {}),
    ):
        rows = list(rows_of(measured, simulated(severities, measured[0])))
        lines += [f"\n## {title}\n", *table_of(rows)]
        print("\n".join(lines), flush=True)
    write_section(arguments.output, "real-or-simulated", "\n".join(lines))


if __name__ == "__main__":
    main()
