"""How often minerals simulated by another code are put into the right group.

    python -m benchmarks.xmimsim_minerals --data ../shared/data [--model DIR] [-o PAGE]

XMI-MSIM's Monte Carlo spectra of six minerals are drawn with Poisson noise at some counts above
0.8 keV and named by the shipped model, whose instruments have lenses that theirs has not, and by
the models of ``--model``, such as one trained for that instrument::

    lithoscope train --recipe benchmarks/data/xmimsim-recipe.yaml -o runs/xmimsim

The same is done with our own expected spectra of that instrument, of the ideal formula too and of
natural compositions, so that what the code changes is told from what the model cannot do. Prints
Markdown, and puts it into a page with ``-o``. Takes some minutes.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.physics.tables import table
from benchmarks.sections import write_section
from numpy.typing import NDArray
from scipy.stats import norm

import lithoscope.workflows.study
from lithoscope.evaluation.two_spectra import error_between
from lithoscope.inference.predict import Predictor
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import Checkpoint, find_checkpoint
from lithoscope.workflows.simulate import simulate

INSTRUMENT = Path(lithoscope.workflows.study.__path__[0]) / "instruments" / "xmimsim.yaml"
LEVELS = (1_000, 3_000)
DRAWS = 2_000
GOAL = 0.97
_FROM_KEV = 0.8
_CODES = ("XMI-MSIM", "our own", "our own, natural")
# Natural compositions, each drawn equally often.
COMPOSITIONS = 50


# By mineral and code.
Spectra = dict[tuple[str, str], NDArray[np.float64]]
# Error of the best classifier by rival, by mineral and counts.
Rivals = dict[tuple[str, int], dict[str, float]]
_SHARES = ("right", "by_rule")


# Right by the rule is also what the best classifier between the two known spectra misnames in more.
_LIKE = 0.05


@dataclass(frozen=True)
class Share:
    """How often one mineral, as one code has it, was named right, and what it was called else."""

    mineral: str
    code: str
    level: int
    right: float
    by_rule: float
    wrong: str


def expected_spectra(folder: Path) -> Spectra:
    """Expected counts by mineral and code, from 0.8 keV, shape (composition, channel)."""
    energies = load_instrument(INSTRUMENT).axis.energies_keV
    with np.load(folder / "minerals.npz", allow_pickle=False) as file:
        if not np.allclose(file["energies_keV"], energies):
            raise ValueError(f"{folder} has other channels than {INSTRUMENT}.")
        theirs = dict(zip(file["names"].tolist(), file["spectra"].astype(float), strict=True))
    spectra = {}
    for mineral, counts in theirs.items():
        ours = simulate(mineral, instrument=INSTRUMENT).counts
        natural = [
            simulate(mineral, instrument=INSTRUMENT, sampled=True, seed=seed).counts
            for seed in range(COMPOSITIONS)
        ]
        for code, found in zip(_CODES, ([counts], [ours], natural), strict=True):
            kept = np.where(energies > _FROM_KEV, np.maximum(found, 0), 0.0)
            spectra[mineral, code] = kept / kept.sum(axis=1, keepdims=True)
    return spectra


def _near(one: NDArray[np.float64], other: NDArray[np.float64], counts: float) -> bool:
    """Whether the normal limit of the error is near what counts as alike: draws take seconds."""
    mean = np.maximum((one + other) / 2, 1e-12)
    distance = np.sqrt(counts * ((one - other) ** 2 / mean).sum())
    return bool(norm.sf(distance / 2) > _LIKE / 3)


def rivals_of(spectra: Spectra) -> Rivals:
    """Minerals whose ideal formula is hard to tell from each of the six, by counts."""
    energies = load_instrument(INSTRUMENT).axis.energies_keV
    ideal = {}
    for name in load_library().names:
        found = np.where(energies > _FROM_KEV, simulate(name, instrument=INSTRUMENT).counts, 0.0)
        ideal[name] = np.maximum(found, 0) / np.maximum(found, 0).sum()
    rivals: Rivals = {}
    for mineral in dict.fromkeys(mineral for mineral, _ in spectra):
        for level in LEVELS:
            errors = {
                other: error_between(ideal[mineral], shares, level)
                for other, shares in ideal.items()
                if other != mineral and _near(ideal[mineral], shares, level)
            }
            like = {other: error for other, error in errors.items() if error > _LIKE}
            rivals[mineral, level] = dict(sorted(like.items(), key=lambda item: -item[1]))
    return rivals


def shares_of(checkpoint: Checkpoint, spectra: Spectra, rivals: Rivals) -> Iterator[Share]:
    predictor = Predictor(checkpoint, load_instrument(INSTRUMENT).axis)
    labels = checkpoint.labels
    for (mineral, code), expected in spectra.items():
        truth = labels.index_of(mineral)
        rng = np.random.default_rng(0)
        for level in LEVELS:
            drawn = rng.poisson(level * expected[np.arange(DRAWS) % len(expected)])
            said = Counter(predictor(drawn).classes.tolist())
            wrong = [
                f"{labels.labels[index] if index >= 0 else 'void'} {100 * number / DRAWS:.1f}"
                for index, number in said.most_common(4)
                if index != truth
            ]
            like = {labels.index_of(name) for name in rivals[mineral, level]} | {truth}
            by_rule = sum(said[index] for index in like) / DRAWS
            names = ", ".join(wrong[:3]) or "–"
            yield Share(mineral, code, level, said[truth] / DRAWS, by_rule, names)


def model_table(shares: Sequence[Share]) -> str:
    """A row for each mineral, and the mean of all."""
    by_key = {(one.mineral, one.code, one.level): one for one in shares}
    columns = [(code, level) for code in _CODES for level in LEVELS]
    minerals = list(dict.fromkeys(one.mineral for one in shares))
    rows = []
    for mineral in minerals:
        cells = [_marked(by_key[mineral, *column]) for column in columns]
        rows.append([mineral, *cells, by_key[mineral, _CODES[0], LEVELS[0]].wrong])
    means = []
    for column in columns:
        own = [by_key[mineral, *column] for mineral in minerals]
        right, by_rule = (float(np.mean([getattr(one, name) for one in own])) for name in _SHARES)
        means.append(_marked(Share("all", *column, right, by_rule, "")))
    rows.append(["all", *means, ""])
    heads = [f"{code}, {level:,} counts" for code, level in columns]
    return table(
        ["mineral", *heads, f"{_CODES[0]}, {LEVELS[0]:,} counts, called instead (%)"], rows
    )


def _marked(share: Share) -> str:
    by_rule = f"{100 * share.by_rule:.1f}"
    return f"{100 * share.right:.1f} / " + (by_rule if share.by_rule >= GOAL else f"**{by_rule}**")


def rivals_table(rivals: Rivals) -> str:
    """What the best classifier between two known spectra cannot tell."""
    minerals = list(dict.fromkeys(mineral for mineral, _ in rivals))
    return table(
        ["mineral", *(f"{level:,} counts" for level in LEVELS)],
        [
            [
                mineral,
                *(
                    ", ".join(f"{n} {100 * e:.1f}" for n, e in rivals[mineral, level].items())
                    or "–"
                    for level in LEVELS
                ),
            ]
            for mineral in minerals
        ],
    )


def page(checkpoints: Sequence[Checkpoint], spectra: Spectra, rivals: Rivals) -> Iterator[str]:
    yield (
        "# Minerals by another code\n\nWritten by `python -m benchmarks.xmimsim_minerals --data "
        "../shared/data --model runs/xmimsim -o docs/sim-to-real.md`; do not edit. Not measured: "
        "spectra that XMI-MSIM 8.1 simulated, a Monte Carlo code independent of ours, of six "
        "ideal, thick, single minerals on a machine without a lens (Rh 50 kV, "
        "`xmimsim` of `lithoscope study`), without diffraction, pile-up, or anything foreign; "
        "beside them our own simulation of the same, and of "
        f"{COMPOSITIONS} natural compositions, traces included, as all training has. Poisson "
        f"noise, {DRAWS:,} draws a level, counts above {_FROM_KEV} keV. Share put into the right "
        "group, in percent: strictly / by the rule of the table below. Bold where the latter is "
        f"below {100 * GOAL:.0f}.\n"
    )
    yield (
        "**The rule.** Between the ideal formula and these entries of the library, both spectra "
        "known exactly and nothing else possible, the best classifier there is (the likelihood "
        f"ratio) errs in more than {100 * _LIKE:.0f} % of the draws (error in %, standard error "
        "below 0.3), so that naming one of them counts as right at that level:\n"
    )
    yield rivals_table(rivals)
    for checkpoint in checkpoints:
        trained = checkpoint.card.get("recipe", {}).get("spectra")
        about = f"{trained:,} spectra" if trained else "a number of spectra that its card lacks"
        yield (
            f"**`{checkpoint.name}`**, trained for {', '.join(checkpoint.instruments)} on {about} "
            f"under `{checkpoint.condition.name}`; {len(checkpoint.labels)} classes:\n"
        )
        yield model_table(list(shares_of(checkpoint, spectra, rivals)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", action="append", default=[], help="besides the shipped one")
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    checkpoints = [find_checkpoint(model) for model in ("default", *arguments.model)]
    spectra = expected_spectra(arguments.data / "xmimsim")
    text = "\n".join(page(checkpoints, spectra, rivals_of(spectra)))
    print(text)
    if arguments.output is not None:
        write_section(arguments.output, "xmimsim-minerals", text)


if __name__ == "__main__":
    main()
