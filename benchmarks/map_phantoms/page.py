"""The page ``docs/maps.md``."""

# Lines of the page are as long as they are there.
# ruff: noqa: E501

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from benchmarks.map_phantoms import accuracy, coverage, detection, pool, scans

from lithoscope.core.labels import LabelSet
from lithoscope.segmentation.share_errors import ShareErrors

Rows = Sequence[dict[str, Any]]
_WIDTH = 160


def page(
    scores: dict[str, Rows],
    percents: Rows,
    covered: Rows,
    detected: Rows,
    errors: ShareErrors,
    labels: LabelSet,
    model: str,
) -> str:
    """Write the page."""
    parts = [
        _head(model),
        _accuracy(scores),
        _by_rock(scores),
        _percents(percents, labels),
        _coverage(covered, errors),
        _detection(scores, detected),
        _FAILED,
    ]
    return _wrapped("\n\n".join(part.strip() for part in parts)) + "\n"


def _wrapped(text: str) -> str:
    """Break long lines of prose; tables, pictures and headings stay."""
    lines = []
    for line in text.split("\n"):
        prose = len(line) > _WIDTH and line[0] not in "|#!"
        indent = "  " if line.startswith(("- ", "  ")) else ""
        lines += textwrap.wrap(line, _WIDTH, subsequent_indent=indent) if prose else [line]
    return "\n".join(lines)


def _head(model: str) -> str:
    return f"""# Maps: priors, smoothing and quantities

Written by `python -m benchmarks.map_phantoms -o docs`; do not edit. How it works: `docs/decisions/0024-smoothing-and-quantities.md`. Everything here is
measured on our own simulation, with the shipped model (`{model}`), which was trained on the same physics; none of it on rocks.

Two kinds of phantoms. **Phantoms** are those of `lithoscope phantom`: {len(scans.ROCKS)} rocks, {scans.SHAPE[0]} x {scans.SHAPE[1]} pixels of 20 µm, spot 20 µm,
{scans.COUNTS:,.0f} counts, Bragg peaks, drift, natural compositions; each on a machine of its own, drawn as condition `realistic` draws machines (voltage, filter, optic,
resolution, tail). What `realistic` adds to single spectra (tilt, thickness, contamination, stray lines, pile-up) they lack. **Minimal phantoms** are maps of
64 x 64 pixels whose grains (250, cells of random points) get spectra of full `realistic`, from a pool of {pool.MACHINES} machines with some
{pool.COMPOSITIONS} compositions of each class, each measured {pool.REPEATS} times; a scan is of one machine, a grain of one composition.

![Raw, with priors, and smoothed](images/maps-phantom.png)

*A phantom: truth, best class of each pixel, the same under the scan's priors, and smoothed (Potts). Minerals beyond the key are grey; unknown pixels magenta.*"""


def _mean(rows: Rows, key: str) -> float:
    return float(np.mean([row[key] for row in rows]))


def _total(rows: Rows, key: str) -> int:
    return int(sum(row[key] for row in rows))


def _accuracy(scores: dict[str, Rows]) -> str:
    lines = [
        "## Pixels, minerals and grains",
        "",
        f"Means over the {len(scans.ROCKS)} phantoms, in percent. A pixel is at a boundary where no mineral has {accuracy.PURE:.0%} of it; its truth is the "
        "mineral with the largest share. Accessory grains are those of two pixels or more, of minerals below "
        f"{accuracy.ACCESSORY:.0%}; lost: no pixel right.",
        "",
        "| map | all pixels | away from boundaries | at boundaries | mean IoU | accessory grains lost | less than half right |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, rows in scores.items():
        cells = [f"{100 * _mean(rows, key):.1f}" for key in ("all", "pure", "boundary", "iou")]
        grains = _total(rows, "grains")
        ends = [f"{_total(rows, key)} of {grains}" for key in ("lost", "halved")]
        lines.append(f"| {name} | {' | '.join([*cells, *ends])} |")
    lines += [
        "",
        "`raw` is the layer `mineral`, `priors` the layer `mineral_with_priors`, `potts` what `map` takes for `mineral_smoothed` by default, `unet` what it takes with `--smooth unet`.",
        "",
        _gain(scores),
    ]
    return "\n".join(lines)


def _gain(scores: dict[str, Rows]) -> str:
    """Say what the network gains over Potts."""
    gains = {
        key: 100 * (_mean(scores["unet"], key) - _mean(scores["potts"], key))
        for key in ("all", "pure", "boundary", "iou")
    }
    grains = _total(scores["unet"], "grains")
    lost = _total(scores["unet"], "lost") - _total(scores["potts"], "lost")
    return (
        f"The U-Net over Potts: {gains['all']:+.1f} points on all pixels, {gains['pure']:+.1f} away from boundaries, {gains['boundary']:+.1f} at boundaries, {gains['iou']:+.1f} of mean IoU, "
        f"and {lost:+d} of {grains} accessory grains lost. It was trained on phantoms of other rocks and machines (`docs/decisions/0030-spatial-network.md`, `python -m benchmarks.map_smoother`)."
    )


def _by_rock(scores: dict[str, Rows]) -> str:
    names = list(scores)
    lines = [
        "All pixels, by rock, in percent:",
        "",
        f"| rock | {' | '.join(names)} |",
        "|---" * (len(names) + 1) + "|",
    ]
    for place, rock in enumerate(scans.ROCKS):
        cells = [f"{100 * scores[name][place]['all']:.1f}" for name in names]
        lines.append(f"| {rock} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _percents(percents: Rows, labels: LabelSet) -> str:
    names = [*accuracy.METHODS, "corrected"]
    shown = [row for row in percents if row["truth"] >= 1]
    lines = [
        "## Percent of each mineral",
        "",
        "Root mean square error of area percent, in points, over all minerals of all phantoms, by how much of it there is:",
        "",
        f"| true area percent | minerals | {' | '.join(names)} |",
        "|---" * (len(names) + 2) + "|",
    ]
    for low, high in ((0, 1), (1, 10), (10, 100.1)):
        own = [row for row in percents if low <= row["truth"] < high]
        cells = [
            f"{np.sqrt(np.mean([(row[name] - row['truth']) ** 2 for row in own])):.2f}"
            for name in names
        ]
        lines.append(f"| {low} to {high:.0f} | {len(own)} | {' | '.join(cells)} |")
    lines += [
        "",
        "Each mineral of 1 % or more (`corrected` is `area_percent_corrected`, without its intervals):",
        "",
        f"| rock | mineral | truth | {' | '.join(names)} |",
        "|---" * (len(names) + 3) + "|",
    ]
    for row in sorted(shown, key=lambda row: (scans.ROCKS.index(row["rock"]), -row["truth"])):
        cells = [f"{row[name]:.1f}" for name in ("truth", *names)]
        label = labels.labels[row["class"]]
        lines.append(f"| {row['rock']} | {label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _coverage(covered: Rows, errors: ShareErrors) -> str:
    lines = [
        "## The two intervals of 95 %",
        "",
        f"{coverage.PHANTOMS:,} minimal phantoms of all rocks of the library, on machines and compositions that had no part in fitting the intervals "
        f"(by {errors.scans:,} others). *Of this scan* is to hold the share of the scanned pixels, *of the rock* the proportions of the recipe. A mineral that was not "
        "found at all has no row in `minerals.csv` and counts as missed under `all`. `bootstrap of counts` is `area_percent_low` to `area_percent_high`, which knows nothing of "
        "misnaming, against the recipe. Asked: 93 to 97 %.",
        "",
        "| abundance | minerals | of this scan: found | all | not found | its median width / share | of the rock: found | all | bootstrap of counts |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in covered:
        name = f"{100 * row['low']:.0f} to {min(100 * row['high'], 100):.0f} %"
        keys = ("scan_of_found", "scan", "not_found")
        cells = [f"{100 * row[key]:.1f}" for key in keys]
        cells.append(f"{row['width']:.2f}")
        cells += [f"{100 * row[key]:.1f}" for key in ("rock_of_found", "rock", "counted")]
        lines.append(f"| {name} | {row['minerals']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _detection(scores: dict[str, Rows], detected: Rows) -> str:
    lines = [
        "## Minerals that are not there, and rare ones that are",
        "",
        "Pixels named after a mineral that the phantom does not hold, per 100 000, and how many such minerals a map shows:",
        "",
        "| map | all pixels | away from boundaries | absent minerals shown |",
        "|---|---|---|---|",
    ]
    for name, rows in scores.items():
        every = 1e5 * _total(rows, "absent_pixels") / _total(rows, "pixels")
        pure = 1e5 * _total(rows, "absent_pure_pixels") / _total(rows, "pure_pixels")
        lines.append(
            f"| {name} | {every:,.0f} | {pure:,.0f} | {_mean(rows, 'absent_minerals'):.1f} |"
        )
    lines += [
        "",
        "Detection limit: how many single pixels (spectra of full `realistic`, apart from each other, put into phantoms without the mineral) are needed so that in "
        "95 % of the phantoms more bear its name than in any phantom without it. Tried: "
        f"{', '.join(map(str, detection.NUMBERS))}. In brackets: false pixels per 100 000, and percent of twenty inserted pixels named right.",
        "",
        f"| mineral | {' | '.join(detection.METHODS)} |",
        "|---" * (len(detection.METHODS) + 1) + "|",
    ]
    pixels = _mean(scores["raw"], "pixels")
    for row in detected:
        cells = []
        for name in detection.METHODS:
            own = row[name]
            limit = own["limit"] or f"> {detection.NUMBERS[-1]}"
            cells.append(f"{limit} ({1e5 * own['false'] / pixels:.1f}; {100 * own['right']:.0f} %)")
        lines.append(f"| {row['mineral']} | {' | '.join(cells)} |")
    return "\n".join(lines)


_FAILED = """## What failed, and what is not known

- **Posteriors alone say far too little of their own error.** Intervals from draws of the classes under the posteriors (with offsets of log-likelihoods of Student's t, one a class
  and scan, up to 1.5 nats) held the truth in 37 to 78 % of the minerals, where 95 % were asked; adjusted counting with the confusions of 20 calibration machines in 43 to 88 %. On one machine a
  mineral may be misnamed as a whole, and a quarter of the minerals above 10 % lose a sixth or more of their area, some all of it. So intervals are quantiles of errors that were seen.
- They are exchangeable with these minimal phantoms at best: 2 000 counts, machines and compositions as we simulate them. Fewer counts, coarser grains or a rock with few compositions widen
  the errors, and real instruments may err otherwise. They were measured with the shipped model; a model trained anew keeps them until the benchmark has run again.
- The intervals are of minerals that are there. Of minerals found at 1 to 10 % in minimal phantoms four in ten are not there at all (confusions of a whole mineral on a machine), below 1 % eight in ten, above 10 % one in ten:
  doubtful pixels (confidence under the priors) tell most of them. A mineral that was not found has no interval.
- Priors spoil where likelihoods are wrong: a mineral that the model misnames as a whole is then misnamed with more confidence.
- Tempering the likelihoods, or a prior for few minerals (Dirichlet of 1 pixel removed up to 40), lowered what goes to absent minerals from 13 to 7 % of minimal phantoms, and cost the minerals below 1 % up to
  nine tenths of their area. Neither is in.
- Potts with even priors instead of the scan's is 1.5 to 3.5 points worse. Strengths from 0.3 to 2.0 were tried on four other rocks: 1.5 to 2 is better than 1.0 by 0.1 to 0.6 points; 1.0 was
  taken to be cautious with single pixels.
- **The U-Net is no default.** What it gains it gains where most pixels are; mean IoU, in which a mineral of ten pixels weighs as much as quartz, falls. It has seen phantoms alone, and what grains look like there it takes for granted.
- Single pixels of rare minerals pay for smoothing: see the last table, `potts` against `priors`. The layer `mineral_with_priors` keeps them.
- Boundary pixels are mixtures, which neither priors nor smoothing turn into what they are; a third mineral between two others is a mixture as a rule."""
